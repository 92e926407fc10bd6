"""From django-scim2 to here: people and groups get rows that bear the ids by which an identity provider knows them.

What django-scim2 knew is in columns of the host's own models, which are only read; the package itself need not be
installed any more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple, cast

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string

from ..adapters.conditions import known_id
from ..models import ScimConnection, ScimEvent, ScimUser
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from . import audit, sync
from .context import Context
from .sync import BATCH, SAMPLE, Adoption, Candidate, Progress
from .transactions import now, run

SOURCE: Final = "django-scim2"
NAME_TAKEN: Final = "another person's user name differs only in spelling"
NAME_UNUSABLE: Final = "SCIM cannot carry this user name"
ID_UNUSABLE: Final = "the id has characters that cannot stand in an address"
ID_TAKEN: Final = "the connection has used the id already, for somebody or something else"
OTHER_ID: Final = "the identity provider knows it under another id already"
OTHER_CONNECTION: Final = "the person is managed by another connection"
DELETED: Final = "the person was deleted through SCIM since"
OUT_OF_SCOPE: Final = "the person is outside of what the connection's adapter has in scope"


class SourceError(ValueError):
    """The host's models have no such columns; the text says which."""


@dataclass(frozen=True)
class Columns:
    """Where one of the host's models holds what django-scim2 wrote; empty where it does not."""

    id: str = ""
    name: str = ""
    external_id: str = ""

    @classmethod
    def of(cls, model: type[models.Model], **given: str) -> Columns:
        """Those that were named, and for the rest those of django-scim2's mixins, as far as the model has them.

        :raises SourceError: one that was named is not there.
        """
        usual = {"id": "scim_id", "name": "scim_username", "external_id": "scim_external_id"}
        for column in filter(None, given.values()):
            if not _has_column(model, column):
                raise SourceError(f"{model._meta.label} has no column {column}.")
        found = {part: column for part, column in usual.items() if _has_column(model, column)}
        return cls(**found | {part: column for part, column in given.items() if column})

    def read(self) -> tuple[Any, ...]:
        """Id, name and external id for ``values_list``."""
        nothing = models.Value(None, output_field=models.CharField())
        return tuple(column or nothing for column in (self.id, self.name, self.external_id))


def _has_column(model: type[models.Model], name: str) -> bool:
    return name == "pk" or name in {field.name for field in model._meta.concrete_fields}


def group_model() -> type[models.Model]:
    """The model of groups that django-scim2's own setting names.

    :raises SourceError: it leads nowhere.
    """
    path = getattr(settings, "SCIM_SERVICE_PROVIDER", {}).get("GROUP_MODEL", "django.contrib.auth.models.Group")
    try:
        return cast("type[models.Model]", import_string(path) if isinstance(path, str) else path)
    except ImportError as error:
        raise SourceError(f"SCIM_SERVICE_PROVIDER['GROUP_MODEL'] cannot be imported: {error}") from None


class Problem(NamedTuple):
    """Somebody or something that is left out."""

    name: str
    id: str
    reason: str


@dataclass
class Imported:
    """What an import found or did; lists are samples of at most ``SAMPLE``."""

    people: int = 0
    groups: int = 0
    memberships: int = 0
    role_mappings: int = 0
    present: int = 0
    """People and groups that an earlier run has imported."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many, by reason."""
    problems: list[Problem] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    """User names of those imported whom the identity provider may neither deactivate nor delete."""

    def leave_out(self, name: object, scim_id: object, reason: str) -> None:
        self.left_out[reason] += 1
        if len(self.problems) < SAMPLE:
            self.problems.append(Problem(str(name), str(scim_id), reason))

    def include(self, part: Imported) -> None:
        """Add what a transaction did, once it is committed: one that is tried again counts once."""
        self.people += part.people
        self.groups += part.groups
        self.memberships += part.memberships
        self.role_mappings += part.role_mappings
        self.present += part.present
        self.left_out += part.left_out
        self.problems += part.problems[: SAMPLE - len(self.problems)]
        self.protected += part.protected[: SAMPLE - len(self.protected)]


