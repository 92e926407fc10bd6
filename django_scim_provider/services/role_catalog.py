"""The roles that can be assigned, as read-only resources: Okta's entitlement discovery reads them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from ..adapters.roles import Role
from ..conf import app_settings
from ..protocol import core_schemas, filters
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.etags import Match, digest
from ..protocol.keys import fold
from ..protocol.messages import ListQuery
from ..protocol.projection import Projection
from ..protocol.schemas import ResourceType
from .context import Context
from .search import Found, Page

ROLES: Final = ResourceType("Role", "/Roles", "A role that the application knows", core_schemas.ROLE)


def list_roles(context: Context, query: ListQuery, projection: Projection) -> Page:
    """A page of roles; there are few, so they are filtered and sorted in memory.

    :raises InvalidFilter: see ``parse_filter``.
    :raises InvalidValue: ``sortBy`` is not ``displayName`` or ``id``.
    """
    found = [_document(context, role) for role in _roles(context)]
    if query.filter is not None:
        tolerance, limits = context.dialect.tolerance, context.filter_limits
        node = filters.parse_filter(query.filter, ROLES, tolerance=tolerance, limits=limits)
        found = [document for document in found if filters.matches(node, document)]
    if query.sort_by is not None:
        name = {"displayname": "displayName", "id": "id"}.get(query.sort_by.lower())
        if name is None:
            raise InvalidValue("Roles can be sorted by displayName and id.")
        found.sort(key=lambda document: fold(str(document[name])), reverse=query.descending)
    count = app_settings.DEFAULT_COUNT if query.count is None else query.count
    start = query.start_index - 1
    page = found[start : start + min(count, app_settings.MAX_RESULTS)]
    return Page([projection.apply(document) for document in page], len(found))


def get_role(context: Context, key: str, projection: Projection, condition: Match) -> Found:
    """One role.

    :raises NotFound: there is no such role, or it may not be assigned.
    :raises PreconditionFailed: ``If-Match`` asks for another version.
    """
    role = next((role for role in _roles(context) if role.key == key), None)
    if role is None:
        raise NotFound
    document = _document(context, role)
    return Found.make(document["meta"]["version"], condition, lambda: projection.apply(document))


def _roles(context: Context) -> list[Role]:
    backend = context.adapter.roles
    return [role for role in backend.choices(context.connection) if not backend.is_privileged(role.key)]


def _document(context: Context, role: Role) -> dict[str, Any]:
    return {
        "schemas": [ROLES.schema.id],
        "id": role.key,
        "displayName": role.label,
        "meta": {
            "resourceType": ROLES.name,
            "location": f"{context.base_url}{ROLES.endpoint}/{quote(role.key, safe='')}",
            "version": digest((role.key, role.label)),
        },
    }
