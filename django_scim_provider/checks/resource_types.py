"""Resource types of the host's own: where they are served, on what model, and whether the map fills the schema."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from ..adapters import ModelAdapter
from ..conf import SETTING
from ..models import ScimEvent
from ..protocol.schemas import Schema
from .attribute_map import entries
from .base import adapter_entries, check, check_models, load, model_problem, name_of, user_adapters
from .paths import SERVED
from .user_model import lacks_value

RESERVED: Final = frozenset(
    {
        "Users",
        "Groups",
        "Roles",
        "Bulk",
        "Me",
        "ResourceTypes",
        "Schemas",
        "ServiceProviderConfig",
        "ServiceProviderConfigs",
        "serviceConfiguration",
    }
)
"""Endpoints of the protocol's, in the spelling in which they are served."""
_ENDPOINT: Final = re.compile(r"/[A-Za-z][A-Za-z0-9_-]*")
_LONGEST_ID: Final[Any] = ScimEvent._meta.get_field("resource_id").max_length
_LONGEST_NAME: Final[Any] = ScimEvent._meta.get_field("resource_type").max_length


@check
def check_resource_types() -> Iterator[CheckMessage]:
    """What stands in the class, before an instance is made."""
    by_endpoint: defaultdict[str, set[str]] = defaultdict(set)
    for place, name, path in adapter_entries():
        found = load(path).found
        if name in SERVED or not (isinstance(found, type) and issubclass(found, ModelAdapter)):
            continue
        own = getattr(found, "name", None)
        if own != name or not isinstance(own, str) or not 0 < len(own) <= _LONGEST_NAME or "/" in own:
            yield Error(
                f"{SETTING}: {place} is an adapter whose name is {own!r}.",
                hint=f"Write the resource type's name in both places; at most {_LONGEST_NAME} characters, no slash.",
                obj=name_of(found),
                id="scim_provider.E100",
            )
        endpoint = getattr(found, "endpoint", None)
        if not (isinstance(endpoint, str) and _ENDPOINT.fullmatch(endpoint)) or endpoint[1:] in RESERVED:
            yield Error(
                f"endpoint is {endpoint!r}, where nothing of yours can be served.",
                hint='Write a slash and one word that the protocol does not use itself, as in "/Devices".',
                obj=name_of(found),
                id="scim_provider.E101",
            )
        else:
            by_endpoint[endpoint].add(str(name))
        problem = model_problem(found)
        if problem:
            yield Error(
                f"model is {found.model!r}, which leads to no model: {problem}",
                hint='Write it as "app.Model", or name the class.',
                obj=name_of(found),
                id="scim_provider.E102",
            )
    for endpoint, names in by_endpoint.items():
        if len(names) > 1:
            yield Error(
                f"{' and '.join(sorted(names))} are both served at {endpoint!r}.",
                hint="Give each resource type an endpoint of its own.",
                id="scim_provider.E101",
            )


@check_models
def check_model_adapters(adapter: ModelAdapter) -> Iterator[CheckMessage]:
    place = name_of(adapter)
    if not isinstance(getattr(adapter, "schema", None), Schema):
        return  # check_schemas says so
    yield from _fields(adapter, place)
    yield from _filled(adapter, place)
    yield from _saved(adapter, place)
    if type(adapter).get_queryset is ModelAdapter.get_queryset and any(one.multi_tenant for one in user_adapters()):
        yield Warning(
            "get_queryset is not overridden, so the identity provider of every tenant sees and changes all rows.",
            hint="Filter by connection.tenant there, and give new rows theirs in new_instance.",
            obj=place,
            id="scim_provider.W106",
        )


def _saved(adapter: ModelAdapter, place: str) -> Iterator[CheckMessage]:
    """Columns that get no value when SCIM makes a row."""
    if type(adapter).new_instance is not ModelAdapter.new_instance or type(adapter).create is not ModelAdapter.create:
        return
    written = {column.field for entry in entries(adapter) if entry.attr.writes for column in entry.columns}
    for field in adapter.model._meta.concrete_fields:
        if field not in written and lacks_value(field, is_user=False):
            yield Warning(
                f"{field.name!r} of {adapter.model._meta.label} gets no value when SCIM makes a row, "
                + ("and it is unique." if field.unique else "and has no default."),
                hint="Map it, give it a default, or fill it in new_instance.",
                obj=place,
                id="scim_provider.W107",
            )


def _fields(adapter: ModelAdapter, place: str) -> Iterator[CheckMessage]:
    names: dict[str, str | None] = {
        name: getattr(adapter, name) for name in ("id_field", "created_field", "modified_field")
    }
    for name, value in names.items():
        if value is None or (name == "id_field" and value == "pk"):
            field: Any = adapter.model._meta.pk
        else:
            try:
                field = adapter.model._meta.get_field(value)
            except FieldDoesNotExist:
                field = None
        problem = _id_problem(field) if name == "id_field" else _time_problem(field)
        if problem and value is not None:
            yield Error(
                f"{name} is {value!r}, {problem}",
                hint="An id is in a unique column of numbers, UUIDs or short text, a time in a DateTimeField.",
                obj=place,
                id="scim_provider.E103",
            )


def _id_problem(field: Any) -> str:
    while isinstance(field, models.OneToOneField):
        field = field.target_field
    if not isinstance(field, models.IntegerField | models.UUIDField | models.CharField):
        return "which is no column that can hold an id."
    if not field.unique:
        return "which is not unique."
    too_long = isinstance(field, models.CharField) and (field.max_length or _LONGEST_ID + 1) > _LONGEST_ID
    return f"which may be longer than {_LONGEST_ID} characters." if too_long else ""


def _time_problem(field: Any) -> str:
    return "" if isinstance(field, models.DateTimeField) else "which is no DateTimeField."


def _filled(adapter: ModelAdapter, place: str) -> Iterator[CheckMessage]:
    """What the schema promises and the map does not keep."""
    found = entries(adapter)
    written = {entry.path.key for entry in found if entry.attr.writes}
    for path in adapter.full_resource_type.paths():
        asked = path.urn is None or path.urn in adapter.required_extensions
        subs = {path._replace(sub=sub).key for sub in path.attribute.sub_attributes}
        if asked and path.attribute.required and not written & {path.key, *subs}:
            yield Error(
                f"{path.key} is required, but no column is written with it.",
                hint="Map it in attributes, or let it not be required.",
                obj=place,
                id="scim_provider.E104",
            )
    for entry in found:
        if (
            entry.path.target.uniqueness != "none"
            and entry.attr.writes
            and not _is_unique(entry.attr.lookup, adapter.model)
        ):
            yield Warning(
                f"{entry.path.key} is unique in the schema, but {entry.attr.lookup!r} is not in the database: two "
                "requests at the same moment can make two of one value.",
                hint="Set unique=True, or add a UniqueConstraint on it and what makes a tenant.",
                obj=place,
                id="scim_provider.W105",
            )


def _is_unique(column: str | None, model: Any) -> bool:
    meta = model._meta
    together = [set(names) for names in meta.unique_together]
    together += [set(one.fields) for one in meta.constraints if isinstance(one, models.UniqueConstraint)]
    fields = {field.name for field in meta.concrete_fields if field.unique}
    return column in fields or any(column in names for names in together)
