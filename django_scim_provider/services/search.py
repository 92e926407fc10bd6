"""Reading: by id, by filter, page by page. Reads never write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import QuerySet

from ..conf import app_settings
from ..protocol import filters
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.etags import Match
from ..protocol.filters import Compare, Filter
from ..protocol.messages import ListQuery, list_response
from ..protocol.paths import split_path
from ..protocol.projection import Projection
from ..protocol.schemas import BoundPath, ResourceType
from . import cursors
from .context import Context
from .cursors import Mark, Order
from .kinds import Found, Kind, RowT, Users


class Page(NamedTuple):
    """A page of results, projected, and how many there are in all."""

    resources: list[dict[str, Any]]
    total: int
    next_cursor: str | None = None

    def as_document(self, query: ListQuery) -> dict[str, Any]:
        """The list response to the query."""
        start_index = query.start_index if query.cursor is None else None
        return list_response(self.resources, total=self.total, start_index=start_index, next_cursor=self.next_cursor)


def get_resource(kind: Kind[Any], scim_id: str, projection: Projection) -> dict[str, Any]:
    """One resource: its row, and what belongs to it.

    :raises NotFound: no such resource in this connection.
    """
    return kind.render([_row(kind, scim_id)], projection)[0]


def find_resource(kind: Kind[Any], scim_id: str, projection: Projection, condition: Match) -> Found:
    """One resource in answer to a conditional request, with its version whatever is shown of it.

    :raises NotFound: no such resource in this connection.
    :raises PreconditionFailed: ``If-Match`` asks for another version.
    """
    return kind.show(_row(kind, scim_id), projection, condition)


def _row(kind: Kind[RowT], scim_id: str) -> RowT:
    rows = kind.by_id(kind.known_id(scim_id))
    if not rows:
        raise NotFound
    return rows[0]


def list_resources(kind: Kind[Any], query: ListQuery, projection: Projection) -> Page:
    """A page (RFC 7644 section 3.4.2, RFC 9865): rows, then what belongs to them; of a deep page the keys first.

    :raises InvalidFilter: the filter cannot be answered.
    :raises InvalidValue: ``sortBy`` names nothing to sort by.
    :raises InvalidCursor: and others, see ``cursors.decode``.
    """
    node = None if query.filter is None else _parse(kind, query.filter)
    mark = None if query.cursor is None else cursors.decode(kind.context, kind.resource_type, query)
    count = page_size(query, mark)
    if isinstance(node, Compare) and node.operator == "eq" and _is_plain(query, mark) and count > 0:
        # The look-up that identity providers send before everything else.
        rows = kind.named(node, count + 1)
        if rows is not None and len(rows) <= count:
            return Page(kind.render(rows, projection), len(rows))
    filtered = None if node is None else kind.queryset().filter(kind.condition(node))
    if count == 0:
        return Page([], _count(kind, filtered))
    if query.cursor is not None:
        return _page_after(kind, query, filtered, mark, projection)
    if _is_plain(query, mark):
        rows = kind.page(count, found=filtered)
        return Page(kind.render(rows, projection), len(rows) if len(rows) < count else _count(kind, filtered))
    found = kind.queryset() if filtered is None else filtered
    start = query.start_index - 1
    ids = list(found.order_by(*_order(kind, query).terms).values_list("pk", flat=True)[start : start + count])
    # The page itself tells the total where it is the last one and not empty beyond the end.
    total = start + len(ids) if len(ids) < count and (ids or start == 0) else _count(kind, filtered)
    return Page(_render(kind, ids, projection), total)


def page_size(query: ListQuery, mark: Mark | None = None) -> int:
    """How many resources the page may have, at most."""
    count = query.count if mark is None else mark.size
    return min(app_settings.DEFAULT_COUNT if count is None else count, app_settings.MAX_RESULTS)


def _count(kind: Kind[Any], filtered: QuerySet[Any] | None) -> int:
    return kind.count() if filtered is None else filtered.count()


def _page_after(
    kind: Kind[Any], query: ListQuery, filtered: QuerySet[Any] | None, mark: Mark | None, projection: Projection
) -> Page:
    """The page after the mark, or the first."""
    count, order = page_size(query, mark), _order(kind, query)
    # One more than are shown tells whether others follow.
    if order.expression is None:
        rows = kind.page(count + 1, None if mark is None else mark.pk, filtered)
        places = [(row.pk, None) for row in rows]
        resources = kind.render(rows[:count], projection)
    else:
        places = order.after(kind.queryset() if filtered is None else filtered, mark, count + 1)
        resources = _render(kind, [pk for pk, _ in places[:count]], projection)
    more = len(places) > count
    counted = _count(kind, filtered) if more and mark is None else len(places)
    total = counted if mark is None else mark.total
    if not more:
        return Page(resources, total)
    last = Mark(query.count if mark is None else mark.size, total, *places[count - 1])
    return Page(resources, total, cursors.encode(kind.context, kind.resource_type, query, last))


def _render(kind: Kind[Any], pks: Sequence[Any], projection: Projection) -> list[dict[str, Any]]:
    """The resources with these primary keys, in their order; none for those that are gone meanwhile."""
    by_pk = {row.pk: row for row in kind.fetch(kind.queryset().filter(pk__in=pks))} if pks else {}
    return kind.render([by_pk[pk] for pk in pks if pk in by_pk], projection)


def get_user(context: Context, scim_id: str, projection: Projection) -> dict[str, Any]:
    """One person; see ``get_resource``."""
    return get_resource(Users(context), scim_id, projection)


def list_users(context: Context, query: ListQuery, projection: Projection) -> Page:
    """A page of people; see ``list_resources``."""
    return list_resources(Users(context), query, projection)


def _parse(kind: Kind[Any], text: str) -> Filter:
    context = kind.context
    return filters.parse_filter(
        text, kind.resource_type, tolerance=context.dialect.tolerance, limits=context.filter_limits
    )


def _is_plain(query: ListQuery, mark: Mark | None) -> bool:
    """Whether the first page is asked for, in the order of a list without ``sortBy``."""
    return query.sort_by is None and query.start_index == 1 and mark is None


def sort_path(resource_type: ResourceType, sort_by: str) -> BoundPath | None:
    """The attribute that ``sortBy`` names; ``None`` where the resource type has none of the name.

    :raises InvalidValue: it is never shown, and the order would tell it.
    """
    parts = split_path(sort_by)
    path = resource_type.bind(*parts) if parts else None
    if path is not None and path.is_hidden:
        raise InvalidValue(f"Results cannot be sorted by {path.key}.")
    return path


def _order(kind: Kind[Any], query: ListQuery) -> Order:
    if query.sort_by is None:
        return Order()
    path = sort_path(kind.resource_type, query.sort_by)
    if path is None:
        raise InvalidValue("sortBy names no attribute of this resource type.")
    return Order(kind.order(path), query.descending)
