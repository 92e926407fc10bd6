"""From a PATCH body to operations with looked-up paths (RFC 7644 section 3.5.2, figure 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from .errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, NoTarget, PayloadTooLarge
from .filters import Filter, parse_value_filter
from .messages import require_schema
from .names import report, resolve, server_owned
from .paths import NAME
from .schemas import Attribute, BoundPath, ResourceType, Schema
from .tolerance import LENIENT, Tolerance
from .urns import PATCH_OP
from .validation import Cleaner

Verb: TypeAlias = Literal["add", "remove", "replace"]


class _Missing(Enum):
    MISSING = "missing"


MISSING: Final = _Missing.MISSING
"""The value of an operation that has none, which is not ``null``."""


@dataclass(frozen=True, slots=True)
class PatchPath:
    """``attribute``, ``attribute.sub``, ``attribute[filter]`` or ``attribute[filter].sub``."""

    path: BoundPath
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One change. ``path`` is ``None`` for the resource itself, whose ``value`` names the attributes."""

    op: Verb
    path: PatchPath | None = None
    value: Any = MISSING
    """As the client sent it, not yet checked."""


class Parsed(NamedTuple):
    """Operations in order, and the names that were left out of them because no schema has them."""

    operations: tuple[Operation, ...]
    ignored: tuple[str, ...]


def parse_operations(
    body: Mapping[str, Any],
    resource_type: ResourceType,
    *,
    tolerance: Tolerance = LENIENT,
    max_operations: int = 1000,
) -> Parsed:
    """Read a PatchOp message. An operation on several attributes is spread into one for each, all with a path.

    Names of members and of operations may be in any case. Skipped: unknown attributes where tolerated, ``password``,
    and what only the server assigns, such as ``id``, inside the value of an operation without a path (Okta, authentik).

    :raises PayloadTooLarge: more than ``max_operations``, each attribute in a path-less value counting as one.
    :raises InvalidSyntax: the message's structure, an unknown name or a missing path that is not tolerated.
    :raises InvalidPath, InvalidFilter: a path is malformed.
    :raises InvalidValue: add or replace without a value.
    :raises NoTarget: remove without a path.
    """
    members = {name.lower(): value for name, value in body.items()}
    if not tolerance.unknown_schemas:
        require_schema(members.get("schemas"), PATCH_OP)
    listed = members.get("operations")
    if isinstance(listed, Mapping) and tolerance.single_for_list:
        listed = [listed]
    if not isinstance(listed, list) or not (listed or tolerance.empty_operations):
        raise InvalidSyntax("Operations must be a list of one or more operations.")
    if len(listed) > max_operations:
        raise _too_many(max_operations)
    cleaner = Cleaner(tolerance)
    operations: list[Operation] = []
    for raw in listed:
        for operation in _read_operation(raw, resource_type, cleaner):
            if len(operations) == max_operations:
                raise _too_many(max_operations)
            operations.append(operation)
    return Parsed(tuple(operations), report(cleaner.ignored))


def _too_many(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"A PATCH request may change at most {limit} attributes or values, one per operation.")


def _read_operation(raw: Any, resource_type: ResourceType, cleaner: Cleaner) -> Iterator[Operation]:
    if not isinstance(raw, Mapping):
        raise InvalidSyntax("Each operation must be an object.")
    members = {name.lower(): value for name, value in raw.items()}
    verb = _verb(members.get("op"))
    path, value = members.get("path"), members.get("value", MISSING)
    if path is None or path == "":
        yield from _read_pathless(verb, value, resource_type, cleaner)
        return
    if not isinstance(path, str):
        raise InvalidPath("path must be a string.")
    if value is MISSING and verb != "remove":
        raise InvalidValue(f"The operation {verb} needs a value.")
    target = parse_path(path, resource_type, cleaner.tolerance)
    if target is None:
        cleaner.unknown(path)
    elif isinstance(target, Schema):
        yield from _on_schema(verb, target, value, resource_type, cleaner)
    else:
        yield _noted(Operation(verb, target, value), cleaner)


def _verb(given: Any) -> Verb:
    match given.lower() if isinstance(given, str) else None:
        case "add":
            return "add"
        case "remove":
            return "remove"
        case "replace":
            return "replace"
    raise InvalidSyntax("Each operation needs an op, which is add, remove or replace.")


def _read_pathless(verb: Verb, value: Any, resource_type: ResourceType, cleaner: Cleaner) -> Iterator[Operation]:
    if not cleaner.tolerance.pathless_patch:
        raise InvalidSyntax("Each operation needs a path.")
    if verb == "remove":
        raise NoTarget("The operation remove needs a path.")
    return spread(verb, value, resource_type, cleaner)


