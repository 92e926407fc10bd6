"""Which attributes a response shows (RFC 7644 sections 3.4.2.5 and 3.9, ``returned`` in RFC 7643 section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from .messages import ListQuery
from .names import resolve
from .schemas import COMMON_ATTRIBUTES, Attribute, BoundPath, ResourceType
from .tolerance import LENIENT

_BRACKETS: Final = re.compile(r"\[[^\]]*+\]?")
_SHOWN: Final = frozenset({"always", "default"})

Parts: TypeAlias = frozenset[str] | None
"""The sub-attributes to show; ``None`` for the value as it is."""
_NOTHING: Final[Parts] = frozenset()


@dataclass(frozen=True, slots=True)
class Projection:
    """What of a document is shown. Immutable and hashable; worth keeping for as long as the parameters are the same."""

    requested: frozenset[str] | None
    """Canonical keys asked for; ``None`` when ``attributes`` was not given."""
    excluded: frozenset[str]
    shown: Mapping[str, Parts] | None = field(compare=False, repr=False)
    """By canonical key, what is shown; ``None`` where everything is."""
    extensions: tuple[str, ...]
    """The URNs of the resource type's extensions."""

    @classmethod
    def parse(cls, attributes: Iterable[str], excluded: Iterable[str], resource_type: ResourceType) -> Projection:
        """Look the names up, in any case; the URN of a schema alone means all its attributes, brackets are left out.

        Unknown names match nothing: ``attributes=nonsense`` shows the minimum. If both are given, which RFC 7644
        forbids, what is excluded is taken from what is asked for.
        """
        names = tuple(attributes)
        requested = frozenset(_keys(names, resource_type)) if names else None
        left_out = frozenset(_keys(excluded, resource_type))
        urns = tuple(schema.id for schema in resource_type.extensions)
        if requested is None and not left_out and not _hides_anything(resource_type):
            return cls(None, left_out, None, urns)
        return cls(requested, left_out, _plan(resource_type, requested, requested or frozenset(), left_out), urns)

    @classmethod
    def of(cls, query: ListQuery, resource_type: ResourceType) -> Projection:
        """What the query parameters of a request ask for."""
        return cls.parse(query.attributes, query.excluded_attributes, resource_type)

    def including(self, sent: frozenset[str], resource_type: ResourceType) -> Projection:
        """The same for the answer to a write: what is returned on request is shown where the client has sent it.

        :param sent: canonical keys; see RFC 7643 section 7, ``returned``.
        """
        if self.requested is not None or not sent:
            return self
        return replace(self, shown=_plan(resource_type, None, sent, self.excluded))

    @property
    def wants_version(self) -> bool:
        """Whether ``meta.version`` is shown."""
        if self.shown is None:
            return True
        parts = self.shown.get("meta", _NOTHING)
        return parts is None or "version" in parts

    def wants(self, key: str) -> bool:
        """Whether anything of an attribute (``members``) or an extension (its URN) is shown, so must be loaded."""
        if self.shown is None or key in self.shown:
            return True
        return key in self.extensions and any(name.startswith(f"{key}:") for name in self.shown)

    def shows_whole(self, name: str) -> bool:
        """Whether an attribute is shown with everything in it."""
        return self.shown is None or (name in self.shown and self.shown[name] is None)

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """What is shown of a canonical document that has its ``schemas``, ``id`` and ``meta``.

        Where everything is shown, that is the document itself.
        """
        if self.shown is None:
            return document
        result = _project({name: document[name] for name in document if name not in self.extensions}, "", self.shown)
        for urn in self.extensions:
            if urn in document and (attributes := _project(document[urn], f"{urn}:", self.shown)):
                result[urn] = attributes
        return result


def _project(values: Mapping[str, Any], prefix: str, shown: Mapping[str, Parts]) -> dict[str, Any]:
    picked = ((name, _pick(value, shown[prefix + name])) for name, value in values.items() if prefix + name in shown)
    return {name: value for name, value in picked if value is not None}


def _keys(names: Iterable[str], resource_type: ResourceType) -> Iterator[str]:
    for name in names:
        target = resolve(_BRACKETS.sub("", name), resource_type, LENIENT)
        if isinstance(target, BoundPath):
            yield target.key
        elif target is not None:
            yield target.id


def _paths(resource_type: ResourceType) -> Iterator[BoundPath]:
    declared = {path.key for path in resource_type.paths()}
    yield from (BoundPath(None, attribute) for attribute in COMMON_ATTRIBUTES if attribute.name not in declared)
    yield from resource_type.paths()


def _hides_anything(resource_type: ResourceType) -> bool:
    """Whether some attribute is not shown unless asked for, or never."""
    return any(
        any(part.is_hidden or part.returned not in _SHOWN for part in (attribute, *attribute.sub_attributes))
        for schema in resource_type.schemas
        for attribute in schema.attributes
    )


def _plan(
    resource_type: ResourceType, requested: frozenset[str] | None, asked: frozenset[str], excluded: frozenset[str]
) -> Mapping[str, Parts]:
    """What is shown, by canonical key.

    :param asked: what is shown besides the defaults, or where ``attributes`` is given (``requested``) instead of them.
    """
    core = resource_type.schema.id
    plan = ((path.key, _parts(path, path.urn or core, requested, asked, excluded)) for path in _paths(resource_type))
    return {key: parts for key, parts in plan if parts != _NOTHING}


def _parts(
    path: BoundPath, urn: str, requested: frozenset[str] | None, asked: frozenset[str], excluded: frozenset[str]
) -> Parts:
    """What of an attribute is shown; ``urn`` is the schema that it belongs to."""
    attribute, key = path.attribute, path.key
    always = attribute.returned == "always"
    if attribute.is_hidden or (not always and not excluded.isdisjoint((key, urn))):
        return _NOTHING
    by_default = attribute.returned in _SHOWN and (requested is None or urn in asked)
    shown = always or by_default or key in asked
    if not attribute.sub_attributes:
        return None if shown else _NOTHING

    def keeps(sub: Attribute) -> bool:
        name = f"{key}.{sub.name}"
        if sub.is_hidden or (name in excluded and not always and sub.returned != "always"):
            return False
        return name in asked or (shown and sub.returned in _SHOWN)

    kept = frozenset(sub.name for sub in attribute.sub_attributes if keeps(sub))
    if kept and any(f"{key}.{sub.name}" in asked for sub in attribute.sub_attributes):
        kept |= {sub.name for sub in attribute.sub_attributes if sub.returned == "always"}
    return None if len(kept) == len(attribute.sub_attributes) else kept


def _pick(value: Any, parts: Parts) -> Any:
    if parts is None:
        return value
    if isinstance(value, list):
        picked = [part for item in value if (part := _pick(item, parts))]
        return picked if picked or not value else None
    return {name: part for name, part in value.items() if name in parts} or None
