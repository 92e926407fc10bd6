"""From an attribute's type and a column's to the entry of the map that fits, where a host names the column alone."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from django.db import models
from django.db.models import F, FloatField, Q, Value
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual

from ..protocol.filter_grammar import instant
from ..protocol.filters import Compare
from ..protocol.schemas import BoundPath
from .attributes import Attr, Boolean, Identifier, PrimaryValue
from .fields import HostPath

_LOOKUPS: Final = {
    "eq": Exact,
    "gt": GreaterThan,
    "ge": GreaterThanOrEqual,
    "lt": LessThan,
    "le": LessThanOrEqual,
}


class Moment(Attr):
    """A dateTime in a ``DateTimeField``, shown in UTC unless it was sent in another form."""

    def __init__(self, field: str) -> None:
        super().__init__(field, get=_shown_moment, set=lambda text: None if text is None else instant(text))


def _shown_moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Number(Attr):
    """A number in a ``DecimalField``."""

    def __init__(self, field: str) -> None:
        super().__init__(field, get=float, set=lambda value: None if value is None else Decimal(str(value)))

    def condition(self, compare: Compare, prefix: str) -> Q:
        # Compared as a double: a number with more digits than the column has is an error to databases.
        value: Any = compare.value
        return Q(_LOOKUPS[compare.operator](F(f"{prefix}{self.lookup}"), Value(float(value), FloatField())))


class Octets(Attr):
    """Base64 in a ``BinaryField``."""

    def __init__(self, field: str) -> None:
        super().__init__(field, get=lambda value: base64.b64encode(value).decode(), set=_octets)


def _octets(text: str | None) -> bytes | None:
    if text is None:
        return None
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


_CONVERTED: Final[tuple[tuple[str, type[models.Field[Any, Any]], type[Any]], ...]] = (
    ("dateTime", models.DateTimeField, Moment),
    ("decimal", models.DecimalField, Number),
    ("binary", models.BinaryField, Octets),
)


def entry_for(path: BoundPath, column: HostPath) -> Attr:
    """What the name of a column alone stands for."""
    try:
        field: Any = column.field
    except Exception:  # noqa: BLE001 (a check reports what is wrong with the column)
        field = None
    name, kind = column.path, path.target.type
    if path.attribute.multi_valued:
        is_list = isinstance(field, models.JSONField) and not (column.keys and path.attribute.sub("value"))
        return Attr(name) if is_list else PrimaryValue(name)
    for scim_type, column_type, entry in _CONVERTED:
        if kind == scim_type and isinstance(field, column_type):
            converted: Attr = entry(name)
            return converted
    if path.key == "active":
        return Boolean(name)
    return Identifier(name) if path.target.uniqueness != "none" and kind == "string" else Attr(name)
