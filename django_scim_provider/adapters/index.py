"""What the filter index holds of a document: keys by which databases compare as the filter's evaluator does."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ..models.values import bounded_key
from ..protocol.filter_grammar import instant
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath

_SIGN: Final = 1 << 63


class Indexed(NamedTuple):
    """What the filter index holds of one value."""

    type: str
    primary: bool | None
    value_key: str


def value_key(path: BoundPath, value: Any) -> str:
    """A value as the filter index and its queries compare it: the order of the keys is that of the values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    kind = path.target.type
    if isinstance(value, int | float | Decimal):
        return f"{value + _SIGN:020d}" if kind == "integer" and isinstance(value, int) else _number_key(float(value))
    moment = instant(value) if kind == "dateTime" and isinstance(value, str) else value
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="microseconds")
    text = str(value)
    return bounded_key(text if path.target.case_exact or kind == "binary" else fold(text))


def _number_key(value: float) -> str:
    """The bits of a double, turned so that the order of texts is that of numbers."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value + 0.0))
    return f"{(bits ^ (2 * _SIGN - 1)) if bits & _SIGN else bits | _SIGN:016x}"


def elements(path: BoundPath, values: list[Any]) -> Iterator[tuple[tuple[str, int], Indexed]]:
    """A row for each element, and where elements have no ``value`` a row for each sub-attribute beside it."""
    attribute = path.attribute
    value_attribute = attribute.sub("value")
    for position, element in enumerate(values):
        if not isinstance(element, dict):
            yield (path.key, position), Indexed("", None, value_key(path, element))
            continue
        kind, primary = bounded_key(fold(str(element.get("type") or ""))), element.get("primary")
        key = ""
        if value_attribute is not None and element.get("value") is not None:
            key = value_key(BoundPath(path.urn, attribute, value_attribute), element["value"])
        yield (path.key, position), Indexed(kind, primary, key)
        if value_attribute is None:
            for sub in attribute.sub_attributes:
                if sub.name not in ("type", "primary") and element.get(sub.name) is not None:
                    inner = BoundPath(path.urn, attribute, sub)
                    yield (inner.key, position), Indexed(kind, primary, value_key(inner, element[sub.name]))
