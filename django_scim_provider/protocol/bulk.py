"""Bulk requests (RFC 7644 section 3.7): what is asked, what refers to what, in which order it can be done."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import BadRequest, InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from .messages import NOT_A_BRACKET, STRING, require_schema
from .tolerance import LENIENT, Tolerance
from .urns import BULK_REQUEST, PATCH_OP

REFERENCE: Final = "bulkId:"
METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
MAX_BULK_ID_LENGTH: Final = 255
_PATH: Final = re.compile(r"/?(?P<endpoint>[^/?#]+)(?:/(?P<id>[^/?#]+))?/?")


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the requests."""

    method: str
    """Empty where it was none of ``METHODS``."""
    bulk_id: str | None
    endpoint: str = ""
    """As in the path, with a leading slash."""
    resource_id: str | None = None
    """As in the path; may be a reference."""
    version: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """May hold a password, and error reports print local variables: never in one of its own."""
    references: frozenset[str] = frozenset()
    """The bulkIds that have to be known first."""
    refusal: ScimError | None = None
    """What is wrong with it, whatever the state of the resources."""

    @property
    def refers_to_itself(self) -> bool:
        """Whether it makes what it refers to; a change may have the bulkId of the POST it needs, and is no circle."""
        return self.method == "POST" and self.bulk_id in self.references


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """The body of a POST to ``/Bulk``."""

    operations: tuple[Operation, ...]
    max_errors: int | None
    """``failOnErrors``: how many until the rest is left undone; ``None`` for as many as there may be."""


def refuse_too_many(data: bytes, max_operations: int) -> None:
    """Count the operations of a body that has not been parsed: the objects in a list of the outermost object.

    :raises PayloadTooLarge: there are too many. It is noticed at the first one too much, wherever the body ends.
    """
    depth = found = 0
    for bracket in STRING.sub(b"", data).translate(None, NOT_A_BRACKET):
        if bracket in b"]}":
            depth -= 1
            continue
        depth += 1
        if depth == 2:
            found = 0
        elif depth == 3:
            found += 1
            if found > max_operations:
                raise _too_many(max_operations)


