"""Filters and sort keys of groups, compiled to conditions on our own columns."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q

from ..models import ScimMembership
from ..protocol import filters
from ..protocol.errors import InvalidFilter, InvalidValue
from ..protocol.filters import Compare, Element, Filter, Present
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath
from .conditions import EVERYTHING, NOTHING, Leaf, combine, id_condition, text_condition, time_condition
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
    return combine(node, _leaf)


def compile_group_sort(path: BoundPath) -> Any:
    """An expression to order ``ScimGroup`` by.

    :raises InvalidValue: the attribute cannot be sorted by.
    """
    column = _ORDER.get(path.key)
    if column is None:
        raise InvalidValue(f"Results cannot be sorted by {path.key}.")
    return column


def _leaf(node: Leaf) -> Q:
    if isinstance(node, Element):
        return _has_member(combine(node.filter, _member_condition))
    return _present(node.path) if isinstance(node, Present) else _compare(node)


def _compare(node: Compare) -> Q:
    path = node.path
    own = _OWN.get(path.key)
    if own is not None:
        return own(node)
    if path.attribute.name == "members":
        return _has_member(_member_condition(node))
    if path.key in ("schemas", "meta.resourceType"):
        document = {"schemas": [GroupAdapter.schema.id], "meta": {"resourceType": GroupAdapter.name}}
        return EVERYTHING if filters.matches(node, document) else NOTHING
    raise InvalidFilter(f"Filtering on {path.key} is not supported.")


def _present(path: BoundPath) -> Q:
    if path.attribute.name == "members":
        return _has_member(_member_present(path))
    if path.key == "externalId":
        return Q(external_id__isnull=False)
    return EVERYTHING


def _has_member(condition: Q) -> Q:
    return Q(Exists(ScimMembership.objects.filter(condition, group=OuterRef("pk"))))


def _member_condition(node: Leaf) -> Q:
    """A comparison on one membership."""
    if isinstance(node, Present):
        return _member_present(node.path)
    if isinstance(node, Element):
        raise InvalidFilter("Brackets inside brackets are not supported.")
    part = node.path.target.name
    if part == "value" and node.operator == "eq":
        return id_condition("scim_user__scim_id", node) | id_condition("child__scim_id", node)
    if part == "type":
        found = NOTHING
        for kind, condition in _KINDS.items():
            if filters.matches_value(node, node.path.attribute, {"type": kind}):
                found |= condition
        return found
    raise InvalidFilter(f"Filtering on {node.path.key} supports eq and ne on value and type.")


def _member_present(path: BoundPath) -> Q:
    # Not an empty Q: "or" and "not" would drop it.
    return ~Q(display="") if path.target.name == "display" else EVERYTHING


_KINDS: Final = {"User": Q(scim_user__isnull=False), "Group": Q(child__isnull=False)}


_OWN: Final[dict[str, Callable[[Compare], Q]]] = {
    "id": partial(id_condition, "scim_id"),
    "externalId": partial(text_condition, "external_id", str),
    "displayName": partial(text_condition, "display_name_key", fold),
    "meta.created": partial(time_condition, "created_at"),
    "meta.lastModified": partial(time_condition, "modified_at"),
}
