"""Completeness: every host user in scope has a row, and every row says what the host says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef

from ..adapters.base import LEFT_ALONE
from ..adapters.domains import on_domains
from ..models import ScimConnection, ScimUser, ScimValue
from ..models.resources import new_id
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.keys import user_name_key
from . import audit, user_index
from .context import Context
from .rows import Index, host_columns, lock, people
from .transactions import now, run

BATCH: Final = 500
WINDOW: Final = 10_000
SAMPLE: Final = 100
Progress = Callable[[int], None]


@dataclass
class Candidate:
    """A host user whom a connection would manage."""

    pk: Any
    user_name: str
    key: str
    document: dict[str, Any]
    scim_id: str = field(default_factory=new_id)


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

    def include(self, part: Adoption) -> None:
        """Add what a transaction did, once it is committed: one that is tried again counts once."""
        self.adopted += part.adopted
        self.left_out += part.left_out
        for samples, more in ((self.collisions, part.collisions), (self.unusable, part.unusable)):
            samples.extend(more[: SAMPLE - len(samples)])


def in_scope(context: Context) -> Any:
    """The host users that the connection's policy lets it adopt, managed by nobody yet."""
    return _unmanaged(context, {})


def _candidates(context: Context) -> Any:
    """The host users that the connection's policy lets it adopt, were they managed by nobody."""
    users = context.adapter.get_queryset(context.connection).using(context.using)
    return users.none() if adopts_nobody(context) else users.order_by("pk")


def adopts_nobody(context: Context) -> bool:
    """Whether the connection's policy leaves everybody who is there alone."""
    policy, policies = context.connection.existing_accounts, ScimConnection.ExistingAccounts
    # Whose account it is, a membership alone does not say.
    return policy == policies.NEVER or (policy == policies.ADOPT and context.adapter.shares_accounts)


def _unmanaged(context: Context, window: Mapping[str, Any]) -> Any:
    """Those of the candidates whose primary key is in the window (``{"gt": 7, "lte": 9}``) and whom nobody manages.

    The window is said of both tables: a database that has to compare all of them with all of them takes minutes from
    some hundred thousand people on.
    """
    managed = ScimUser.objects.using(context.using).filter(
        scope=context.adapter.scope(context.connection), alive=True, user=OuterRef("pk")
    )
    managed = managed.filter(**{f"user_id__{lookup}": pk for lookup, pk in window.items()})
    return _candidates(context).filter(~Exists(managed), **{f"pk__{lookup}": pk for lookup, pk in window.items()})


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
    :raises ScimError: somebody was managed meanwhile, or would not let go of a row; batches before that stay.
    """
    result = Adoption()
    looked_at = 0
    for batch in _batches(context):
        result.include(run(partial(_adopt, context, batch), context.using))
        looked_at += len(batch)
        if progress is not None:
            progress(looked_at)
    return result


def _adopt(context: Context, batch: list[tuple[Any, ...]]) -> Adoption:
    result = Adoption()
    insert(context, list(_adoptable(context, batch, result)), result)
    return result


def adopt_one(context: Context, pk: Any) -> bool:
    """Make a row for a host user if the connection's policy lets it adopt them; returns whether it did."""
    rows = list(in_scope(context).filter(pk=pk).values_list("pk", *context.adapter.selected))
    return bool(rows and _adopt(context, rows).adopted)


def _batches(context: Context) -> Iterator[list[tuple[Any, ...]]]:
    """Primary key and columns of the people in scope, by key, a window of keys after the other."""
    candidates, columns = _candidates(context).values_list("pk", flat=True), ("pk", *context.adapter.selected)
    window: dict[str, Any] = {}
    while True:
        following = candidates.filter(**{f"pk__{lookup}": pk for lookup, pk in window.items()})
        end = list(following[WINDOW - 1 : WINDOW])
        bounds = window | ({"lte": end[0]} if end else {})
        while len(rows := list(_unmanaged(context, bounds).values_list(*columns)[:BATCH])) == BATCH:
            yield rows
            bounds["gt"] = rows[-1][0]
        if rows:
            yield rows
        if not end:
            return
        window = {"gt": end[0]}


def _adoptable(context: Context, rows: Iterable[tuple[Any, ...]], result: Adoption) -> Iterator[Candidate]:
    rows = list(rows)
    domains = _verified(context)
    removed = deleted(context, [row[0] for row in rows])
    for pk, *values in rows:
        document = context.adapter.shown({}, context.adapter.from_selected(values))
        if domains is not None and not on_domains(document, domains):
            continue
        # Deleted through SCIM, and let in by nobody since or never shut out: name stays free, resource stays gone.
        if pk in removed and (removed[pk] or document.get("active") is not True):
            continue
        user_name = str(document.get("userName", ""))
        try:
            yield Candidate(pk, user_name, user_name_key(user_name), document)
        except InvalidValue:
            result.leave_out(result.unusable, user_name)


def deleted(context: Context, pks: Collection[Any]) -> dict[Any, bool]:
    """Those of these people whom SCIM has deleted in the scope, and whether that left their account alone."""
    rows = ScimUser.objects.using(context.using).filter(user_id__in=pks, alive=None).order_by("pk")
    rows = rows.filter(scope=context.adapter.scope(context.connection))
    return {pk: LEFT_ALONE in attributes for pk, attributes in rows.values_list("user_id", "attributes")}


