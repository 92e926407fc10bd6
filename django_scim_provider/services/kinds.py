"""How each resource type is read; what is the same for all of them is in ``search``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from django.db.models import Q, QuerySet

from ..adapters.conditions import known_id
from ..adapters.group_query import compile_group_filter, compile_group_sort
from ..adapters.query import HOST, compile_filter
from ..adapters.sorting import compile_sort
from ..protocol.errors import NotFound
from ..protocol.etags import Match, weak
from ..protocol.filters import Compare, Filter
from ..protocol.keys import fold
from ..protocol.projection import Projection
from ..protocol.schemas import BoundPath, ResourceType
from . import group_rows, nesting
from .context import Context
from .group_rows import GroupRow
from .member_rows import members_of, members_of_one
from .prepared import BEFORE_ALL
from .rows import UserRow, count, document, fetch, groups_of, look_up, page, people


class Found(NamedTuple):
    """One resource, and its version."""

    version: str
    resource: dict[str, Any] | None
    """Projected; ``None`` where ``If-None-Match`` says that the client has this version."""

    @classmethod
    def make(cls, version: str, condition: Match, render: Callable[[], dict[str, Any]]) -> Found:
        """
        :raises PreconditionFailed: ``If-Match`` asks for another version.
        """
        condition.require(version)
        return cls(version, None if condition.is_current(version) else render())


class Row(Protocol):
    """What every kind of row has."""

    @property
    def pk(self) -> Any: ...


RowT = TypeVar("RowT", bound=Row)


@dataclass(frozen=True)
class Kind(Generic[RowT]):
    """How one resource type is read; all else about reading is the same for all."""

    context: Context

    @property
    def resource_type(self) -> ResourceType:
        raise NotImplementedError

    def queryset(self) -> QuerySet[Any]:
        """The living resources of the connection."""
        raise NotImplementedError

    def condition(self, node: Filter) -> Q:
        """A filter, compiled."""
        raise NotImplementedError

    def order(self, path: BoundPath) -> Any:
        """An expression to sort by."""
        raise NotImplementedError

    def fetch(self, queryset: QuerySet[Any]) -> list[RowT]:
        """Rows in the queryset's order: one query."""
        raise NotImplementedError

    def named(self, node: Compare, limit: int) -> list[RowT] | None:
        """Rows for a look-up that an index answers, ``None`` for any other comparison."""
        raise NotImplementedError

    def known_id(self, text: str) -> Any:
        """The id in a path, as ``by_id`` takes it.

        :raises NotFound: it is not one that there could be.
        """
        return resource_id(text)

    def by_id(self, scim_id: Any) -> list[RowT]:
        """The row with an id, if there is one."""
        raise NotImplementedError

    def page(self, limit: int, after: Any = None, found: QuerySet[Any] | None = None) -> list[RowT]:
        """Rows in the order of a list without ``sortBy``: one query.

        :param after: a primary key, beyond which the page begins.
        :param found: what a filter leaves; else all.
        """
        rows = self.queryset() if found is None else found
        if after is not None:
            rows = rows.filter(pk__gt=after)
        return self.fetch(rows.order_by("pk")[:limit])

    def count(self) -> int:
        """How many there are."""
        return self.queryset().count()

    def render(self, rows: Sequence[RowT], projection: Projection) -> list[dict[str, Any]]:
        """Projected documents; at most one query for what belongs to the rows."""
        raise NotImplementedError

    def show(self, row: RowT, projection: Projection, condition: Match) -> Found:
        """One resource in answer to a conditional request."""
        raise NotImplementedError


