"""Removals: what each took away, and whether there are more of them than need no attention.

A wrong assignment or a stolen token removes many people in a short time. Who was removed is noted, so that it can be
undone; how many were is judged by the connection's policy.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import DatabaseError
from django.db.models import F, Func, IntegerField, QuerySet

from .. import signals
from ..models import ConnectionGuard, HeldRemoval, ScimConnection, ScimRemoval, ScimUser
from ..protocol.errors import ScimError, TooManyRequests
from . import audit, guard, notices, prepared, protection, rows
from .context import Context
from .inserts import insert_all
from .prepared import CONNECTION, Slot
from .transactions import NotedRefusal, announce, logger, now, recover, run

Guard = ScimConnection.Guard
Kind = ScimRemoval.Kind
WINDOW: Final = timedelta(minutes=10)
FLOOR: Final = 10
SHARE: Final = 10
"""Per cent of the people managed."""
RETRY_AFTER: Final = WINDOW.total_seconds()
QUIET: Final = timedelta(minutes=1)
"""How long an alarm is not looked at again."""
_SLOTS: Final = {
    "connection": CONNECTION,
    "since": Slot(
        ScimRemoval._meta.get_field("at"), (datetime(2001, 1, 1, tzinfo=UTC), datetime(2002, 2, 2, tzinfo=UTC))
    ),
    "besides": Slot(ScimUser._meta.pk, (-2, -3)),
}
_PEOPLE: Final = Func(
    "scim_user", function="COUNT", template="COUNT(DISTINCT %(expressions)s)", output_field=IntegerField()
)


class Departure(NamedTuple):
    """A change of a group by which people lose roles."""

    group: Any
    """The ``ScimGroup``."""
    left: Collection[int]
    """Who was a member of it (``ScimUser`` primary keys)."""


class Held(TooManyRequests, NotedRefusal):
    """429: the removal is held until an administrator decides."""

    default_detail = (
        "Unusually many people are being removed, so further removals are held until an administrator of the "
        "application releases them. Other requests go on."
    )

    def __init__(self, context: Context, subject: Any, people: int, seen: Seen | None) -> None:
        super().__init__(retry_after=RETRY_AFTER)
        self.context, self.subject, self.people, self.seen = context, subject, people, seen

    def note(self) -> None:
        try:
            run(lambda: _hold(self.context, self.subject, self.people, self.seen), self.context.using)
        except (DatabaseError, ScimError):
            # The answer stays 429, and the next attempt is noted.
            logger.exception("A held SCIM removal could not be noted.")
            recover(self.context.using)


class Seen(NamedTuple):
    """What an alarm is about."""

    people: int
    limit: int


class Locks(NamedTuple):
    """What a removal locks before any other row."""

    guard: ConnectionGuard
    holds: bool
    """Whether the person holds a protected role, and all who hold one are locked."""


def prepare(context: Context, scim_id: Any) -> Locks:
    """Take the locks that a removal of this person needs."""
    return Locks(guard.lock(context), protection.lock_holders(context, scim_id))


def deactivating(context: Context, locks: Locks | None, row: ScimUser, user: Any) -> None:
    """Somebody active is about to be deactivated.

    :raises Forbidden: see ``protection.refuse_last``.
    :raises Held: the connection's guard holds removals.
    """
    if context.connection.on_deactivate == ScimConnection.OnDeactivate.NOTHING:
        return
    locks = locks or prepare(context, row.scim_id)
    if locks.holds:
        protection.refuse_last(context, user, "deactivate them")
    removal = _removal(context, Kind.DEACTIVATE, row.pk, state=_state(user, active=True))
    _keep(context, locks.guard, row, [removal])


def deleting(context: Context, locks: Locks, row: ScimUser, user: Any, shown: Mapping[str, Any]) -> ScimRemoval:
    """Somebody is about to be deleted.

    :param shown: the person as they are shown.
    :returns: what is to be kept once it is known what they leave behind.
    :raises Forbidden: see ``protection.refuse_last``.
    :raises Held: the connection's guard holds removals.
    """
    if locks.holds and context.connection.on_delete != ScimConnection.OnDeactivate.NOTHING:
        protection.refuse_last(context, user, "delete them")
    _judge(context, locks.guard, row, [row.pk])
    state = _state(user, active=shown.get("active", True)) | {"attributes": dict(shown)}
    return _removal(context, Kind.DELETE, row.pk, state=state)


def keep(context: Context, removal: ScimRemoval, groups: Sequence[Any], roles: Collection[str]) -> None:
    """Note a deletion with the groups and the roles that went with it."""
    removal.group_ids = [group.scim_id for group in groups]
    removal.roles = sorted(roles)
    removal.save(using=context.using, force_insert=True)


def lost_roles(
    context: Context, locked: ConnectionGuard, departure: Departure, losses: Mapping[int, Collection[str]]
) -> None:
    """People (``ScimUser`` primary keys) are about to lose roles because a group changed.

    :raises Held: the connection's guard holds removals.
    """
    group_id = departure.group.scim_id
    removals = [
        _removal(context, Kind.LEAVE, pk, roles=sorted(roles), group_ids=[group_id] if pk in departure.left else [])
        for pk, roles in losses.items()
    ]
    if removals:
        _keep(context, locked, departure.group, removals)


def _state(user: Any, *, active: bool) -> dict[str, Any]:
    has_password = getattr(user, "has_usable_password", None)
    return {
        "active": active,
        "account": None if user is None else str(user.pk),
        "password": has_password() if has_password else False,
    }


def _removal(context: Context, kind: str, pk: int, **what: Any) -> ScimRemoval:
    return ScimRemoval(
        connection_id=context.connection.pk,
        scim_user_id=pk,
        kind=kind,
        at=now(),
        key_id=context.key_id,
        remote_addr=context.remote_addr,
        **what,
    )


def _keep(context: Context, locked: ConnectionGuard, subject: Any, removals: Sequence[ScimRemoval]) -> None:
    _judge(context, locked, subject, [removal.scim_user_id for removal in removals])
    insert_all(removals, context.using)


# Judging ---------------------------------------------------------------------------------------------------


def _judge(context: Context, locked: ConnectionGuard, subject: Any, people: Collection[int]) -> None:
    """Look whether these removals are too many together with those of the last minutes. One query as a rule.

    What administrators do is theirs to judge.

    :param subject: the person or the group that the request is about.
    :raises Held: they are, and the policy is to hold them.
    """
    connection, moment = context.connection, now()
    passes = locked.released_until is not None and moment < locked.released_until
    if connection.guard == Guard.OFF or context.is_administrative or passes:
        return
    holds = connection.guard == Guard.HOLD
    if holds and locked.held_at is not None:
        raise Held(context, subject, len(people), None)
    if not holds and locked.alarm_last_at is not None and moment - locked.alarm_last_at < QUIET:
        return
    count = _recent(context, locked, moment, people) + len(people)
    limit = FLOOR if connection.guard_limit is None else connection.guard_limit
    if connection.guard_limit is None and count > FLOOR:
        limit = _share(context, locked, moment)
    if count <= limit:
        return
    if holds:
        raise Held(context, subject, len(people), Seen(count, limit))
    _raise_alarm(context, locked, moment, Seen(count, limit))


def _recent(context: Context, locked: ConnectionGuard, moment: datetime, besides: Collection[int]) -> int:
    """How many others were removed in these minutes; somebody deactivated and then deleted is one."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimRemoval, Any]:
        recent = ScimRemoval.objects.using(context.using).filter(
            connection_id=values["connection"], at__gt=values["since"], undone_at=None
        )
        return recent.exclude(scim_user=values["besides"]).order_by().values_list(_PEOPLE)

    values = {
        "connection": context.connection.pk,
        "since": max(moment - WINDOW, locked.counted_from or moment - WINDOW),
        "besides": next(iter(besides)) if len(besides) == 1 else prepared.BEFORE_ALL,
    }
    ((found,),) = prepared.run("removals", context.using, build, _SLOTS, values)
    return int(found)


