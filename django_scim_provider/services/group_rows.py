"""A group as a row: what is read from the database, and the document that shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet

from ..models import ScimGroup
from ..protocol.etags import weak
from ..protocol.schemas import ResourceType
from . import prepared
from .context import Context
from .prepared import CONNECTION, SAMPLES, Slot
from .rows import wire_time

_OWN: Final = (
    *("pk", "scim_id", "display_name", "external_id", "version", "created_at", "modified_at"),
    "connection__has_nested_groups",
)


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
    is_nested: bool
    """Whether any group of the connection may be a member of another; as fresh as the version."""


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


def document(
    row: GroupRow, members: Iterable[Any] | None, resource_type: ResourceType, base_url: str
) -> dict[str, Any]:
    """The resource (RFC 7643 section 4.2); ``members`` is there when empty, since authentik adds none where it is not.

    :param members: ``None`` leaves the attribute out.
    """
    resource: dict[str, Any] = {"schemas": [resource_type.schema.id], "id": row.scim_id}
    if row.external_id is not None:
        resource["externalId"] = row.external_id
    resource["displayName"] = row.display_name
    if members is not None:
        resource["members"] = members
    resource["meta"] = {
        "resourceType": resource_type.name,
        "created": wire_time(row.created_at),
        "lastModified": wire_time(row.modified_at),
        "location": f"{base_url}{resource_type.endpoint}/{row.scim_id}",
        "version": weak(row.version),
    }
    return resource
