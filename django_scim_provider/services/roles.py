"""Roles follow memberships: worked out afresh for whoever is affected, in the transaction that affects them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from ..models import ConnectionGuard, GroupRoleMapping, RoleGrant, ScimConnection, ScimGroup, ScimMembership, ScimUser
from ..protocol.errors import InvalidValue
from ..protocol.keys import fold
from . import audit, guard, nesting
from .context import Context, own_write
from .membership import chunks
from .rows import people


class Wish(NamedTuple):
    """A mapping, as far as working roles out needs it."""

    group: int
    role: str
    priority: int


class Change(NamedTuple):
    """What following the mappings does to one person."""

    scim_user: int
    user: Any
    gains: frozenset[str]
    loses: frozenset[str]
    is_first: bool = True
    """Whether no group has given them a role before."""


# Working it out --------------------------------------------------------------------------------------------


@dataclass
class _Person:
    """What is known of somebody whose roles are worked out."""

    user: Any
    groups: set[int] = field(default_factory=set)
    granted: set[str] = field(default_factory=set)


def plan(context: Context, wishes: Iterable[Wish], people: Collection[int]) -> list[Change]:
    """What each of these people (``ScimUser`` primary keys) gains and loses; writes nothing.

    A role that somebody gave by hand has no grant of ours: it is neither given again nor ever taken away.
    """
    backend, connection = context.adapter.roles, context.connection
    known = _people(context, people)
    held = backend.held([person.user for person in known.values()], connection, context.using)
    choices = backend.choices(connection) if backend.exclusive else ()
    order = {role.key: rank for rank, role in enumerate(choices)}
    wanted = _Wanted(context, wishes)
    changes = []
    for pk, person in known.items():
        has, ours = held.get(person.user, frozenset()), frozenset(person.granted)
        wish = wanted.of(person.groups)
        if backend.exclusive and _outranks(has - ours, wish, order):
            wish = frozenset()
        # The default role came with the account, not with a group: it goes only where another takes its place.
        default = ours & {connection.default_role}
        if not (backend.exclusive and wish):
            wish |= default
        change = Change(pk, person.user, wish - has, ours - wish, is_first=ours == default)
        if change.gains or change.loses:
            changes.append(change)
    return changes


def _people(context: Context, pks: Collection[int]) -> dict[int, _Person]:
    """Accounts, direct groups and grants: one query for every few thousand people."""
    found: dict[int, _Person] = {}
    for chunk in chunks(pks):
        rows = people(context).filter(pk__in=chunk, user__isnull=False)
        for pk, user, group, role in rows.values_list("pk", "user_id", "memberships__group_id", "role_grants__role"):
            person = found.setdefault(pk, _Person(user))
            person.groups.add(group)
            person.granted.add(role)
    for person in found.values():
        person.groups.discard(None)  # what an outer join leaves where there is nothing
        person.granted.discard(None)
    return found


def _outranks(by_hand: Iterable[str], wish: Iterable[str], order: Mapping[str, int]) -> bool:
    """Whether a role given by hand stands above the one that the groups ask for; then it stays."""
    ranks = [order.get(role, -1) for role in by_hand]
    return bool(ranks) and max(ranks) > max((order.get(role, -1) for role in wish), default=-1)


class _Wanted:
    """The roles that groups ask for, those above a group included."""

    def __init__(self, context: Context, wishes: Iterable[Wish]) -> None:
        self.by_group: defaultdict[int, list[Wish]] = defaultdict(list)
        for wish in wishes:
            self.by_group[wish.group].append(wish)
        self.tree = nesting.load_if_any(context)
        self.exclusive = context.adapter.roles.exclusive
        self.fallback = frozenset(filter(None, [context.connection.unmapped_role]))

    def of(self, groups: Collection[int]) -> frozenset[str]:
        """The roles of somebody who is directly in these groups."""
        everywhere = {*groups, *self.tree.ancestors(groups)}
        mapped = [wish for group in everywhere for wish in self.by_group.get(group, ())]
        if mapped and self.exclusive:
            mapped = [max(mapped, key=lambda wish: (wish.priority, -wish.group))]
        return frozenset(wish.role for wish in mapped) or self.fallback


# Doing it --------------------------------------------------------------------------------------------------


def recompute(context: Context, locked: ConnectionGuard, affected: Collection[int]) -> list[Change]:
    """Bring the roles of these people in line with the mappings; the caller holds the guard.

    No query where the connection has neither mappings nor grants.
    """
    if not locked.has_roles or not affected:
        return []
    changes = plan(context, _wishes(context), affected)
    if context.connection.role_mapping == ScimConnection.RoleMapping.FIRST:
        changes = [change for change in changes if change.is_first and change.gains]
    _apply(context, changes)
    return changes


def _wishes(context: Context) -> list[Wish]:
    mappings = GroupRoleMapping.objects.using(context.using).filter(
        connection_id=context.connection.pk, group__isnull=False
    )
    return [Wish._make(row) for row in mappings.values_list("group_id", "role", "priority")]


def _apply(context: Context, changes: Iterable[Change]) -> None:
    backend, using = context.adapter.roles, context.using
    gains: defaultdict[str, list[Change]] = defaultdict(list)
    loses: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        for role in change.gains:
            gains[role].append(change)
        for role in change.loses:
            loses[role].append(change)
    with own_write():
        for role, losers in loses.items():
            RoleGrant.objects.using(using).filter(
                scim_user__in=[change.scim_user for change in losers], role=role
            ).delete()
            # Where one role is held at a time, the next one takes its place.
            users = [change.user for change in losers if not (backend.exclusive and change.gains)]
            if users:
                backend.take(role, users, context.connection, using)
        for role, winners in gains.items():
            backend.give(role, [change.user for change in winners], context.connection, using)
    RoleGrant.objects.using(using).bulk_create(
        RoleGrant(connection_id=context.connection.pk, scim_user_id=change.scim_user, user_id=change.user, role=role)
        for role, winners in gains.items()
        for change in winners
    )


def give_default(context: Context, row: ScimUser) -> None:
    """The default role for somebody just created; recorded as ours, so that the groups' roles replace it."""
    role = context.connection.default_role
    if not role or row.user_id is None:
        return
    _apply(context, [Change(row.pk, row.user_id, frozenset((role,)), frozenset())])
    ConnectionGuard.objects.using(context.using).filter(connection_id=context.connection.pk, has_roles=False).update(
        has_roles=True
    )


