from __future__ import annotations

from ..models import ConnectionGuard
from .context import Context


def lock(context: Context) -> ConnectionGuard:
    """Take the connection's guard, before every other lock: one writer at a time where a write reaches further.

    Group membership, roles and deletions take it; plain changes of one person do not.
    """
    guards = ConnectionGuard.objects.using(context.using)
    mine = guards.select_for_update().filter(connection_id=context.connection.pk)
    guard = mine.first()
    if guard is None:
        # A connection that was not made by our service.
        guards.bulk_create([ConnectionGuard(connection_id=context.connection.pk)], ignore_conflicts=True)
        guard = mine.get()
    return guard
