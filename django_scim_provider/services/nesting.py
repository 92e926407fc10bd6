"""Groups inside groups: who is above, who is below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from ..models import ScimMembership
from .context import Context


class Parent(NamedTuple):
    """A group that another one is a member of."""

    pk: int
    scim_id: str
    name: str


class Nesting:
    """The edges between a connection's groups, read by one query and followed in memory."""

    def __init__(self, edges: Mapping[int, Collection[Parent]]) -> None:
        self.parents = edges
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        for child, parents in edges.items():
            for parent in parents:
                self.children[parent.pk].add(child)

    @classmethod
    def load(cls, context: Context) -> Nesting:
        edges: defaultdict[int, list[Parent]] = defaultdict(list)
        rows = ScimMembership.objects.using(context.using).filter(
            child__isnull=False, group__connection_id=context.connection.pk
        )
        for child, pk, scim_id, name in rows.values_list(
            "child_id", "group_id", "group__scim_id", "group__display_name"
        ):
            edges[child].append(Parent(pk, scim_id, name))
        return cls(edges)

    def ancestors(self, groups: Collection[int]) -> dict[int, Parent]:
        """Every group above these, by primary key."""
        found: dict[int, Parent] = {}
        pending = list(groups)
        while pending:
            for parent in self.parents.get(pending.pop(), ()):
                if parent.pk not in found:
                    found[parent.pk] = parent
                    pending.append(parent.pk)
        return found

    def descendants(self, groups: Collection[int]) -> set[int]:
        """Every group below these, the groups themselves not counted unless they are below one another."""
        found: set[int] = set()
        pending = list(groups)
        while pending:
            below = self.children.get(pending.pop(), set()) - found
            found |= below
            pending += below
        return found


def load_if_any(context: Context) -> Nesting:
    """The nesting; no query where the connection has none."""
    return Nesting.load(context) if context.connection.has_nested_groups else Nesting({})
