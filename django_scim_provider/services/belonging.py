"""What a person's coming and going means for the groups they are in: teams and roles."""

from __future__ import annotations

from typing import NamedTuple

from ..models import ConnectionGuard, ScimGroup, ScimUser
from . import guard, membership, roles, teams
from .context import Context


class Left(NamedTuple):
    """What a person had until now."""

    groups: list[ScimGroup]
    roles: frozenset[str]


def leave(context: Context, locked: ConnectionGuard, row: ScimUser) -> Left:
    """Take a person out of every group, and with it every role that SCIM gave."""
    groups = membership.leave_all(context, row)
    for group in groups:
        teams.change(context, group, (), [row.pk])
    return Left(groups, roles.take_all(context, locked, row))


def reenter(context: Context, row: ScimUser) -> None:
    """A person who had no membership of the tenant has a new one: their groups' roles return to it.

    The guard comes after the person's row here, since only that says so: whoever meets the other order tries again.
    """
    roles.recompute(context, guard.lock(context), [row.pk])


def enter(context: Context, row: ScimUser) -> None:
    """A person who was known without an account has one now: the groups they are in already count from here on."""
    locked = guard.lock(context)
    roles.give_default(context, [row])
    for group in membership.groups_with(context, row):
        teams.change(context, group, [row.pk], ())
    locked.refresh_from_db(using=context.using)
    roles.recompute(context, locked, [row.pk])
