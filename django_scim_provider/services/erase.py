"""Taking personal data of somebody who left out of our tables: what happened stays, to whom does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from ..adapters import get_user_adapter
from ..adapters.conditions import NOTHING
from ..models import HeldRemoval, ScimConnection, ScimEvent, ScimRemoval, ScimUser, ScimValue
from ..models.resources import is_drawn
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from .context import database
from .told import about
from .transactions import now, run

LABEL: Final = "(erased)"
KIND: Final = "User"


class StillManaged(ValueError):
    """Somebody whom a connection manages cannot be erased: the identity provider would write it all again."""


class Ambiguous(ValueError):
    """Several connections knew somebody under the id, which each of them imported."""


class Place(NamedTuple):
    """Where events about somebody are."""

    scim_id: str
    connection: Any = None
    """Its primary key; ``None`` where it is deleted, or the id is one that nothing else has."""
    name: str | None = None
    """Of a deleted connection, which nothing else tells from others that are."""

    @property
    def condition(self) -> Q:
        found = Q(resource_id=self.scim_id)
        if self.name is not None:
            return found & Q(connection=None, connection_name=self.name)
        return found if self.connection is None else found & Q(connection=self.connection)


class Erased(NamedTuple):
    """What was found of somebody."""

    people: int
    """SCIM resources, deleted ones."""
    events: int
    removals: int
    """Kept for undo, or held."""


def erase(who: str, *, connection: ScimConnection | None = None, dry_run: bool = False) -> Erased:
    """Erase a person by user name, under every connection there is or was, or one resource by its SCIM id.

    Ids stay: of the resource, and in the events, which keep what was done, when, and by whom. Doing it again finds
    nothing.

    :param connection: where to look for the name or id; everywhere without.
    :raises StillManaged: a living resource has the name or the id.
    :raises Ambiguous: it is an id, and there are several whom it may mean.
    """
    using = database()

    def work() -> Erased:
        done = _erase(who, connection, using)
        if dry_run:
            transaction.set_rollback(True, using=using)
        return done

    return run(work, using)


def _erase(who: str, connection: ScimConnection | None, using: str) -> Erased:
    people, events = ScimUser.objects.using(using), ScimEvent.objects.using(using).filter(resource_type=KIND)
    everybody, said = people.select_related("connection").order_by("pk"), events
    if connection is not None:
        everybody, said = everybody.filter(connection=connection), events.filter(connection=connection)
    rows, places = list(everybody.filter(_named(who))), _places(said.filter(label__iexact=who))
    if not rows and not places:
        # Not a name, then an id; erased before, it finds nothing.
        rows, places = _by_id(who, everybody, said)
    living = sorted({f"“{row.connection.name}”" for row in rows if row.alive})
    if living:
        gone = ", ".join(row.scim_id for row in rows if not row.alive)
        hint = f" To erase those of this name who were deleted, give their SCIM ids: {gone}." if gone else ""
        raise StillManaged(f"{who} is managed by {', '.join(living)}. Delete the person there first.{hint}")
    mine = _events_of(rows, places, using)
    told = events.filter(mine)
    known = {who, *(row.user_name for row in rows)}
    known.update(told.exclude(label__in=["", LABEL]).values_list("label", flat=True))
    count = told.exclude(label=LABEL, values__isnull=True).count()
    told.update(label=LABEL, values=None)
    _clean_details(told, known)
    removals, _ = ScimRemoval.objects.using(using).filter(scim_user__in=rows).delete()
    kept = _events_of(rows, [place for place in places if place.name is None], using)
    held, _ = HeldRemoval.objects.using(using).filter(kept, resource_type=KIND).delete()
    ScimValue.objects.using(using).filter(scim_user__in=rows).delete()
    for row in rows:
        _forget(row, using)
    return Erased(len(rows), count, removals + held)


def _places(events: QuerySet[ScimEvent]) -> list[Place]:
    columns = ("resource_id", "connection", "connection_name")
    found: set[Any] = set(events.exclude(resource_id="").order_by().values_list(*columns))
    drawn = {scim_id for scim_id, _, _ in found if is_drawn(scim_id)}
    rows = ScimUser.objects.using(events.db).filter(scim_id__in=drawn).values_list("scim_id", flat=True)
    unique = drawn - {scim_id for scim_id, times in Counter(rows).items() if times > 1}
    places = {
        Place(scim_id)
        if scim_id in unique
        else Place(scim_id, connection, connection_name if connection is None else None)
        for scim_id, connection, connection_name in found
    }
    return sorted(places, key=str)


def _by_id(who: str, everybody: QuerySet[ScimUser], events: QuerySet[ScimEvent]) -> tuple[list[ScimUser], list[Place]]:
    """The one resource with an id, or where its events are.

    :raises Ambiguous: there are several. Those that were erased count: else a second time would be somebody else's.
    """
    rows = list(everybody.filter(scim_id=who))
    places = _places(events.filter(resource_id=who).exclude(_events_of(rows, [], everybody.db)))
    if len(rows) + len(places) > 1:
        others = ScimConnection.objects.using(everybody.db).filter(pk__in=_connections(places))
        names = sorted({*(row.connection.name for row in rows), *others.values_list("name", flat=True)})
        names += [place.name for place in places if place.name is not None]
        raise Ambiguous(
            f"{', '.join(f'“{name}”' for name in names)} each knew somebody as {who}. "
            "Give the user name, or the connection as well."
        )
    return [row for row in rows if not row.user_name.startswith(LABEL)], places


def _events_of(rows: Iterable[ScimUser], places: Sequence[Place], using: str) -> Q:
    """What is told of people, and in some places unless it is told of somebody who is still managed."""
    people = ScimUser.objects.using(using)
    theirs = [about(people, row.connection, [row.scim_id]) for row in rows]
    living = [about(people, row.connection, [row.scim_id]) for row in _living(people, places)]
    theirs += [place.condition for place in places]
    return reduce(or_, theirs, NOTHING) & ~reduce(or_, living, NOTHING)


def _living(people: QuerySet[ScimUser], places: Sequence[Place]) -> QuerySet[ScimUser]:
    """Those whom the events in some places may tell of."""
    ids = {place.scim_id for place in places}
    connections = ScimConnection.objects.using(people.db).filter(pk__in=_connections(places))
    scopes = {get_user_adapter(connection.portal).scope(connection) for connection in connections}
    somewhere = Q(scim_id__in={scim_id for scim_id in ids if is_drawn(scim_id)})
    near = Q(scim_id__in=ids, scope__in=scopes)
    return people.select_related("connection").filter(somewhere | near, alive=True)


def _connections(places: Sequence[Place]) -> set[Any]:
    return {place.connection for place in places if place.connection is not None}


def _named(who: str) -> Q:
    try:
        return Q(user_name_key=user_name_key(who))
    except InvalidValue:
        return Q(user_name=who)


def _clean_details(events: Any, known: set[str]) -> None:
    """Texts of ours quote a name now and then."""
    for pk, detail in events.exclude(detail="").values_list("pk", "detail"):
        if any(name.lower() in detail.lower() for name in known):
            events.filter(pk=pk).update(detail=LABEL)


def _forget(row: ScimUser, using: str) -> None:
    row.user_name = row.user_name_key = f"{LABEL} {row.pk}"
    row.external_id, row.attributes, row.user = None, {}, None
    row.save(using=using, update_fields=["user_name", "user_name_key", "external_id", "attributes", "user"])
    ScimEvent.objects.using(using).create(
        connection_id=row.connection_id,
        connection_name=row.connection.name,
        at=now(),
        action=ScimEvent.Action.ERASE,
        outcome=ScimEvent.Outcome.SUCCESS,
        resource_type=KIND,
        resource_id=row.scim_id,
        label=LABEL,
    )
