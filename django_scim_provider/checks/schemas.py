"""Schemas that a host declares: whether they say one thing, and one that can be served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

from django.core.checks import CheckMessage, Error

from ..adapters import Attribute, ResourceAdapter, Schema
from ..protocol import core_schemas
from ..protocol.names import is_password
from ..protocol.paths import NAME, URN
from ..protocol.schemas import COMMON_ATTRIBUTES, AttributeType, Mutability, Returned, Uniqueness
from .base import check_mapped, name_of, near

_OURS: Final = (core_schemas.USER, core_schemas.GROUP, core_schemas.ENTERPRISE_USER)
_CHOICES: Final = {"type": AttributeType, "mutability": Mutability, "returned": Returned, "uniqueness": Uniqueness}
_COMMON: Final = frozenset(attribute.name.lower() for attribute in COMMON_ATTRIBUTES)
_KINDS: Final = {"type": "string", "primary": "boolean"}


@check_mapped
def check_schemas(adapter: ResourceAdapter) -> Iterator[CheckMessage]:
    place = name_of(adapter)
    schemas: list[Any] = [getattr(adapter, "schema", None), *adapter.extensions]
    wrong = [schema for schema in schemas if not isinstance(schema, Schema)]
    for schema in wrong:
        yield Error(
            f"schema and extensions are made of Schema objects, and {schema!r} is none.",
            hint="Write schema = Schema(urn, name, description, attributes); extensions is a tuple of such.",
            obj=place,
            id="scim_provider.E110",
        )
    if wrong:
        return
    ids = [schema.id.lower() for schema in schemas]
    for number, schema in enumerate(schemas):
        if not re.fullmatch(URN, schema.id) or ids.index(ids[number]) != number:
            yield Error(
                f"{schema.id!r} is no URN, or that of another schema of {adapter.name}.",
                hint='Write one of your own, as in "urn:example:scim:schemas:extension:badge:2.0:User".',
                obj=place,
                id="scim_provider.E111",
            )
        if schema not in _OURS:
            for problem in _problems(schema, is_core=number == 0):
                yield Error(
                    f"{schema.name}: {problem}",
                    hint="RFC 7643 section 7 says what an attribute's characteristics may be.",
                    obj=place,
                    id="scim_provider.E112",
                )
    for urn in sorted(set(adapter.required_extensions) - {schema.id for schema in adapter.extensions}):
        yield Error(
            f"required_extensions names {urn!r}, which is not among the extensions.",
            hint=f"{near(urn, [schema.id for schema in adapter.extensions])}Add the Schema to extensions.",
            obj=place,
            id="scim_provider.E113",
        )


def _problems(schema: Schema, *, is_core: bool) -> Iterator[str]:
    yield from _names(schema.attributes, "")
    for attribute in schema.attributes:
        if is_core and attribute.name.lower() in _COMMON:
            yield f"{attribute.name!r} is an attribute of every resource; leave it out."
        yield from _attribute(attribute, attribute.name)


def _names(attributes: tuple[Attribute, ...], prefix: str) -> Iterator[str]:
    seen: set[str] = set()
    for attribute in attributes:
        name = f"{prefix}{attribute.name}"
        if not re.fullmatch(NAME, attribute.name, re.ASCII):
            yield f"{name!r} is no name: a letter comes first, then letters, digits, hyphens and underscores."
        if is_password(attribute.name):
            yield f"{name!r}: passwords are accepted and dropped, and kept nowhere."
        if attribute.name.lower() in seen:
            yield f"{name!r} is there twice; the case of letters makes no difference."
        seen.add(attribute.name.lower())


def _attribute(attribute: Attribute, name: str) -> Iterator[str]:
    for characteristic, choices in _CHOICES.items():
        value = getattr(attribute, characteristic)
        if value not in get_args(choices):
            yield f"{characteristic} of {name!r} is {value!r}. {near(str(value), get_args(choices))}".strip()
    if attribute.required and attribute.read_only:
        yield f"{name!r} is required and readOnly, so nobody could send it."
    if (attribute.type == "complex") != bool(attribute.sub_attributes):
        yield f"{name!r} must have sub-attributes and the type complex, or neither."
    yield from _names(attribute.sub_attributes, f"{name}.")
    for sub in attribute.sub_attributes:
        part = f"{name}.{sub.name}"
        if sub.type == "complex" or sub.multi_valued:
            yield f"{part!r} is a sub-attribute, which has one value, and that not complex."
            continue
        yield from _attribute(sub, part)
        if attribute.multi_valued and sub.type != _KINDS.get(sub.name, sub.type):
            yield f"{part!r} must be of type {_KINDS[sub.name]} (RFC 7643 section 2.4)."
