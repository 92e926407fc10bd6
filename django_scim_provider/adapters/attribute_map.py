"""What an adapter declares, looked up in the schema and in the host's models, and what that answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Final, NamedTuple

from django.db import models
from django.db.models import Q

from ..protocol.filters import Compare
from ..protocol.paths import split_path
from ..protocol.projection import Projection
from ..protocol.schemas import BoundPath, ResourceType, Schema
from .attributes import Attr
from .conversions import entry_for
from .fields import HostPath

_TEXT: Final = (models.CharField, models.TextField)
_COMPARABLE: Final[Mapping[str, tuple[type[models.Field[Any, Any]], ...]]] = {
    "boolean": (models.BooleanField,),
    "integer": (models.IntegerField, models.FloatField, models.DecimalField),
    "decimal": (models.FloatField, models.DecimalField),
    "dateTime": (models.DateTimeField,),
}
"""The columns that a filter's value can be compared with, by the attribute's type; text for the types left out."""


class MapError(ValueError):
    """The attribute map names something that the schema or the model does not have."""


class Mapped(NamedTuple):
    """One entry of the map, looked up on both sides."""

    path: BoundPath
    attr: Attr
    columns: tuple[HostPath, ...]
    lookup: HostPath | None
    """The column that filters and sorting use; see ``Attr``."""


class MappedModel:
    """A SCIM resource type, the host's model, and the map between them."""

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
        columns = tuple(HostPath(self.model, field) for field in attr.fields)
        return Mapped(path, attr, columns, HostPath(self.model, attr.lookup) if attr.lookup else None)

    @cached_property
    def by_key(self) -> dict[str, Mapped]:
        return {mapped.path.key: mapped for mapped in self.mapping}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that the map reads, once each."""
        return tuple(self._by_path)

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """What a query selects for ``columns``: JSON columns whole, since SQLite reads the text "1" in one as 1."""
        return tuple(dict.fromkeys(path.stored_in for path in self._host_paths))

    @cached_property
    def _host_paths(self) -> tuple[HostPath, ...]:
        return tuple(self._by_path.values())

    def column(self, path: str) -> HostPath:
        """A column of the map by its look-up path."""
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, HostPath]:
        return {path.path: path for mapped in self.mapping for path in mapped.columns}

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
        return frozenset(mapped.path.key for mapped in self.mapping if self._answers(mapped))

    def _answers(self, mapped: Mapped) -> bool:
        """Whether the values of a filter fit the column; text compared with a number is an error to databases."""
        path, column = mapped.path, mapped.lookup
        if path.attribute.multi_valued or column is None:
            return False
        own = type(mapped.attr).condition is not Attr.condition
        as_it_is = column.is_json_key and path.target.type != "dateTime"
        return own or as_it_is or isinstance(column.field, _COMPARABLE.get(path.target.type, _TEXT))

    def condition(self, node: Compare, prefix: str) -> Q | None:
        """A comparison on the column behind a path that ``has_column``; see ``Attr.condition``."""
        mapped = self.by_key[node.path.key]
        if isinstance(node.value, Decimal) and mapped.lookup is not None and mapped.lookup.is_json_key:
            node = replace(node, value=float(node.value))  # type: ignore[arg-type]
        return mapped.attr.condition(node, prefix)

    def present(self, path: BoundPath, prefix: str) -> Q | None:
        """That the column behind a path is assigned; only text can be assigned and empty."""
        _, attr, _, column = self.by_key[path.key]
        if type(attr).present is Attr.present and column is not None and not _may_be_empty(column):
            return Q((f"{prefix}{column.path}__isnull", False))
        return attr.present(prefix)

    @cached_property
    def extension_urns(self) -> tuple[str, ...]:
        return tuple(schema.id for schema in self.resource_type.extensions)

    def columns_of(self, *keys: str) -> frozenset[str]:
        """The columns behind attributes, sub-attributes included."""
        return frozenset(
            field
            for path, attr, *_ in self.mapping
            if path.key in keys or BoundPath(path.urn, path.attribute).key in keys
            for field in attr.fields
        )


def _may_be_empty(column: HostPath) -> bool:
    return column.is_json_key or isinstance(column.field, _TEXT)
