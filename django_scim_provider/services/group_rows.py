"""A group as a row: what is read from the database, and the document that shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from ..models import ScimGroup, ScimMembership
from ..protocol.etags import weak
from ..protocol.schemas import ResourceType
from .context import Context
from .rows import wire_time

_OWN: Final = ("pk", "scim_id", "display_name", "external_id", "version", "created_at", "modified_at")


class GroupRow(NamedTuple):
    """What showing a group takes, its members apart."""

    pk: int
    scim_id: str
    display_name: str
    external_id: str | None
    version: int
    """Raised by every change of the group or its members, under its lock."""
    created_at: datetime
    modified_at: datetime


def groups(context: Context) -> QuerySet[ScimGroup]:
    """The connection's groups: where every query about groups starts."""
    return ScimGroup.objects.using(context.using).filter(connection_id=context.connection.pk)


def fetch(queryset: QuerySet[ScimGroup]) -> list[GroupRow]:
    """Read rows in the queryset's order: one query."""
    return [GroupRow._make(row) for row in queryset.values_list(*_OWN)]


def members_of(
    pks: Collection[int], context: Context, *, limit: int | None = None
) -> Mapping[int, list[dict[str, Any]]]:
    """The members of several groups as they are shown, by primary key: one query, no model instances.

    :param limit: read no more than so many in all.
    """
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    if not pks:
        return found
    users, nested = f"{context.base_url}/Users/", f"{context.base_url}/Groups/"
    # Typed loosely: the stubs do not know that an outer join leaves nulls.
    rows: Any = ScimMembership.objects.using(context.using).filter(group__in=pks).order_by("pk")[:limit]
    for pk, user_id, group_id, display in rows.values_list(
        "group_id", "scim_user__scim_id", "child__scim_id", "display"
    ):
        kind, base, member_id = ("User", users, user_id) if group_id is None else ("Group", nested, group_id)
        member = {"value": member_id, "$ref": base + member_id, "type": kind}
        if display:
            member["display"] = display
        found[pk].append(member)
    return found


def document(
    row: GroupRow, members: Iterable[dict[str, Any]] | None, resource_type: ResourceType, base_url: str
) -> dict[str, Any]:
    """The resource (RFC 7643 section 4.2); ``members`` is there when empty, since authentik adds none where it is not.

    :param members: ``None`` leaves the attribute out.
    """
    resource: dict[str, Any] = {"schemas": [resource_type.schema.id], "id": row.scim_id}
    if row.external_id is not None:
        resource["externalId"] = row.external_id
    resource["displayName"] = row.display_name
    if members is not None:
        resource["members"] = list(members)
    resource["meta"] = {
        "resourceType": resource_type.name,
        "created": wire_time(row.created_at),
        "lastModified": wire_time(row.modified_at),
        "location": f"{base_url}{resource_type.endpoint}/{row.scim_id}",
        "version": weak(row.version),
    }
    return resource
