"""Filters on people, compiled to conditions on our rows and, through them, on the host's.

A filter never becomes an ORM name: columns come from the attribute map, values are bound.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q

from ..models import ScimConnection, ScimMembership, ScimValue
from ..models.values import bounded_key
from ..protocol import filters
from ..protocol.errors import InvalidFilter
from ..protocol.filters import Compare, Element, Filter, Present
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath
from .conditions import (
    EVERYTHING,
    NOTHING,
    Leaf,
    certain,
    combine,
    id_condition,
    key_condition,
    text_condition,
    time_condition,
)
from .users import UserAdapter
from .value_keys import value_key

HOST: Final = "user__"


Below = Callable[[Q], Collection[int]]
"""From a condition on ``ScimGroup`` to the primary keys of the groups that meet it and of those inside them."""


def compile_filter(node: Filter, adapter: UserAdapter, connection: ScimConnection, *, below: Below | None = None) -> Q:
    """The filter as a condition on ``ScimUser``; the caller adds the connection.

    :param below: given where groups are nested, since people are in the groups above theirs as well.
    :raises InvalidFilter: the filter asks for something that cannot be answered; nothing is ever left out instead.
    """
    return _Compiler(adapter, connection, below).compile(node)


def live_expression(adapter: UserAdapter, connection: ScimConnection) -> Any:
    """Whether the host's row is there and live, as an annotation."""
    condition = adapter.live_condition(connection)
    return ExpressionWrapper(Q(user__isnull=False) if condition is None else condition, output_field=BooleanField())


class _Compiler:
    def __init__(self, adapter: UserAdapter, connection: ScimConnection, below: Below | None) -> None:
        self.adapter = adapter
        self.below = below
        self.live = adapter.answering_condition(connection)

    def compile(self, node: Filter) -> Q:
        return combine(node, self._leaf)

    def _leaf(self, node: Leaf) -> Q:
        if isinstance(node, Element):
            return self._element(node)
        if isinstance(node, Present):
            return self._present(node.path)
        return self._compare(node)

    # One comparison ----------------------------------------------------------------------------------------

    def _compare(self, node: Compare) -> Q:
        path = node.path
        own = _OWN.get(path.key)
        if own is not None:
            return own(node)
        if path.attribute.name == "groups":
            return self._in_group(node)
        if path.attribute.name == "schemas":
            return self._schemas(node)
        if path.attribute.multi_valued:
            return Q(Exists(_rows(BoundPath(path.urn, path.attribute)).filter(_element_condition(node))))
        if path.attribute.name == "meta":
            raise InvalidFilter(f"Filtering on {path.key} is not supported.")
        indexed = Q(Exists(_rows(path).filter(_value_condition(node))))
        # Rows without a live host row are in the index with every attribute, the others are not.
        return self._on_host(path, node) | indexed if self.adapter.has_column(path) else indexed

    def _on_host(self, path: BoundPath, node: Compare) -> Q:
        attr = self.adapter.by_key[path.key].attr
        condition = self.adapter.condition(node, HOST)
        if condition is None:
            raise InvalidFilter(f"Filtering on {path.key} is not supported.")
        found = certain(condition & self._is_live())
        # What was sent takes precedence over a column that is never written, and is in the index; so is what was sent
        # of the activity of somebody whose account was left alone.
        return found if attr.writes and path.key != "active" else found & ~Q(Exists(_rows(path)))

    def _is_live(self) -> Q:
        return Q(user__isnull=False) if self.live is None else self.live

    def _present(self, path: BoundPath) -> Q:
        own = _OWN_PRESENT.get(path.key, _OWN_PRESENT.get(path.attribute.name))
        if own is not None:
            return own
        if path.attribute.name == "groups":
            return Q(Exists(ScimMembership.objects.filter(scim_user=OuterRef("pk"))))
        if path.attribute.multi_valued:
            whole = BoundPath(path.urn, path.attribute)
            return Q(Exists(_rows(whole).filter(_element_present(path))))
        parts = [path]
        if path.sub is None and path.attribute.type == "complex":
            parts = [BoundPath(path.urn, path.attribute, sub) for sub in path.attribute.sub_attributes]
        condition = NOTHING
        for part in parts:
            condition |= Q(Exists(_rows(part)))
            if self.adapter.has_column(part):
                present = self.adapter.present(part, HOST)
                condition |= certain((present or NOTHING) & self._is_live())
        return condition

    def _schemas(self, node: Compare) -> Q:
        """A person has the core schema always, an extension's when one of its attributes is assigned."""
        found = NOTHING
        for schema in self.adapter.resource_type.schemas:
            if not filters.matches(node, {"schemas": [schema.id]}):
                continue
            if schema.id == self.adapter.schema.id:
                return EVERYTHING
            for attribute in schema.attributes:
                found |= self._present(BoundPath(schema.id, attribute))
        return found

    # Multi-valued attributes -------------------------------------------------------------------------------

    def _element(self, node: Element) -> Q:
        if node.path.attribute.name == "groups":
            return self._in_group(node.filter)
        if not node.path.attribute.multi_valued:
            return self.compile(node.filter)
        return Q(Exists(_rows(node.path).filter(combine(node.filter, _on_element))))

    def _in_group(self, node: Filter) -> Q:
        mine = ScimMembership.objects.filter(scim_user=OuterRef("pk"))
        if self.below is None:
            wanted = combine(node, partial(_group_condition, "group__"))
        else:
            wanted = Q(group__in=self.below(combine(node, partial(_group_condition, ""))))
        return Q(Exists(mine.filter(wanted)))


