"""Changes to a list that is not loaded: a group's members (RFC 7644 section 3.5.2).

The rule that every shape is held to: *nobody leaves unless the operation names them, or says plainly that all leave*.
Plain are ``remove`` without a value and ``replace`` with a list, be it empty. Everything else that names nobody is
refused: ``remove`` with ``[]``, ``replace`` with ``null`` or ``{}``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import InvalidFilter, InvalidPath, InvalidValue, Mutability
from .filters import Compare, Filter, Or
from .patch_operations import MISSING, Operation, PatchPath
from .schemas import Attribute, BoundPath
from .validation import Cleaner


@dataclass(frozen=True, slots=True)
class Delta:
    """What operations do to a list, each element known by its ``value``.

    With ``replace`` the list becomes exactly ``add``; else it becomes (current - ``remove``) | ``add``. ``add`` has
    each value once, ``add`` and ``remove`` have none in common, and ``remove`` is empty with ``replace``.
    """

    replace: bool = False
    add: tuple[dict[str, Any], ...] = ()
    """Canonical elements. One that is there already stays as it is (RFC 7644 section 3.5.2.1)."""
    remove: tuple[str, ...] = ()
    """Values; those that are not there are no error (RFC 7644 section 3.5.2.2)."""
    update: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Sub-attributes to assign (``None`` clears) to elements of the current list, by value; never adds one."""

    @property
    def remove_all(self) -> bool:
        """Whether the list ends up empty, whatever it was."""
        return self.replace and not self.add

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.replace or self.add or self.remove or self.update)


class DeltaBuilder:
    """Folds operations on one multi-valued attribute, in order, into one ``Delta``."""

    def __init__(self, path: BoundPath, cleaner: Cleaner) -> None:
        self.attribute: Attribute = path.attribute
        self.name = path.key
        self.cleaner = cleaner
        self.replaced = False
        self.added: dict[str, dict[str, Any]] = {}
        self.removed: dict[str, None] = {}
        self.updated: dict[str, dict[str, Any]] = {}

    def build(self) -> Delta:
        return Delta(self.replaced, tuple(self.added.values()), tuple(self.removed), self.updated)

    def apply(self, operation: Operation, path: PatchPath) -> None:
        """Fold in one operation at ``path``.

        :raises InvalidValue: an element without ``value``, or nobody named where somebody must be.
        :raises InvalidFilter: the path selects by anything but ``value eq "..."``, or several such joined by ``or``.
        :raises InvalidPath: a sub-attribute without a filter.
        :raises Mutability: ``value`` would change, or an immutable sub-attribute be cleared.
        """
        if path.filter is not None:
            self._selected(operation, path.path.sub, list(self._values(path.filter)))
        elif path.path.sub is not None:
            raise InvalidPath(f"{path.path.key} needs a filter, as in {self.name}[value eq ...].")
        elif operation.op == "remove":
            self._remove(operation.value)
        else:
            self._assign(operation)

    def _remove(self, raw: Any) -> None:
        if raw is MISSING or raw is None:
            self._clear()
            return
        if not self.cleaner.tolerance.remove_listed_values:
            raise InvalidValue(f"The operation remove takes no value; select with {self.name}[value eq ...].")
        for value in self._named(raw, f"remove all of {self.name}, send no value at all"):
            self._take(value)

    def _assign(self, operation: Operation) -> None:
        if operation.op == "replace":
            empty = operation.value == []
            elements = {} if empty else self._named(operation.value, f"empty {self.name}, send []")
            self._clear()
        else:
            elements = self._elements(operation.value)
        for value, element in elements.items():
            self._put(value, element)

    def _selected(self, operation: Operation, sub: Attribute | None, values: list[str]) -> None:
        """An operation on the elements with these values."""
        tolerance = self.cleaner.tolerance
        if not tolerance.loose_value_paths and len(values) > 1:
            raise InvalidFilter(f"The filter on {self.name} may match only one value.")
        if sub is None and operation.op == "remove":
            for value in values:
                self._take(value)
            return
        if sub is None and not tolerance.loose_value_paths:
            raise InvalidPath(f"A path with a filter on {self.name} must name a sub-attribute.")
        parts = self._parts(operation, sub)
        for value in values:
            if parts.get("value", value) != value:
                raise Mutability(f"{self.name}.value cannot be changed.")
            if operation.op == "add" and sub is None and tolerance.create_on_unmatched_filter:
                self._put(value, {"value": value, **_assigned(parts)})
            else:
                self._change(value, {name: part for name, part in parts.items() if name != "value"})

    def _parts(self, operation: Operation, sub: Attribute | None) -> dict[str, Any]:
        """What the operation says of the selected elements' sub-attributes."""
        if sub is not None:
            raw = None if operation.op == "remove" else operation.value
            parts = {sub.name: self.cleaner.clean(raw, sub, f"{self.name}.{sub.name}")}
        else:
            parts = self.cleaner.parts(operation.value, self.attribute, self.name) or {}
        if not parts:
            raise InvalidValue(f"The value names no sub-attribute of {self.name} to {operation.op}.")
        for part in self.attribute.sub_attributes:
            if part.mutability == "immutable" and parts.get(part.name, part) is None:
                raise Mutability(f"{self.name}.{part.name} cannot be removed.")
        return parts

    def _values(self, condition: Filter) -> Iterator[str]:
        match condition:
            case Compare(path, "eq", str() as value) if path.target.name == "value":
                yield value
            case Or(operands):
                for operand in operands:
                    yield from self._values(operand)
            case _:
                raise InvalidFilter(f'Select {self.name} by value, as in {self.name}[value eq "..."].')

    def _elements(self, raw: Any) -> dict[str, dict[str, Any]]:
        """Elements by value; of repeated ones the parts are joined, the last saying so wins."""
        found: dict[str, dict[str, Any]] = {}
        for element in self.cleaner.clean(raw, self.attribute, self.name) or ():
            value = element.get("value")
            if value is None:
                raise InvalidValue(f"Each of the {self.name} needs a value.")
            found[value] = {**found.get(value, {}), **element}
        return found

    def _named(self, raw: Any, instead: str) -> dict[str, dict[str, Any]]:
        found = self._elements(raw)
        if not found:
            raise InvalidValue(f"The value names none of the {self.name}. To {instead}.")
        return found

    def _clear(self) -> None:
        self.replaced = True
        for store in (self.added, self.removed, self.updated):
            store.clear()

    def _put(self, value: str, element: dict[str, Any]) -> None:
        self.removed.pop(value, None)
        self.added[value] = {**self.added.get(value, {}), **element}

    def _take(self, value: str) -> None:
        self.added.pop(value, None)
        self.updated.pop(value, None)
        if not self.replaced:
            self.removed[value] = None

    def _change(self, value: str, parts: dict[str, Any]) -> None:
        """Assign to an element that is there; nothing when it is known not to be."""
        if value in self.added:
            self.added[value] = _assigned({**self.added[value], **parts})
        elif parts and not self.replaced and value not in self.removed:
            self.updated[value] = {**self.updated.get(value, {}), **parts}


def _assigned(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part is not None}
