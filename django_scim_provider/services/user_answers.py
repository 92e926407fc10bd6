"""What is told of a write to a person: the answer, its version, and the values in the event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..adapters import ResourceAdapter
from ..conf import app_settings
from ..models import ScimUser
from ..protocol.etags import Match
from ..protocol.patch import Operation
from ..protocol.projection import Projection
from ..protocol.schemas import ResourceType
from .context import Context
from .rows import Groups, UserRow, document, groups_of, host_columns, version_of, wire_time


class WrittenUser(NamedTuple):
    """A person as a write left them."""

    id: str
    version: str
    resource: dict[str, Any]
    """Made before the commit: a fault after it would call a write failed that is done."""
    sent: frozenset[str] = frozenset()
    """Canonical keys of what the client has sent, among what is returned on request."""


def written(context: Context, row: ScimUser, groups: Groups) -> WrittenUser:
    """The row as the answer shows it, from what is in memory."""
    columns = host_columns(context, row.user) if row.user_id is not None else None
    shown = UserRow(
        row.pk, row.scim_id, row.user_name, row.attributes, row.created_at, row.modified_at, row.user_id, columns
    )
    resource = document(shown, groups.get(row.pk, ()), context.adapter, context.base_url)
    return WrittenUser(row.scim_id, resource["meta"]["version"], resource)


def render(context: Context, done: WrittenUser, projection: Projection) -> dict[str, Any]:
    """The answer to a write; asks the database for nothing."""
    return projection.including(done.sent, context.adapter.resource_type).apply(done.resource)


def sent_in(body: Mapping[str, Any], resource_type: ResourceType) -> frozenset[str]:
    """What a cleaned body has of what is returned on request."""
    return frozenset(path.key for path in resource_type.on_request if path.read(body) is not None)


def sent_by(operations: Iterable[Operation], resource_type: ResourceType) -> frozenset[str]:
    """What operations speak of among what is returned on request."""
    paths = [operation.path.path for operation in operations if operation.path is not None]
    exact, whole = {path.key for path in paths}, {path._replace(sub=None).key for path in paths}
    return frozenset(
        path.key
        for path in resource_type.on_request
        if path.key in exact or path._replace(sub=None).key in (whole if path.sub is None else exact)
    )


def permit(context: Context, row: ScimUser, shown: dict[str, Any], if_match: Match | None) -> None:
    """Check a condition under the row's lock.

    :raises PreconditionFailed: it does not hold.
    """
    if if_match is None:
        return
    groups = groups_of([row.pk], context) if if_match.needs_version else {}
    if_match.permit(version_of(shown, wire_time(row.modified_at), groups.get(row.pk, ()), context.adapter))


def event_values(adapter: ResourceAdapter, wanted: dict[str, Any], names: Iterable[str]) -> dict[str, Any] | None:
    """The values for an event, where the host wants them there; never those that no answer shows."""
    if not app_settings.EVENT_VALUES:
        return None
    visible = wanted if adapter.visible is None else adapter.visible.apply(wanted)
    return {name: visible.get(name) for name in sorted(names) if name in visible or name not in wanted}
