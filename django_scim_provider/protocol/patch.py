"""PATCH (RFC 7644 section 3.5.2): from a document and operations to the new document and the exact changes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from .errors import Mutability, PayloadTooLarge
from .mutability import refuse_change
from .names import server_owned
from .patch_deltas import Delta, DeltaBuilder
from .patch_operations import MISSING, Operation, Parsed, PatchPath, parse_operations, parse_path, spread
from .patch_values import check_required, edit, effort
from .schemas import BoundPath, ResourceType
from .tolerance import LENIENT, Tolerance
from .validation import Cleaner

__all__ = [
    "MISSING",
    "Delta",
    "Operation",
    "Parsed",
    "PatchPath",
    "Patched",
    "apply_operations",
    "parse_operations",
    "parse_path",
]

MAX_EFFORT: Final = 1_000_000
"""What one request may cost, as ``effort`` counts: a second or two. Real requests stay below a hundredth."""


class Patched(NamedTuple):
    """What a PATCH comes to."""

    document: dict[str, Any]
    """Shares what did not change with the document given."""
    changed: frozenset[str]
    """Canonical keys of the attributes whose value differs in the end; deferred ones are never among them."""
    deltas: dict[str, Delta]
    """By canonical key, for each deferred attribute of which anything is asked."""


def apply_operations(
    document: Mapping[str, Any],
    operations: Sequence[Operation],
    resource_type: ResourceType,
    *,
    tolerance: Tolerance = LENIENT,
    deferred: Collection[str] = (),
) -> Patched:
    """Apply operations in order to a canonical document, which stays as it is; all or nothing.

    ``deferred`` names multi-valued attributes whose values are not in the document, such as ``members``: what is done
    to them comes back as a ``Delta``. Whether everything required is there in the end is for ``validation.require``.

    :raises Mutability: a path to what only the server assigns; a change of what is immutable and set; the removal of
        what is required.
    :raises InvalidValue: a value does not fit its attribute, or empties what is required.
    :raises NoTarget: a filter matches nothing, and no element can or may be made from it.
    :raises InvalidPath, InvalidFilter: a path that cannot select what it should.
    :raises InvalidSyntax: an unknown name in a value, not tolerated.
    :raises PayloadTooLarge: so many operations with filters on so many values that it would take seconds.
    """
    cleaner = Cleaner(tolerance)
    spent = 0
    draft = dict(document)
    touched: dict[str, BoundPath] = {}
    builders: dict[str, DeltaBuilder] = {}
    for operation, path in _steps(operations, resource_type, cleaner):
        if server_owned(path.path):
            raise Mutability(f"{path.path.key} is assigned by the server and cannot be changed.")
        whole = path.path._replace(sub=None)
        if whole.key in deferred:
            builders.setdefault(whole.key, DeltaBuilder(whole, cleaner)).apply(operation, path)
            continue
        before = whole.read(draft)
        spent += effort(before, path)
        if spent > MAX_EFFORT:
            raise PayloadTooLarge("The operations compare too many values. Send fewer of them in one request.")
        after = edit(before, operation, path, cleaner)
        whole.put(draft, _checked(before, after, operation, whole))
        touched[whole.key] = whole
    changed = frozenset(key for key, path in touched.items() if path.read(document) != path.read(draft))
    deltas = {key: delta for key, builder in builders.items() if (delta := builder.build())}
    return Patched(draft, changed, deltas)


def _steps(
    operations: Sequence[Operation], resource_type: ResourceType, cleaner: Cleaner
) -> Iterator[tuple[Operation, PatchPath]]:
    """Each operation with its path; one on the resource itself is spread first."""
    for operation in operations:
        if operation.path is not None:
            yield operation, operation.path
        else:
            spread_out = list(spread(operation.op, operation.value, resource_type, cleaner))
            yield from _steps(spread_out, resource_type, cleaner)


def _checked(before: Any, after: Any, operation: Operation, path: BoundPath) -> Any:
    if before is None or after == before:
        return after
    check_required(after, path.attribute, operation, path.key)
    if path.attribute.mutability != "immutable":
        return after
    refuse_change(before, after, path.attribute, path.key)
    return before
