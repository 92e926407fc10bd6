"""The tree of a filter: every name bound to the schema, every value of its attribute's type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from .filter_grammar import CONTROL, Value
from .schemas import BoundPath

Operator = Literal["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]


@dataclass(frozen=True, slots=True)
class Compare:
    """``path operator value``; of several values one is enough, except for ``ne``."""

    path: BoundPath
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Present:
    """``path pr``."""

    path: BoundPath


@dataclass(frozen=True, slots=True)
class And:
    """Two or more operands, none of them an ``And``."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more operands, none of them an ``Or``."""

    operands: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Filter


@dataclass(frozen=True, slots=True)
class Element:
    """``path[filter]``: one and the same element meets all of ``filter``, whose paths name its sub-attributes."""

    path: BoundPath
    filter: Filter


Filter: TypeAlias = Compare | Present | And | Or | Not | Element


def conjuncts(node: Filter) -> Iterator[Compare]:
    """The ``eq`` comparisons that must hold, by which a PATCH seeds the element that it creates."""
    match node:
        case Compare(operator="eq"):
            yield node
        case And(operands):
            for operand in operands:
                yield from conjuncts(operand)


def to_text(node: Filter) -> str:
    """The filter in canonical spelling, which reads back as an equal tree."""
    return _text(node, within=False)


def _text(node: Filter, *, within: bool) -> str:
    """``within`` brackets, a path is written as its sub-attribute alone."""
    match node:
        case Compare(path, operator, value):
            return f"{_name(path, within)} {operator} {_literal(value)}"
        case Present(path):
            return f"{_name(path, within)} pr"
        case And(operands):
            texts = ((_text(operand, within=within), isinstance(operand, Or)) for operand in operands)
            return " and ".join(f"({text})" if lower else text for text, lower in texts)
        case Or(operands):
            return " or ".join(_text(operand, within=within) for operand in operands)
        case Not(operand):
            return f"not ({_text(operand, within=within)})"
    return f"{node.path.key}[{_text(node.filter, within=True)}]"


def _name(path: BoundPath, within: bool) -> str:
    return path.target.name if within else path.key


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return f'"{value.isoformat().removesuffix("+00:00")}Z"'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=bool(CONTROL.search(value)))
    return str(value)
