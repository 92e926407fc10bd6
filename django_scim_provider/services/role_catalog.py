"""The roles that can be assigned, as read-only resources: Okta's entitlement discovery reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from ..adapters.roles import Role
from ..protocol import core_schemas, filters
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.etags import Match, digest
from ..protocol.keys import fold
from ..protocol.messages import ListQuery
from ..protocol.projection import Projection
from ..protocol.schemas import ResourceType
from . import cursors
from .context import Context
from .cursors import Mark
from .kinds import Found
from .search import Page, page_size

ROLES: Final = ResourceType("Role", "/Roles", "A role that the application knows", core_schemas.ROLE)


def list_roles(context: Context, query: ListQuery, projection: Projection) -> Page:
    """A page of roles; there are few, so they are filtered and sorted in memory.

    :raises InvalidFilter: see ``parse_filter``.
    :raises InvalidValue: ``sortBy`` is not ``displayName`` or ``id``.
    :raises InvalidCursor: and others, see ``cursors.decode``.
    """
    found = [_document(context, role) for role in context.adapter.roles.assignable(context.connection)]
    if query.filter is not None:
        tolerance, limits = context.dialect.tolerance, context.filter_limits
        node = filters.parse_filter(query.filter, ROLES, tolerance=tolerance, limits=limits)
        found = [document for document in found if filters.matches(node, document)]
    mark = None if query.cursor is None else cursors.decode(context, ROLES, query)
    total, count = (len(found) if mark is None else mark.total), page_size(query, mark)
    order = _order(query)
    found.sort(key=order, reverse=query.descending)
    if mark is not None:
        last = (mark.key, mark.pk)
        found = [role for role in found if (order(role) < last if query.descending else order(role) > last)]
    page = found[query.start_index - 1 :][:count]
    next_cursor = None
    if query.cursor is not None and page and len(page) < len(found):
        key, role_id = order(page[-1])
        last_shown = Mark(query.count if mark is None else mark.size, total, role_id, key)
        next_cursor = cursors.encode(context, ROLES, query, last_shown)
    return Page([projection.apply(document) for document in page], total, next_cursor)


def get_role(context: Context, key: str, projection: Projection, condition: Match) -> Found:
    """One role.

    :raises NotFound: there is no such role, or it may not be assigned.
    :raises PreconditionFailed: ``If-Match`` asks for another version.
    """
    role = next((role for role in context.adapter.roles.assignable(context.connection) if role.key == key), None)
    if role is None:
        raise NotFound
    document = _document(context, role)
    return Found.make(document["meta"]["version"], condition, lambda: projection.apply(document))


def location(context: Context, key: str) -> str:
    """Where a role is to be found."""
    return f"{context.base_url}{ROLES.endpoint}/{quote(key, safe='')}"


def _order(query: ListQuery) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    """What roles are sorted by: without ``sortBy`` the order stays that in which the backend lists them."""
    if query.sort_by is None and query.cursor is None:
        return lambda role: ("", "")
    if query.sort_by is None:
        # A place in the backend's order cannot be found again once the role there is gone.
        return lambda role: ("", role["id"])
    name = {"displayname": "displayName", "id": "id"}.get(query.sort_by.lower())
    if name is None:
        raise InvalidValue("Roles can be sorted by displayName and id.")
    return lambda role: (fold(role[name]), role["id"])


def _document(context: Context, role: Role) -> dict[str, Any]:
    return {
        "schemas": [ROLES.schema.id],
        "id": role.key,
        "displayName": role.label,
        "meta": {
            "resourceType": ROLES.name,
            "location": location(context, role.key),
            "version": digest((role.key, role.label)),
        },
    }