def import_people(context: Context, columns: Columns, result: Imported, progress: Progress) -> None:
    """Make a row for everybody who has an id in the column, a batch to a transaction.

    Whoever was adopted when the connection was enabled takes their old id back, unless the identity provider has
    written to them since.

    Where the connection's policy does not adopt everybody, only those are imported whom an identity provider has
    provisioned: who have an externalId or a userName of django-scim2's.

    :param progress: called with the number of people looked at so far.
    :raises ScimError: somebody was managed meanwhile, or would not let go of a row; batches before that stay.
    """
    looked_at = 0
    for batch in _batches(context, columns):
        result.include(run(partial(_import, context, batch), context.using))
        looked_at += len(batch)
        progress(looked_at)
    _out_of_scope(context, columns, result)


def bearers(context: Context, columns: Columns) -> models.QuerySet[Any]:
    """The people in scope who have an id."""
    people = context.adapter.get_queryset(context.connection).using(context.using)
    return _provisioned(context, columns, people)


def _provisioned(context: Context, columns: Columns, people: models.QuerySet[Any]) -> models.QuerySet[Any]:
    found = _filled(people, columns.id)
    policy = context.connection.existing_accounts
    if policy == ScimConnection.ExistingAccounts.ADOPT and not context.adapter.shares_accounts:
        return found
    marks = models.Q(pk__in=())
    for column in filter(None, (columns.name, columns.external_id)):
        marks |= models.Q(pk__in=_filled(people, column).values("pk"))
    return found.filter(marks)


def _filled(people: models.QuerySet[Any], column: str) -> models.QuerySet[Any]:
    present = people.filter(**{f"{column}__isnull": False})
    field = people.model._meta.pk if column == "pk" else people.model._meta.get_field(column)
    return present.exclude(**{column: ""}) if isinstance(field, models.CharField | models.TextField) else present


class _Person(NamedTuple):
    """Somebody as django-scim2 knew them, and the host's columns."""

    pk: Any
    scim_id: str
    user_name: str | None
    external_id: str | None
    values: tuple[Any, ...]


def _batches(context: Context, columns: Columns) -> Iterator[list[_Person]]:
    """The people to import by primary key, so that no offset grows."""
    people = bearers(context, columns).order_by("pk")
    last: Any = None
    while True:
        page = people if last is None else people.filter(pk__gt=last)
        rows = [
            _Person(pk, str(scim_id), name, external_id, tuple(values))
            for pk, scim_id, name, external_id, *values in page.values_list(
                "pk", *columns.read(), *context.adapter.selected
            )[:BATCH]
        ]
        if not rows:
            return
        yield rows
        last = rows[-1].pk


def _import(context: Context, batch: list[_Person]) -> Imported:
    result = Imported()
    rows = ScimUser.objects.using(context.using)
    living = rows.filter(scope=context.adapter.scope(context.connection), alive=True)
    keys = [person.pk for person in batch]
    held = {row.user_id: row for row in living.filter(user__in=keys).select_for_update()}
    known = written(context, context.adapter.name, [row.scim_id for row in held.values()])
    mine = rows.filter(connection=context.connection, scim_id__in=[person.scim_id for person in batch])
    used, deleted = set(mine.values_list("scim_id", flat=True)), sync.deleted(context, keys)
    candidates, renumbered = [], []
    for person in batch:
        row = held.get(person.pk)
        if row is not None and (row.connection_id, row.scim_id) == (context.connection.pk, person.scim_id):
            result.present += 1
            continue
        candidate = _candidate(context, person)
        reason = _refusal(candidate, used) or (DELETED if person.pk in deleted else "")
        if row is not None:
            reason = _holder(context, row, known) or reason
        if reason:
            result.leave_out(candidate.user_name, person.scim_id, reason)
            continue
        used.add(person.scim_id)
        if row is None:
            candidates.append(candidate)
        else:
            renumbered.append(_renumber(row, candidate))
    rows.bulk_update(renumbered, ["scim_id", "external_id", "attributes", "modified_at"])
    adoption = Adoption()
    sync.insert(context, candidates, adoption)
    made = set(mine.values_list("user_id", flat=True))
    for candidate in candidates:
        if candidate.pk not in made:
            result.leave_out(candidate.user_name, candidate.scim_id, NAME_TAKEN)
    result.people = count = adoption.adopted + len(renumbered)
    _note_protected(context, {row.user_id: row.user_name for row in renumbered}, result)
    _note_protected(context, {found.pk: found.user_name for found in candidates if found.pk in made}, result)
    if count:
        detail = f"Imported {count} people from {SOURCE}."
        audit.record(context, audit.Action.ADOPT, label=context.connection.name, detail=detail)
    return result


