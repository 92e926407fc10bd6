"""Completeness: every host user in scope has a row, and every row says what the host says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import IntegrityError, transaction

from ..models import ScimConnection, ScimUser, ScimValue
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from . import audit
from .context import Context
from .rows import people
from .transactions import now

BATCH: Final = 500
SAMPLE: Final = 100
Progress = Callable[[int], None]


@dataclass
class Candidate:
    """A host user whom a connection would manage."""

    pk: Any
    user_name: str
    key: str
    document: dict[str, Any]


@dataclass
class Adoption:
    """What adoption found or did; the lists are samples of at most ``SAMPLE`` names."""

    adopted: int = 0
    collisions: list[str] = field(default_factory=list)
    """User names that differ from another only in spelling: the later one cannot be managed."""
    unusable: list[str] = field(default_factory=list)
    """User names that SCIM cannot carry, empty ones among them."""
    left_out: int = 0

    def leave_out(self, kind: list[str], user_name: str) -> None:
        self.left_out += 1
        if len(kind) < SAMPLE:
            kind.append(user_name)


def in_scope(context: Context) -> Any:
    """The host users that the connection's policy lets it adopt, managed by nobody yet."""
    policy = context.connection.existing_accounts
    users = context.adapter.get_queryset(context.connection).using(context.using)
    if policy == ScimConnection.ExistingAccounts.NEVER:
        return users.none()
    managed = ScimUser.objects.using(context.using).filter(
        scope=context.adapter.scope(context.connection), alive=True, user__isnull=False
    )
    return users.exclude(pk__in=managed.values("user_id")).order_by("pk")


def preview(context: Context) -> tuple[Adoption, list[str]]:
    """What enabling would adopt, and a sample of the protected among them; writes nothing."""
    result = Adoption()
    seen: set[str] = set()
    for batch in _batches(context):
        candidates = list(_adoptable(context, batch, result))
        seen |= _taken(context, candidates)
        for candidate in candidates:
            if candidate.key in seen:
                result.leave_out(result.collisions, candidate.user_name)
            else:
                seen.add(candidate.key)
                result.adopted += 1
    users = in_scope(context)
    protected = itertools.islice(filter(context.adapter.is_protected, users.iterator(chunk_size=BATCH)), SAMPLE)
    return result, [str(user.get_username()) for user in protected]


def adopt(context: Context, progress: Progress | None = None) -> Adoption:
    """Make rows for everybody in scope who has none, a batch to a transaction.

    :param progress: called with the number of people looked at so far.
    """
    result = Adoption()
    looked_at = 0
    for batch in _batches(context):
        with transaction.atomic(using=context.using):
            _insert(context, list(_adoptable(context, batch, result)), result)
        looked_at += len(batch)
        if progress is not None:
            progress(looked_at)
    return result


def _batches(context: Context) -> Iterator[list[tuple[Any, ...]]]:
    """Primary key and columns of the people in scope, by key, so that no offset grows."""
    users = in_scope(context)
    last: Any = None
    while True:
        page = users if last is None else users.filter(pk__gt=last)
        rows = list(page.values_list("pk", *context.adapter.selected)[:BATCH])
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def _adoptable(context: Context, rows: Iterable[tuple[Any, ...]], result: Adoption) -> Iterator[Candidate]:
    rows = list(rows)
    domains = _verified(context)
    removed = _removed(context, [row[0] for row in rows])
    for pk, *values in rows:
        document = context.adapter.shown({}, context.adapter.from_selected(values))
        if domains is not None and not _on_domain(document, domains):
            continue
        # Deleted through SCIM and let in by nobody since: their name stays free, their resource stays gone.
        if pk in removed and document.get("active") is not True:
            continue
        user_name = str(document.get("userName", ""))
        try:
            yield Candidate(pk, user_name, user_name_key(user_name), document)
        except InvalidValue:
            result.leave_out(result.unusable, user_name)


def _removed(context: Context, pks: list[Any]) -> set[Any]:
    """Those of these people whom SCIM has deleted in the scope."""
    rows = ScimUser.objects.using(context.using).filter(scope=context.adapter.scope(context.connection), alive=None)
    return set(rows.filter(user_id__in=pks).values_list("user_id", flat=True))


def _verified(context: Context) -> frozenset[str] | None:
    if context.connection.existing_accounts != ScimConnection.ExistingAccounts.VERIFIED:
        return None
    return frozenset(domain.lower() for domain in context.adapter.verified_domains(context.connection))


def _on_domain(document: Mapping[str, Any], domains: frozenset[str]) -> bool:
    emails = document.get("emails") or []
    return bool(emails) and all(str(email.get("value", "")).rpartition("@")[2].lower() in domains for email in emails)


def _taken(context: Context, candidates: Iterable[Candidate]) -> set[str]:
    """The keys of these people that somebody managed in the scope has already."""
    rows = ScimUser.objects.using(context.using).filter(scope=context.adapter.scope(context.connection), alive=True)
    keys = {candidate.key for candidate in candidates}
    return set(rows.filter(user_name_key__in=keys).values_list("user_name_key", flat=True))


