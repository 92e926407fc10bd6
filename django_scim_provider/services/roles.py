"""Roles follow memberships: worked out afresh for whoever is affected, in the transaction that affects them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..adapters import RoleBackend
from ..models import ConnectionGuard, GroupRoleMapping, RoleGrant, ScimConnection, ScimMembership, ScimUser
from . import guard, nesting, protection, removals
from .context import Context, own_write
from .membership import chunks
from .removals import Departure
from .role_changes import Change, Wish
from .rows import people
from .transactions import run

# Working it out --------------------------------------------------------------------------------------------


@dataclass
class _Person:
    """What is known of somebody whose roles are worked out."""

    user: Any
    groups: set[int] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)


def plan(context: Context, wishes: Iterable[Wish], people: Collection[int]) -> Iterator[Change]:
    """What each of these people (``ScimUser`` primary keys) gains and loses; writes nothing.

    A role that somebody gave by hand has no grant of ours: it is neither given again nor ever taken away.
    """
    backend, connection = context.adapter.roles, context.connection
    choices = backend.choices(connection) if backend.exclusive else ()
    order = {role.key: rank for rank, role in enumerate(choices)}
    wanted = _Wanted(context, wishes)
    for chunk in chunks(people):
        known = _people(context, chunk)
        held = backend.held([person.user for person in known.values()], connection, context.using)
        for pk, person in known.items():
            has, ours = held.get(person.user, frozenset()), frozenset(person.granted)
            if not wanted.follows(ours):
                continue
            wish = wanted.of(person)
            if backend.exclusive and _outranks(has - ours, wish, order, backend):
                wish = frozenset()
            elif not (backend.exclusive and wish):
                # The default role came with the account, not with a group: only another one takes its place.
                wish |= ours & {connection.default_role}
            gains, over = wish - (has or backend.unassigned(connection)), ours - wish
            if gains or over:
                yield Change(pk, person.user, gains, over & has, gains - ours, over, has)


def _people(context: Context, pks: Collection[int]) -> dict[int, _Person]:
    """Accounts, direct groups and grants: one query."""
    found: dict[int, _Person] = {}
    rows = people(context).filter(pk__in=pks, user__isnull=False)
    for pk, user, group, role in rows.values_list("pk", "user_id", "memberships__group_id", "role_grants__role"):
        person = found.setdefault(pk, _Person(user))
        person.groups.add(group)
        person.granted.add(role)
    for person in found.values():
        person.groups.discard(None)  # what an outer join leaves where there is nothing
        person.granted.discard(None)
    return found


def _outranks(by_hand: Iterable[str], wish: Iterable[str], order: Mapping[str, int], backend: RoleBackend) -> bool:
    """Whether a role given by hand stands above the one that the groups ask for; then it stays.

    Privileged roles do, and so does one that has no place in the order: nobody said that it is lower.
    """
    highest = max((order.get(role, -1) for role in wish), default=-1)
    return any(order.get(role, highest + 1) > highest or backend.is_privileged(role) for role in by_hand)


class _Wanted:
    """The roles that groups ask for, those above a group included."""

    def __init__(self, context: Context, wishes: Iterable[Wish]) -> None:
        connection, backend = context.connection, context.adapter.roles
        self.by_group: defaultdict[int, list[Wish]] = defaultdict(list)
        for wish in wishes:
            # The mapping may be older than the application's word that the role is privileged.
            if not backend.is_privileged(wish.role):
                self.by_group[wish.group].append(wish)
        self.tree = nesting.load_if_any(context)
        self.exclusive = backend.exclusive
        self.default = _assignable(context, connection.default_role)
        self.fallback = _assignable(context, connection.unmapped_role)
        self.first_only = connection.role_mapping == ScimConnection.RoleMapping.FIRST

    def follows(self, ours: frozenset[str]) -> bool:
        """Whether groups have a say: under "first provisioning only" until one of them has given a role."""
        return not self.first_only or ours <= self.default | self.fallback

    def of(self, person: _Person) -> frozenset[str]:
        """The roles that somebody's groups ask for, or else the role when nothing maps."""
        everywhere = {*person.groups, *self.tree.ancestors(person.groups)}
        mapped = [wish for group in everywhere for wish in self.by_group.get(group, ())]
        if mapped and self.exclusive:
            mapped = [max(mapped, key=lambda wish: (wish.priority, -wish.group, wish.role))]
        if not person.groups and self.default & person.granted:
            return frozenset()  # still as they were created
        return frozenset(wish.role for wish in mapped) or self.fallback


def _assignable(context: Context, role: str) -> frozenset[str]:
    """The role as a set; empty where there is none, or where no identity provider may grant it."""
    return frozenset((role,)) if role and not context.adapter.roles.is_privileged(role) else frozenset()


# Doing it --------------------------------------------------------------------------------------------------


def matter(context: Context, locked: ConnectionGuard) -> bool:
    """Whether a change of membership may change anybody's roles."""
    return locked.has_roles or bool(context.connection.unmapped_role)


