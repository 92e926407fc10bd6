"""Schemas, attributes and resource types with all their characteristics (RFC 7643 sections 2, 6, 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from . import urns

AttributeType = Literal["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"]
Mutability = Literal["readOnly", "readWrite", "immutable", "writeOnly"]
Returned = Literal["always", "never", "default", "request"]
Uniqueness = Literal["none", "server", "global"]


@dataclass(frozen=True)
class Attribute:
    """One attribute definition; the defaults are those of RFC 7643 section 2.2."""

    name: str
    description: str = ""
    type: AttributeType = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    uniqueness: Uniqueness = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {sub.name.lower(): sub for sub in self.sub_attributes}

    def sub(self, name: str) -> Attribute | None:
        """The sub-attribute of that name in any case, or ``None``."""
        return self._by_name.get(name.lower())

    @property
    def read_only(self) -> bool:
        return self.mutability == "readOnly"

    @property
    def is_hidden(self) -> bool:
        """Whether no answer ever shows it: returned ``never``, or writeOnly (RFC 7643 section 7)."""
        return self.returned == "never" or self.mutability == "writeOnly"

    def as_document(self) -> dict[str, Any]:
        """The attribute as ``/Schemas`` shows it (RFC 7643 section 7), every characteristic spelled out."""
        document: dict[str, Any] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
        }
        if self.canonical_values:
            document["canonicalValues"] = list(self.canonical_values)
        if self.type != "complex":
            document["caseExact"] = self.case_exact
        document["mutability"] = self.mutability
        document["returned"] = self.returned
        if self.type != "complex":
            document["uniqueness"] = self.uniqueness
        if self.reference_types:
            document["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            document["subAttributes"] = [sub.as_document() for sub in self.sub_attributes]
        return document


@dataclass(frozen=True)
class Schema:
    """A schema: the attributes behind one URN."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def get(self, name: str) -> Attribute | None:
        """The attribute of that name in any case, or ``None``."""
        return self._by_name.get(name.lower())

    def only(self, names: Collection[str]) -> Schema:
        """The same schema with the attributes named (exact spelling); a sub-attribute is named ``name.givenName``."""
        kept = []
        for attribute in self.attributes:
            if attribute.name in names:
                kept.append(attribute)
                continue
            subs = tuple(sub for sub in attribute.sub_attributes if f"{attribute.name}.{sub.name}" in names)
            if subs:
                kept.append(replace(attribute, sub_attributes=subs))
        return replace(self, attributes=tuple(kept))

    def as_document(self) -> dict[str, Any]:
        return {
            "schemas": [urns.SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.as_document() for attribute in self.attributes],
        }


def _read_only(name: str, description: str, **more: Any) -> Attribute:
    return Attribute(name, description, mutability="readOnly", **more)


SCHEMAS: Final = Attribute(
    "schemas",
    "The URNs of the schemas present in the resource.",
    type="reference",
    multi_valued=True,
    case_exact=True,
    returned="always",
    reference_types=("uri",),
)
ID: Final = _read_only("id", "The server's identifier of the resource.", case_exact=True, returned="always")
EXTERNAL_ID: Final = Attribute("externalId", "The client's identifier of the resource.", case_exact=True)
META: Final = _read_only(
    "meta",
    "Resource metadata.",
    type="complex",
    sub_attributes=(
        _read_only("resourceType", "The name of the resource type.", case_exact=True),
        _read_only("created", "When the resource was added.", type="dateTime"),
        _read_only("lastModified", "When the resource was last changed.", type="dateTime"),
        _read_only("location", "The URI of the resource.", type="reference", case_exact=True, reference_types=("uri",)),
        _read_only("version", "The version (entity-tag) of the resource.", case_exact=True),
    ),
)
COMMON_ATTRIBUTES: Final = (SCHEMAS, ID, EXTERNAL_ID, META)
"""Attributes of every resource, which no schema lists (RFC 7643 section 3.1)."""

_COMMON_BY_NAME: Final = {attribute.name.lower(): attribute for attribute in COMMON_ATTRIBUTES}


