"""Filters (RFC 7644 section 3.4.2.2): a typed tree in which every name is known and every value fits.

Nothing is ever left out of a filter: an unknown attribute, or an operator or value that does not fit the attribute's
type, is ``invalidFilter``, since a dropped condition widens the result.

What the RFC leaves open, settled here and the same in the evaluator and in every compiler of the tree:

* ``ne`` is the exact complement of ``eq``: it holds where the value is absent, and for a multi-valued attribute when
  *no* value equals. Only inside ``a[...]`` is it about one element.
* ``a eq null`` means ``not (a pr)``, ``a ne null`` means ``a pr``.
* A complex attribute compared directly (``emails eq "x"``) means its ``value`` (PingFederate, Entra).
* ``a[b].c eq "x"`` (Entra) means ``a[b and c eq "x"]``; with ``ne``, its complement.
* Absent are null, "", [], {} and what holds nothing else (RFC 7643 section 2.5); ``false`` is present. So ``eq ""``
  matches nothing, and ``co ""``, ``sw ""`` and ``ew ""`` match every present value.
* Strings that are not ``caseExact`` are compared as ``keys.fold`` writes them; order is that of code points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from scim2_filter_parser import ast as syntax

from .errors import InvalidFilter
from .filter_evaluation import matches, matches_value
from .filter_grammar import Limits, Value, parse_tree
from .filter_tree import And, Compare, Element, Filter, Not, Operator, Or, Present, conjuncts, to_text
from .names import bind_name
from .paths import AttributePath
from .schemas import BoundPath, ResourceType
from .tolerance import LENIENT, Tolerance

__all__ = [
    "And",
    "Compare",
    "Element",
    "Filter",
    "Limits",
    "Not",
    "Operator",
    "Or",
    "Present",
    "Value",
    "conjuncts",
    "matches",
    "matches_value",
    "parse_filter",
    "parse_value_filter",
    "to_text",
]

_DEFAULT_LIMITS: Final = Limits()
_MAX_NAME_SHOWN: Final = 64


def parse_filter(
    text: str, resource_type: ResourceType, *, tolerance: Tolerance = LENIENT, limits: Limits = _DEFAULT_LIMITS
) -> Filter:
    """Read a filter on a resource type.

    :raises InvalidFilter: whatever is wrong with it; the detail holds no more of it than an attribute's name.
    """

    look_up = partial(bind_name, resource_type=resource_type, tolerance=tolerance)
    return Builder(look_up, resource_type.name, tolerance).build(parse_tree(text, limits))


def parse_value_filter(
    text: str, path: BoundPath, *, tolerance: Tolerance = LENIENT, limits: Limits = _DEFAULT_LIMITS
) -> Filter:
    """Read the inside of the brackets of a PATCH path: what ``Element.filter`` would hold.

    :raises InvalidFilter: as ``parse_filter``, or the attribute has no sub-attributes.
    """
    return _inside(path._replace(sub=None), tolerance).build(parse_tree(text, limits))


class Builder:
    """From the library's tree to ours: names are looked up, values are typed."""

    def __init__(self, look_up: Callable[[AttributePath], BoundPath | None], owner: str, tolerance: Tolerance) -> None:
        self.look_up = look_up
        self.owner = owner
        self.tolerance = tolerance

    def build(self, node: Any) -> Filter:
        node = _without_parentheses(node)
        if isinstance(node, syntax.AttrExpr):
            return self.expression(node)
        if isinstance(node, syntax.LogExpr):
            return self.chain(node)
        if node.negated:
            return Not(self.build(node.expr))
        path = self.path(node.namespace)
        return Element(path, _inside(path, self.tolerance).build(node.expr))

    def chain(self, node: Any) -> Filter:
        """One ``And`` or ``Or`` for a chain of any length, without the parentheses that change nothing."""
        operands: list[Filter] = []
        pending = [node]
        while pending:
            part = _without_parentheses(pending.pop())
            if isinstance(part, syntax.LogExpr) and part.op == node.op:
                pending += (part.expr2, part.expr1)
            else:
                operands.append(self.build(part))
        return And(tuple(operands)) if node.op == "and" else Or(tuple(operands))

    def expression(self, node: Any) -> Filter:
        selection = node.attr_path.attr_name
        if not isinstance(selection, syntax.Filter):
            return self.comparison(self.path(node.attr_path), node)
        # emails[type eq "work"].value eq "x" (Entra)
        if selection.namespace.sub_attr is None:
            raise InvalidFilter("A comparison after a closing bracket needs a sub-attribute, as in a[b].c.")
        path = self.path(selection.namespace)
        inside = _inside(path, self.tolerance)
        test = inside.comparison(inside.bind(AttributePath(None, selection.namespace.sub_attr.value)), node)
        selected = inside.build(selection.expr)
        conditions = selected.operands if isinstance(selected, And) else (selected,)
        if isinstance(test, Compare) and test.operator == "ne":
            return Not(Element(path, And((*conditions, replace(test, operator="eq")))))
        if isinstance(test, Not):
            return Not(Element(path, And((*conditions, test.operand))))
        return Element(path, And((*conditions, test)))

    def comparison(self, path: BoundPath, node: Any) -> Filter:
        if node.comp_value is None:
            return Present(path)
        operator, constant = node.value, node.comp_value.value
        if constant.is_null:
            if operator not in ("eq", "ne"):
                raise InvalidFilter("Only eq and ne compare with null.")
            return Not(Present(path)) if operator == "eq" else Present(path)
        if path.target.type == "complex":
            value = None if path.sub else path.attribute.sub("value")
            if value is None:
                raise InvalidFilter(f"{path.key} has parts; name the one to compare, as in name.familyName.")
            path = _visible(path._replace(sub=value))
        return Compare(path, operator, constant.fit(operator, path, self.tolerance))

    def path(self, node: Any) -> BoundPath:
        if isinstance(node.attr_name, AttributePath):
            return self.bind(node.attr_name)
        raise InvalidFilter("The filter has something other than an attribute's name before an operator or a bracket.")

    def bind(self, path: AttributePath) -> BoundPath:
        bound = self.look_up(path)
        if bound is not None:
            return _visible(bound)
        name = f"{path.name}.{path.sub}" if path.sub else path.name
        shown = f' "{name}"' if len(name) <= _MAX_NAME_SHOWN else ""
        raise InvalidFilter(f"{self.owner} has no attribute{shown} to filter by. /Schemas lists the attributes.")


def _inside(path: BoundPath, tolerance: Tolerance) -> Builder:
    """What reads the filter between the brackets after ``path``."""
    if path.sub or path.attribute.type != "complex":
        raise InvalidFilter(f"{path.key} has no sub-attributes that a filter in brackets could name.")

    def look_up(name: AttributePath) -> BoundPath | None:
        sub = path.attribute.sub(name.name) if name.urn is None and name.sub is None else None
        return path._replace(sub=sub) if sub else None

    return Builder(look_up, path.key, tolerance)


def _visible(path: BoundPath) -> BoundPath:
    """Refuse what is never returned: a filter would tell it, one guess at a time."""
    if path.is_hidden:
        raise InvalidFilter(f"{path.key} is never returned, so it cannot be filtered by.")
    return path


def _without_parentheses(node: Any) -> Any:
    while isinstance(node, syntax.Filter) and not node.negated and node.namespace is None:
        node = node.expr
    return node
