from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from ..models import ConnectionGuard, ScimConnection
from . import prepared
from .context import Context
from .prepared import CONNECTION


def lock(context: Context) -> ConnectionGuard:
    """Take the connection's guard, before every other lock: one writer at a time where a write reaches further.

    Group membership, roles and deletions take it; plain changes of one person do not.
    """
    guards = ConnectionGuard.objects.using(context.using)

    def build(values: Mapping[str, Any]) -> QuerySet[ConnectionGuard]:
        return guards.select_for_update().filter(connection_id=values["connection"])

    values = {"connection": context.connection.pk}
    found = prepared.locked(ConnectionGuard, context.using, build, {"connection": CONNECTION}, values)
    if not found:
        # A connection that was not made by our service.
        guards.bulk_create([ConnectionGuard(connection_id=context.connection.pk)], ignore_conflicts=True)
        found = list(build(values))
    (guard,) = found
    if guard.has_nested_groups and not context.connection.has_nested_groups:
        # Read before the first group was nested, or somebody saved the connection as it was before: made good.
        _tell_readers(context)
    context.connection.has_nested_groups = guard.has_nested_groups
    return guard


def note_nesting(context: Context, locked: ConnectionGuard) -> None:
    """Remember that a group is a member of another: reads look for indirect memberships from now on."""
    if locked.has_nested_groups:
        return
    locked.has_nested_groups = context.connection.has_nested_groups = True
    locked.save(using=context.using, update_fields=["has_nested_groups"])
    _tell_readers(context)


def _tell_readers(context: Context) -> None:
    """They know the connection alone."""
    connections = ScimConnection.objects.using(context.using)
    connections.filter(pk=context.connection.pk, has_nested_groups=False).update(has_nested_groups=True)
