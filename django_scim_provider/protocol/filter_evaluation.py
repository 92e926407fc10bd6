"""The in-memory evaluator: what a filter means, for PATCH paths and as the oracle of every compiler of the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from operator import contains, eq, ge, gt, le, lt
from typing import Any, Final

from .filter_grammar import instant
from .filter_tree import And, Compare, Filter, Not, Operator, Or, Present
from .keys import fold
from .schemas import Attribute, BoundPath

_TESTS: Final[Mapping[Operator, Callable[[Any, Any], bool]]] = {
    "eq": eq,
    "ne": eq,  # complemented where it is used
    "co": contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": gt,
    "ge": ge,
    "lt": lt,
    "le": le,
}


def matches(node: Filter, document: Mapping[str, Any]) -> bool:
    """Whether a canonical document (names in the schema's spelling, extensions under their URN) meets the filter."""
    return _holds(node, lambda path: path.read(document))


def matches_value(node: Filter, attribute: Attribute, value: Mapping[str, Any]) -> bool:
    """Whether ``value``, one element of ``attribute``, meets what ``parse_value_filter`` read for it."""
    return _holds(node, _reader(value))


def _holds(node: Filter, read: Callable[[BoundPath], Any]) -> bool:
    match node:
        case Compare(path):
            return _compares(node, _primary(read(path._replace(sub=None))) if is_primary(path) else read(path))
        case And(operands):
            return all(_holds(operand, read) for operand in operands)
        case Or(operands):
            return any(_holds(operand, read) for operand in operands)
        case Not(operand):
            return not _holds(operand, read)
        case Present(path):
            return _present(read(path))
    value = read(node.path)
    elements = value if isinstance(value, list) else [value]
    return any(_present(element) and _holds(node.filter, _reader(element)) for element in elements)


def _reader(element: Mapping[str, Any]) -> Callable[[BoundPath], Any]:
    return lambda path: element.get(path.sub.name) if path.sub else element


def is_primary(path: BoundPath) -> bool:
    """Whether a path is to the mark of the primary value: ``false`` where a value does not say (RFC 7643 2.4)."""
    return path.attribute.multi_valued and path.sub is not None and path.sub.name == "primary"


def _primary(value: Any) -> list[bool]:
    elements = value if isinstance(value, list) else [value]
    return [element.get("primary") is True for element in elements if element]


def _present(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_present(part) for part in value.values())
    if isinstance(value, list):
        return any(_present(part) for part in value)
    return value is not None and value != ""


def _scalars(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for part in value:
            yield from _scalars(part)
    elif value is not None and value != "":
        yield value


def _compares(node: Compare, value: Any) -> bool:
    attribute, test = node.path.target, _TESTS[node.operator]
    wanted = _comparable(attribute, node.value)
    keys = (_comparable(attribute, scalar) for scalar in _scalars(value))
    found = any(key is not None and test(key, wanted) for key in keys)
    return found is not (node.operator == "ne")


def _comparable(attribute: Attribute, value: Any) -> Any:
    """The form in which a value is compared; ``None`` when it is not of the attribute's type."""
    match attribute.type:
        case "boolean":
            return value if isinstance(value, bool) else None
        case "integer" | "decimal":
            if isinstance(value, float):
                return Decimal(repr(value))
            return value if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
        case "dateTime":
            return instant(value) if isinstance(value, str) else value if isinstance(value, datetime) else None
    if not isinstance(value, str):
        return None
    return value if attribute.case_exact or attribute.type == "binary" else fold(value)