# Our own columns -------------------------------------------------------------------------------------------


def _resource_type(node: Compare) -> Q:
    return EVERYTHING if filters.matches(node, {"meta": {"resourceType": UserAdapter.name}}) else NOTHING


_OWN: Final[dict[str, Callable[[Compare], Q]]] = {
    "id": partial(id_condition, "scim_id"),
    "externalId": partial(text_condition, "external_id", str),
    "userName": partial(text_condition, "user_name_key", fold),
    "meta.created": partial(time_condition, "created_at"),
    "meta.lastModified": partial(time_condition, "modified_at"),
    "meta.resourceType": _resource_type,
}
_OWN_PRESENT: Final = {
    "externalId": Q(external_id__isnull=False),
    "id": EVERYTHING,
    "userName": EVERYTHING,
    "meta": EVERYTHING,
    "schemas": EVERYTHING,
}


# The filter index ------------------------------------------------------------------------------------------


def _rows(path: BoundPath) -> Any:
    return ScimValue.objects.filter(scim_user=OuterRef("pk"), attribute=path.key)


def _value_condition(node: Compare) -> Q:
    return key_condition("value_key", node.operator, value_key(node.path, node.value))


def _element_condition(node: Compare) -> Q:
    """A comparison on one element."""
    sub = node.path.sub.name if node.path.sub else "value"
    if sub == "primary":
        # A value that does not say is not the primary one (RFC 7643 section 2.4).
        return Q(primary=True) if node.value else Q(primary=False) | Q(primary__isnull=True)
    if sub == "type":
        return ~Q(type="") & key_condition("type", node.operator, bounded_key(fold(str(node.value))))
    if node.path.attribute.sub("value") is None and node.path.sub is not None:
        inner = BoundPath(node.path.urn, node.path.attribute, node.path.sub)
        rows = ScimValue.objects.filter(
            _value_condition(node), scim_user=OuterRef("scim_user"), attribute=inner.key, position=OuterRef("position")
        )
        return Q(Exists(rows))
    if sub != "value":
        raise InvalidFilter(f"Filtering on {node.path.key} is not supported.")
    return ~Q(value_key="") & _value_condition(node)


def _element_present(path: BoundPath) -> Q:
    if path.sub is None:
        return Q()
    if path.sub.name == "primary":
        return Q(primary__isnull=False)
    if path.sub.name == "type":
        return ~Q(type="")
    if path.sub.name == "value":
        return ~Q(value_key="")
    if path.attribute.sub("value") is None:
        inner = ScimValue.objects.filter(
            scim_user=OuterRef("scim_user"), attribute=path.key, position=OuterRef("position")
        )
        return Q(Exists(inner))
    raise InvalidFilter(f"Filtering on {path.key} is not supported.")


def _on_element(node: Leaf) -> Q:
    if isinstance(node, Present):
        return _element_present(node.path)
    if isinstance(node, Compare):
        return _element_condition(node)
    raise InvalidFilter("Brackets inside brackets are not supported.")


def _group_condition(group: str, node: Leaf) -> Q:
    """A comparison on one group.

    :param group: the look-up path to it, empty or with underscores.
    """
    if isinstance(node, Compare) and node.path.sub is not None and node.operator == "eq":
        if node.path.sub.name == "value":
            return id_condition(f"{group}scim_id", node)
        if node.path.sub.name == "display":
            return key_condition(f"{group}display_name_key", node.operator, fold(str(node.value)))
    raise InvalidFilter("Filters on groups support eq and ne on value and display.")