class Users(Kind[UserRow]):
    """People."""

    @property
    def resource_type(self) -> ResourceType:
        return self.context.adapter.resource_type

    def queryset(self) -> QuerySet[Any]:
        return people(self.context)

    def condition(self, node: Filter) -> Q:
        nested = self.context.connection.has_nested_groups
        below = self._below if nested else None
        return compile_filter(node, self.context.adapter, self.context.connection, below=below)

    def order(self, path: BoundPath) -> Any:
        return compile_sort(path, self.context.adapter, self.context.connection)

    def fetch(self, queryset: QuerySet[Any]) -> list[UserRow]:
        return fetch(queryset, self.context)

    def named(self, node: Compare, limit: int) -> list[UserRow] | None:
        value = str(node.value)
        if node.path.key == "externalId":
            return look_up(self.context, "external_id", value, limit)
        if node.path.key != "userName":
            return None
        rows = look_up(self.context, "user_name_key", fold(value), 1)
        return [row for row in rows if self._answers_to(row, value)] or self._by_host_name(value)

    def by_id(self, scim_id: Any) -> list[UserRow]:
        return look_up(self.context, "scim_id", scim_id, 1)

    def page(self, limit: int, after: Any = None, found: QuerySet[Any] | None = None) -> list[UserRow]:
        if found is not None:
            return super().page(limit, after, found)
        return page(self.context, limit, BEFORE_ALL if after is None else after)

    def count(self) -> int:
        return count(self.context)

    def render(self, rows: Sequence[UserRow], projection: Projection) -> list[dict[str, Any]]:
        context, versions = self.context, projection.wants_version
        # A version is of the whole resource, whatever of it is shown.
        reads_groups = versions or projection.wants("groups")
        groups = groups_of([row.pk for row in rows], context) if reads_groups else {}
        return [
            projection.apply(
                document(row, groups.get(row.pk, ()), context.adapter, context.base_url, has_version=versions)
            )
            for row in rows
        ]

    def show(self, row: UserRow, projection: Projection, condition: Match) -> Found:
        groups = groups_of([row.pk], self.context).get(row.pk, ())
        resource = document(row, groups, self.context.adapter, self.context.base_url)
        return Found.make(resource["meta"]["version"], condition, lambda: projection.apply(resource))

    def _below(self, condition: Q) -> set[int]:
        """The groups that meet a condition and those inside them: two queries."""
        found = set(group_rows.groups(self.context).filter(condition).values_list("pk", flat=True))
        return found | nesting.load_if_any(self.context).descendants(found)

    def _answers_to(self, row: UserRow, user_name: str) -> bool:
        """Whether the row still has the name, or the host renamed the person behind our back (``.update()``)."""
        shown = self.context.adapter.shown(row.attributes, row.columns)
        return fold(str(shown.get("userName", row.user_name))) == fold(user_name)

    def _by_host_name(self, user_name: str) -> list[UserRow]:
        """One exact look-up on the host's own column, for a name that our key has not caught up with."""
        mapped = self.context.adapter.by_key.get("userName")
        if mapped is None or not mapped.attr.writes:
            return []
        values = mapped.attr.to_host(mapped.path, {"userName": user_name})
        columns = [(f"{HOST}{column}", value) for column, value in zip(mapped.attr.fields, values, strict=True)]
        if len(columns) == 1 and isinstance(columns[0][1], str):
            rows = look_up(self.context, *columns[0], 1)
        else:
            rows = self.page(1, found=self.queryset().filter(Q(*columns)))
        # Compared again here: the host's collation may take é for e.
        return [row for row in rows if row.columns is not None and self._answers_to(row, user_name)]


class Groups(Kind[GroupRow]):
    """Groups."""

    @property
    def resource_type(self) -> ResourceType:
        return self.context.group_adapter.resource_type

    def queryset(self) -> QuerySet[Any]:
        return group_rows.groups(self.context)

    def condition(self, node: Filter) -> Q:
        return compile_group_filter(node)

    def order(self, path: BoundPath) -> Any:
        return compile_group_sort(path)

    def fetch(self, queryset: QuerySet[Any]) -> list[GroupRow]:
        return group_rows.fetch(queryset)

    def named(self, node: Compare, limit: int) -> list[GroupRow] | None:
        value = str(node.value)
        if node.path.key == "externalId":
            return group_rows.look_up(self.context, "external_id", value, limit)
        if node.path.key == "displayName":
            return group_rows.look_up(self.context, "display_name_key", fold(value), limit)
        return None

    def by_id(self, scim_id: Any) -> list[GroupRow]:
        return group_rows.look_up(self.context, "scim_id", scim_id, 1)

    def render(self, rows: Sequence[GroupRow], projection: Projection) -> list[dict[str, Any]]:
        if not projection.wants("members"):
            return [self._projected(row, None, projection) for row in rows]
        nested = any(row.is_nested for row in rows)
        members = members_of([row.pk for row in rows], self.context, is_nested=nested)
        return [self._projected(row, members.get(row.pk, []), projection) for row in rows]

    def show(self, row: GroupRow, projection: Projection, condition: Match) -> Found:
        def render() -> dict[str, Any]:
            if projection.shows_whole("members"):
                members = members_of_one(row.pk, self.context, is_nested=row.is_nested)
                return self._projected(row, members, projection)
            return self.render([row], projection)[0]

        return Found.make(weak(row.version), condition, render)

    def _projected(self, row: GroupRow, members: Any, projection: Projection) -> dict[str, Any]:
        return projection.apply(group_rows.document(row, members, self.resource_type, self.context.base_url))


def resource_id(text: str) -> str:
    """The id in a path.

    :raises NotFound: it is not one that we could have made, whatever its shape.
    """
    found = known_id(text)
    if found is None:
        raise NotFound
    return found
