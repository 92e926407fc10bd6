"""What must hold of the tables whatever happened: twelve sentences, each held against the rows. Reads only.

Rows are read in portions, so that any number of them takes the same memory. What is held against events is read after
them, since a write in between can only make it newer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any, Final, NamedTuple

from django.db.models import CharField, Count, Exists, JSONField, Max, Min, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast, Length

from ..models import (
    GroupRoleMapping,
    HeldRemoval,
    RoleGrant,
    ScimConnection,
    ScimEvent,
    ScimGroup,
    ScimMembership,
    ScimOAuthClient,
    ScimRemoval,
    ScimToken,
    ScimUser,
    ScimValue,
)
from ..models.resources import is_drawn
from ..models.token_format import PATTERN
from . import protection, roles
from .audit import Action, Outcome
from .context import Context, database
from .group_rows import groups
from .rows import people

PORTION: Final = 1000
SAMPLES: Final = 5
_DIGEST_LENGTH: Final = 64
_SPARE: Final = timedelta(milliseconds=2)
"""Times are cut to milliseconds, durations rounded."""


class Breach(NamedTuple):
    """What an invariant does not hold of."""

    number: int
    connection: str
    """Its name; empty for events that belong to none."""
    rows: int
    samples: list[str]
    """The first of them."""


def check(connection: ScimConnection | None = None) -> Iterator[Breach]:
    """Every breach, of one connection, or of all of them and of the events that belong to none."""
    using = database()
    connections = ScimConnection.objects.using(using).order_by("name")
    for chosen in [connection] if connection else connections.iterator(chunk_size=PORTION):
        context = Context(chosen)
        for number, invariant in INVARIANTS.items():
            yield from _breach(number, chosen.name, invariant.find(context))
    if connection is None:
        yield from _breach(11, "", _leaks(ScimEvent.objects.using(using).filter(connection=None)))


def _breach(number: int, name: str, found: Iterator[str]) -> Iterator[Breach]:
    samples = list(islice(found, SAMPLES))
    if samples:
        yield Breach(number, name, len(samples) + sum(1 for _ in found), samples)


def _portions(rows: QuerySet[Any, Any], *columns: str) -> Iterator[list[Any]]:
    """The primary key and these columns, some rows at a time."""
    ordered = rows.order_by("pk").values_list("pk", *columns)
    portion = list(ordered[:PORTION])
    while portion:
        yield portion
        portion = list(ordered.filter(pk__gt=portion[-1][0])[:PORTION])


def _ids_of(portion: list[Any]) -> set[str]:
    return {str(scim_id) for _, scim_id in portion}


def _everybody(context: Context) -> QuerySet[ScimUser]:
    """With those who were deleted."""
    return ScimUser.objects.using(context.using).filter(connection_id=context.connection.pk)


def _listed(rows: QuerySet[ScimUser]) -> Iterator[str]:
    for portion in _portions(rows, "scim_id"):
        yield from (f"User {scim_id}" for _, scim_id in portion)


# The rows among themselves ---------------------------------------------------------------------------------


def _names(context: Context) -> Iterator[str]:
    rows = people(context)
    twice = rows.order_by().values("user_name_key").annotate(rows=Count("pk")).filter(rows__gt=1)
    # The unique constraint is of a scope: whoever is in a wrong one is beside it.
    elsewhere = ~Q(scope=context.adapter.scope(context.connection))
    return _listed(rows.filter(elsewhere | Q(user_name_key__in=twice.values("user_name_key"))))


def _ids(context: Context) -> Iterator[str]:
    shared = ScimGroup.objects.using(context.using).filter(scim_id=OuterRef("scim_id"))
    for portion in _portions(_everybody(context).filter(Exists(shared)), "scim_id"):
        yield from (f"User {scim_id}" for _, scim_id in portion if is_drawn(scim_id))
    for rows in (people(context), groups(context)):
        for portion in _portions(rows, "scim_id"):
            last = dict(_told(context, rows.model, _ids_of(portion), Action.DELETE, Action.UNDO))
            yield from (f"{scim_id}, deleted before" for scim_id, action in last.items() if action == Action.DELETE)


def _accounts(context: Context) -> Iterator[str]:
    account = context.adapter.model._base_manager.using(context.using).filter(pk=OuterRef("user_id"))
    return _listed(_everybody(context).filter(user__isnull=False).exclude(Exists(account)))


def _memberships(context: Context) -> Iterator[str]:
    mine = context.connection.pk
    stranger = Q(scim_user__isnull=False) & (~Q(scim_user__connection=mine) | Q(scim_user__alive__isnull=True))
    nested = Q(child__isnull=False) & ~Q(child__connection=mine)
    rows = ScimMembership.objects.using(context.using).filter(stranger | nested, group__connection=mine)
    for portion in _portions(rows, "group__scim_id"):
        yield from (f"Group {scim_id}, membership {pk}" for pk, scim_id in portion)
    mappings = GroupRoleMapping.objects.using(context.using).filter(connection=mine, group__isnull=False)
    for portion in _portions(mappings.exclude(group__connection=mine)):
        yield from (f"mapping {pk}" for (pk,) in portion)


# Access and roles ------------------------------------------------------------------------------------------


def _shut(context: Context, **removal: Any) -> Iterator[dict[Any, Any]]:
    """Accounts that SCIM shut and that are shut still, with the ids of their people; some at a time."""
    ends = (ScimRemoval.Kind.DEACTIVATE, ScimRemoval.Kind.DELETE)
    kept = ScimRemoval.objects.using(context.using).filter(
        scim_user=OuterRef("pk"), kind__in=ends, undone_at=None, **removal
    )
    adapter, connection = context.adapter, context.connection
    for portion in _portions(_everybody(context).filter(Exists(kept), user__isnull=False), "user_id", "scim_id"):
        ids = {user: scim_id for _, user, scim_id in portion}
        users = list(protection.hosts(context).filter(pk__in=ids))
        adapter.load_standing(users, connection, context.using)
        yield {user: ids[user.pk] for user in users if not adapter.is_active(user, connection)}


def _credentials(context: Context) -> Iterator[str]:
    for shut in _shut(context):
        ids = {user.pk: scim_id for user, scim_id in shut.items()}
        for pk, name in context.adapter.credentials_left(list(shut), context.connection):
            yield f"User {ids[pk]}: {name}"


def _protected(context: Context) -> Iterator[str]:
    # What has no token's key id an administrator did.
    for shut in _shut(context, key_id__gt=""):
        yield from (f"User {scim_id}" for user, scim_id in shut.items() if context.adapter.is_protected(user))


def _roles(context: Context) -> Iterator[str]:
    wishes = roles.wishes(context)
    if not (wishes or context.connection.unmapped_role or _granted(context).exists()):
        return
    for portion in _portions(people(context), "scim_id"):
        ids = dict(portion)
        for change in roles.plan(context, wishes, ids.keys()):
            signed = [f"+{role}" for role in change.gains | change.grants] + [f"-{role}" for role in change.ungrants]
            yield f"User {ids[change.scim_user]}: {' '.join(sorted(signed))}"


def _granted(context: Context) -> QuerySet[RoleGrant]:
    return RoleGrant.objects.using(context.using).filter(connection_id=context.connection.pk)


def _grants(context: Context) -> Iterator[str]:
    person = ScimUser.objects.using(context.using).filter(
        pk=OuterRef("scim_user"), connection=OuterRef("connection"), user=OuterRef("user"), alive=True
    )
    for portion in _portions(_granted(context).filter(~Exists(person)), "role", "scim_user__scim_id"):
        yield from (f"User {scim_id}: {role}" for _, role, scim_id in portion)


def _vacancies(context: Context) -> Iterator[str]:
    backend, connection, using = context.adapter.roles, context.connection, context.using
    for role in sorted(backend.protected):
        holders = protection.hosts(context).filter(pk__in=backend.holders(role, connection, using))
        if holders.exists() and not protection.is_held(context, role):
            yield role


# The rows and what is said of them -------------------------------------------------------------------------


def _successes(context: Context) -> QuerySet[ScimEvent]:
    return ScimEvent.objects.using(context.using).filter(outcome=Outcome.SUCCESS)


def _of_kind(context: Context, model: Any) -> QuerySet[ScimEvent]:
    """What is said of people, or of groups."""
    adapter = context.adapter if model is ScimUser else context.group_adapter
    return _successes(context).filter(resource_type=adapter.name)


def _about(context: Context, model: Any, ids: Collection[str]) -> QuerySet[ScimEvent]:
    """What is said of the connection's resources with these ids.

    Events stay with whoever handed a resource over: those of another connection are its, too, where the id was drawn
    here and that connection has no resource of this id any more.
    """
    own = model._base_manager.using(context.using).filter(
        connection=OuterRef("connection"), scim_id=OuterRef("resource_id")
    )
    handed_over = Q(~Exists(own), resource_id__in=[scim_id for scim_id in ids if is_drawn(scim_id)])
    whose = Q(connection=context.connection.pk) | handed_over
    return _of_kind(context, model).filter(whose, resource_id__in=ids)


def _told(context: Context, model: Any, ids: Collection[str], *actions: str) -> list[tuple[str, str]]:
    """Ids and what was done, in the order in which it was."""
    events = _about(context, model, ids).filter(action__in=actions)
    return list(events.order_by("pk").values_list("resource_id", "action"))


def _versions(context: Context) -> Iterator[str]:
    for portion in _portions(groups(context), "scim_id"):
        changes = _about(context, ScimGroup, _ids_of(portion)).exclude(changed=[])
        writes = dict(changes.order_by().values_list("resource_id").annotate(Count("pk")))
        rows = groups(context).filter(scim_id__in=writes).values_list("scim_id", "version")
        yield from (f"Group {scim_id}" for scim_id, version in rows if version < writes[str(scim_id)])
    for portion in _portions(people(context), "scim_id"):
        changes = _about(context, ScimUser, _ids_of(portion)).exclude(changed=[])
        last = changes.order_by().values("resource_id").annotate(last=Max("pk")).values("last")
        events = _successes(context).filter(pk__in=last).values_list("resource_id", "at", "duration_ms")
        began = {scim_id: at - timedelta(milliseconds=duration or 0) - _SPARE for scim_id, at, duration in events}
        times = people(context).filter(scim_id__in=began).values_list("scim_id", "modified_at")
        yield from (f"User {scim_id}" for scim_id, modified_at in times if modified_at < began[str(scim_id)])


def _events(context: Context) -> Iterator[str]:
    first = _successes(context).aggregate(first=Min("at"))["first"]
    made = _everybody(context).filter(origin=ScimUser.Origin.CREATED)
    kinds: tuple[tuple[QuerySet[Any], list[str]], ...] = (
        (made, [Action.CREATE]),
        (groups(context), [Action.CREATE, Action.ADOPT]),
    )
    for rows, beginnings in kinds if first else ():
        for portion in _portions(rows.filter(created_at__gte=first), "scim_id"):
            ids = _ids_of(portion)
            # Anybody's: a group that was imported may have been handed over since, and left its event behind.
            told = _of_kind(context, rows.model).filter(resource_id__in=ids, action__in=beginnings)
            missing = ids - set(told.values_list("resource_id", flat=True))
            yield from (f"{scim_id}, without an event" for scim_id in sorted(missing))
    for rows, _ in kinds:
        creations = _of_kind(context, rows.model).filter(connection=context.connection.pk, action=Action.CREATE)
        for portion in _portions(creations, "resource_id"):
            ids = _ids_of(portion)
            there = rows.model._base_manager.using(context.using).filter(scim_id__in=ids)
            ids -= set(there.values_list("scim_id", flat=True))
            ids -= {scim_id for scim_id, _ in _told(context, rows.model, ids, Action.DELETE)}
            yield from (f"event {pk}, without a resource" for pk, scim_id in portion if scim_id in ids)


# Secrets ---------------------------------------------------------------------------------------------------

_TABLES: Final[dict[Any, str]] = {
    ScimConnection: "pk",
    ScimToken: "connection",
    ScimUser: "connection",
    ScimValue: "scim_user__connection",
    ScimGroup: "connection",
    ScimMembership: "group__connection",
    GroupRoleMapping: "connection",
    RoleGrant: "connection",
    ScimOAuthClient: "connection",
    ScimEvent: "connection",
    ScimRemoval: "connection",
    HeldRemoval: "connection",
}
"""Every table of ours that has text, and the way to its connection."""
_DOCUMENTS: Final[dict[Any, str]] = {
    ScimUser: "attributes",
    ScimEvent: "values",
    ScimRemoval: "state__attributes",
}
"""Where a password could be, had it not been dropped."""


def _secrets(context: Context) -> Iterator[str]:
    for model, connection in _TABLES.items():
        yield from _leaks(model._base_manager.using(context.using).filter(**{connection: context.connection.pk}))


def _leaks(rows: QuerySet[Any, Any]) -> Iterator[str]:
    model, found = rows.model, Q()
    for field in model._meta.concrete_fields:
        if isinstance(field, CharField | TextField | JSONField):
            rows = rows.annotate(**{f"_{field.name}": Cast(field.name, TextField())})
            found |= Q((f"_{field.name}__regex", PATTERN))
    if model in _DOCUMENTS:
        found |= Q((f"{_DOCUMENTS[model]}__has_key", "password"))
    if model is ScimToken:
        rows = rows.annotate(_length=Length("digest"))
        found |= ~Q(_length=_DIGEST_LENGTH)
    for portion in _portions(rows.filter(found)):
        yield from (f"{model.__name__} {pk}" for (pk,) in portion)


# ------------------------------------------------------------------------------------------------------------


class Invariant(NamedTuple):
    text: str
    find: Callable[[Context], Iterator[str]]


INVARIANTS: Final = dict(
    enumerate(
        (
            Invariant("one person of a user name in a connection", _names),
            Invariant("one resource of an id, and none after its deletion", _ids),
            Invariant("every person's account exists", _accounts),
            Invariant("nothing lets in whom SCIM shut out", _credentials),
            Invariant("roles from SCIM are what groups and mappings say", _roles),
            Invariant("SCIM claims no role that is not the person's own", _grants),
            Invariant("members and mappings are of the group's connection", _memberships),
            Invariant("somebody active holds each protected role that is held", _vacancies),
            Invariant("every change that was recorded is in the resource", _versions),
            Invariant("creations and their events come in pairs", _events),
            Invariant("no column has a secret", _secrets),
            Invariant("no protected person was shut out by SCIM", _protected),
        ),
        start=1,
    )
)
"""By the numbers that the documentation of ``scim_check`` explains."""
