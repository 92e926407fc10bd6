"""The host's own teams, kept in step with groups where the group adapter names a model for them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db.models import Model

from ..adapters import get_group_adapter
from ..conf import app_settings
from ..models import ConnectionGuard, ScimConnection, ScimGroup, ScimMembership, ScimUser
from ..protocol.keys import fold
from . import audit, guard, role_mappings, roles
from .context import Context
from .group_rows import groups
from .membership import CHUNK, chunks
from .rows import people
from .transactions import now, run

Adopts = ScimConnection.ExistingAccounts
Equal = ScimConnection.EqualGroupNames


class _Team(NamedTuple):
    key: str
    """Its primary key as text."""
    name: str


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
        group.team_key = taken.key


def rename(context: Context, group: ScimGroup) -> None:
    if group.team_key is not None:
        context.group_adapter.rename_team(group.team_key, group.display_name, context.using)


def delete(context: Context, group: ScimGroup) -> None:
    """A team that SCIM made goes with its group; one that was there before stays without them."""
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

    Its members are those of the team's users whom the connection manages: they are the identity provider's from now
    on, to be removed by it too. Returns the number of groups made.
    """

    def work() -> int:
        locked = guard.lock(context)
        found = _available(context)
        for key, team in found.items():
            _adopt(context, locked, key, team)
        return len(found)

    return run(work, context.using)


def _adopt(context: Context, locked: ConnectionGuard, key: str, team: _Team) -> None:
    moment = now()
    group = ScimGroup(
        connection=context.connection,
        display_name=team.name,
        display_name_key=key,
        unique_key=key if context.connection.equal_group_names == Equal.REFUSE else None,
        team_key=team.key,
        created_at=moment,
        modified_at=moment,
    )
    group.save(using=context.using, force_insert=True)
    managed: list[int] = []
    for chunk in chunks(context.group_adapter.members(team.key, context.using)):
        managed += people(context).filter(user__in=chunk).values_list("pk", flat=True)
    ScimMembership.objects.using(context.using).bulk_create(
        (ScimMembership(group=group, scim_user_id=pk) for pk in managed), batch_size=CHUNK
    )
    audit.record(
        context,
        audit.Action.ADOPT,
        resource_type=context.group_adapter.name,
        resource_id=group.scim_id,
        label=group.display_name,
        detail="Made for a team that existed before.",
    )
    role_mappings.bind(context, locked, group)
    roles.recompute(context, locked, managed)


def _available(context: Context) -> dict[str, _Team]:
    """Teams that the connection may take over and that no group stands for yet, by folded name."""
    teams = context.group_adapter.get_teams(context.connection)
    if teams is None or context.connection.existing_accounts != Adopts.ADOPT:
        return {}
    managed = set(
        ScimGroup.objects.using(context.using)
        .filter(team_key__isnull=False, connection__portal__in=_portals_of(context.group_adapter.team_model))
        .values_list("team_key", flat=True)
    )
    names = set(groups(context).values_list("display_name_key", flat=True))
    found: dict[str, _Team] = {}
    for pk, name in teams.using(context.using).order_by("pk").values_list("pk", context.group_adapter.team_name):
        if str(pk) not in managed and fold(name) not in names:
            found.setdefault(fold(name), _Team(str(pk), name))
    return found


def _portals_of(model: type[Model] | None) -> list[str]:
    """The portals whose teams are of a model: keys of another's may be equal by chance."""
    return [portal for portal in ("", *app_settings.PORTALS) if get_group_adapter(portal).team_model is model]


def _accounts(context: Context, pks: Collection[int]) -> list[object]:
    rows = ScimUser.objects.using(context.using).filter(pk__in=pks, user__isnull=False)
    return list(rows.values_list("user_id", flat=True))
