"""What an administrator looks at: found by a text, and shown with what belongs to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from ..adapters.roles import Role
from ..models import GroupRoleMapping, ScimGroup, ScimMembership, ScimOAuthClient, ScimToken, ScimUser
from . import group_rows, rows, sync
from .context import Context
from .group_rows import GroupRow
from .rows import Membership, UserRow


class ListedPerson(NamedTuple):
    row: UserRow
    external_id: str | None
    origin: str
    name: str
    """As people read it; empty where none was given."""
    is_active: bool
    groups: list[Membership]
    """Direct ones first."""
    roles: list[Role]
    """What the person may do in the application, however they came by it."""


class ListedGroup(NamedTuple):
    row: GroupRow
    people: int
    """Those directly in it."""
    groups: int
    """Groups directly in it."""
    roles: list[Role]
    """What its members are given."""


def people(context: Context, text: str = "") -> QuerySet[ScimUser]:
    """Who is managed, by user name: those with a part of the user name, or with an id."""
    found = rows.people(context).order_by("user_name_key", "pk")
    return found.filter(Q(user_name__icontains=text) | Q(external_id=text) | Q(scim_id=text)) if text else found


def listed_people(context: Context, pks: Sequence[int]) -> list[ListedPerson]:
    """These people, in this order; whoever is gone meanwhile is left out. As many queries for a hundred as for one."""
    mine = rows.people(context).filter(pk__in=pks)
    found = {row.pk: row for row in rows.fetch(mine, context)}
    rest = {pk: (external_id, origin) for pk, external_id, origin in mine.values_list("pk", "external_id", "origin")}
    groups = rows.groups_of(pks, context)
    held = _roles(context, [row.user_id for row in found.values() if row.user_id is not None])
    return [
        _person(context, found[pk], *rest[pk], list(groups.get(pk, ())), held.get(found[pk].user_id, []))
        for pk in pks
        if pk in found and pk in rest
    ]


def _person(
    context: Context, row: UserRow, external_id: str | None, origin: str, groups: list[Membership], roles: list[Role]
) -> ListedPerson:
    shown = context.adapter.shown(row.attributes, row.columns)
    name = shown.get("name") or {}
    full = " ".join(str(name[part]) for part in ("givenName", "familyName") if name.get(part))
    called = str(shown.get("displayName") or name.get("formatted") or full)
    return ListedPerson(row, external_id, origin, called, bool(shown.get("active", True)), groups, roles)


def groups(context: Context, text: str = "") -> QuerySet[ScimGroup]:
    """The groups that were pushed, by name: those with a part of the name, or with an id."""
    found = group_rows.groups(context).order_by("display_name_key", "pk")
    return found.filter(Q(display_name__icontains=text) | Q(external_id=text) | Q(scim_id=text)) if text else found


def listed_groups(context: Context, pks: Sequence[int]) -> list[ListedGroup]:
    """These groups, in this order; what is gone meanwhile is left out. As many queries for a hundred as for one."""
    found = {row.pk: row for row in group_rows.fetch(group_rows.groups(context).filter(pk__in=pks))}
    members = ScimMembership.objects.using(context.using).filter(group__in=pks).order_by().values_list("group_id")
    counted = members.annotate(people=Count("scim_user_id"), groups=Count("child_id"))
    counts = {pk: (people, groups) for pk, people, groups in counted}
    mappings = GroupRoleMapping.objects.using(context.using).filter(connection_id=context.connection.pk, group__in=pks)
    given: defaultdict[Any, set[str]] = defaultdict(set)
    for pk, role in mappings.order_by().values_list("group_id", "role"):
        given[pk].add(role)
    roles = _named(context, given)
    return [ListedGroup(found[pk], *counts.get(pk, (0, 0)), roles.get(pk, [])) for pk in pks if pk in found]


def _roles(context: Context, users: Sequence[Any]) -> dict[Any, list[Role]]:
    return _named(context, context.adapter.roles.shown(users, context.connection, context.using))


def _named(context: Context, held: Mapping[Any, Iterable[str]]) -> dict[Any, list[Role]]:
    """Roles by key with what the application calls them; one that it has no more is called by its key."""
    labels = {role.key: role.label for role in context.adapter.roles.choices(context.connection)}
    return {
        whose: sorted((Role(key, labels.get(key, key)) for key in keys), key=lambda role: (role.label, role.key))
        for whose, keys in held.items()
    }


def managed_elsewhere(context: Context) -> dict[Any, int]:
    """How many people of the connection's scope other connections manage, by primary key of the connection; nobody
    where the policy does not let this one adopt anyway.
    """
    if sync.adopts_nobody(context):
        return {}
    theirs = ScimUser.objects.using(context.using).filter(
        scope=context.adapter.scope(context.connection), alive=True, user__isnull=False
    )
    rows = theirs.exclude(connection_id=context.connection.pk).order_by().values_list("connection_id")
    return dict(rows.annotate(count=Count("pk")))


def credentials(context: Context) -> dict[str, str]:
    """What tokens and OAuth clients are called, by the public part that requests are noted with."""
    mine = ScimToken.objects.using(context.using).filter(connection=context.connection)
    clients = ScimOAuthClient.objects.using(context.using).filter(connection=context.connection)
    named = {token.key_id: token.name or token.starts_with for token in mine}
    return named | {client.key_id: str(client) for client in clients}
