"""What a person's coming and going means for the groups they are in: teams and roles."""

from __future__ import annotations

from ..models import ConnectionGuard, ScimUser
from . import guard, membership, roles, teams
from .context import Context


def leave(context: Context, locked: ConnectionGuard, row: ScimUser) -> None:
    """Take a person out of every group, and with it every role that SCIM gave."""
    for group in membership.leave_all(context, row):
        teams.change(context, group, (), [row.pk])
    roles.take_all(context, locked, row)


def reenter(context: Context, row: ScimUser) -> None:
    """A person who had no membership of the tenant has a new one: their groups' roles return to it.

    The guard comes after the person's row here, since only that says so: whoever meets the other order tries again.
    """
    roles.recompute(context, guard.lock(context), [row.pk])


def enter(context: Context, row: ScimUser) -> None:
    """A person who was known without an account has one now: the groups they are in already count from here on."""
    locked = guard.lock(context)
    roles.give_default(context, row)
    for group in membership.groups_with(context, row):
        teams.change(context, group, [row.pk], ())
    locked.refresh_from_db(using=context.using)
    roles.recompute(context, locked, [row.pk])
