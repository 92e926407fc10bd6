"""Giving back what removals took away: activity, memberships, roles, and people who were deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import F

from ..models import ConnectionGuard, RoleGrant, ScimMembership, ScimRemoval, ScimUser
from ..protocol.errors import ScimError, Uniqueness
from . import audit, guard, held, roles, sync, teams, users
from .context import Context
from .group_rows import groups
from .role_changes import Change
from .rows import host_columns, index_of, people
from .transactions import now, run

TAKEN: Final = "The user name, or another value that must be unique, is already taken in the application."
Kind = ScimRemoval.Kind
Progress = Callable[[int], None]


class Undone(NamedTuple):
    """What came of giving one person back what they had."""

    user_name: str
    refusal: str
    """Why nothing could be given back; empty where something was."""
    missing: list[str]
    """What cannot return."""


@dataclass
class _Person:
    """One person's removals, newest first, while they are undone."""

    row: ScimUser
    removals: list[ScimRemoval]
    missing: list[str] = field(default_factory=list)

    def had(self, name: str) -> bool:
        return any(removal.state.get(name) for removal in self.removals)


def undo(
    context: Context,
    since: datetime | None = None,
    *,
    most: int | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> list[Undone]:
    """Undo a connection's removals, a transaction and an event for each person. Doing it again changes nothing.

    :param since: leaves older removals alone.
    :param most: how many people are given something back at most; those who are refused do not count.
    :param dry_run: do all of it and roll it back; the host's own signals run.
    :param progress: called with the number of people done so far.
    """
    found = held.removals(context, since)
    rows = sorted(found.values_list("scim_user_id", "pk"))
    done: list[Undone] = []
    given_back = 0
    for pk, keys in _grouped(rows):
        if given_back == most:
            break
        one = _one(context, pk, keys, dry_run=dry_run)
        done.append(one)
        given_back += not one.refusal
        if progress is not None:
            progress(len(done))
    return done


def _grouped(rows: Iterable[tuple[int, int]]) -> Iterable[tuple[int, list[int]]]:
    for person, entries in groupby(rows, key=lambda entry: entry[0]):
        yield person, [pk for _, pk in entries]


def _one(context: Context, pk: int, keys: Sequence[int], *, dry_run: bool) -> Undone:
    rows = ScimUser.objects.using(context.using).filter(connection_id=context.connection.pk)

    def work() -> Undone:
        locked = guard.lock(context)
        row = rows.select_related("user").get(pk=pk)
        removals = ScimRemoval.objects.using(context.using).filter(pk__in=keys, undone_at=None)
        person = _Person(row, list(removals.order_by("-pk")))
        _give_back(context, locked, person)
        removals.update(undone_at=now())
        if dry_run:
            transaction.set_rollback(True, using=context.using)
        return Undone(row.user_name, "", person.missing)

    try:
        return run(work, context.using)
    except ScimError as error:
        name = rows.values_list("user_name", flat=True).get(pk=pk)
        return Undone(name, error.detail, [])


def _give_back(context: Context, locked: ConnectionGuard, person: _Person) -> None:
    row = person.row
    row.connection = context.connection
    deletion = next((removal for removal in person.removals if removal.kind == Kind.DELETE), None)
    if deletion is not None and not row.alive:
        _revive(context, row, deletion)
    if row.user_id is None and person.had("account"):
        person.missing.append("the account, which was deleted")
    elif row.user is not None and person.had("password") and not row.user.has_usable_password():
        person.missing.append("the password; sessions and other credentials do not return either")
    _rejoin(context, locked, person)
    if person.had("active") and row.user_id is not None:
        users.reactivate(context, row.scim_id)
    else:
        audit.record(
            context,
            audit.Action.UNDO,
            resource_type=context.adapter.name,
            resource_id=row.scim_id,
            label=row.user_name,
        )
    locked.refresh_from_db(using=context.using)
    _restore_roles(context, locked, person)


def _revive(context: Context, row: ScimUser, deletion: ScimRemoval) -> None:
    """Make a living row of a tombstone, inactive as yet; a name that is taken by now breaks a unique constraint."""
    row.alive = True
    row.attributes = {**deletion.state["attributes"], "active": False}
    row.modified_at = now()
    row.save(using=context.using, update_fields=["alive", "attributes", "modified_at"])
    _rename_back(context, row.user, deletion.state["attributes"])
    sync.rebuild_index(context, row, index_of(context, row, row.user))


def _rename_back(context: Context, user: Any, document: Mapping[str, Any]) -> None:
    """The account gave its names up where a new person needed them.

    :raises Uniqueness: they are somebody else's.
    """
    adapter = context.adapter
    columns = host_columns(context, user)
    if columns is None:
        return
    wanted = adapter.account_columns(user, document, context.connection, before=adapter.shown({}, columns))
    names = {name: value for name, value in wanted.items() if name in adapter.unique_columns}
    if not names:
        return
    if adapter.taken(names, context.using, exclude=user.pk) is not None:
        raise Uniqueness(TAKEN)
    adapter.update(user, names, context.using)


def _rejoin(context: Context, locked: ConnectionGuard, person: _Person) -> None:
    """Back into the groups that are still there."""
    wanted = {scim_id for removal in person.removals for scim_id in removal.group_ids}
    found = list(groups(context).filter(scim_id__in=wanted).order_by("pk"))
    gone = len(wanted) - len(found)
    if gone:
        person.missing.append(f"{gone} of their groups, which were deleted")
    rows = ScimMembership.objects.using(context.using)
    inside = set(rows.filter(scim_user=person.row, group__in=found).values_list("group_id", flat=True))
    for group in found:
        if group.pk not in inside:
            rows.create(group=group, scim_user=person.row)
            groups(context).filter(pk=group.pk).update(version=F("version") + 1, modified_at=now())
            teams.change(context, group, [person.row.pk], ())


def _restore_roles(context: Context, locked: ConnectionGuard, person: _Person) -> None:
    """The roles that SCIM had given, as far as the mappings still say so."""
    row = people(context).filter(pk=person.row.pk, user__isnull=False).first()
    wanted = frozenset(role for removal in person.removals for role in removal.roles)
    if row is None:
        return
    backend, connection, using = context.adapter.roles, context.connection, context.using
    granted = frozenset(RoleGrant.objects.using(using).filter(scim_user=row).values_list("role", flat=True))
    held_now = backend.held([row.user_id], connection, using).get(row.user_id, frozenset())
    offered = {role.key for role in backend.assignable(connection)}
    missing = (wanted & offered) - granted
    if missing and not (backend.exclusive and held_now - backend.unassigned(connection)):
        roles.note(context, locked)
        roles.restore(context, Change(row.pk, row.user_id, missing - held_now, frozenset(), missing, frozenset()))
    roles.recompute(context, locked, [row.pk])
    kept = backend.held([row.user_id], connection, using).get(row.user_id, frozenset())
    person.missing += [f"the role {role}" for role in sorted(wanted - kept)]
