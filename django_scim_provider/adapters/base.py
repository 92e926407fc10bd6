"""What every adapter is: an attribute map, and all that follows from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

from django.db import models
from django.db.models import Q

from ..models import ScimConnection
from ..protocol.filters import Compare
from ..protocol.paths import split_path
from ..protocol.projection import Projection
from ..protocol.schemas import BoundPath, ResourceType, Schema
from .attributes import Attr
from .conversions import entry_for
from .fields import HostPath
from .index import Indexed, elements
from .saving import save_columns
from .value_keys import value_key

_TEXT: Final = (models.CharField, models.TextField)
_COMPARABLE: Final[Mapping[str, tuple[type[models.Field[Any, Any]], ...]]] = {
    "boolean": (models.BooleanField,),
    "integer": (models.IntegerField, models.FloatField, models.DecimalField),
    "decimal": (models.FloatField, models.DecimalField),
    "dateTime": (models.DateTimeField,),
}
"""The columns that a filter's value can be compared with, by the attribute's type; text for the types left out."""

LEFT_ALONE: Final = "#left alone"
"""In a stored document, beside the attributes, none of which can have this name: the client deactivated or deleted the
person, and the account was left as it is. ``active`` is then shown as sent."""


class MapError(ValueError):
    """The attribute map names something that the schema or the model does not have."""


class Mapped(NamedTuple):
    """One entry of the map, looked up on both sides."""

    path: BoundPath
    attr: Attr
    columns: tuple[HostPath, ...]


class ResourceAdapter:
    """Maps one SCIM resource type to one model of the host.

    ``attributes`` is the whole declaration: schema, reading, writing, filtering, sorting and the system checks
    follow from it. Keys are attribute paths (``"name.givenName"``, ``f"{ENTERPRISE_USER}:department"``); values are
    columns or ``Attr`` objects.
    """

    name: ClassVar[str]
    endpoint: ClassVar[str]
    description: ClassVar[str] = ""
    schema: ClassVar[Schema]
    extensions: ClassVar[tuple[Schema, ...]] = ()
    required_extensions: ClassVar[Collection[str]] = ()
    """The URNs of the extensions that every resource must have something of."""

    attributes: ClassVar[Mapping[str, str | Attr]] = {}
    keep_unmapped: ClassVar[bool] = True
    """Whether attributes without a column are kept as sent; else they are accepted, ignored and not in /Schemas."""

    always_shown: ClassVar[frozenset[str]] = frozenset()
    """Attributes that this package answers for itself, mapped or not."""

    def __init__(self, portal: str = "") -> None:
        self.portal = portal

    @property
    def model(self) -> type[models.Model]:
        """The host's model."""
        raise NotImplementedError

    @cached_property
    def full_resource_type(self) -> ResourceType:
        required = frozenset(self.required_extensions)
        return ResourceType(self.name, self.endpoint, self.description, self.schema, self.extensions, required)

    @cached_property
    def resource_type(self) -> ResourceType:
        """The resource type with exactly the attributes that are implemented."""
        full = self.full_resource_type
        if self.keep_unmapped:
            return full
        names = self.always_shown | {mapped.path.key for mapped in self.mapping}
        extensions = (
            schema.only({name.removeprefix(f"{schema.id}:") for name in names if name.startswith(f"{schema.id}:")})
            for schema in self.extensions
        )
        kept = tuple(schema for schema in extensions if schema.attributes)
        required = full.required_extensions & {schema.id for schema in kept}
        return replace(full, schema=self.schema.only(names), extensions=kept, required_extensions=required)

    @cached_property
    def visible(self) -> Projection | None:
        """What of a document anybody may ever see; ``None`` where that is all of it."""
        paths = [
            path._replace(sub=sub)
            for path in self.resource_type.paths()
            for sub in (None, *path.attribute.sub_attributes)
        ]
        if not any(path.is_hidden for path in paths):
            return None
        return Projection.parse([path.key for path in paths], (), self.resource_type)

    @cached_property
    def mapping(self) -> tuple[Mapped, ...]:
        """The map, looked up.

        :raises MapError: a key is not an attribute of the schema.
        """
        return tuple(self._bind(key, entry) for key, entry in self.attributes.items())

    def _bind(self, key: str, entry: str | Attr) -> Mapped:
        parts = split_path(key)
        path = self.full_resource_type.bind(*parts) if parts else None
        if path is None:
            raise MapError(f"'{key}' is not an attribute of {self.name} or of its extensions.")
        attr = entry if isinstance(entry, Attr) else entry_for(path, HostPath(self.model, entry))
        return Mapped(path, attr, tuple(HostPath(self.model, field) for field in attr.fields))

    @cached_property
    def _comparisons(self) -> tuple[tuple[Mapped, str | None], ...]:
        """The map, and the column where equal values are all that it takes for the form sent to stand."""
        return tuple((mapped, mapped.attr.fields[0] if mapped.attr.is_plain else None) for mapped in self.mapping)

    @cached_property
    def by_key(self) -> dict[str, Mapped]:
        return {mapped.path.key: mapped for mapped in self.mapping}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that the map reads, once each."""
        return tuple(dict.fromkeys(field for mapped in self.mapping for field in mapped.attr.fields))

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """What a query selects for ``columns``: JSON columns whole, since SQLite reads the text "1" in one as 1."""
        return tuple(dict.fromkeys(path.stored_in for path in self._host_paths))

    @cached_property
    def _host_paths(self) -> tuple[HostPath, ...]:
        return tuple(HostPath(self.model, column) for column in self.columns)

    def column(self, path: str) -> HostPath:
        """A column of the map by its look-up path."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, HostPath]:
        return {path.path: path for path in self._host_paths}

    @cached_property
    def relations(self) -> tuple[tuple[str, ...], ...]:
        """The relations that lead to columns of other models."""
        return tuple(dict.fromkeys(path.relations for path in self._host_paths if path.relations))

    def from_selected(self, values: Sequence[Any]) -> dict[str, Any]:
        """The column values, as ``shown`` takes them, of what was read for ``selected``."""
        row = dict(zip(self.selected, values, strict=True))
        if self.selected == self.columns:
            return row
        return {path.path: path.within(row[path.stored_in]) for path in self._host_paths}

    @cached_property
    def _indexed_paths(self) -> tuple[BoundPath, ...]:
        """Attributes whose values are in the filter index while the host's row is live."""
        return tuple(path for path in self._all_paths if not self.has_column(path))

    @cached_property
    def _sent_paths(self) -> tuple[BoundPath, ...]:
        """Attributes whose column answers filters until something is sent, since they are never written."""
        answered = (path for path in self._all_paths if self.has_column(path))
        return tuple(path for path in answered if not self.by_key[path.key].attr.writes)

    @cached_property
    def _all_paths(self) -> tuple[BoundPath, ...]:
        return tuple(
            BoundPath(path.urn, path.attribute, sub)
            for path in self.resource_type.paths()
            if path.key not in self.always_shown
            for sub in self._parts(path)
        )

    @staticmethod
    def _parts(path: BoundPath) -> tuple[Any, ...]:
        if path.attribute.type != "complex" or path.attribute.multi_valued:
            return (None,)
        return path.attribute.sub_attributes

    def has_column(self, path: BoundPath) -> bool:
        """Whether a column of the host's answers filters on this path."""
        return path.key in self._with_column

    @cached_property
    def _with_column(self) -> frozenset[str]:
        return frozenset(path.key for path, attr, _ in self.mapping if self._answers(path, attr))

    def _answers(self, path: BoundPath, attr: Attr) -> bool:
        """Whether the values of a filter fit the column; text compared with a number is an error to databases."""
        if path.attribute.multi_valued or attr.lookup is None:
            return False
        column = HostPath(self.model, attr.lookup)
        own = type(attr).condition is not Attr.condition
        as_it_is = column.is_json_key and path.target.type != "dateTime"
        return own or as_it_is or isinstance(column.field, _COMPARABLE.get(path.target.type, _TEXT))

    def condition(self, node: Compare, prefix: str) -> Q | None:
        """A comparison on the column behind a path that ``has_column``; see ``Attr.condition``."""
        attr = self.by_key[node.path.key].attr
        if isinstance(node.value, Decimal) and attr.lookup and HostPath(self.model, attr.lookup).is_json_key:
            node = replace(node, value=float(node.value))  # type: ignore[arg-type]
        return attr.condition(node, prefix)

    def present(self, path: BoundPath, prefix: str) -> Q | None:
        """That the column behind a path is assigned; only text can be assigned and empty."""
        attr = self.by_key[path.key].attr
        if type(attr).present is Attr.present and attr.lookup:
            column = HostPath(self.model, attr.lookup)
            if not (column.is_json_key or isinstance(column.field, _TEXT)):
                return Q((f"{prefix}{attr.lookup}__isnull", False))
        return attr.present(prefix)

    @cached_property
    def extension_urns(self) -> tuple[str, ...]:
        return tuple(schema.id for schema in self.resource_type.extensions)

    # Reading -----------------------------------------------------------------------------------------------

    def shown(self, sent: Mapping[str, Any], columns: Mapping[str, Any] | None) -> dict[str, Any]:
        """The resource to show: the form last sent, with the host's value wherever that says something else.

        :param sent: the document last sent; empty where nothing ever was: then all that the columns say is shown. An
            attribute that is ``None`` in it was taken away, and stays away whatever its column says.
        :param columns: the host's column values by look-up path, or ``None`` where there is no live counterpart.
        :returns: a new canonical document; its inner objects may be shared with ``sent``.
        """
        document = dict(sent) if self.keep_unmapped else self._implemented(sent)
        as_sent = [name for name, value in sent.items() if value is None]
        for name in as_sent:
            document.pop(name, None)
        if LEFT_ALONE in sent:
            document.pop(LEFT_ALONE, None)
            as_sent.append("active")
        if columns is None:
            return document
        for mapped, column in self._comparisons:
            path, attr, _ = mapped
            if sent and column is not None and attr.set(path.read(sent)) == columns[column]:  # type: ignore[misc]
                continue
            if path.attribute.name in as_sent or (not attr.writes and path.read(sent) is not None):
                continue
            stored = tuple(columns[field] for field in attr.fields)
            # An attribute that was taken away stays away while the column says no more than its default does.
            if not sent or not attr.writes or not attr.agrees(attr.to_host(path, sent), stored):
                path.put(document, attr.from_host(path, stored))
        return document

    def _implemented(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A document without what /Schemas does not list: kept once, before ``keep_unmapped`` was taken back."""
        kept: dict[str, Any] = {name: document[name] for name in ("userName", "externalId") if name in document}
        for path in self._all_paths:
            value = path.read(document)
            if value is not None:
                path.put(kept, value)
        return kept

    def remembered(
        self, document: Mapping[str, Any], *, shown: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What is stored of a document: all but what only the columns say of attributes that are never written.

        Stored, that would pass for what was sent, and would not follow its column any more.

        :param shown: the document as it was shown before.
        :param sent: what was stored before.
        """
        kept = dict(document)
        for path, attr, _ in self.mapping:
            if not attr.writes and path.read(sent) is None and path.read(kept) == path.read(shown):
                path.put(kept, None)
        if LEFT_ALONE in sent and document.get("active") is not True:
            kept[LEFT_ALONE] = True
        return kept

    def read_columns(self, instance: models.Model) -> dict[str, Any]:
        """The column values of an instance, as ``shown`` takes them."""
        return {path.path: path.read(instance) for path in self._host_paths}

    def index(
        self, document: Mapping[str, Any], *, live: bool, sent: Mapping[str, Any] | None = None
    ) -> dict[tuple[str, int], Indexed]:
        """The rows of the filter index for a document as shown, by attribute and position.

        :param live: whether the host's columns answer for the mapped single attributes.
        :param sent: what is stored of the document; the same without it.
        """
        rows: dict[tuple[str, int], Indexed] = {}
        paths = [(path, document) for path in (self._indexed_paths if live else self._all_paths)]
        if live:
            paths += [(path, document if sent is None else sent) for path in self._sent_paths]
            if LEFT_ALONE in (sent or ()):
                rows["active", 0] = Indexed("", None, "false")
        for path, source in paths:
            value = path.read(source)
            if value is None:
                continue
            if path.attribute.multi_valued:
                rows.update(elements(path, value))
            else:
                rows[path.key, 0] = Indexed("", None, value_key(path, value))
        return rows

    # Writing -----------------------------------------------------------------------------------------------

    def write_columns(self, document: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The column values that a document asks for, cleaned, by look-up path.

        :param before: the document as it was shown; columns for which it asked the same are left out, so that a
            change of one attribute never touches the column of another.
        :raises InvalidValue: a column cannot hold what the document says.
        """
        values: dict[str, Any] = {}
        for path, attr, columns in self.mapping:
            if not attr.writes:
                continue
            wanted = attr.to_host(path, document)
            if before is not None and wanted == attr.to_host(path, before):
                continue
            for column, value in zip(columns, wanted, strict=True):
                values[column.path] = column.clean(value, path.key)
        return values

    def _save(self, instance: Any, columns: Mapping[str, Any], using: str, *, extra: Iterable[str] = ()) -> None:
        """See ``save_columns``; columns of the map, by look-up path."""
        save_columns(instance, ((self.column(name), value) for name, value in columns.items()), using, extra=extra)

    def columns_of(self, *keys: str) -> frozenset[str]:
        """The columns behind attributes, sub-attributes included."""
        return frozenset(
            field
            for path, attr, _ in self.mapping
            if path.key in keys or BoundPath(path.urn, path.attribute).key in keys
            for field in attr.fields
        )

    def live_condition(self, connection: ScimConnection) -> Q | None:
        """What makes a host row live, seen from our row (``user__...``); ``None``: its being there."""
        return None