def recompute(
    context: Context, locked: ConnectionGuard, affected: Collection[int], departure: Departure | None = None
) -> int:
    """Bring the roles of these people in line with the mappings; the caller holds the guard.

    No query where the connection has neither mappings nor grants. Returns how many people changed.

    :param departure: the change of a group that brings this about, where the identity provider asked for it: whoever
        loses a role by it has been removed from something.
    :raises Forbidden: see ``protection``.
    :raises Held: see ``removals``.
    """
    if not affected or not matter(context, locked):
        return 0
    changes = list(plan(context, wishes(context), affected))
    if changes:
        note(context, locked)
        if departure is not None:
            losses = {change.scim_user: change.loses for change in changes if change.loses and not change.gains}
            removals.lost_roles(context, locked, departure, losses)
        _apply(context, changes)
    return len(changes)


def wishes(context: Context) -> list[Wish]:
    """The connection's mappings whose group is there."""
    mappings = GroupRoleMapping.objects.using(context.using).filter(
        connection_id=context.connection.pk, group__isnull=False
    )
    return [Wish._make(row) for row in mappings.values_list("group_id", "role", "priority")]


def _apply(context: Context, changes: Sequence[Change]) -> None:
    backend, connection, using = context.adapter.roles, context.connection, context.using
    gains: defaultdict[str, list[Any]] = defaultdict(list)
    loses: defaultdict[str, list[Any]] = defaultdict(list)
    ungrants: defaultdict[str, list[int]] = defaultdict(list)
    grants: list[RoleGrant] = []
    for change in changes:
        for role in change.gains:
            gains[role].append(change.user)
        # Where one role is held at a time, the next one takes its place.
        for role in change.loses if not (backend.exclusive and change.gains) else ():
            loses[role].append(change.user)
        for role in change.ungrants:
            ungrants[role].append(change.scim_user)
        grants += [
            RoleGrant(connection_id=connection.pk, scim_user_id=change.scim_user, user_id=change.user, role=role)
            for role in change.grants
        ]
    demoted = protection.demote(context, changes)
    for role, pks in ungrants.items():
        for chunk in chunks(pks):
            RoleGrant.objects.using(using).filter(scim_user__in=chunk, role=role).delete()
    with own_write():
        for role, users in loses.items():
            for chunk in chunks(users):
                backend.take(role, chunk, connection, using)
        for role, users in gains.items():
            for chunk in chunks(users):
                backend.give(role, chunk, connection, using)
    RoleGrant.objects.using(using).bulk_create(grants, batch_size=1000)
    protection.refuse_vacancy(context, demoted)


def give_default(context: Context, rows: Sequence[ScimUser]) -> None:
    """The first role of people just created; recorded as ours, so that the groups' roles replace it.

    It is the default role, or else the one for people whom no group maps, since nobody is in a group yet.
    """
    connection = context.connection
    role = _assignable(context, connection.default_role) or _assignable(context, connection.unmapped_role)
    changes = [
        Change(row.pk, row.user_id, role, frozenset(), role, frozenset()) for row in rows if row.user_id is not None
    ]
    if not role or not changes:
        return
    _apply(context, changes)
    # Asked first, since an UPDATE waits on MariaDB for whoever holds the guard, whether it finds anything or not.
    guards = ConnectionGuard.objects.using(context.using).filter(connection_id=connection.pk, has_roles=False)
    if guards.exists():
        guards.update(has_roles=True)


def take_all(context: Context, locked: ConnectionGuard, row: ScimUser) -> frozenset[str]:
    """A person leaves SCIM: every role that SCIM gave goes; those given by hand stay. Returns what SCIM gave."""
    if not locked.has_roles:
        return frozenset()
    granted = list(RoleGrant.objects.using(context.using).filter(scim_user=row).values_list("role", "user_id"))
    if not granted:
        return frozenset()
    ours, user = frozenset(role for role, _ in granted), granted[0][1]
    held = context.adapter.roles.held([user], context.connection, context.using).get(user, frozenset())
    _apply(context, [Change(row.pk, user, frozenset(), ours & held, frozenset(), ours, held)])
    return ours


def restore(context: Context, change: Change) -> None:
    """Give roles back that SCIM had given before; ``recompute`` then says whether they stay."""
    _apply(context, [change])


def recompute_all(context: Context) -> int:
    """Work out the roles of everybody in the connection; returns how many people changed."""

    def work() -> int:
        locked = guard.lock(context)
        return recompute(context, locked, list(people(context).values_list("pk", flat=True)))

    return run(work, context.using)


def members_below(context: Context, groups: Collection[int]) -> set[int]:
    """The people in these groups and in the groups below them."""
    below = nesting.load_if_any(context).descendants(groups) | set(groups)
    rows = ScimMembership.objects.using(context.using).filter(group__in=below, scim_user__isnull=False)
    return set(rows.values_list("scim_user_id", flat=True))


def note(context: Context, locked: ConnectionGuard) -> None:
    """Remember that the connection has mappings or grants."""
    if not locked.has_roles:
        locked.has_roles = True
        locked.save(using=context.using, update_fields=["has_roles"])