def spread(
    verb: Verb, value: Any, resource_type: ResourceType, cleaner: Cleaner, within: Schema | None = None
) -> Iterator[Operation]:
    """One operation for each attribute that the value of an operation on the whole resource (or a schema) names.

    :raises InvalidSyntax: the value is not an object, or has an unknown name that is not tolerated.
    """
    if isinstance(value, list) and len(value) == 1 and cleaner.tolerance.list_for_single:
        value = value[0]
    if not isinstance(value, Mapping):
        raise InvalidSyntax("An operation without a path needs an object of attributes as its value.")
    for name, item in value.items():
        text = f"{within.id}:{name}" if within else name
        target = parse_path(text, resource_type, cleaner.tolerance)
        if isinstance(target, Schema) and within is None:
            yield from _on_schema(verb, target, item, resource_type, cleaner)
        elif not isinstance(target, PatchPath) or not (cleaner.tolerance.dotted_keys or _is_plain(name)):
            cleaner.unknown(text)
        elif not server_owned(target.path):
            yield _noted(Operation(verb, target, item), cleaner)


def _is_plain(name: str) -> bool:
    return not set(name) & {":", ".", "["}


def _on_schema(
    verb: Verb, schema: Schema, value: Any, resource_type: ResourceType, cleaner: Cleaner
) -> Iterator[Operation]:
    """An operation on the object behind a URN; it is merged like the resource itself, never replaced as a whole."""
    is_extension = schema is not resource_type.schema
    attributes = cleaner.object(value, schema.id) if verb != "remove" else None
    if attributes is not None:
        yield from spread(verb, attributes, resource_type, cleaner, schema)
    elif is_extension:
        for attribute in schema.attributes:
            path = BoundPath(schema.id, attribute)
            if not server_owned(path):
                yield Operation("remove", PatchPath(path))
    else:
        raise NoTarget("The core schema's attributes cannot be removed as a whole.")


def _noted(operation: Operation, cleaner: Cleaner) -> Operation:
    """The operation, once the sub-attributes in its value that nobody knows are noted (or refused)."""
    path = operation.path.path if operation.path else None
    if path and path.sub is None and path.attribute.type == "complex" and operation.op != "remove":
        items = operation.value if isinstance(operation.value, list) else [operation.value]
        names = {name for item in items if isinstance(item, dict) for name in item}
        for name in names:
            if path.attribute.sub(name) is None:
                cleaner.unknown(f"{path.key}.{name}")
    return operation


_VALUE_PATH: Final = re.compile(
    rf'([^\[\]"]++)\[((?:[^"\[\]]++|"(?:[^"\\]++|\\.)*+")*+)\](?:\.({NAME}))?', re.ASCII | re.DOTALL
)


def parse_path(text: str, resource_type: ResourceType, tolerance: Tolerance) -> PatchPath | Schema | None:
    """Read and look up a path; a schema where it is a URN alone, ``None`` where nothing is called that.

    :raises InvalidPath: the brackets do not match, or what stands before them has a single value.
    :raises InvalidFilter: the filter is wrong, or meant for one object that cannot be selected from.
    """
    if "[" not in text:
        found = resolve(text, resource_type, tolerance)
        return PatchPath(found) if isinstance(found, BoundPath) else found
    match = _VALUE_PATH.fullmatch(text.strip())
    if match is None:
        raise InvalidPath('A path with a filter must look like emails[type eq "work"] or emails[...].value.')
    name, condition, sub_name = match.groups()
    target = resolve(name, resource_type, tolerance)
    if target is None:
        return None
    if isinstance(target, Schema) or target.sub:
        raise InvalidPath("A filter in a path must follow the name of a multi-valued attribute.")
    if not target.attribute.multi_valued:
        error = InvalidFilter if target.attribute.type == "complex" else InvalidPath
        raise error(f"{target.key} has a single value; a filter cannot select from it.")
    sub = target.attribute.sub(sub_name) if sub_name else None
    if sub_name and sub is None:
        return None
    return PatchPath(target._replace(sub=sub), parse_value_filter(condition, with_value(target), tolerance=tolerance))


def with_value(path: BoundPath) -> BoundPath:
    """A multi-valued simple attribute as if its values stood in objects, ``{"value": ...}`` (RFC 7644 3.5.2.2)."""
    attribute = path.attribute
    if attribute.type == "complex":
        return path
    value = replace(attribute, name="value", multi_valued=False, required=False)
    return path._replace(
        attribute=Attribute(
            attribute.name,
            type="complex",
            multi_valued=True,
            required=attribute.required,
            mutability=attribute.mutability,
            returned=attribute.returned,
            sub_attributes=(value,),
        )
    )