def _insert(context: Context, candidates: list[Candidate], result: Adoption) -> None:
    scope = context.adapter.scope(context.connection)
    rows = ScimUser.objects.using(context.using)
    taken = _taken(context, candidates)
    moment = now()
    made: dict[Any, tuple[ScimUser, Candidate]] = {}
    for candidate in candidates:
        if candidate.key in taken:
            result.leave_out(result.collisions, candidate.user_name)
            continue
        taken.add(candidate.key)
        row = ScimUser(
            connection=context.connection,
            scope=scope,
            user_id=candidate.pk,
            user_name=candidate.user_name,
            user_name_key=candidate.key,
            attributes=candidate.document,
            origin=ScimUser.Origin.ADOPTED,
            created_at=moment,
            modified_at=moment,
        )
        made[row.scim_id] = (row, candidate)
    rows.bulk_create([row for row, _ in made.values()])
    # Read back, since MySQL does not return the keys of a bulk insert.
    pks = dict(rows.filter(scim_id__in=made).values_list("scim_id", "pk"))
    ScimValue.objects.using(context.using).bulk_create(
        ScimValue(scim_user_id=pks[scim_id], attribute=attribute, position=position, **value._asdict())
        for scim_id, (_, candidate) in made.items()
        for (attribute, position), value in context.adapter.index(candidate.document, live=True).items()
    )
    result.adopted += len(made)


# Rows that exist -------------------------------------------------------------------------------------------


def refresh(context: Context, row: ScimUser, user: Any) -> bool:
    """Note what the host changed on its own; returns whether anything had changed.

    The caller has an open transaction. A rename to a name that somebody else in the scope has is left out.
    """
    adapter = context.adapter
    live = adapter.is_live(user, context.connection)
    document = adapter.shown(row.attributes, adapter.read_columns(user) if live else None)
    if not live:
        document["active"] = False
    if document == row.attributes:
        return False
    row.attributes = document
    row.modified_at = now()
    fields = ["attributes", "modified_at"]
    user_name = str(document.get("userName", row.user_name))
    if user_name != row.user_name:
        try:
            row.user_name, row.user_name_key = user_name, user_name_key(user_name)
            fields += ["user_name", "user_name_key"]
        except InvalidValue:
            document["userName"] = row.user_name
    row.save(using=context.using, update_fields=fields)
    rebuild_index(context, row, live=live)
    return True


def rebuild_index(context: Context, row: ScimUser, *, live: bool) -> None:
    """Write the filter index of one row anew, from its document."""
    values = ScimValue.objects.using(context.using)
    values.filter(scim_user=row).delete()
    values.bulk_create(
        ScimValue(scim_user=row, attribute=attribute, position=position, **value._asdict())
        for (attribute, position), value in context.adapter.index(row.attributes, live=live).items()
    )


def refresh_all(context: Context, progress: Progress | None = None) -> int:
    """Refresh every row of the connection, a batch to a transaction; returns how many had changed.

    For what receivers cannot see: ``.update()``, bulk loads, SQL.
    """
    changed = looked_at = 0
    last = 0
    while True:
        batch = list(people(context).select_related("user").filter(pk__gt=last).order_by("pk")[:BATCH])
        if not batch:
            return changed
        for row in batch:
            if row.user_id is None:
                continue
            try:
                with transaction.atomic(using=context.using):
                    changed += refresh(context, row, row.user)
            except IntegrityError:
                audit.record(
                    context,
                    audit.Action.MODIFY,
                    outcome=audit.Outcome.FAILED,
                    resource_type=context.adapter.name,
                    resource_id=row.scim_id,
                    label=row.user_name,
                    detail="The host renamed this person to a user name that another managed person has.",
                )
        last = batch[-1].pk
        looked_at += len(batch)
        if progress is not None:
            progress(looked_at)


# Called by receivers ---------------------------------------------------------------------------------------


def host_user_saved(user: Any, using: str) -> None:
    """Refresh the rows of a host user who was saved; adopt them where a connection's policy says so."""
    rows = list(ScimUser.objects.using(using).filter(user_id=user.pk, alive=True).select_related("connection"))
    for row in rows:
        refresh(Context(row.connection), row, user)
    scopes = {row.scope for row in rows}
    adopting = ScimConnection.objects.using(using).filter(enabled=True)
    for connection in adopting.exclude(existing_accounts=ScimConnection.ExistingAccounts.NEVER).order_by("created_at"):
        context = Context(connection)
        scope = context.adapter.scope(connection)
        if scope in scopes or not isinstance(user, context.adapter.model):
            continue
        mine = in_scope(context).filter(pk=user.pk).values_list("pk", *context.adapter.selected)
        result = Adoption()
        _insert(context, list(_adoptable(context, list(mine), result)), result)
        if result.adopted:
            scopes.add(scope)


def host_user_deleted(user: Any, using: str) -> None:
    """A host user is about to go: their rows stay, inactive, showing what was last known."""
    for row in ScimUser.objects.using(using).filter(user_id=user.pk, alive=True).select_related("connection"):
        context = Context(row.connection)
        live = context.adapter.is_live(user, row.connection)
        document = context.adapter.shown(row.attributes, context.adapter.read_columns(user) if live else None)
        row.attributes = {**document, "active": False}
        row.modified_at = now()
        row.save(using=using, update_fields=["attributes", "modified_at"])
        rebuild_index(context, row, live=False)
