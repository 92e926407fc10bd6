"""What an administrator decides about many removals: let them pass, or begin to count anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from ..models import ConnectionGuard, HeldRemoval, ScimConnection, ScimRemoval
from . import audit, guard
from .context import Context, database
from .removals import WINDOW, share_of
from .transactions import now, run

PASSES_FOR: Final = timedelta(days=1)
"""How long removals pass once an administrator has let them: identity providers try again after hours."""


@dataclass(frozen=True)
class Watch:
    """What a connection's guard has seen."""

    held: int = 0
    """Requests that are held."""
    alarm_at: datetime | None = None
    """Since when unusually many people were removed; ``None`` when an administrator has seen to it."""
    is_holding: bool = False
    passes_until: datetime | None = None


def held(context: Context) -> QuerySet[HeldRemoval]:
    """The removals that are held, in the order in which they were first asked for."""
    return HeldRemoval.objects.using(context.using).filter(connection_id=context.connection.pk).order_by("pk")


def removals(context: Context, since: datetime | None = None) -> QuerySet[ScimRemoval]:
    """What was removed and not undone, newest first."""
    found = ScimRemoval.objects.using(context.using).filter(connection_id=context.connection.pk, undone_at=None)
    return (found if since is None else found.filter(at__gte=since)).order_by("-pk")


def watch(connections: Sequence[ScimConnection]) -> dict[Any, Watch]:
    """What the guards of connections have seen, by primary key; two queries for all of them."""
    using, moment = database(), now()
    policies = {connection.pk: connection.guard for connection in connections}
    counts: dict[Any, int] = {}
    for pk in HeldRemoval.objects.using(using).filter(connection__in=connections).values_list("connection", flat=True):
        counts[pk] = counts.get(pk, 0) + 1
    found = {}
    for one in ConnectionGuard.objects.using(using).filter(connection__in=connections):
        passes = one.released_until if one.released_until and one.released_until > moment else None
        holding = one.held_at is not None and policies[one.connection_id] == ScimConnection.Guard.HOLD and not passes
        found[one.connection_id] = Watch(counts.get(one.connection_id, 0), one.alarm_at, holding, passes)
    return found


def alarm_since(context: Context) -> datetime | None:
    """From when on removals belong to the alarm that is on; ``None`` where there is none."""
    state = watch([context.connection]).get(context.connection.pk, Watch())
    return None if state.alarm_at is None else state.alarm_at - WINDOW


def limit(context: Context, managed: int) -> int:
    """How many people may be removed within ten minutes without attention, of so many that are managed."""
    chosen = context.connection.guard_limit
    return share_of(managed) if chosen is None else chosen


def release(context: Context) -> datetime:
    """Let removals pass for a day, those that are held and all others; returns until when."""
    until = now() + PASSES_FOR
    settle(context, released_until=until)
    return until


def settle(context: Context, *, released_until: datetime | None = None) -> None:
    """The alarm has been seen to: what is held is forgotten, and removals are counted from here on."""

    def work() -> None:
        locked = guard.lock(context)
        locked.alarm_at = locked.alarm_last_at = locked.held_at = None
        locked.counted_from, locked.released_until = now(), released_until
        locked.save(
            using=context.using,
            update_fields=["alarm_at", "alarm_last_at", "held_at", "counted_from", "released_until"],
        )
        held(context).delete()
        if released_until is not None:
            audit.record(context, audit.Action.LET_PASS, label=context.connection.name)

    run(work, context.using)