def _candidate(context: Context, person: _Person) -> Candidate:
    """The person as django-scim2 last had it sent; an unusable name has the key ``""``."""
    columns = context.adapter.from_selected(person.values)
    document = context.adapter.shown({}, columns)
    sent = {"userName": person.user_name, "externalId": person.external_id}
    document |= {name: value for name, value in sent.items() if value}
    document = context.adapter.shown(document, columns)
    user_name = str(document.get("userName", ""))
    try:
        key = user_name_key(user_name)
    except InvalidValue:
        key = ""
    return Candidate(person.pk, user_name, key, document, person.scim_id)


def _refusal(candidate: Candidate, used: set[str]) -> str:
    """Why somebody cannot be imported; empty where nothing is in the way."""
    if known_id(candidate.scim_id) is None:
        return ID_UNUSABLE
    if candidate.scim_id in used:
        return ID_TAKEN
    return "" if candidate.key else NAME_UNUSABLE


def _holder(context: Context, row: ScimUser, known: Collection[str]) -> str:
    """Why a row that is there cannot take the old id; empty where it can."""
    if row.connection_id != context.connection.pk:
        return OTHER_CONNECTION
    return OTHER_ID if row.scim_id in known or row.origin != ScimUser.Origin.ADOPTED else ""


def _renumber(row: ScimUser, candidate: Candidate) -> ScimUser:
    row.scim_id = candidate.scim_id
    row.external_id = candidate.document.get("externalId")
    row.attributes = {**row.attributes, **({"externalId": row.external_id} if row.external_id else {})}
    row.modified_at = now()
    return row


def written(context: Context, resource_type: str, ids: Collection[str]) -> set[str]:
    """Those of these ids to which the connection's identity provider has written."""
    events = ScimEvent.objects.using(context.using).filter(connection=context.connection, resource_type=resource_type)
    return set(events.filter(resource_id__in=ids).exclude(key_id="").values_list("resource_id", flat=True))


def _note_protected(context: Context, names: Mapping[Any, str], result: Imported) -> None:
    users = context.adapter.model._base_manager.using(context.using).filter(pk__in=names).order_by("pk")
    protected = [names[user.pk] for user in users if context.adapter.is_protected(user)]
    result.protected += protected[: SAMPLE - len(result.protected)]


def _out_of_scope(context: Context, columns: Columns, result: Imported) -> None:
    """Whom django-scim2 knew, and the adapter does not let in."""
    if context.adapter.multi_tenant:  # everybody else's people are
        return
    scope = context.adapter.get_queryset(context.connection).using(context.using)
    everybody = _provisioned(context, columns, context.adapter.model._base_manager.using(context.using).all())
    outside = everybody.filter(~models.Exists(scope.filter(pk=models.OuterRef("pk")))).order_by("pk")
    for scim_id, name, _ in outside.values_list(*columns.read()).iterator(chunk_size=BATCH):
        result.leave_out(name or "", scim_id, OUT_OF_SCOPE)