def share_of(managed: int) -> int:
    """How many of so many people may be removed within ten minutes without attention, if nobody chose another limit."""
    return max(FLOOR, managed * SHARE // 100)


def _share(context: Context, locked: ConnectionGuard, moment: datetime) -> int:
    """The share of people whose removal needs no attention; counted at most once in ten minutes."""
    if locked.removal_limit is None or locked.removal_limit_at is None or moment - locked.removal_limit_at >= WINDOW:
        locked.removal_limit = share_of(rows.count(context))
        locked.removal_limit_at = moment
        locked.save(using=context.using, update_fields=["removal_limit", "removal_limit_at"])
    return locked.removal_limit


def _raise_alarm(context: Context, locked: ConnectionGuard, moment: datetime, seen: Seen) -> None:
    """Tell, once for as long as it goes on."""
    goes_on = locked.alarm_last_at is not None and moment - locked.alarm_last_at < WINDOW
    locked.alarm_last_at = moment
    if not goes_on:
        locked.alarm_at = moment
    locked.save(using=context.using, update_fields=["alarm_at", "alarm_last_at"])
    if not goes_on:
        _tell(context, seen, held=False)


def _hold(context: Context, subject: Any, people: int, seen: Seen | None) -> None:
    """Note a held removal; the first of them begins the holding."""
    moment = now()
    locked = guard.lock(context)
    if seen is not None and locked.held_at is None:
        locked.held_at = locked.alarm_at = locked.alarm_last_at = moment
        locked.save(using=context.using, update_fields=["held_at", "alarm_at", "alarm_last_at"])
        _tell(context, seen, held=True)
    held = HeldRemoval.objects.using(context.using).filter(connection_id=context.connection.pk)
    is_person = isinstance(subject, ScimUser)
    kind = context.adapter.name if is_person else context.group_adapter.name
    same = {"resource_type": kind, "resource_id": subject.scim_id}
    if held.filter(**same).update(last_at=moment, count=F("count") + 1, people=people):
        return
    held.create(
        connection_id=context.connection.pk,
        label=subject.user_name if is_person else subject.display_name,
        people=people,
        first_at=moment,
        last_at=moment,
        key_id=context.key_id,
        remote_addr=context.remote_addr,
        **same,
    )


def _tell(context: Context, seen: Seen, *, held: bool) -> None:
    detail = f"{seen.people} people within {WINDOW.seconds // 60} minutes; more than {seen.limit} need attention."
    outcome = audit.Outcome.REFUSED if held else audit.Outcome.SUCCESS
    audit.record(context, audit.Action.ALARM, outcome=outcome, detail=detail, label=context.connection.name)
    announce(signals.mass_removal, context, count=seen.people, limit=seen.limit, held=held)
    notices.many_removals(context, seen.people, held=held)
