"""The groups of django-scim2, and who is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

from django.db import models

from ..adapters.conditions import known_id
from ..models import ConnectionGuard, GroupRoleMapping, RoleGrant, ScimConnection, ScimGroup, ScimMembership
from ..protocol.keys import fold
from . import audit, guard, role_mappings, roles
from .context import Context
from .django_scim2 import ID_UNUSABLE, OTHER_ID, SOURCE, Columns, Imported, SourceError, written
from .group_rows import groups
from .groups import MAX_NAME_LENGTH
from .inserts import insert_all
from .membership import CHUNK, chunks
from .rows import people
from .sync import BATCH, Progress
from .transactions import now, run

NAME_TAKEN = "the connection has a group of this name, in any case"
NAME_UNUSABLE = f"a group needs a name of at most {MAX_NAME_LENGTH} characters"


@dataclass(frozen=True)
class Groups:
    """Which groups there were, and how the host's people belong to them."""

    model: type[models.Model]
    columns: Columns
    members: str
    """The look-up path from a person to their groups."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Conditions on the groups, by look-up path."""

    @classmethod
    def of(cls, context: Context, model: type[models.Model], columns: Columns, **options: Any) -> Groups:
        """:raises SourceError: nothing says who belongs to a group."""
        members = options.pop("members") or _relation(context.adapter.model, model)
        return cls(model, columns, members, **options)

    def queryset(self, context: Context) -> models.QuerySet[Any]:
        return self.model._base_manager.using(context.using).filter(**self.where).order_by("pk")


def _relation(people: type[models.Model], model: type[models.Model]) -> str:
    """What a query calls the one many-to-many relation between the two models, from the person's side.

    :raises SourceError: there is none, or there are several.
    """
    related = [f.name for f in people._meta.get_fields() if f.many_to_many and f.related_model is model]
    if len(related) != 1:
        found = f"has several many-to-many relations to {model._meta.label}" if related else "has none"
        raise SourceError(f"{people._meta.label} {found}: say which look-up leads from a person to their groups.")
    return str(related[0])


def import_groups(context: Context, source: Groups, result: Imported, progress: Progress, *, with_roles: bool) -> None:
    """Make a group of every one of the host's, its members those of its people whom the connection manages.

    A transaction and an event for each. Groups that the connection has already are left as they are: who belongs to
    them is the identity provider's word from then on.

    :param with_roles: map each group to the role of the same name, where there is one that may be given, and hold its
        members' role for one that SCIM gave: leaving the group takes it away.
    :raises ScimError: a group was made meanwhile, or would not let go of a row; groups before it stay.
    """
    offered = {role.key for role in context.adapter.roles.assignable(context.connection)} if with_roles else set()
    for looked_at, group in enumerate(_each(context, source), 1):
        result.include(run(partial(_import, context, source, group, offered), context.using))
        progress(looked_at)


class _Group(NamedTuple):
    pk: Any
    scim_id: str
    name: str
    external_id: str | None


def _each(context: Context, source: Groups) -> Iterator[_Group]:
    last: Any = None
    while True:
        page = source.queryset(context)
        if last is not None:
            page = page.filter(pk__gt=last)
        rows = list(page.values_list("pk", *source.columns.read())[:BATCH])
        if not rows:
            return
        for pk, scim_id, name, external_id in rows:
            yield _Group(pk, str(scim_id), str(name or ""), external_id or None)
        last = rows[-1][0]


def _import(context: Context, source: Groups, found: _Group, offered: set[str]) -> Imported:
    result, locked = Imported(), guard.lock(context)
    if groups(context).filter(scim_id=found.scim_id).exists():
        result.present = 1
        return result
    team = str(found.pk) if context.group_adapter.team_model is source.model else None
    adopted = groups(context).filter(team_key=team).first() if team is not None else None
    reason = _refusal(context, found, adopted)
    if reason:
        result.leave_out(found.name, found.scim_id, reason)
        return result
    if adopted is not None:
        adopted.scim_id, adopted.external_id, adopted.modified_at = found.scim_id, found.external_id, now()
        adopted.save(using=context.using, update_fields=["scim_id", "external_id", "modified_at"])
        result.groups = 1
        _record(context, adopted)
        return result
    moment, key = now(), fold(found.name)
    unique = context.connection.equal_group_names == ScimConnection.EqualGroupNames.REFUSE
    group = ScimGroup.objects.using(context.using).create(
        connection=context.connection,
        scim_id=found.scim_id,
        display_name=found.name,
        display_name_key=key,
        unique_key=key if unique else None,
        external_id=found.external_id,
        team_key=team,
        created_at=moment,
        modified_at=moment,
    )
    members = _add_members(context, source, found.pk, group)
    result.groups, result.memberships = 1, len(members)
    _record(context, group)
    role_mappings.bind(context, locked, group)
    if found.name in offered:
        _map(context, locked, group, members)
        result.role_mappings = 1
    roles.recompute(context, locked, members)
    return result


def _record(context: Context, group: ScimGroup) -> None:
    audit.record(
        context,
        audit.Action.ADOPT,
        resource_type=context.group_adapter.name,
        resource_id=group.scim_id,
        label=group.display_name,
        detail=f"Imported from {SOURCE}.",
    )


def _refusal(context: Context, found: _Group, adopted: ScimGroup | None) -> str:
    """Why a group cannot be imported; empty where nothing is in the way."""
    if known_id(found.scim_id) is None:
        return ID_UNUSABLE
    if not 0 < len(found.name) <= MAX_NAME_LENGTH:
        return NAME_UNUSABLE
    if adopted is not None:
        return OTHER_ID if written(context, context.group_adapter.name, [adopted.scim_id]) else ""
    unique = context.connection.equal_group_names == ScimConnection.EqualGroupNames.REFUSE
    taken = unique and groups(context).filter(display_name_key=fold(found.name)).exists()
    return NAME_TAKEN if taken else ""


def _add_members(context: Context, source: Groups, pk: Any, group: ScimGroup) -> list[int]:
    """Those of the host's group whom the connection manages, by key: one query and one insert for thousands."""
    inside = people(context).filter(**{f"user__{source.members}": pk}).order_by("pk").values_list("pk", flat=True)
    added: list[int] = []
    while True:
        # A host's through table may name somebody twice.
        chunk = list(inside.filter(pk__gt=added[-1] if added else 0).distinct()[:CHUNK])
        if not chunk:
            return added
        insert_all([ScimMembership(group=group, scim_user_id=member) for member in chunk], context.using)
        added += chunk


def _map(context: Context, locked: ConnectionGuard, group: ScimGroup, members: list[int]) -> None:
    """The group means the role of its name; whoever has that role has it by the group from now on."""
    using, role = context.using, group.display_name
    roles.note(context, locked)
    GroupRoleMapping.objects.using(using).get_or_create(
        connection=context.connection,
        group=group,
        role=role,
        defaults={"group_name": role, "group_name_key": group.display_name_key},
    )
    for chunk in chunks(members):
        accounts = dict(people(context).filter(pk__in=chunk).values_list("pk", "user_id"))
        held = context.adapter.roles.held(list(accounts.values()), context.connection, using)
        grants = (
            RoleGrant(connection=context.connection, scim_user_id=pk, user_id=user, role=role)
            for pk, user in accounts.items()
            if role in held.get(user, ())
        )
        RoleGrant.objects.using(using).bulk_create(cast("Any", grants), ignore_conflicts=True)
