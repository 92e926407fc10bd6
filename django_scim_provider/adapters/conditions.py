"""Comparisons on columns: our own, which compare bytes on every database, and through the map on the host's."""

from __future__ import annotations

import re
from typing import Final

from django.db.models import BooleanField, Case, F, Q, Value, When
from django.db.models.functions import Length, Right, StrIndex, Substr
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual

from ..models.fields import ID_LENGTH
from ..protocol.errors import InvalidFilter
from ..protocol.filters import Compare

NOTHING: Final = Q(pk__in=())
EVERYTHING: Final = ~NOTHING
_RESOURCE_ID: Final = re.compile(rf"(?!.*bulkId)[A-Za-z0-9_~@-][A-Za-z0-9._~!$&'()*+,;=:@-]{{0,{ID_LENGTH - 1}}}")
"""What stands in an address as it is, so that locations need no escaping; bulkId is reserved (RFC 7643 section 3.1)."""
_ORDER: Final = {"gt": "gt", "ge": "gte", "lt": "lt", "le": "lte"}


def resource_id(text: object) -> str | None:
    """A resource id; ``None`` for anything that can be none of ours."""
    return text if isinstance(text, str) and _RESOURCE_ID.fullmatch(text) else None


def id_condition(column: str, node: Compare) -> Q:
    """A comparison on a column of resource ids.

    :raises InvalidFilter: the operator makes no sense for ids.
    """
    if node.operator not in ("eq", "ne"):
        raise InvalidFilter(f"Filters on {node.path.key} support eq, ne and pr.")
    wanted = resource_id(node.value)
    found = Q((column, wanted)) if wanted else NOTHING
    return ~found if node.operator == "ne" else found


def time_condition(column: str, node: Compare) -> Q:
    """A comparison on a time; the filter's types leave only the operators that fit."""
    if node.operator in _ORDER:
        return Q((f"{column}__{_ORDER[node.operator]}", node.value))
    return ~Q((column, node.value)) if node.operator == "ne" else Q((column, node.value))


def key_condition(column: str, operator: str, key: str) -> Q:
    """A comparison on a ``KeyField``; ``key`` is already in the column's form.

    ``co`` and ``ew`` avoid LIKE, which SQLite compares without regard to case.
    """
    if operator == "eq":
        return Q((column, key))
    if operator == "ne":
        return ~Q((column, key))
    if operator in _ORDER:
        return Q((f"{column}__{_ORDER[operator]}", key))
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
