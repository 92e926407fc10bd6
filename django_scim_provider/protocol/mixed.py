"""One filter for several resource types (RFC 7644 section 3.4.2.1): what a type does not have, has no value there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeAlias

from .filter_grammar import Limits, parse_tree
from .filters import And, Builder, Compare, Filter, Not, Or
from .names import bind_name
from .paths import AttributePath
from .schemas import BoundPath, ResourceType
from .tolerance import LENIENT, Tolerance

Condition: TypeAlias = Filter | bool
"""A filter, or what it comes to for every resource of a type."""
Foreign: TypeAlias = Collection[tuple[str | None, str]]
"""Attributes that a type does not have: extension and name."""


def parse_mixed_filter(
    text: str, resource_types: Sequence[ResourceType], *, tolerance: Tolerance = LENIENT, limits: Limits
) -> list[Condition]:
    """Read a filter once for each resource type.

    :raises InvalidFilter: as ``parse_filter``; a name is unknown only when no type has it.
    """
    tree = parse_tree(text, limits)
    conditions = []
    for resource_type in resource_types:
        foreign: set[tuple[str | None, str]] = set()

        def look_up(
            name: AttributePath, own: ResourceType = resource_type, foreign: set[tuple[str | None, str]] = foreign
        ) -> BoundPath | None:
            found = bind_name(name, resource_type=own, tolerance=tolerance)
            if found is not None:
                return found
            others = (bind_name(name, resource_type=other, tolerance=tolerance) for other in resource_types)
            found = next((path for path in others if path is not None), None)
            if found is not None:
                foreign.add((found.urn, found.attribute.name))
            return found

        node = Builder(look_up, "None of the resource types", tolerance).build(tree)
        conditions.append(_reduced(node, foreign) if foreign else node)
    return conditions


def _reduced(node: Filter, foreign: Foreign) -> Condition:
    """The filter without the attributes that are absent: ``ne`` holds for them, nothing else does."""
    if isinstance(node, And | Or):
        decisive = isinstance(node, Or)
        parts = [_reduced(operand, foreign) for operand in node.operands]
        if decisive in parts:
            return decisive
        left = tuple(part for part in parts if not isinstance(part, bool))
        return (type(node)(left) if len(left) > 1 else left[0]) if left else not decisive
    if isinstance(node, Not):
        operand = _reduced(node.operand, foreign)
        return not operand if isinstance(operand, bool) else Not(operand)
    if (node.path.urn, node.path.attribute.name) not in foreign:
        return node
    return isinstance(node, Compare) and node.operator == "ne"