def take_all(context: Context, locked: ConnectionGuard, row: ScimUser) -> None:
    """A person leaves SCIM: every role that SCIM gave goes; those given by hand stay."""
    if not locked.has_roles:
        return
    roles = RoleGrant.objects.using(context.using).filter(scim_user=row).values_list("role", "user_id")
    for role, user in list(roles):
        _apply(context, [Change(row.pk, user, frozenset(), frozenset((role,)))])


# Mappings --------------------------------------------------------------------------------------------------


def check_role(context: Context, role: str) -> None:
    """Refuse a role that does not exist or that would make somebody a superuser or staff.

    :raises InvalidValue: it may not be mapped.
    """
    backend = context.adapter.roles
    if backend.is_privileged(role):
        raise InvalidValue(f"The role {role} is privileged: no identity provider may grant it.")
    if role not in {known.key for known in backend.choices(context.connection)}:
        raise InvalidValue(f"There is no role {role} in the application.")


def save_mapping(context: Context, group_name: str, role: str, *, priority: int = 0) -> GroupRoleMapping:
    """Map a group, pushed already or still to come, to a role, and give it to the members there are.

    :raises InvalidValue: see ``check_role``.
    """
    check_role(context, role)
    key = fold(group_name)
    with transaction.atomic(using=context.using):
        locked = guard.lock(context)
        _has_roles(context, locked)
        groups = ScimGroup.objects.using(context.using).filter(connection_id=context.connection.pk)
        group = groups.filter(display_name_key=key).order_by("pk").first()
        mapping, _ = GroupRoleMapping.objects.using(context.using).update_or_create(
            connection_id=context.connection.pk,
            group_name_key=key,
            role=role,
            defaults={"group": group, "group_name": group_name, "priority": priority},
        )
        audit.record(context, audit.Action.CONFIGURE, label=str(mapping), changed=["role mapping"])
        if group is not None:
            recompute(context, locked, members_below(context, [group.pk]))
    return mapping


def delete_mapping(context: Context, mapping: GroupRoleMapping) -> None:
    """Remove a mapping; the roles that only it gave go with it."""
    with transaction.atomic(using=context.using):
        locked = guard.lock(context)
        affected = members_below(context, [mapping.group_id]) if mapping.group_id is not None else set()
        audit.record(context, audit.Action.CONFIGURE, label=str(mapping), changed=["role mapping"])
        mapping.delete(using=context.using)
        recompute(context, locked, affected)


def preview(context: Context, group_name: str, role: str, *, priority: int = 0) -> list[Change]:
    """Who would gain and lose what if this mapping were saved; writes nothing.

    :raises InvalidValue: see ``check_role``.
    """
    check_role(context, role)
    key = fold(group_name)
    groups = ScimGroup.objects.using(context.using).filter(connection_id=context.connection.pk, display_name_key=key)
    group = groups.order_by("pk").values_list("pk", flat=True).first()
    if group is None:
        return []
    others = [wish for wish in _wishes(context) if (wish.group, wish.role) != (group, role)]
    return plan(context, [*others, Wish(group, role, priority)], members_below(context, [group]))


def bind_mappings(context: Context, group: ScimGroup, locked: ConnectionGuard) -> None:
    """Tie mappings made by name to the group that has just arrived."""
    if locked.has_roles:
        mappings = GroupRoleMapping.objects.using(context.using).filter(connection_id=context.connection.pk)
        mappings.filter(group=None, group_name_key=group.display_name_key).update(group=group)


def follow_rename(context: Context, group: ScimGroup) -> None:
    """A mapping follows its group's row; the name it shows follows as well."""
    GroupRoleMapping.objects.using(context.using).filter(group=group).update(
        group_name=group.display_name, group_name_key=group.display_name_key
    )


def recompute_all(context: Context) -> int:
    """Work out the roles of everybody in the connection; returns how many people changed."""
    with transaction.atomic(using=context.using):
        locked = guard.lock(context)
        return len(recompute(context, locked, list(people(context).values_list("pk", flat=True))))


def members_below(context: Context, groups: Collection[int]) -> set[int]:
    """The people in these groups and in the groups below them."""
    below = nesting.load_if_any(context).descendants(groups) | set(groups)
    rows = ScimMembership.objects.using(context.using).filter(group__in=below, scim_user__isnull=False)
    return set(rows.values_list("scim_user_id", flat=True))


def _has_roles(context: Context, locked: ConnectionGuard) -> None:
    if not locked.has_roles:
        locked.has_roles = True
        locked.save(using=context.using, update_fields=["has_roles"])
