"""Reading people: by id, by filter, page by page. Reads never write."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import OrderBy, Q

from ..adapters.query import HOST, compile_filter, compile_sort
from ..conf import app_settings
from ..protocol import filters
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.filters import Compare, Filter
from ..protocol.keys import fold
from ..protocol.messages import ListQuery
from ..protocol.paths import split_path
from ..protocol.projection import Projection
from .context import Context
from .rows import UserRow, document, fetch, groups_of, people


class Page(NamedTuple):
    """A page of results, projected, and how many there are in all."""

    resources: list[dict[str, Any]]
    total: int


def resource_id(text: str) -> UUID:
    """The id in a path.

    :raises NotFound: it is not one that we could have made, whatever its shape.
    """
    try:
        found = UUID(text)
    except ValueError:
        raise NotFound from None
    if str(found) != text:
        raise NotFound
    return found


def get_user(context: Context, scim_id: str, projection: Projection) -> dict[str, Any]:
    """One person: two queries, one without ``groups``.

    :raises NotFound: no such person in this connection.
    """
    rows = fetch(people(context).filter(scim_id=resource_id(scim_id)), context)
    if not rows:
        raise NotFound
    return _render(rows, projection, context)[0]


def list_users(context: Context, query: ListQuery, projection: Projection) -> Page:
    """A page (RFC 7644 section 3.4.2): ids first, then their rows and groups.

    :raises InvalidFilter: see ``compile_filter``.
    :raises InvalidValue: ``sortBy`` names nothing to sort by.
    """
    node = None
    if query.filter is not None:
        node = filters.parse_filter(
            query.filter,
            context.adapter.resource_type,
            tolerance=context.dialect.tolerance,
            limits=context.filter_limits,
        )
    count = app_settings.DEFAULT_COUNT if query.count is None else query.count
    count = min(count, app_settings.MAX_RESULTS)
    if query.sort_by is None and query.start_index == 1 and count > 0 and _names_one(node):
        rows = _named(node, count + 1, context)
        if len(rows) <= count:
            return Page(_render(rows, projection, context), len(rows))

    found = people(context)
    if node is not None:
        found = found.filter(compile_filter(node, context.adapter, context.connection))
    if count == 0:
        return Page([], found.count())
    start = query.start_index - 1
    ids = list(found.order_by(*_order(query, context)).values_list("pk", flat=True)[start : start + count])
    # The page itself tells the total where it is the last one and not empty beyond the end.
    total = start + len(ids) if len(ids) < count and (ids or start == 0) else found.count()
    by_pk = {row.pk: row for row in fetch(people(context).filter(pk__in=ids), context)} if ids else {}
    return Page(_render([by_pk[pk] for pk in ids if pk in by_pk], projection, context), total)


def _render(rows: list[UserRow], projection: Projection, context: Context) -> list[dict[str, Any]]:
    groups = groups_of([row.pk for row in rows], context) if projection.wants("groups") else {}
    return [projection.apply(document(row, groups.get(row.pk, ()), context.adapter, context.base_url)) for row in rows]


def _order(query: ListQuery, context: Context) -> list[Any]:
    if query.sort_by is None:
        return ["pk"]
    parts = split_path(query.sort_by)
    path = context.adapter.resource_type.bind(*parts) if parts else None
    if path is None:
        raise InvalidValue("sortBy names no attribute of this resource type.")
    expression = compile_sort(path, context.adapter)
    # Resources without a value come last when ascending, first when descending (RFC 7644 section 3.4.2.3).
    order = OrderBy(
        expression, descending=query.descending, **{"nulls_first" if query.descending else "nulls_last": True}
    )
    return [order, "pk"]


# Look-ups by a name, which identity providers send before everything else ------------------------------------


def _names_one(node: Filter | None) -> bool:
    return isinstance(node, Compare) and node.operator == "eq" and node.path.key in ("userName", "externalId")


def _named(node: Filter | None, limit: int, context: Context) -> list[UserRow]:
    """Answer ``userName eq`` and ``externalId eq`` from their indexes."""
    assert isinstance(node, Compare)  # noqa: S101 (for the type checker; _names_one decided)
    value = str(node.value)
    if node.path.key == "externalId":
        return fetch(people(context).filter(external_id=value).order_by("pk")[:limit], context)
    rows = fetch(people(context).filter(user_name_key=fold(value)), context)
    rows = [row for row in rows if _answers_to(row, value, context)]
    return rows or _by_host_name(value, context)


def _answers_to(row: UserRow, user_name: str, context: Context) -> bool:
    """Whether the row still has the name, or the host renamed the person behind our back (``.update()``)."""
    shown = context.adapter.shown(row.attributes, row.columns)
    return fold(str(shown.get("userName", row.user_name))) == fold(user_name)


def _by_host_name(user_name: str, context: Context) -> list[UserRow]:
    """One exact look-up on the host's own column, for a name that our key has not caught up with."""
    mapped = context.adapter.by_key.get("userName")
    if mapped is None or not mapped.attr.writes:
        return []
    columns = zip(mapped.attr.fields, mapped.attr.to_host(mapped.path, {"userName": user_name}), strict=True)
    condition = Q(*((f"{HOST}{column}", value) for column, value in columns))
    rows = fetch(people(context).filter(condition)[:1], context)
    # Compared again here: the host's collation may take é for e.
    return [row for row in rows if row.columns is not None and _answers_to(row, user_name, context)]
