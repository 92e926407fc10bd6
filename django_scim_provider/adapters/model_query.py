"""Filters and sort keys of the host's own resource types, compiled to conditions on the host's columns.

A filter never becomes an ORM name: columns come from the attribute map, values are bound.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Lower

from ..protocol import filters
from ..protocol.errors import InvalidFilter, InvalidValue
from ..protocol.filters import Compare, Element, Filter, Present
from ..protocol.schemas import BoundPath
from .attributes import PrimaryValue
from .conditions import EVERYTHING, NOTHING, Leaf, certain, combine, time_condition
from .models import ModelAdapter
from .sorting import ByCodePoint, head, stored


def compile_model_filter(node: Filter, adapter: ModelAdapter) -> Q:
    """The filter as a condition on the host's model; the caller adds the scope.

    :raises InvalidFilter: the filter asks for something that no column answers; nothing is ever left out instead.
    """
    return combine(node, partial(_leaf, adapter), lambda found: ~certain(found))


def compile_model_sort(path: BoundPath, adapter: ModelAdapter) -> Any:
    """An expression to order the host's model by.

    :raises InvalidValue: the attribute cannot be sorted by.
    """
    column = _own_column(path, adapter)
    if column is not None:
        return F(column)
    single = _single_value(path, adapter)
    lookup = adapter.by_key[_whole(path).key].lookup if single or adapter.has_column(path) else None
    if lookup is None:
        raise InvalidValue(f"Results cannot be sorted by {path.key}.")
    found = stored(lookup)
    if single is None and path.target.type not in ("string", "reference"):
        if lookup.is_json_key:
            # They would be in the order of their digits.
            raise InvalidValue(f"Results cannot be sorted by {path.key}.")
        return found
    return ByCodePoint(head(found if path.target.case_exact else Lower(found)))


def _own_column(path: BoundPath, adapter: ModelAdapter) -> str | None:
    if path.key == "id":
        return adapter.id_field
    return {"meta.created": adapter.created_field, "meta.lastModified": adapter.modified_field}.get(path.key)


def _whole(path: BoundPath) -> BoundPath:
    """Of an attribute with many values the attribute, which one column has; else the path as it is."""
    return BoundPath(path.urn, path.attribute) if path.attribute.multi_valued else path


def _single_value(path: BoundPath, adapter: ModelAdapter) -> PrimaryValue | None:
    mapped = adapter.by_key.get(_whole(path).key)
    return mapped.attr if path.attribute.multi_valued and mapped and isinstance(mapped.attr, PrimaryValue) else None


def _leaf(adapter: ModelAdapter, node: Leaf) -> Q:
    if isinstance(node, Present):
        return _present(node.path, adapter)
    if isinstance(node, Element):
        # One column has one element, so all that is asked is asked of the same one.
        return _present(node.path, adapter) & compile_model_filter(node.filter, adapter)
    return _compare(node, adapter)


def _compare(node: Compare, adapter: ModelAdapter) -> Q:
    path = node.path
    if path.key == "id":
        if node.operator != "eq":
            raise InvalidFilter("Filters on id support eq, ne and pr.")
        wanted = adapter.known_id(str(node.value))
        return NOTHING if wanted is None else Q((adapter.id_field, wanted))
    own = _own_column(path, adapter)
    if own is not None:
        return time_condition(own, node)
    if path.key == "meta.resourceType":
        return EVERYTHING if filters.matches(node, {"meta": {"resourceType": adapter.name}}) else NOTHING
    if path.key == "schemas":
        return _schemas(node, adapter)
    single = _single_value(path, adapter)
    if single is not None and path.target.name in ("type", "primary"):
        fixed = {"type": single.type, "primary": True}
        return _present(path, adapter) if filters.matches_value(node, path.attribute, fixed) else NOTHING
    if single is not None and path.target.name == "value":
        found = single.condition(node, "")
    else:
        found = adapter.condition(node, "") if adapter.has_column(path) else None
    if found is None:
        raise InvalidFilter(f"Filtering on {path.key} is not supported.")
    return found


def _schemas(node: Compare, adapter: ModelAdapter) -> Q:
    """The core schema is there always, an extension's when one of its attributes is assigned."""
    if filters.matches(node, {"schemas": [adapter.schema.id]}):
        return EVERYTHING
    found = NOTHING
    for schema in adapter.resource_type.extensions:
        if filters.matches(node, {"schemas": [schema.id]}):
            for attribute in schema.attributes:
                found |= _present(BoundPath(schema.id, attribute), adapter)
    return found


def _present(path: BoundPath, adapter: ModelAdapter) -> Q:
    own = _own_column(path, adapter)
    if own is not None:
        return Q((f"{own}__isnull", False))
    if path.urn is None and path.attribute.name in ("schemas", "meta"):
        return NOTHING if path.key in ("meta.created", "meta.lastModified") else EVERYTHING
    parts = [_whole(path)]
    if not path.attribute.multi_valued and path.sub is None and path.key not in adapter.by_key:
        parts = [BoundPath(path.urn, path.attribute, sub) for sub in path.attribute.sub_attributes]
    condition = NOTHING
    for part in parts:
        found = adapter.present(part, "") if part.key in adapter.by_key else None
        if found is None:
            raise InvalidFilter(f"Filtering on {path.key} is not supported.")
        condition |= found
    return condition