def _too_many(max_operations: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The number of operations exceeds maxOperations ({max_operations}).")


def parse_bulk(body: Mapping[str, Any], *, max_operations: int, tolerance: Tolerance = LENIENT) -> BulkRequest:
    """Read a bulk request. What is wrong with one operation is its ``refusal`` and does not touch the others.

    :raises PayloadTooLarge: too many operations; none of them has been looked at.
    :raises InvalidSyntax: it is no bulk request.
    :raises InvalidValue: ``failOnErrors`` is not a positive number.
    """
    members = {name.lower(): value for name, value in body.items()}
    listed = members.get("operations")
    if not isinstance(listed, list):
        raise InvalidSyntax("Operations must be a list.")
    if len(listed) > max_operations:
        raise _too_many(max_operations)
    if not tolerance.unknown_schemas:
        require_schema(members.get("schemas"), BULK_REQUEST)
    max_errors = members.get("failonerrors")
    if max_errors is not None and (isinstance(max_errors, bool) or not isinstance(max_errors, int) or max_errors < 1):
        raise InvalidValue("failOnErrors must be a whole number of at least 1.")
    if not all(isinstance(raw, Mapping) for raw in listed):
        raise InvalidSyntax("Each operation must be an object.")
    return BulkRequest(_checked([_read(raw) for raw in listed]), max_errors)


def _read(raw: Mapping[str, Any]) -> Operation:
    members = {name.lower(): value for name, value in raw.items()}
    method, bulk_id = members.get("method"), members.get("bulkid")
    named = str(method).upper() if isinstance(method, str) else ""
    known_id = bulk_id if isinstance(bulk_id, str) and len(bulk_id) <= MAX_BULK_ID_LENGTH else None
    try:
        return _operation(members, named, known_id)
    except BadRequest as refusal:
        return Operation(named if named in METHODS else "", known_id, refusal=refusal)


def _operation(members: Mapping[str, Any], method: str, bulk_id: str | None) -> Operation:
    if method not in METHODS:
        raise InvalidSyntax(f"method must be one of {', '.join(METHODS)}.")
    if method == "POST" and not bulk_id:
        raise InvalidValue(f"A POST needs a bulkId, a string of at most {MAX_BULK_ID_LENGTH} characters.")
    path = members.get("path")
    parts = _PATH.fullmatch(path) if isinstance(path, str) else None
    if parts is None:
        raise InvalidValue("path must be that of a resource type or a resource, such as /Users or /Users/{id}.")
    version = members.get("version")
    if version is not None and (method == "POST" or not isinstance(version, str)):
        raise InvalidValue("version must be a string, and none is for a POST.")
    data = members.get("data") if method != "DELETE" else {}
    if not isinstance(data, Mapping):
        raise InvalidSyntax(f"The data of a {method} must be an object.")
    return Operation(
        method,
        bulk_id,
        f"/{parts['endpoint']}",
        parts["id"],
        version,
        data,
        frozenset(references((data, parts["id"]))),
    )


def _checked(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Refuse what only the whole request shows: a bulkId that two POSTs have."""
    times = Counter(operation.bulk_id for operation in operations if operation.method == "POST")
    refusal = InvalidValue("Another POST of this request has the same bulkId.")
    return tuple(
        Operation(operation.method, operation.bulk_id, operation.endpoint, refusal=refusal)
        if operation.refusal is None and operation.method == "POST" and times[operation.bulk_id] > 1
        else operation
        for operation in operations
    )


# References ------------------------------------------------------------------------------------------------


def references(value: Any) -> Iterator[str]:
    """The bulkIds that strings anywhere in a value refer to."""
    if isinstance(value, str):
        if value.startswith(REFERENCE):
            yield value.removeprefix(REFERENCE)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from references(part)


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with the ids of resources in the place of references; those not known yet stay."""
    if isinstance(value, str):
        return ids.get(value.removeprefix(REFERENCE), value) if value.startswith(REFERENCE) else value
    if isinstance(value, Mapping):
        return {name: resolved(part, ids) for name, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, ids) for part in value]
    return value


@dataclass(frozen=True, slots=True)
class Split:
    """The data of a POST in two steps; not shown in error reports, as in ``Operation``."""

    now: dict[str, Any] = field(default_factory=dict, repr=False)
    later: list[dict[str, Any]] = field(default_factory=list, repr=False)
    """Operations of a PATCH."""


def split(data: Mapping[str, Any], unknown: frozenset[str], extensions: Collection[str], prefix: str = "") -> Split:
    """Put off the attributes, and of lists the elements, that refer to what is made only afterwards.

    :param extensions: URNs of the resource type's, in lower case; other names with colons are attributes' whole ones.
    """
    parts = Split()
    for name, value in data.items():
        if unknown.isdisjoint(references(value)):
            parts.now[name] = value
        elif isinstance(value, Mapping) and name.lower() in extensions:
            inside = split(value, unknown, (), f"{name}:")
            parts.now[name] = inside.now
            parts.later.extend(inside.later)
        elif isinstance(value, list):
            parts.now[name] = [part for part in value if unknown.isdisjoint(references(part))]
            rest = [part for part in value if not unknown.isdisjoint(references(part))]
            parts.later.append({"op": "add", "path": prefix + name, "value": rest})
        else:
            parts.later.append({"op": "add", "path": prefix + name, "value": value})
    return parts


def patch(operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The body of a PATCH."""
    return {"schemas": [PATCH_OP], "Operations": list(operations)}


def steps(operations: Sequence[Operation]) -> Iterator[tuple[int, ...]]:
    """Numbers of operations in an order in which each comes after those it refers to; else as they were sent.

    Several at once where they refer to each other in a circle: Tarjan's strongly connected components, without
    recursion, which a chain of a thousand references would exhaust.
    """
    makers = {op.bulk_id: number for number, op in enumerate(operations) if op.method == "POST" and not op.refusal}
    needs = [[makers[ref] for ref in sorted(op.references) if ref in makers] for op in operations]
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    closed: set[int] = set()
    for start in range(len(operations)):
        path = [(start, iter(needs[start]))] if start not in index else []
        while path:
            number, rest = path[-1]
            if number not in index:
                index[number] = low[number] = len(index)
                open_.append(number)
            for needed in rest:
                if needed not in index:
                    path.append((needed, iter(needs[needed])))
                    break
                if needed not in closed:
                    low[number] = min(low[number], index[needed])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[number])
                if low[number] == index[number]:
                    component = open_[open_.index(number) :]
                    del open_[-len(component) :]
                    closed.update(component)
                    yield tuple(sorted(component))