class BoundPath(NamedTuple):
    """An attribute path that a resource type knows."""

    urn: str | None
    """The extension's URN, or ``None`` for the core schema and the common attributes."""
    attribute: Attribute
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute:
        """What a value at this path is: the sub-attribute if the path names one."""
        return self.sub or self.attribute

    @property
    def key(self) -> str:
        """The canonical spelling: ``name.givenName``, ``urn:...:User:manager.value``."""
        name = f"{self.attribute.name}.{self.sub.name}" if self.sub else self.attribute.name
        return f"{self.urn}:{name}" if self.urn else name

    @property
    def is_hidden(self) -> bool:
        """Whether no answer ever shows what the path names."""
        return self.attribute.is_hidden or self.target.is_hidden

    def read(self, document: Mapping[str, Any]) -> Any:
        """The value in a canonical document (a list's sub-attribute gives the list of its values), or ``None``."""
        container = document.get(self.urn) if self.urn else document
        if container is None:
            return None
        value = container.get(self.attribute.name)
        if self.sub is None or value is None:
            return value
        if isinstance(value, list):
            return [item[self.sub.name] for item in value if item.get(self.sub.name) is not None] or None
        return value.get(self.sub.name)

    def put(self, document: dict[str, Any], value: Any) -> None:
        """Assign in a canonical document, or remove with ``None``; inner objects are replaced, never changed.

        Not for the sub-attribute of a multi-valued attribute.
        """
        if self.urn is not None:
            inner = dict(document.get(self.urn) or {})
            self._replace(urn=None).put(inner, value)
            _assign(document, self.urn, inner or None)
        elif self.sub is not None:
            inner = dict(document.get(self.attribute.name) or {})
            _assign(inner, self.sub.name, value)
            _assign(document, self.attribute.name, inner or None)
        else:
            _assign(document, self.attribute.name, value)


def _assign(document: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        document.pop(name, None)
    else:
        document[name] = value


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource: its endpoint, its schema and its extensions (RFC 7643 section 6)."""

    name: str
    endpoint: str
    """With a leading slash, relative to the base URL."""
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    required_extensions: frozenset[str] = frozenset()

    @cached_property
    def extension_by_urn(self) -> dict[str, Schema]:
        """By URN in lower case: schema URIs ignore case."""
        return {schema.id.lower(): schema for schema in self.extensions}

    @property
    def schemas(self) -> tuple[Schema, ...]:
        return (self.schema, *self.extensions)

    def extension(self, urn: str) -> Schema | None:
        """The extension with that URN in any case, or ``None``."""
        return self.extension_by_urn.get(urn.lower())

    def attribute(self, name: str) -> Attribute | None:
        """A core or common attribute by name in any case, or ``None``."""
        return self.schema.get(name) or _COMMON_BY_NAME.get(name.lower())

    def bind(self, urn: str | None, name: str, sub: str | None = None) -> BoundPath | None:
        """Look an attribute up as a client spelled it; ``None`` when this resource type has no such thing.

        ``urn`` may be the core schema's own (PingFederate writes ``urn:...:core:2.0:User:userName``).
        """
        extension = None
        if urn is None or urn.lower() == self.schema.id.lower():
            attribute = self.attribute(name)
        else:
            extension = self.extension(urn)
            attribute = extension.get(name) if extension else None
        if attribute is None:
            return None
        sub_attribute = attribute.sub(sub) if sub is not None else None
        if sub is not None and sub_attribute is None:
            return None
        return BoundPath(extension.id if extension else None, attribute, sub_attribute)

    def paths(self) -> tuple[BoundPath, ...]:
        """Every attribute of the core schema and the extensions, sub-attributes not listed apart."""
        return self._paths

    @cached_property
    def _paths(self) -> tuple[BoundPath, ...]:
        own = (BoundPath(None, attribute) for attribute in self.schema.attributes)
        extended = (BoundPath(schema.id, attribute) for schema in self.extensions for attribute in schema.attributes)
        return (*own, *extended)

    @cached_property
    def on_request(self) -> tuple[BoundPath, ...]:
        """What is shown when it is asked for, or has just been sent (returned ``request``), sub-attributes included."""
        deep = (path._replace(sub=sub) for path in self.paths() for sub in (None, *path.attribute.sub_attributes))
        return tuple(path for path in deep if path.target.returned == "request")

    def as_document(self) -> dict[str, Any]:
        """The resource type as ``/ResourceTypes`` shows it; ``id`` equals ``name`` (interoperability profile)."""
        return {
            "schemas": [urns.RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.description,
            "schema": self.schema.id,
            "schemaExtensions": [
                {"schema": schema.id, "required": schema.id in self.required_extensions} for schema in self.extensions
            ],
        }
