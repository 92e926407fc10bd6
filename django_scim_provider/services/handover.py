"""From one connection to another of the same scope: what happens when a customer changes its identity provider."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from django.db.models import F, QuerySet, Value

from ..models import (
    ConnectionGuard,
    GroupRoleMapping,
    RoleGrant,
    ScimConnection,
    ScimGroup,
    ScimRemoval,
    ScimUser,
)
from . import audit, group_rows, guard, role_mappings, roles
from .context import Context
from .transactions import run

SAMPLE: Final = 10


class HandoverError(ValueError):
    """The two connections cannot hand over to each other; the text says why."""


class Handover(NamedTuple):
    """How many rows changed hands."""

    people: int
    groups: int
    role_mappings: int
    role_grants: int


def hand_over(giver: Context, taker: Context) -> Handover:
    """Move everything that one connection manages to another: same rows, same ids, same accounts and roles.

    Role mappings that wait with the taker for a group's name take effect when the group arrives this way, too.
    Tombstones and kept removals go along, so that names stay free and an undo stays possible when the giver is deleted.
    Tokens, policies and events stay where they are.

    :raises HandoverError: not two connections of one scope, or both have a group of the same name or the same id.
    :raises ScimError: a concurrent request of the taker made such a group meanwhile, or would not let go of a row.
    """
    if giver.connection.pk == taker.connection.pk:
        raise HandoverError("A connection cannot hand over to itself.")
    if giver.adapter.scope(giver.connection) != taker.adapter.scope(taker.connection):
        raise HandoverError(
            f"“{giver.connection.name}” and “{taker.connection.name}” serve different organizations or portals, "
            "so the people of one mean nothing to the other."
        )
    return run(lambda: _move(giver, taker), giver.using)


def _move(giver: Context, taker: Context) -> Handover:
    using, source, target = giver.using, giver.connection, taker.connection
    # Guards, then people, then groups by key: the order of every writer. A request that waits for one of these rows
    # finds it gone when it continues; a person created meanwhile stays with the giver, as one created later would.
    first, second = sorted((giver, taker), key=lambda context: context.connection.pk)
    locked = {context.connection.pk: guard.lock(context) for context in (first, second)}
    people = ScimUser.objects.using(using).filter(connection=source)
    groups = ScimGroup.objects.using(using).filter(connection=source)
    _lock(people)
    _lock(groups)
    _refuse_equal_ids(people, target)
    _refuse_equal_ids(groups, target)
    _refuse_equal_names(groups, target)
    allow = target.equal_group_names == ScimConnection.EqualGroupNames.ALLOW
    alive = people.filter(alive=True).count()
    people.update(connection=target)
    moved = Handover(
        people=alive,
        groups=groups.update(connection=target, unique_key=Value(None) if allow else F("display_name_key")),
        role_mappings=GroupRoleMapping.objects.using(using).filter(connection=source).update(connection=target),
        role_grants=RoleGrant.objects.using(using).filter(connection=source).update(connection=target),
    )
    ScimRemoval.objects.using(using).filter(connection=source).update(connection=target)
    _carry_over(taker, locked[source.pk], locked[target.pk])
    what = f"{moved.people} people and {moved.groups} groups"
    audit.record(giver, audit.Action.RELEASE, label=source.name, detail=f"Handed {what} over to {target.name}.")
    audit.record(taker, audit.Action.ADOPT, label=target.name, detail=f"Took {what} over from {source.name}.")
    return moved


def _carry_over(taker: Context, theirs: ConnectionGuard, ours: ConnectionGuard) -> None:
    """What the guards know, without which roles would stand still and nesting be overlooked; and waiting mappings."""
    if theirs.has_nested_groups:
        guard.note_nesting(taker, ours)
    if theirs.has_roles:
        roles.note(taker, ours)
    waiting = GroupRoleMapping.objects.using(taker.using).filter(connection=taker.connection, group=None)
    keys = set(waiting.values_list("group_name_key", flat=True))
    for group in group_rows.groups(taker).filter(display_name_key__in=keys).order_by("pk"):
        role_mappings.bind(taker, ours, group)
        roles.recompute(taker, ours, roles.members_below(taker, [group.pk]))


def _lock(rows: QuerySet[ScimUser] | QuerySet[ScimGroup]) -> None:
    list(rows.select_for_update().order_by("pk").values_list("pk", flat=True))


def _refuse_equal_ids(rows: QuerySet[ScimUser] | QuerySet[ScimGroup], target: ScimConnection) -> None:
    """Two imports may have brought the same id along.

    :raises HandoverError: naming it.
    """
    theirs = rows.model._base_manager.using(rows.db).filter(connection=target)
    equal = rows.filter(scim_id__in=theirs.values("scim_id")).values_list("scim_id", flat=True).order_by("pk")[:SAMPLE]
    if equal:
        raise HandoverError(
            f"“{target.name}” has resources of its own with the ids {', '.join(equal)}, so those that were imported "
            "with these ids cannot be moved there."
        )


def _refuse_equal_names(groups: QuerySet[ScimGroup], target: ScimConnection) -> None:
    """Two groups of one name cannot be together, unless the taker allows it.

    :raises HandoverError: naming them.
    """
    if target.equal_group_names == ScimConnection.EqualGroupNames.ALLOW:
        return
    names = dict(groups.values_list("pk", "display_name_key"))
    theirs = ScimGroup.objects.using(groups.db).filter(connection=target)
    count = Counter([*names.values(), *theirs.values_list("display_name_key", flat=True)])
    equal = {key for key in names.values() if count[key] > 1}
    if equal:
        shown = sorted(set(groups.filter(display_name_key__in=equal).values_list("display_name", flat=True)[:SAMPLE]))
        raise HandoverError(
            f"There would be several groups of the same name in “{target.name}”: {', '.join(shown)}. "
            "Rename or delete them, or let the connection allow equal group names."
        )
