"""PATCH on the values of one attribute: single, complex and multi-valued (RFC 7644 sections 3.5.2.1 to 3.5.2.3).

Nothing is changed in place: each function returns the new value, and ``None`` means unassigned.

Where RFC 7644 leaves room or contradicts itself:

* ``replace`` of a complex attribute keeps the sub-attributes that the value leaves out (3.5.2.3); the interoperability
  profile wants the whole replaced, so ``merge_on_replace`` decides. Elements that a filter selects are always merged:
  the same request again must find them again.
* A sub-attribute path without a filter (``emails.value``) means every element.
* A new ``value`` takes the old ``$ref`` away, and an object without its ``value`` goes when only a description is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from .errors import InvalidFilter, InvalidPath, InvalidValue, Mutability, NoTarget
from .filters import And, Filter, Not, Or, conjuncts, matches_value
from .keys import fold
from .patch_operations import MISSING, Operation, PatchPath, with_value
from .schemas import Attribute
from .validation import MAX_VALUES, UNBOUNDED, Cleaner, identity, unique, whole

Element = dict[str, Any]


def edit(current: Any, operation: Operation, path: PatchPath, cleaner: Cleaner) -> Any:
    """The value of ``path``'s attribute after the operation.

    :raises ScimError: as ``patch.apply_operations`` says.
    """
    attribute = path.path.attribute
    if attribute.multi_valued:
        return _Values(path, cleaner).edit(current or [], operation)
    if attribute.type == "complex":
        return _edit_object(current or {}, operation, path, cleaner)
    if operation.op == "remove":
        return None
    return cleaner.single(operation.value, attribute, path.path.key)


def effort(current: Any, path: PatchPath) -> int:
    """About how much work ``edit`` is, in microseconds: a filter is evaluated for every element."""
    if not isinstance(current, list):
        return 1
    if path.filter is not None:
        return len(current) * 4 * _terms(path.filter)
    return len(current) * (4 if path.path.sub else 1)


def _terms(condition: Filter) -> int:
    match condition:
        case And(operands) | Or(operands):
            return sum(map(_terms, operands))
        case Not(operand):
            return _terms(operand)
    return 1


def _edit_object(current: Element, operation: Operation, path: PatchPath, cleaner: Cleaner) -> Element | None:
    attribute, sub = path.path.attribute, path.path.sub
    name = path.path._replace(sub=None).key
    if sub is not None:
        return _merged(current, _part(operation, sub, path.path.key, cleaner), attribute, name)
    parts = cleaner.parts(operation.value, attribute, name) if operation.op != "remove" else None
    if parts is None:
        return None
    if operation.op == "replace" and not cleaner.tolerance.merge_on_replace:
        parts = {**dict.fromkeys(current), **parts}
    return _merged(current, parts, attribute, name)


def _part(operation: Operation, sub: Attribute, name: str, cleaner: Cleaner) -> Element:
    """What an operation on one sub-attribute says.

    :raises Mutability, InvalidValue: a required sub-attribute would be removed or emptied.
    """
    value = cleaner.clean(operation.value, sub, name) if operation.op != "remove" else None
    check_required(value, sub, operation, name)
    return {sub.name: value}


def check_required(value: Any, attribute: Attribute, operation: Operation, name: str) -> None:
    """Refuse to unassign what is required (RFC 7644 section 3.5.2.2)."""
    if value is None and attribute.required:
        if operation.op == "remove":
            raise Mutability(f"{name} is required and cannot be removed.")
        raise InvalidValue(f"{name} is required and cannot be empty.")


def _merged(before: Element, parts: Element, attribute: Attribute, name: str) -> Element | None:
    """An object after ``parts`` are assigned.

    :raises Mutability: an immutable sub-attribute has a value already, and another would be assigned.
    """
    for sub in attribute.sub_attributes:
        old = before.get(sub.name)
        if sub.mutability == "immutable" and old is not None and parts.get(sub.name, old) != old:
            raise Mutability(f"{name}.{sub.name} cannot be changed once it is set.")
    if parts.get("value", before.get("value")) != before.get("value"):
        parts = {"$ref": None, **parts} if "$ref" in before else parts
    return whole(parts, before, attribute)


class _Values:
    """One multi-valued attribute. Simple values are handled as objects with a ``value``."""

    def __init__(self, path: PatchPath, cleaner: Cleaner) -> None:
        self.is_complex = path.path.attribute.type == "complex"
        self.declared = path.path.attribute
        self.attribute = with_value(path.path).attribute
        self.sub = path.path.sub
        self.filter = path.filter
        self.name = path.path._replace(sub=None).key
        self.cleaner = cleaner

    def edit(self, current: list[Any], operation: Operation) -> list[Any] | None:
        elements = current if self.is_complex else [{"value": value} for value in current]
        if self.filter is None and self.sub is None:
            after = self._edit_all(elements, operation)
        else:
            after = self._edit_selected(elements, operation)
        if len(after) > max(MAX_VALUES, len(elements)) and self.declared.name not in UNBOUNDED:
            raise InvalidValue(f"{self.name} would have more than {MAX_VALUES} values.")
        return (after if self.is_complex else [element["value"] for element in after]) or None

    def _clean(self, raw: Any) -> list[Element]:
        values = self.cleaner.clean(raw, self.declared, self.name) or []
        return values if self.is_complex else [{"value": value} for value in values]

    def _edit_all(self, elements: list[Element], operation: Operation) -> list[Element]:
        if operation.op == "add":
            return self._added(elements, self._clean(operation.value))
        if operation.op == "replace":
            return self._clean(operation.value)
        if operation.value is MISSING or operation.value is None:
            return []
        if not self.cleaner.tolerance.remove_listed_values:
            raise InvalidValue(f"The operation remove takes no value; select with a filter, as in {self.name}[...].")
        listed = self._clean(operation.value)
        if not listed:
            raise InvalidValue(f"The value names none of {self.name}. To remove all, send no value at all.")
        return self._without(elements, listed)

    def _edit_selected(self, elements: list[Element], operation: Operation) -> list[Element]:
        self._check_strict(operation)
        selected = [index for index, element in enumerate(elements) if self._matches(element)]
        if len(selected) > 1 and self.filter and not self.cleaner.tolerance.loose_value_paths:
            raise InvalidFilter(f"The filter on {self.name} matches more than one value.")
        parts = self._parts(operation)
        if not selected:
            return self._unmatched(elements, parts)
        after: list[Element | None] = list(elements)
        for index in selected:
            after[index] = _merged(elements[index], parts, self.attribute, self.name) if parts is not None else None
        if parts is not None and parts.get("primary") is True:
            _demote(after, selected[0])
        return unique(element for element in after if element is not None)

    def _check_strict(self, operation: Operation) -> None:
        if self.sub is None and operation.op != "remove" and not self.cleaner.tolerance.loose_value_paths:
            raise InvalidPath(f"A path with a filter on {self.name} must name a sub-attribute.")

    def _matches(self, element: Element) -> bool:
        return self.filter is None or matches_value(self.filter, self.attribute, element)

    def _parts(self, operation: Operation) -> Element | None:
        """What the operation says of each selected element; ``None`` removes them."""
        if self.sub is not None:
            return _part(operation, self.sub, f"{self.name}.{self.sub.name}", self.cleaner)
        if operation.op == "remove":
            return None
        if self.is_complex:
            return self.cleaner.parts(operation.value, self.attribute, self.name)
        value = self.cleaner.single(operation.value, self.declared, self.name)
        return None if value is None else {"value": value}

    def _unmatched(self, elements: list[Element], parts: Element | None) -> list[Element]:
        """Nothing is selected: make the element that the filter describes, as Entra ID expects, if it says something.

        :raises NoTarget: that is not tolerated, or the filter does not say how the element should look.
        """
        if self.filter is not None and not self.cleaner.tolerance.create_on_unmatched_filter:
            raise NoTarget(f"None of {self.name} matches the filter.")
        assigned = {name: part for name, part in (parts or {}).items() if part is not None}
        if not assigned:
            return elements
        seed = _seed(self.filter) if self.filter is not None else {}
        element = {**seed, **assigned}
        if any(element.items() <= other.items() for other in elements):
            return elements  # an earlier request of the same wording has made it
        if not (self._matches(seed) or self._matches(element)):
            raise NoTarget(f"None of {self.name} matches the filter, which does not say how a new one should look.")
        return self._added(elements, [element])

    def _added(self, elements: list[Element], new: Iterable[Element]) -> list[Element]:
        """Append what is not there, update what is but for its immutable parts; a new primary demotes the others."""
        after: list[Element] = list(elements)
        places: defaultdict[Hashable, list[int]] = defaultdict(list)
        for index, element in enumerate(after):
            places[self._key(element)].append(index)
        primary = None
        for element in new:
            found = places[self._key(element)]
            place = next((index for index in found if _agree(after[index], element)), len(after))
            if place == len(after):
                found.append(place)
                after.append(element)
            else:
                after[place] = {**after[place], **self._changeable(element, after[place])}
            primary = place if element.get("primary") is True else primary
        if primary is not None:
            _demote(after, primary)
        return after

    def _changeable(self, element: Element, before: Element) -> Element:
        subs = {sub.name: sub for sub in self.attribute.sub_attributes}
        return {
            name: part for name, part in element.items() if subs[name].mutability != "immutable" or name not in before
        }

    def _without(self, elements: list[Element], listed: Iterable[Element]) -> list[Element]:
        named: defaultdict[Hashable, list[Element]] = defaultdict(list)
        for element in listed:
            named[self._key(element)].append(element)
        return [
            element
            for element in elements
            if not any(_agree(element, other) for other in named.get(self._key(element), ()))
        ]

    def _key(self, element: Element) -> Hashable:
        """What makes two elements the same thing, their types apart: their ``value``, or else all that they are."""
        value = element.get("value")
        if value is None:
            return identity(element)
        sub = self.attribute.sub("value")
        return ("value", identity(value) if sub and sub.case_exact else _folded(value))


def _agree(one: Element, other: Element) -> bool:
    """Whether two elements of one value have the same ``type``, or one does not say."""
    first, second = one.get("type"), other.get("type")
    return first is None or second is None or _folded(first) == _folded(second)


def _folded(value: Any) -> Hashable:
    return fold(value) if isinstance(value, str) else identity(value)


def _demote(elements: list[Any], primary: int) -> None:
    """RFC 7644 section 3.5.2: to set one ``primary`` is to clear the others."""
    for index, element in enumerate(elements):
        if index != primary and element and element.get("primary") is True:
            elements[index] = {**element, "primary": False}


def _seed(condition: Filter) -> Element:
    """What the ``eq`` comparisons of a filter say that an element must have."""
    return {compare.path.target.name: _as_json(compare.value) for compare in conjuncts(condition)}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return float(value) if isinstance(value, Decimal) else value
