"""What every filter compiler needs: how conditions are put together, and comparisons on our own columns."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from django.db.models import BooleanField, Case, F, Q, Value, When
from django.db.models.functions import Length, Right, StrIndex, Substr
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual

from ..models.fields import ID_LENGTH
from ..protocol.errors import InvalidFilter
from ..protocol.filters import And, Compare, Element, Filter, Not, Or, Present

NOTHING: Final = Q(pk__in=())
EVERYTHING: Final = ~NOTHING
_RESOURCE_ID: Final = re.compile(rf"(?!.*bulkId)[A-Za-z0-9_~@-][A-Za-z0-9._~!$&'()*+,;=:@-]{{0,{ID_LENGTH - 1}}}")
"""What stands in an address as it is, so that locations need no escaping; bulkId is reserved (RFC 7643 section 3.1)."""
ORDER: Final[Mapping[str, str]] = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}
"""The look-ups of the operators that ask for an order."""

Leaf = Compare | Element | Present
"""What a filter is made of."""


def combine(node: Filter, leaf: Callable[[Leaf], Q], complement: Callable[[Q], Q] = operator.invert) -> Q:
    """The condition of a filter, from those of its comparisons.

    :param leaf: never sees ``ne``, since that is the complement of ``eq``.
    :param complement: what holds where a condition does not.
    """
    if isinstance(node, And | Or):
        parts = [combine(operand, leaf, complement) for operand in node.operands]
        return Q(*parts, _connector=Q.AND if isinstance(node, And) else Q.OR)
    if isinstance(node, Not):
        return complement(combine(node.operand, leaf, complement))
    if isinstance(node, Compare) and node.operator == "ne":
        return complement(leaf(replace(node, operator="eq")))
    return leaf(node)


def known_id(text: object) -> str | None:
    """A resource id; ``None`` for anything that can be none of ours."""
    return text if isinstance(text, str) and _RESOURCE_ID.fullmatch(text) else None


def id_condition(column: str, node: Compare) -> Q:
    """A comparison on a column of resource ids.

    :raises InvalidFilter: the operator makes no sense for ids.
    """
    if node.operator != "eq":
        raise InvalidFilter(f"Filters on {node.path.key} support eq, ne and pr.")
    wanted = known_id(node.value)
    return Q((column, wanted)) if wanted else NOTHING


def time_condition(column: str, node: Compare) -> Q:
    """A comparison on a time; the filter's types leave only the operators that fit."""
    return Q((f"{column}__{ORDER.get(node.operator, 'exact')}", node.value))


def text_condition(column: str, key: Callable[[str], str], node: Compare) -> Q:
    """A comparison on a ``KeyField``.

    :param key: makes the column's form of a value.
    """
    return key_condition(column, node.operator, key(str(node.value)))


def key_condition(column: str, operator: str, key: str) -> Q:
    """A comparison on a ``KeyField``; ``key`` is already in the column's form.

    ``co`` and ``ew`` avoid LIKE, which SQLite compares without regard to case.
    """
    if operator == "eq":
        return Q((column, key))
    if operator in ORDER:
        return Q((f"{column}__{ORDER[operator]}", key))
    present = Q((f"{column}__isnull", False))
    if not key:
        return present
    if operator == "co":
        return present & Q(GreaterThan(StrIndex(F(column), Value(key)), 0))
    if operator == "sw":
        return Q((f"{column}__gte", key)) & Q(Exact(Substr(F(column), 1, len(key)), key))
    return present & Q(GreaterThanOrEqual(Length(F(column)), len(key))) & Q(Exact(Right(F(column), len(key)), key))


def certain(condition: Q) -> Q:
    """True or false, never unknown: its complement holds where a row or a key of a JSON column is missing."""
    return Q(Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()))
