"""Taking personal data of somebody who left out of our tables: what happened stays, to whom does not."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Q

from ..models import HeldRemoval, ScimEvent, ScimRemoval, ScimUser, ScimValue
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from .context import database
from .transactions import now, run

LABEL: Final = "(erased)"
KIND: Final = "User"


class StillManaged(ValueError):
    """Somebody whom a connection manages cannot be erased: the identity provider would write it all again."""


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
    labels = events.filter(label__iexact=who).exclude(resource_id="").values_list("resource_id", flat=True)
    rows, ids = list(everybody.filter(_named(who))), set(labels)
    if not rows and not ids:
        # Not a name, then an id; erased before, it finds nothing.
        rows, ids = list(everybody.filter(scim_id=who).exclude(user_name__startswith=LABEL)), {who}
    living = sorted({f"“{row.connection.name}”" for row in rows if row.alive})
    if living:
        gone = ", ".join(row.scim_id for row in rows if not row.alive)
        hint = f" To erase those of this name who were deleted, give their SCIM ids: {gone}." if gone else ""
        raise StillManaged(f"{who} is managed by {', '.join(living)}. Delete the person there first.{hint}")
    ids |= {row.scim_id for row in rows}
    known = {who, *(row.user_name for row in rows)}
    ids -= set(people.filter(scim_id__in=ids, alive=True).values_list("scim_id", flat=True))
    told = events.filter(resource_id__in=ids)
    known.update(told.exclude(label__in=["", LABEL]).values_list("label", flat=True))
    count = told.exclude(label=LABEL, values__isnull=True).count()
    told.update(label=LABEL, values=None)
    _clean_details(told, known)
    removals, _ = ScimRemoval.objects.using(using).filter(scim_user__in=rows).delete()
    held, _ = HeldRemoval.objects.using(using).filter(resource_type=KIND, resource_id__in=ids).delete()
    ScimValue.objects.using(using).filter(scim_user__in=rows).delete()
    for row in rows:
        _forget(row, using)
    return Erased(len(rows), count, removals + held)


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
