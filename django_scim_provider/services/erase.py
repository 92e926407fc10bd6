"""Taking personal data of somebody who left out of our tables: what happened stays, to whom does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from ..adapters.conditions import NOTHING
from ..models import HeldRemoval, ScimEvent, ScimRemoval, ScimUser, ScimValue
from ..models.resources import is_drawn
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from .context import database
from .transactions import now, run

LABEL: Final = "(erased)"
KIND: Final = "User"
_IDS: Final = ("connection_id", "resource_id")


class StillManaged(ValueError):
    """Somebody whom a connection manages cannot be erased: the identity provider would write it all again."""


class Ambiguous(ValueError):
    """An id that several people have, each at another connection."""


class Erased(NamedTuple):
    """What was found of somebody."""

    people: int
    """SCIM resources, deleted ones."""
    events: int
    removals: int
    """Kept for undo, or held."""


def erase(who: str, *, dry_run: bool = False) -> Erased:
    """Erase a person by user name, under every connection there is or was, or one resource by its SCIM id.

    Ids stay: of the resource, and in the events, which keep what was done, when, and by whom. Doing it again finds
    nothing.

    :raises StillManaged: a living resource has the name or the id.
    :raises Ambiguous: it is an id that several people have.
    """
    using = database()

    def work() -> Erased:
        done = _erase(who, using)
        if dry_run:
            transaction.set_rollback(True, using=using)
        return done

    return run(work, using)


def _erase(who: str, using: str) -> Erased:
    people = ScimUser.objects.using(using)
    events = ScimEvent.objects.using(using).filter(resource_type=KIND)
    everybody = people.select_related("connection").order_by("pk")
    labels = events.filter(label__iexact=who).exclude(resource_id="").order_by().values_list(*_IDS)
    rows, ids = list(everybody.filter(_named(who))), set(labels)
    if not rows and not ids:
        # Not a name, then an id; erased before, it finds nothing.
        rows = list(everybody.filter(scim_id=who).exclude(user_name__startswith=LABEL))
        ids = set() if rows else set(events.filter(resource_id=who).order_by().values_list(*_IDS))
        _refuse_several(who, rows)
    living = sorted({f"“{row.connection.name}”" for row in rows if row.alive})
    if living:
        gone = ", ".join(row.scim_id for row in rows if not row.alive)
        hint = f" To erase those of this name who were deleted, give their SCIM ids: {gone}." if gone else ""
        raise StillManaged(f"{who} is managed by {', '.join(living)}. Delete the person there first.{hint}")
    ids |= {(row.connection_id, row.scim_id) for row in rows}
    known = {who, *(row.user_name for row in rows)}
    alive = set(people.filter(_about(ids, "scim_id"), alive=True).values_list("connection_id", "scim_id"))
    drawn = {scim_id for _, scim_id in alive if is_drawn(scim_id)}
    ids = {(connection, scim_id) for connection, scim_id in ids - alive if scim_id not in drawn}
    told = events.filter(_about(ids))
    known.update(told.exclude(label__in=["", LABEL]).values_list("label", flat=True))
    count = told.exclude(label=LABEL, values__isnull=True).count()
    told.update(label=LABEL, values=None)
    _clean_details(told, known)
    removals, _ = ScimRemoval.objects.using(using).filter(scim_user__in=rows).delete()
    held, _ = HeldRemoval.objects.using(using).filter(_about(ids), resource_type=KIND).delete()
    ScimValue.objects.using(using).filter(scim_user__in=rows).delete()
    for row in rows:
        _forget(row, using)
    return Erased(len(rows), count, removals + held)


def _refuse_several(who: str, rows: Iterable[ScimUser]) -> None:
    """An id that was brought along may be that of strangers at two connections."""
    names = {row.user_name_key: f"{row.user_name} (“{row.connection.name}”)" for row in rows}
    if len(names) > 1:
        raise Ambiguous(f"Several people have the id {who}: {', '.join(names.values())}. Give the user name instead.")


def _about(ids: Iterable[tuple[Any, str]], column: str = "resource_id") -> Q:
    """What is of resources, by connection and id. An id drawn here is one person's, whose events stay with the
    connection that they happened at; one brought along is unique only within its connection.
    """
    found, drawn = NOTHING, set()
    brought = defaultdict(set)
    for connection, scim_id in ids:
        if is_drawn(scim_id):
            drawn.add(scim_id)
        else:
            brought[connection].add(scim_id)
    for connection, some in brought.items():
        found |= Q((f"{column}__in", some), connection=connection)
    return found | Q((f"{column}__in", drawn))


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
