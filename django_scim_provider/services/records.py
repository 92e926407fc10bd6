"""Resource types of the host's own: rows of its models and nothing of ours (RFC 7644 sections 3.3 to 3.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from urllib.parse import quote

from django.db.models import ProtectedError, Q, QuerySet, RestrictedError

from ..adapters import ModelAdapter
from ..adapters.model_query import compile_model_filter, compile_model_sort
from ..protocol import etags
from ..protocol.errors import Conflict, Forbidden, NotFound, Uniqueness
from ..protocol.etags import Match
from ..protocol.filters import Compare, Filter
from ..protocol.projection import Projection
from ..protocol.schemas import BoundPath, ResourceType
from ..protocol.validation import clean_resource, require
from . import audit
from .changes import Compute, modification, replacement
from .context import Context
from .kinds import Found, Kind
from .rows import wire_time
from .transactions import for_update, run
from .user_answers import event_values, sent_by, sent_in


class RecordRow(NamedTuple):
    """A row of the host's, as far as showing it takes; no model instance is made on reads."""

    pk: Any
    id: str
    created: datetime | None
    modified: datetime | None
    columns: Mapping[str, Any]


class WrittenRecord(NamedTuple):
    """A resource as a write left it, read back before the commit."""

    id: str
    version: str
    resource: dict[str, Any]
    sent: frozenset[str] = frozenset()
    """As in ``user_answers.WrittenUser``."""


@dataclass(frozen=True)
class Records(Kind[RecordRow]):
    """The resources of one adapter."""

    adapter: ModelAdapter

    @property
    def resource_type(self) -> ResourceType:
        return self.adapter.resource_type

    def queryset(self) -> QuerySet[Any]:
        return self.adapter.get_queryset(self.context.connection).using(self.context.using)

    def condition(self, node: Filter) -> Q:
        return compile_model_filter(node, self.adapter)

    def order(self, path: BoundPath) -> Any:
        return compile_model_sort(path, self.adapter)

    def fetch(self, queryset: QuerySet[Any]) -> list[RecordRow]:
        adapter = self.adapter
        own = ("pk", adapter.id_field, adapter.created_field or "pk", adapter.modified_field or "pk")
        names = tuple(dict.fromkeys((*own, *adapter.selected)))
        rows = (dict(zip(names, row, strict=True)) for row in queryset.values_list(*names))
        return [
            RecordRow(
                row["pk"],
                str(row[adapter.id_field]),
                row[adapter.created_field] if adapter.created_field else None,
                row[adapter.modified_field] if adapter.modified_field else None,
                adapter.from_selected([row[name] for name in adapter.selected]),
            )
            for row in rows
        ]

    def named(self, node: Compare, limit: int) -> None:
        return None

    def known_id(self, text: str) -> Any:
        found = self.adapter.known_id(text)
        if found is None:
            raise NotFound
        return found

    def by_id(self, scim_id: Any) -> list[RecordRow]:
        return self.fetch(self.queryset().filter((self.adapter.id_field, scim_id)))

    def render(self, rows: Sequence[RecordRow], projection: Projection) -> list[dict[str, Any]]:
        versions = projection.wants_version
        return [projection.apply(self.document(row, has_version=versions)) for row in rows]

    def show(self, row: RecordRow, projection: Projection, condition: Match) -> Found:
        resource = self.document(row)
        return Found.make(resource["meta"]["version"], condition, lambda: projection.apply(resource))

    def document(self, row: RecordRow, *, has_version: bool = True) -> dict[str, Any]:
        """The whole resource; projection comes after."""
        adapter = self.adapter
        shown = adapter.shown({}, row.columns)
        meta = {"resourceType": adapter.name}
        for name, moment in (("created", row.created), ("lastModified", row.modified)):
            if moment is not None:
                meta[name] = wire_time(moment)
        meta["location"] = f"{self.context.base_url}{adapter.endpoint}/{quote(row.id, safe='')}"
        if has_version:
            meta["version"] = self.version(shown)
        schemas = [adapter.schema.id, *(urn for urn in adapter.extension_urns if urn in shown)]
        return {"schemas": schemas, "id": row.id, **shown, "meta": meta}

    def version(self, shown: dict[str, Any]) -> str:
        """The entity-tag: of what is shown, so that what the application changes on its own changes it too."""
        visible = self.adapter.visible
        return etags.digest(shown if visible is None else visible.apply(shown))

    def lock(self, scim_id: str) -> Any:
        """A row of the scope, locked, as an instance.

        :raises NotFound: the connection has no such resource.
        """
        mine = self.queryset().filter((self.adapter.id_field, self.known_id(scim_id)))
        # Not the scope's own query: it may join and group, and databases lock no such rows.
        rows = self.adapter.model._base_manager.using(self.context.using).filter(pk__in=mine.order_by().values("pk"))
        instance = for_update(rows).first()
        if instance is None:
            raise NotFound
        return instance

    def read(self, pk: Any) -> RecordRow:
        """A row just written.

        :raises Forbidden: it has left what the connection manages, and the write is undone.
        """
        rows = self.fetch(self.queryset().filter(pk=pk))
        if not rows:
            raise Forbidden("The resource would lie outside of what this connection manages.")
        return rows[0]


