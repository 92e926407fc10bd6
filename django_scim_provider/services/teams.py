"""The host's own teams, kept in step with groups where the group adapter names a model for them."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from ..models import ScimConnection, ScimGroup, ScimMembership, ScimUser
from ..protocol.keys import fold
from . import guard
from .context import Context
from .group_rows import groups
from .membership import chunks
from .rows import people
from .transactions import now

Adopts = ScimConnection.ExistingAccounts


def create(context: Context, group: ScimGroup) -> None:
    """The team of a group that was pushed: one of that name that the connection may take over, or a new one."""
    adapter = context.group_adapter
    if adapter.team_model is None:
        return
    taken = _available(context).get(fold(group.display_name))
    if taken is None:
        group.team_key = adapter.create_team(group.display_name, context.connection, context.using)
        group.made_team = True
    else:
        group.team_key = taken


def rename(context: Context, group: ScimGroup) -> None:
    if group.team_key is not None:
        context.group_adapter.rename_team(group.team_key, group.display_name, context.using)


def delete(context: Context, group: ScimGroup) -> None:
    """A team that SCIM made goes with its group; one that was there before stays, without the people SCIM put in."""
    if group.team_key is None:
        return
    if group.made_team:
        context.group_adapter.delete_team(group.team_key, context.using)
    else:
        rows = ScimMembership.objects.using(context.using).filter(group=group, scim_user__isnull=False)
        change(context, group, (), list(rows.values_list("scim_user_id", flat=True)))


def change(context: Context, group: ScimGroup, joined: Collection[int], left: Collection[int]) -> None:
    """Carry people (``ScimUser`` primary keys) who came and went over to the team."""
    if group.team_key is None:
        return
    adapter, using = context.group_adapter, context.using
    for chunk in chunks(left):
        adapter.remove_members(group.team_key, _accounts(context, chunk), using)
    for chunk in chunks(joined):
        adapter.add_members(group.team_key, _accounts(context, chunk), using)


def adopt(context: Context) -> int:
    """Make a group of every team in scope that has none, where the connection takes over what exists.

    Its members are those of the team's users whom the connection manages. Returns the number of groups made.
    """
    found = _available(context)
    for key, team in found.items():
        with transaction.atomic(using=context.using):
            guard.lock(context)
            name = _name(context, team)
            group = ScimGroup(
                connection=context.connection,
                display_name=name,
                display_name_key=key,
                unique_key=key,
                team_key=team,
                created_at=now(),
            )
            group.modified_at = group.created_at
            group.save(using=context.using, force_insert=True)
            users = context.group_adapter.members(team, context.using)
            managed = people(context).filter(user__in=users).values_list("pk", flat=True)
            ScimMembership.objects.using(context.using).bulk_create(
                ScimMembership(group=group, scim_user_id=pk) for pk in managed
            )
    return len(found)


def _available(context: Context) -> dict[str, str]:
    """Teams that the connection may take over and that no group stands for yet: folded name to primary key."""
    teams = context.group_adapter.get_teams(context.connection)
    if teams is None or context.connection.existing_accounts != Adopts.ADOPT:
        return {}
    managed = set(
        ScimGroup.objects.using(context.using).filter(team_key__isnull=False).values_list("team_key", flat=True)
    )
    names = set(groups(context).values_list("display_name_key", flat=True))
    found: dict[str, str] = {}
    for pk, name in teams.using(context.using).order_by("pk").values_list("pk", context.group_adapter.team_name):
        if str(pk) not in managed and fold(name) not in names:
            found.setdefault(fold(name), str(pk))
    return found


def _name(context: Context, key: str) -> str:
    teams = context.group_adapter.get_teams(context.connection)
    assert teams is not None  # noqa: S101 (the key came from there)
    return str(teams.using(context.using).values_list(context.group_adapter.team_name, flat=True).get(pk=key))


def _accounts(context: Context, pks: Collection[int]) -> list[object]:
    rows = ScimUser.objects.using(context.using).filter(pk__in=pks, user__isnull=False)
    return list(rows.values_list("user_id", flat=True))