def _verified(context: Context) -> frozenset[str] | None:
    if context.connection.existing_accounts != ScimConnection.ExistingAccounts.VERIFIED:
        return None
    return frozenset(domain.lower() for domain in context.adapter.verified_domains(context.connection))


def _taken(context: Context, candidates: Iterable[Candidate]) -> set[str]:
    """The keys of these people that somebody managed in the scope has already."""
    rows = ScimUser.objects.using(context.using).filter(scope=context.adapter.scope(context.connection), alive=True)
    keys = {candidate.key for candidate in candidates}
    return set(rows.filter(user_name_key__in=keys).values_list("user_name_key", flat=True))


def insert(context: Context, candidates: list[Candidate], result: Adoption) -> None:
    """Make rows for these people; those whose names are taken are left out."""
    adapter = context.adapter
    scope = adapter.scope(context.connection)
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
            scim_id=candidate.scim_id,
            user_id=candidate.pk,
            user_name=candidate.user_name,
            user_name_key=candidate.key,
            external_id=candidate.document.get("externalId"),
            attributes=adapter.remembered(candidate.document, shown=candidate.document, sent={}),
            origin=ScimUser.Origin.ADOPTED,
            created_at=moment,
            modified_at=moment,
        )
        made[row.scim_id] = (row, candidate)
    rows.bulk_create([row for row, _ in made.values()])
    # Read back, since MySQL does not return the keys of a bulk insert.
    pks = dict(rows.filter(connection=context.connection, scim_id__in=made).values_list("scim_id", "pk"))
    ScimValue.objects.using(context.using).bulk_create(
        ScimValue(scim_user_id=pks[scim_id], attribute=attribute, position=position, **value._asdict())
        for scim_id, (row, candidate) in made.items()
        for (attribute, position), value in adapter.index(candidate.document, live=True, sent=row.attributes).items()
    )
    result.adopted += len(made)


# Rows that exist -------------------------------------------------------------------------------------------


class State(NamedTuple):
    """What a row and its part of the filter index have to say."""

    attributes: dict[str, Any]
    user_name: str
    user_name_key: str
    values: Index
    collides: bool = False
    """The host gave a name that somebody else in the scope has; the row keeps the old one."""


def refresh(context: Context, row: ScimUser, user: Any, held: Index) -> bool:
    """Note what the host changed on its own; returns whether anything had changed.

    What is not known by row, user and index is looked at again under the locks, so that a change that comes through
    SCIM at the same time is not lost. A name that cannot be had is left out.

    :param held: what the filter index holds of the row.
    """
    if not _is_behind(row, _state(context, row, user), held):
        return False
    with transaction.atomic(using=context.using):
        try:
            row, user = lock(context, row.scim_id)
        except NotFound:
            return False
        state = _state(context, row, user)
        if not _is_behind(row, state, user_index.held(context, [row.pk])[row.pk]):
            return False
        row.attributes, row.user_name, row.user_name_key = state.attributes, state.user_name, state.user_name_key
        row.modified_at = now()
        fields = ["attributes", "user_name", "user_name_key", "modified_at"]
        row.save(using=context.using, update_fields=fields)
        rebuild_index(context, row, state.values)
    return True


def _is_behind(row: ScimUser, state: State, held: Index) -> bool:
    says = (row.attributes, row.user_name, row.user_name_key, held)
    return says != (state.attributes, state.user_name, state.user_name_key, state.values)


def _state(context: Context, row: ScimUser, user: Any) -> State:
    adapter, columns = context.adapter, host_columns(context, user)
    shown = adapter.shown(row.attributes, columns)
    if columns is None:
        shown["active"] = False
    user_name, key, collides = row.user_name, row.user_name_key, False
    wanted = str(shown.get("userName", user_name))
    if wanted != user_name:
        wanted_key = _usable_key(wanted)
        others = ScimUser.objects.using(context.using).filter(scope=row.scope, user_name_key=wanted_key, alive=True)
        collides = wanted_key not in (None, key) and others.exclude(pk=row.pk).exists()
        if wanted_key is not None and not collides:
            user_name, key = wanted, wanted_key
    attributes = {**shown, "userName": user_name}
    if columns is not None:
        attributes = adapter.remembered(attributes, shown=shown, sent=row.attributes)
    return State(attributes, user_name, key, adapter.index(shown, live=columns is not None, sent=attributes), collides)


def _usable_key(user_name: str) -> str | None:
    try:
        return user_name_key(user_name)
    except InvalidValue:
        return None


def rebuild_index(context: Context, row: ScimUser, index: Index) -> None:
    """Write the filter index of one row anew."""
    values = ScimValue.objects.using(context.using)
    values.filter(scim_user=row).delete()
    values.bulk_create(user_index.values_of(row, index))


def refresh_all(context: Context, progress: Progress | None = None) -> int:
    """Refresh every row of the connection, each that changed in a transaction; returns how many had changed.

    For what receivers cannot see: ``.update()``, bulk loads, SQL.
    """
    related = ["user", *(f"user__{'__'.join(relations)}" for relations in context.adapter.relations)]
    changed = looked_at = 0
    last = 0
    while True:
        batch = list(people(context).select_related(*related).filter(pk__gt=last).order_by("pk")[:BATCH])
        if not batch:
            return changed
        held = user_index.held(context, [row.pk for row in batch])
        context.adapter.load_standing([row.user for row in batch if row.user_id], context.connection, context.using)
        for row in batch:
            if row.user_id is None:
                continue
            changed += refresh(context, row, row.user, held[row.pk])
            if _state(context, row, row.user).collides:
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