def create_record(adapter: ModelAdapter, context: Context, body: Mapping[str, Any]) -> WrittenRecord:
    """POST to the adapter's endpoint.

    :raises Uniqueness: a value that must be unique is taken.
    :raises Forbidden: the row would not be one that the connection may see.
    """
    kind = Records(context, adapter)
    cleaned = clean_resource(body, adapter.resource_type, tolerance=context.dialect.tolerance)
    require(cleaned.document, adapter.resource_type)

    def work() -> WrittenRecord:
        columns = adapter.write_columns(cleaned.document)
        _refuse_taken(kind, cleaned.document, columns)
        instance = adapter.create(columns, context.connection, context.using)
        return _written(kind, instance.pk, audit.Action.CREATE, {}, cleaned.ignored)

    return run(work, context.using)._replace(sent=sent_in(cleaned.document, adapter.resource_type))


def replace_record(
    adapter: ModelAdapter, context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenRecord:
    """PUT: what the body leaves out is cleared, except ``active`` and what is immutable.

    :raises NotFound: the connection has no such resource.
    :raises PreconditionFailed: it is not in the version that is asked for.
    """
    replaced, cleaned = replacement(context, body, adapter.resource_type)
    done = _change(Records(context, adapter), scim_id, replaced, audit.Action.REPLACE, if_match)
    return done._replace(sent=sent_in(cleaned.document, adapter.resource_type))


def modify_record(
    adapter: ModelAdapter, context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenRecord:
    """PATCH.

    :raises NotFound: the connection has no such resource.
    :raises PreconditionFailed: it is not in the version that is asked for.
    """
    patched, parsed = modification(context, body, adapter.resource_type)
    done = _change(Records(context, adapter), scim_id, patched, audit.Action.MODIFY, if_match)
    return done._replace(sent=sent_by(parsed.operations, adapter.resource_type))


def delete_record(adapter: ModelAdapter, context: Context, scim_id: str, *, if_match: Match | None = None) -> None:
    """DELETE: the row goes the way that ``adapter.delete`` says.

    :raises NotFound: the connection has no such resource.
    :raises PreconditionFailed: it is not in the version that is asked for.
    :raises Conflict: other rows of the application need it.
    """
    kind = Records(context, adapter)

    def work() -> None:
        instance = kind.lock(scim_id)
        shown = adapter.shown({}, adapter.read_columns(instance))
        if if_match is not None:
            if_match.permit(kind.version(shown))
        try:
            adapter.delete(instance, context.using)
        except (ProtectedError, RestrictedError) as error:
            raise Conflict("The application still needs this resource, so it cannot be deleted.") from error
        audit.record(
            context,
            audit.Action.DELETE,
            status=204,
            resource_type=adapter.name,
            resource_id=scim_id,
            label=_label(shown),
        )

    run(work, context.using)


def render_record(
    adapter: ModelAdapter, context: Context, done: WrittenRecord, projection: Projection
) -> dict[str, Any]:
    """The answer to a write; asks the database for nothing."""
    return projection.including(done.sent, adapter.resource_type).apply(done.resource)


def _change(kind: Records, scim_id: str, compute: Compute, action: str, if_match: Match | None) -> WrittenRecord:
    """Read the resource under its lock, work out the new one, and write the columns that differ."""
    adapter, context = kind.adapter, kind.context

    def work() -> WrittenRecord:
        instance = kind.lock(scim_id)
        shown = adapter.shown({}, adapter.read_columns(instance))
        if if_match is not None:
            if_match.permit(kind.version(shown))
        wanted, ignored = compute(shown)
        columns = adapter.write_columns(wanted, before=shown)
        if columns:
            _refuse_taken(kind, wanted, columns, exclude=instance.pk)
            adapter.update(instance, columns, context.using)
        return _written(kind, instance.pk, action, shown, ignored)

    return run(work, context.using)


def _written(kind: Records, pk: Any, action: str, before: Mapping[str, Any], ignored: Sequence[str]) -> WrittenRecord:
    """Read the row back, as the host's ``save()`` and the database left it, and note the event."""
    row = kind.read(pk)
    after = kind.adapter.shown({}, row.columns)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    audit.record(
        kind.context,
        action,
        status=201 if action == audit.Action.CREATE else 200,
        resource_type=kind.adapter.name,
        resource_id=row.id,
        label=_label(after),
        changed=changed,
        values=event_values(kind.adapter, after, changed),
        warnings=ignored,
    )
    resource = kind.document(row)
    return WrittenRecord(row.id, resource["meta"]["version"], resource)


def _label(shown: Mapping[str, Any]) -> str:
    """What a list of events calls a resource: its name for display, or else its first text."""
    texts = [value for value in (shown.get("displayName"), *shown.values()) if isinstance(value, str)]
    return texts[0] if texts else ""


def _refuse_taken(kind: Records, wanted: Mapping[str, Any], columns: Mapping[str, Any], *, exclude: Any = None) -> None:
    """Find out before the database does, and in any case of letters where the attribute is not caseExact.

    :raises Uniqueness: another row of the scope has a value that its schema calls unique.
    """
    found = {}
    for path, attr, *_ in kind.adapter.mapping:
        value, target = path.read(wanted), path.target
        if value is None or target.uniqueness == "none" or target.type not in ("string", "reference", "integer"):
            continue
        if kind.adapter.has_column(path) and not columns.keys().isdisjoint(attr.fields):
            found[path.key] = kind.adapter.condition(Compare(path, "eq", value), "")
    conditions = [condition for condition in found.values() if condition is not None]
    if conditions and kind.queryset().filter(reduce(or_, conditions)).exclude(pk=exclude).exists():
        raise Uniqueness(f"{' or '.join(found)} is already taken.")
