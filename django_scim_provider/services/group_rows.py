"""A group as a row: what is read from the database, and the document that shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from ..models import ScimGroup, ScimMembership
from ..protocol.etags import weak
from ..protocol.schemas import ResourceType
from . import prepared
from .context import Context
from .prepared import CONNECTION, SAMPLES, Slot
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


def look_up(context: Context, column: str, value: Any, limit: int) -> list[GroupRow]:
    """The rows with a value in an indexed column, by primary key."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimGroup, Any]:
        mine = ScimGroup.objects.using(context.using).filter(connection_id=values["connection"])
        return mine.filter((column, values["value"])).order_by("pk")[:limit].values_list(*_OWN)

    field: Any = ScimGroup._meta.get_field(column)
    slots = {"connection": CONNECTION, "value": Slot(field, SAMPLES)}
    values = {"connection": context.connection.pk, "value": value}
    rows = prepared.run(("groups", column, limit), context.using, build, slots, values)
    return [GroupRow._make(row) for row in rows]


def lock(context: Context, scim_id: str) -> ScimGroup | None:
    """A group, locked."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimGroup]:
        mine = ScimGroup.objects.using(context.using).filter(connection_id=values["connection"])
        return mine.filter(scim_id=values["scim_id"]).select_for_update()

    slots = {"connection": CONNECTION, "scim_id": Slot(ScimGroup._meta.get_field("scim_id"), SAMPLES)}
    values = {"connection": context.connection.pk, "scim_id": scim_id}
    return next(iter(prepared.locked(ScimGroup, context.using, build, slots, values)), None)


def members_of(pks: Collection[int], context: Context) -> Mapping[int, list[dict[str, Any]]]:
    """The members of several groups as they are shown, by primary key: one query, no model instances."""
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    if not pks:
        return found
    users, nested = f"{context.base_url}/Users/", f"{context.base_url}/Groups/"
    for pk, user_id, group_id, display in _members(pks, context):
        kind, base, member_id = ("User", users, user_id) if group_id is None else ("Group", nested, group_id)
        member = {"value": member_id, "$ref": base + member_id, "type": kind}
        if display:
            member["display"] = display
        found[pk].append(member)
    return found


def _members(pks: Collection[int], context: Context) -> Iterable[tuple[Any, ...]]:
    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[ScimMembership, Any]:
        rows = ScimMembership.objects.using(context.using).filter(group__in=listed)
        return rows.order_by("pk").values_list("group_id", "scim_user__scim_id", "child__scim_id", "display")

    return prepared.run_listed("members", context.using, build, ScimGroup._meta.pk, pks)


def has_more_members(pk: int, context: Context, limit: int) -> bool:
    """Whether a group has more than so many members; reads none of them."""

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[ScimMembership, Any]:
        rows = ScimMembership.objects.using(context.using).filter(group__in=listed)
        return rows.order_by().values_list("pk")[limit : limit + 1]

    return any(True for _ in prepared.run_listed(("more", limit), context.using, build, ScimGroup._meta.pk, [pk]))


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
