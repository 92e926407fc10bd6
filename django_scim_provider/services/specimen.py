"""The made-up person whom ``scim_check`` takes through a life cycle: something for every attribute that is mapped."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, Final

from django.db import models

from ..adapters import ResourceAdapter, UserAdapter
from ..adapters.attribute_map import Mapped
from ..protocol.schemas import Attribute, BoundPath

_WORDS: Final = ("Alpha", "Beta", "Gamma")
# Attributes whose values have a form of their own, by which a host may check them.
_KNOWN: Final = {
    "locale": ("en-US", "de-DE", "fr-FR"),
    "preferredLanguage": ("en", "de", "fr"),
    "timezone": ("Europe/Berlin", "Europe/Paris", "Asia/Tokyo"),
    "country": ("DE", "FR", "JP"),
}
_TIMES: Final = ("2026-01-01T08:00:00Z", "2026-02-01T08:00:00Z", "2026-03-01T08:00:00Z")
_URLS: Final = ("https://example.com/alpha", "https://example.com/beta", "https://example.com/gamma")
_BY_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "boolean": (True, False, True),
    "integer": (1, 2, 3),
    "decimal": (1.5, 2.5, 3.5),
    "dateTime": _TIMES,
    "binary": ("QWxwaGE=", "QmV0YQ==", "R2FtbWE="),
    "reference": _URLS,
}
_BY_COLUMN: Final[tuple[tuple[type[models.Field[Any, Any]], tuple[str, ...]], ...]] = (
    (models.DateTimeField, _TIMES),
    (models.DateField, ("2026-01-01", "2026-02-01", "2026-03-01")),
    (models.IntegerField, ("1", "2", "3")),
    (models.FloatField, ("1.5", "2.5", "3.5")),
    (models.DecimalField, ("1.5", "2.5", "3.5")),
    (models.UUIDField, tuple(str(number) * 8 + "-0000-4000-8000-000000000000" for number in (1, 2, 3))),
    (models.URLField, _URLS),
    (models.EmailField, ("alpha@example.com", "beta@example.com", "gamma@example.com")),
)
_UNMAPPED: Final = ("externalId", "displayName", "title")
"""What is sent although no column may hold it, because every identity provider does."""
_APART: Final = frozenset({"userName", "active", "emails", "groups"})


def new_name() -> str:
    """In mixed case: many hosts change it when they save, and SCIM has to show it as it was sent."""
    return f"Scim-{secrets.token_hex(4)}@Example.com"


def body(adapter: UserAdapter, user_name: str, variant: int) -> dict[str, Any]:
    """A resource as an identity provider sends it; two variants differ in every attribute but userName and emails."""
    document: dict[str, Any] = {
        "userName": user_name,
        "active": True,
        "emails": [{"value": user_name, "type": "work", "primary": True}],
    }
    for path, value in values(adapter, variant):
        path.put(document, value)
    extensions = [urn for urn in adapter.extension_urns if urn in document]
    return {"schemas": [adapter.schema.id, *extensions], **document}


def values(adapter: ResourceAdapter, variant: int) -> Iterator[tuple[BoundPath, Any]]:
    """A value for every attribute that the map writes, and for some that it does not know."""
    mapped_attributes = set()
    for mapped in adapter.mapping:
        mapped_attributes.add(mapped.path.attribute.name)
        if mapped.attr.writes and mapped.path.attribute.name not in _APART:
            value = _fitting(mapped, variant)
            if value is not None:
                yield mapped.path, value
    for name in _UNMAPPED:
        path = adapter.resource_type.bind(None, name)
        if path is not None and name not in mapped_attributes:
            yield path, _value(path.attribute, variant)


def _fitting(mapped: Mapped, variant: int) -> Any:
    """A value that the column takes, ``None`` where none can be made up."""
    value = _value(mapped.path.target, variant)
    if len(mapped.columns) > 1:
        return value
    column = mapped.columns[0]
    field = column.field
    if field.is_relation:
        return None
    if field.flatchoices:
        choices = [choice for choice, _ in field.flatchoices if choice not in (None, "")]
        return mapped.attr.from_host(mapped.path, (choices[variant % len(choices)],))
    unique = field.unique and not column.is_json_key
    if not isinstance(value, str):
        return secrets.randbelow(30_000) if unique and mapped.path.target.type == "integer" else value
    if mapped.path.target.type == "string" and not column.is_json_key:
        value = next((texts[variant] for kind, texts in _BY_COLUMN if isinstance(field, kind)), value)
    if unique and isinstance(field, models.CharField | models.TextField) and not isinstance(field, models.URLField):
        # Nobody else may have it, the second specimen included.
        value = f"{secrets.token_hex(4)}.{value}"
    # A UUIDField has a max_length as well, of its digits without dashes.
    return value[: field.max_length] if isinstance(field, models.CharField) else value


def _value(attribute: Attribute, variant: int) -> Any:
    if attribute.type == "complex":
        return _complex(attribute, variant)
    return [_single(attribute, variant)] if attribute.multi_valued else _single(attribute, variant)


def _single(attribute: Attribute, variant: int) -> Any:
    if attribute.canonical_values:
        return attribute.canonical_values[variant % len(attribute.canonical_values)]
    known: Any = _KNOWN.get(attribute.name) or _BY_TYPE.get(attribute.type)
    return known[variant] if known else f"{_WORDS[variant]} {attribute.name}"


def _complex(attribute: Attribute, variant: int) -> Any:
    subs = [sub for sub in attribute.sub_attributes if not sub.read_only and sub.name not in ("primary", "$ref")]
    element = {sub.name: _value(sub, variant) for sub in subs}
    if not attribute.multi_valued:
        return element
    return [element | {"primary": True}] if attribute.sub("primary") else [element]
