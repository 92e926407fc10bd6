"""What an entry of an attribute map that leads nowhere was probably meant to name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import models

from ..adapters import ResourceAdapter
from ..adapters.fields import HostPath
from ..protocol.names import is_password
from .base import near


def attribute_hint(adapter: ResourceAdapter, key: str) -> str:
    if is_password(key):
        return "Remove it: passwords are accepted and dropped, and never written."
    by_last = {}
    for path in _attribute_keys(adapter):
        by_last[_plain(path.rpartition(":")[2])] = path
        by_last[_plain(path.rpartition(":")[2].rpartition(".")[2])] = path
    wanted = _plain(key.rpartition(":")[2])
    meant = by_last.get(wanted) or by_last.get(wanted.rpartition(".")[2])
    advice = f"Did you mean {meant!r}? " if meant else near(key, _attribute_keys(adapter))
    return f"{advice}Write attributes of an extension after its URN and a colon."


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _attribute_keys(adapter: ResourceAdapter) -> Iterator[str]:
    for path in adapter.full_resource_type.paths():
        yield path.key
        if not path.attribute.multi_valued:
            yield from (path._replace(sub=sub).key for sub in path.attribute.sub_attributes)


def near_column(column: HostPath) -> str:
    names = list(_column_names(column.model))
    return near(column.path, names) or near(column.path.partition("__")[0], names)


def _column_names(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.get_fields():
        if not field.is_relation:
            yield field.name
        elif field.one_to_one:
            related: Any = field.related_model
            inner = (item for item in related._meta.concrete_fields if not (item.is_relation or item.primary_key))
            yield from (f"{field.name}__{item.name}" for item in inner)
