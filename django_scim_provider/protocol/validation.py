"""From a client's body to a canonical document (RFC 7643 section 2, RFC 7644 sections 3.3 and 3.5.1).

A canonical document has the schema's spelling of every name, extension attributes under their URN, and only what is
assigned. It has neither ``schemas``, which is derived, nor anything readOnly.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from .errors import InvalidSyntax, InvalidValue
from .names import is_password, report, resolve, server_owned, spoken
from .scalars import MAX_STRING_LENGTH, clean_scalar
from .schemas import Attribute, BoundPath, ResourceType, Schema
from .tolerance import LENIENT, Tolerance

__all__ = [
    "MAX_STRING_LENGTH",
    "MAX_VALUES",
    "Cleaned",
    "clean_resource",
    "clean_value",
    "require",
]

MAX_VALUES: Final = 1000
UNBOUNDED: Final = frozenset({"members"})
"""Multi-valued attributes without a limit of their own; that of the whole body bounds them."""
DESCRIPTIVE: Final = frozenset({"type", "primary", "display", "$ref"})
"""What only describes a value (RFC 7643 section 2.4): an object that has nothing else says nothing."""

T = TypeVar("T")


class Cleaned(NamedTuple):
    """A canonical document, and the names that were left out of it because no schema has them."""

    document: dict[str, Any]
    ignored: tuple[str, ...]


def clean_resource(body: Mapping[str, Any], resource_type: ResourceType, *, tolerance: Tolerance = LENIENT) -> Cleaned:
    """Read the body of a POST or PUT. Required attributes are not checked here: ``require`` does.

    readOnly attributes and ``password`` are dropped without a word (RFC 7644 sections 3.3, 3.5.1). Names of extension
    attributes may stand at the top, with their URN or bare, and sub-attributes as ``name.givenName`` (dotted_keys).

    :raises InvalidValue: a value does not fit its attribute.
    :raises InvalidSyntax: a name or schema is unknown and not tolerated, or an attribute is given twice.
    """
    cleaner = Cleaner(tolerance)
    _check_schemas(body, resource_type, cleaner)
    document: dict[str, Any] = {}
    for path, raw in _assignments(body, resource_type, cleaner):
        value = cleaner.clean(raw, path.target, path.key)
        if value is not None:
            _assign(document, path, value)
    return Cleaned(document, report(cleaner.ignored))


def clean_value(value: Any, path: BoundPath, *, tolerance: Tolerance = LENIENT) -> Any:
    """The canonical form of one attribute's value, or of a sub-attribute's; ``None`` means unassigned.

    :raises InvalidValue: it does not fit.
    :raises InvalidSyntax: it has an unknown sub-attribute, and those are not tolerated.
    """
    return Cleaner(tolerance).clean(value, path.target, path.key)


def require(
    document: Mapping[str, Any], resource_type: ResourceType, *, before: Mapping[str, Any] | None = None
) -> None:
    """Check that a canonical document has every required attribute (RFC 7643 section 2.2).

    Those of an extension are asked for where the extension is present or required, sub-attributes where their parent
    is present.

    :param before: the document that a PATCH changes. What it lacked may be lacking still: nobody is kept active
        because the application never knew their badge number.
    :raises InvalidValue: the first that is missing, by name.
    """
    lacked = frozenset(_missing(before, resource_type) if before is not None else ())
    for name in _missing(document, resource_type):
        if name not in lacked:
            raise InvalidValue(f"{name} is missing.")


def _missing(document: Mapping[str, Any], resource_type: ResourceType) -> Iterator[str]:
    for path in resource_type.paths():
        value = path.read(document)
        if value is None:
            absent = path.urn is not None and path.urn not in document
            if path.attribute.required and not (absent and path.urn not in resource_type.required_extensions):
                yield path.key
            continue
        for sub in path.attribute.sub_attributes:
            if sub.required and any(sub.name not in element for element in _elements(value)):
                yield f"{path.key}.{sub.name}"
    yield from (urn for urn in sorted(resource_type.required_extensions) if urn not in document)


def _elements(value: Any) -> Sequence[Mapping[str, Any]]:
    return value if isinstance(value, list) else (value,)


def _check_schemas(body: Mapping[str, Any], resource_type: ResourceType, cleaner: Cleaner) -> None:
    given = next((value for name, value in body.items() if name.lower() == "schemas"), None)
    urns = given if isinstance(given, list) else [given]
    texts = [urn for urn in urns if isinstance(urn, str)]
    known = {schema.id.lower() for schema in resource_type.schemas}
    if not cleaner.tolerance.unknown_schemas:
        if not isinstance(given, list) or len(texts) != len(urns):
            raise InvalidSyntax("schemas must be a list of URNs.")
        if resource_type.schema.id.lower() not in {urn.lower() for urn in texts}:
            raise InvalidSyntax(f"schemas must contain {resource_type.schema.id}.")
        if any(urn.lower() not in known for urn in texts):
            raise InvalidSyntax(f"schemas has a URN that {resource_type.name} does not support.")
    cleaner.ignored.update(urn for urn in texts if urn.lower() not in known)


def _assignments(
    body: Mapping[str, Any], resource_type: ResourceType, cleaner: Cleaner, within: Schema | None = None
) -> Iterator[tuple[BoundPath, Any]]:
    """What a body assigns, name by name; the object of an extension (or of the core schema) is opened."""
    for name, raw in body.items():
        text = f"{within.id}:{name}" if within else name
        target = resolve(text, resource_type, cleaner.tolerance)
        if isinstance(target, Schema) and within is None:
            yield from _assignments(cleaner.object(raw, target.id) or {}, resource_type, cleaner, target)
        elif not isinstance(target, BoundPath) or not _may_be_key(name, target, cleaner.tolerance):
            cleaner.unknown(text)
        elif not server_owned(target):
            yield target, raw


def _may_be_key(name: str, path: BoundPath, tolerance: Tolerance) -> bool:
    if path.sub is not None and path.attribute.multi_valued:  # emails.value: of which?
        return False
    return tolerance.dotted_keys or not ({":", "."} & set(name))


def _assign(document: dict[str, Any], path: BoundPath, value: Any) -> None:
    """Put a value where there is none yet; one object may come in parts, such as ``name`` and ``name.givenName``."""
    before = path.read(document)
    if before is None:
        path.put(document, value)
    elif isinstance(before, dict):
        for name, part in value.items():
            _assign(document, path._replace(sub=path.attribute.sub(name)), part)
    elif before != value:
        raise InvalidSyntax(f"{path.key} is given more than once, with different values.")


class Cleaner:
    """Reads values under one tolerance, and collects the names that it left out."""

    def __init__(self, tolerance: Tolerance) -> None:
        self.tolerance = tolerance
        self.ignored: set[str] = set()

    def clean(self, raw: Any, attribute: Attribute, name: str) -> Any:
        """The canonical form of any value of the attribute; ``None`` means unassigned."""
        if attribute.multi_valued:
            return self._list(raw, attribute, name)
        return self.single(raw, attribute, name)

    def single(self, raw: Any, attribute: Attribute, name: str) -> Any:
        """The canonical form of one value, or of one element of a list."""
        raw = self._unwrapped(raw, name)
        if raw is None:
            return None
        if attribute.type != "complex":
            return clean_scalar(raw, attribute, name, self.tolerance)
        parts = self.parts(raw, attribute, name)
        return whole(parts, {}, attribute) if parts is not None else None

    def parts(self, raw: Any, attribute: Attribute, name: str) -> dict[str, Any] | None:
        """What a value says of each sub-attribute of a complex attribute; ``None`` within means unassigned.

        ``None`` instead of parts: the value says that the whole is unassigned. ``{}`` says nothing at all.
        """
        raw = self.object(raw, name, text_as="value" if attribute.sub("value") else None)
        if raw is None:
            return None
        parts: dict[str, Any] = {}
        for key, item in raw.items():
            sub = attribute.sub(key)
            if sub is None:
                self.unknown(f"{name}.{key}")
            elif not sub.read_only:
                parts[sub.name] = self.clean(item, sub, f"{name}.{sub.name}")
        return parts

    def object(self, raw: Any, name: str, *, text_as: str | None = None) -> dict[str, Any] | None:
        """A JSON object, perhaps in a list of its own; a string may stand for ``{text_as: string}``."""
        if isinstance(raw, list):
            raw = self._unwrapped(raw, name)
        if raw is None or self._is_blank(raw):
            return None
        if isinstance(raw, str) and text_as and self.tolerance.single_for_list:
            return {text_as: raw}
        if not isinstance(raw, dict):
            raise InvalidValue(f"{name} must be an object.")
        return raw

    def unknown(self, name: str) -> None:
        """Note a name that no schema has; ``password`` goes without a word.

        :raises InvalidSyntax: unknown names are not tolerated.
        """
        if is_password(name):
            return
        if not self.tolerance.unknown_attributes:
            raise InvalidSyntax(f"There is no attribute{spoken(name)}. /Schemas lists the attributes.")
        self.ignored.add(name)

    def _list(self, raw: Any, attribute: Attribute, name: str) -> list[Any] | None:
        if raw is None or self._is_blank(raw):
            return None
        if not isinstance(raw, list):
            if not self.tolerance.single_for_list:
                raise InvalidValue(f"{name} must be a list.")
            raw = [raw]
        if len(raw) > MAX_VALUES and attribute.name not in UNBOUNDED:
            raise InvalidValue(f"{name} has more than {MAX_VALUES} values.")
        values = (self.single(item, attribute, name) for item in raw)
        found = unique(value for value in values if value is not None)
        if attribute.type == "complex" and sum(element.get("primary") is True for element in found) > 1:
            raise InvalidValue(f"{name} has more than one primary value.")
        return found or None

    def _unwrapped(self, raw: Any, name: str) -> Any:
        """``None`` for what says "unassigned", the one element of a list, else the value itself."""
        if isinstance(raw, list) and len(raw) == 1 and self.tolerance.list_for_single:
            raw = raw[0]
        if isinstance(raw, list | dict):
            if not raw:
                return None
            if isinstance(raw, list):
                raise InvalidValue(f"{name} must be a single value.")
        return None if self._is_blank(raw) else raw

    def _is_blank(self, raw: Any) -> bool:
        return raw == "" and self.tolerance.empty_is_unassigned


def whole(parts: Mapping[str, Any], before: Mapping[str, Any], attribute: Attribute) -> dict[str, Any] | None:
    """An object after ``parts`` are assigned to it (``None`` removes); ``None`` when nothing of meaning is left.

    That is so when the parts took something away, such as ``value``, and only a description of it remains.
    """
    after = {name: part for name, part in {**before, **parts}.items() if part is not None}
    taken = attribute.multi_valued and None in parts.values()
    if (taken or ("value" in parts and parts["value"] is None)) and after.keys() <= DESCRIPTIVE:
        return None
    return after or None


def unique(values: Iterable[T]) -> list[T]:
    """The values without repetitions, in order."""
    return list({identity(value): value for value in values}.values())


def identity(value: Any) -> Hashable:
    """A key that equal values of a canonical document share."""
    if isinstance(value, dict):
        return frozenset((name, identity(part)) for name, part in value.items())
    if isinstance(value, list):
        return tuple(identity(item) for item in value)
    key: Hashable = value
    return key
