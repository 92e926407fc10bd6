"""Filters and sort keys of groups, compiled to conditions on our own columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q

from ..models import ScimMembership
from ..protocol import filters
from ..protocol.errors import InvalidFilter, InvalidValue
from ..protocol.filters import And, Compare, Element, Filter, Or, Present
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath
from .conditions import EVERYTHING, NOTHING, id_condition, key_condition, time_condition
from .groups import GroupAdapter

_ORDER: Final[dict[str, Any]] = {
    "id": F("scim_id"),
    "externalId": F("external_id"),
    "displayName": F("display_name_key"),
    "meta.created": F("created_at"),
    "meta.lastModified": F("modified_at"),
}


def compile_group_filter(node: Filter) -> Q:
    """The filter as a condition on ``ScimGroup``; the caller adds the connection.

    :raises InvalidFilter: the filter asks for something that cannot be answered.
    """
    if isinstance(node, And | Or):
        parts = [compile_group_filter(operand) for operand in node.operands]
        return Q(*parts, _connector=Q.AND if isinstance(node, And) else Q.OR)
    if isinstance(node, filters.Not):
        return ~compile_group_filter(node.operand)
    if isinstance(node, Element):
        return _has_member(_member_condition(node.filter))
    if isinstance(node, Present):
        return _present(node.path)
    return _compare(node)


def compile_group_sort(path: BoundPath) -> Any:
    """An expression to order ``ScimGroup`` by.

    :raises InvalidValue: the attribute cannot be sorted by.
    """
    column = _ORDER.get(path.key)
    if column is None:
        raise InvalidValue(f"Results cannot be sorted by {path.key}.")
    return column


def _compare(node: Compare) -> Q:
    path = node.path
    own = _OWN.get(path.key)
    if own is not None:
        return own(node)
    equal = _equal(node)
    if path.attribute.name == "members":
        found = _has_member(_member_condition(equal))
    elif path.key in ("schemas", "meta.resourceType"):
        document = {"schemas": [GroupAdapter.schema.id], "meta": {"resourceType": GroupAdapter.name}}
        found = EVERYTHING if filters.matches(equal, document) else NOTHING
    else:
        raise InvalidFilter(f"Filtering on {path.key} is not supported.")
    return ~found if node.operator == "ne" else found


def _present(path: BoundPath) -> Q:
    if path.attribute.name == "members":
        present = {"display": ~Q(display="")}.get(path.sub.name if path.sub else "", Q())
        return _has_member(present)
    if path.key == "externalId":
        return Q(external_id__isnull=False)
    return EVERYTHING


def _has_member(condition: Q) -> Q:
    return Q(Exists(ScimMembership.objects.filter(condition, group=OuterRef("pk"))))


def _member_condition(node: Filter) -> Q:
    """A condition on one membership; complements are the caller's where the whole group is meant."""
    if isinstance(node, And | Or):
        parts = [_member_condition(operand) for operand in node.operands]
        return Q(*parts, _connector=Q.AND if isinstance(node, And) else Q.OR)
    if isinstance(node, filters.Not):
        return ~_member_condition(node.operand)
    if isinstance(node, Present):
        # Not an empty Q: "or" and "not" would drop it.
        return {"display": ~Q(display="")}.get(node.path.target.name, EVERYTHING)
    if isinstance(node, Element):
        raise InvalidFilter("Brackets inside brackets are not supported.")
    part, equal = node.path.target.name, _equal(node)
    if part == "value" and node.operator in ("eq", "ne"):
        found = id_condition("scim_user__scim_id", equal) | id_condition("child__scim_id", equal)
    elif part == "type":
        found = NOTHING
        for kind, condition in _KINDS.items():
            if filters.matches_value(equal, node.path.attribute, {"type": kind}):
                found |= condition
    else:
        raise InvalidFilter(f"Filtering on {node.path.key} supports eq and ne on value and type.")
    return ~found if node.operator == "ne" else found


def _equal(node: Compare) -> Compare:
    return replace(node, operator="eq") if node.operator == "ne" else node


_KINDS: Final = {"User": Q(scim_user__isnull=False), "Group": Q(child__isnull=False)}


def _text(column: str, key: Callable[[str], str], node: Compare) -> Q:
    return key_condition(column, node.operator, key(str(node.value)))


_OWN: Final[dict[str, Callable[[Compare], Q]]] = {
    "id": partial(id_condition, "scim_id"),
    "externalId": partial(_text, "external_id", str),
    "displayName": partial(_text, "display_name_key", fold),
    "meta.created": partial(time_condition, "created_at"),
    "meta.lastModified": partial(time_condition, "modified_at"),
}
