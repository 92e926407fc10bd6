"""What the filter index holds of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..models.values import bounded_key
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath
from .value_keys import value_key


class Indexed(NamedTuple):
    """What the filter index holds of one value."""

    type: str
    primary: bool | None
    value_key: str


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
