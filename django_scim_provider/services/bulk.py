"""Carrying out a bulk request (RFC 7644 section 3.7): each operation as if it had come alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from django.db import DatabaseError, connections

from ..protocol.bulk import REFERENCE, BulkRequest, Operation, Split, patch, resolved, split, steps
from ..protocol.errors import Conflict, InvalidValue, MethodNotAllowed, NotFound, ScimError, Unavailable
from ..protocol.etags import parse_match
from . import audit, newcomers
from .context import Context
from .membership import chunks
from .transactions import recover, run
from .verbs import USERS, Verbs, Written, verbs_of

_ACTIONS: Final = {
    "POST": audit.Action.CREATE,
    "PUT": audit.Action.REPLACE,
    "PATCH": audit.Action.MODIFY,
    "DELETE": audit.Action.DELETE,
}
_STATUS: Final = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}
_CIRCULAR: Final = "Operations of this request refer to each other in a circle that cannot be resolved."
_FAILED: Final = "An operation that this one refers to has failed."

TOGETHER: Final = 100
"""People who are created in one transaction, at most."""

OnFault = Callable[[Exception], ScimError]


class Result(NamedTuple):
    """What came of one operation."""

    operation: Operation
    status: int
    location: str | None = None
    version: str | None = None
    error: ScimError | None = None

    def as_document(self) -> dict[str, Any]:
        """The operation in a bulk response (RFC 7644 section 3.7.3); without a body where it succeeded."""
        document = {
            "location": self.location,
            "method": self.operation.method or None,
            "bulkId": self.operation.bulk_id,
            "version": self.version,
            "status": str(self.status),
            "response": self.error.as_document() if self.error else None,
        }
        return {name: value for name, value in document.items() if value is not None}


def perform(context: Context, request: BulkRequest, on_fault: OnFault) -> list[Result]:
    """Carry out the operations, each in a transaction of its own; results are in the order of the request.

    Operations that others refer to come before those; in a circle they are one transaction, and fail together.
    What was not reached because of ``failOnErrors`` has no result.

    :param on_fault: the error to answer with for an exception, which it also reports.
    """
    return _Bulk(context, request, on_fault).perform()


class _Bulk:
    def __init__(self, context: Context, request: BulkRequest, on_fault: OnFault) -> None:
        self.context = context
        self.operations = request.operations
        self.max_errors = len(self.operations) + 1 if request.max_errors is None else request.max_errors
        self.on_fault = on_fault
        self.verbs = verbs_of(context)
        self.ids: dict[str, str] = {}
        self.made_by = {op.bulk_id for op in self.operations if op.method == "POST"}
        self.errors = 0
        self.outage: ScimError | None = None
        """Why nothing more is tried."""

    def perform(self) -> list[Result]:
        results: dict[int, Result] = {}
        for is_plain, part in groupby(steps(self.operations), self._is_plain):
            for some in chunks(list(part), TOGETHER if is_plain else 1):
                results |= (self._together(some) if is_plain else {}) or self._in_turn(some)
        return [results[number] for number in sorted(results)]

    def _in_turn(self, some: Sequence[tuple[int, ...]]) -> dict[int, Result]:
        results: dict[int, Result] = {}
        for numbers in some:
            if self.errors >= self.max_errors:
                break
            operations = [self.operations[number] for number in numbers]
            is_circle = len(operations) > 1 or operations[0].refers_to_itself
            found = self._circle(operations) if is_circle else [self._alone(operations[0])]
            self.errors += sum(result.error is not None for result in found)
            results.update(zip(numbers, found, strict=True))
        return results

    # People whom nobody knew -------------------------------------------------------------------------------

    def _is_plain(self, numbers: tuple[int, ...]) -> bool:
        """Whether a step does nothing but create a person."""
        operation = self.operations[numbers[0]]
        creates = operation.method == "POST" and operation.resource_id is None and operation.refusal is None
        return creates and not operation.references and self.verbs.get(operation.endpoint) is USERS

    def _together(self, some: Sequence[tuple[int, ...]]) -> dict[int, Result]:
        """Do steps that are plain in one transaction; nothing where one of them would not succeed alone either."""
        if self.errors >= self.max_errors or self.outage is not None or len(some) == 1:
            return {}
        operations = [self.operations[number] for (number,) in some]
        try:
            made = newcomers.create_users(self._context(), [operation.data for operation in operations])
        except Exception:  # noqa: BLE001 (whatever it is, it is told of the operation that it comes from, in turn)
            return {}
        if made is None:
            return {}
        return {
            number: self._done(operation, one) for (number,), operation, one in zip(some, operations, made, strict=True)
        }

    def _alone(self, operation: Operation) -> Result:
        context = self._context()
        try:
            with self._watched(context, operation):
                return self._done(operation, self._write(context, operation))
        except Exception as error:  # noqa: BLE001 (a fault is this operation's, not the whole request's)
            return self._failed(operation, self._error(error))

    def _context(self) -> Context:
        return replace(self.context, started=time.monotonic())

    def _watched(self, context: Context, operation: Operation) -> Any:
        verbs = self.verbs.get(operation.endpoint)
        kind = verbs.kind(context).resource_type.name if verbs else ""
        action = _ACTIONS.get(operation.method, audit.Action.MODIFY)
        return audit.refusals(context, action, kind, self._id(operation) or "")

    def _id(self, operation: Operation) -> str | None:
        """The id that the path names."""
        found: str | None = resolved(operation.resource_id, self.ids)
        return found

    # Doing -------------------------------------------------------------------------------------------------

    def _write(self, context: Context, operation: Operation) -> Written | None:
        verbs = self._check(operation, self.ids)
        scim_id = self._id(operation)
        if operation.method == "POST":
            return verbs.create(context, resolved(operation.data, self.ids))
        if_match = None if operation.version is None else parse_match(operation.version)
        if operation.method == "DELETE":
            verbs.delete(context, str(scim_id), if_match=if_match)
            return None
        change = verbs.replace if operation.method == "PUT" else verbs.modify
        return change(context, str(scim_id), resolved(operation.data, self.ids), if_match=if_match)

    def _check(self, operation: Operation, known: Collection[str]) -> Verbs:
        """Everything that can be wrong before the service is asked.

        :param known: the bulkIds that may be referred to.
        """
        if self.outage is not None:
            raise self.outage
        if operation.refusal is not None:
            raise operation.refusal
        verbs = self.verbs.get(operation.endpoint)
        if verbs is None:
            raise NotFound("There is no resource type at this path.")
        if operation.method == "POST" and operation.resource_id is not None:
            raise MethodNotAllowed("POST", ("PUT", "PATCH", "DELETE"))
        if operation.method != "POST" and operation.resource_id is None:
            raise MethodNotAllowed(operation.method, ("POST",))
        if not operation.references <= self.made_by:
            # What it refers to is not repeated: it may have stood where a password does.
            raise InvalidValue("There is no POST with the bulkId that this operation refers to.")
        if not operation.references <= set(known):
            raise Conflict(_FAILED)
        return verbs

    def _circle(self, operations: list[Operation]) -> list[Result]:
        """Make resources that refer to each other: first without those references, which then are added.

        One transaction, so that nobody is left half made.
        """
        at_fault: list[Operation] = []

        def work() -> list[Written]:
            at_fault[:] = operations[:1]
            ids = dict(self.ids)
            parts: list[tuple[Verbs, Split]] = []
            written: list[Written] = []
            names = frozenset(str(operation.bulk_id) for operation in operations)
            for operation in operations:
                at_fault[:] = [operation]
                verbs = self._check(operation, ids.keys() | names)
                extensions = verbs.kind(self.context).resource_type.extension_by_urn
                parts.append((verbs, split(operation.data, names, extensions)))
                written.append(verbs.create(self._context(), resolved(parts[-1][1].now, ids)))
                ids[str(operation.bulk_id)] = written[-1].id
            at_fault.clear()
            for number, (verbs, part) in enumerate(parts):
                body = patch(resolved(part.later, ids))
                written[number] = verbs.modify(self._context(), written[number].id, body)
            return written

        try:
            written = run(work, self.context.using)
        except Exception as error:  # noqa: BLE001 (as above)
            return self._circle_failed(operations, self._error(error), at_fault)
        return [self._done(operation, one) for operation, one in zip(operations, written, strict=True)]

    def _circle_failed(self, operations: list[Operation], error: ScimError, at_fault: list[Operation]) -> list[Result]:
        def error_of(operation: Operation) -> ScimError:
            if error.status >= 500 or operation in at_fault:
                return error
            return Conflict(_FAILED if at_fault else _CIRCULAR)

        for operation in operations:
            with suppress(ScimError), self._watched(self._context(), operation):
                raise error_of(operation)
        return [self._failed(operation, error_of(operation)) for operation in operations]

    # Telling -----------------------------------------------------------------------------------------------

    def _error(self, error: Exception) -> ScimError:
        told = self.on_fault(error)
        if isinstance(told, Unavailable) and told is not error and not self._has_database():
            self.outage = told
        return told

    def _has_database(self) -> bool:
        """Whether the database answers again, by a new connection if need be."""
        try:
            recover(self.context.using)
            connections[self.context.using].ensure_connection()
        except DatabaseError:
            return False
        return True

    def _done(self, operation: Operation, written: Written | None) -> Result:
        if written is not None and operation.method == "POST":
            self.ids[str(operation.bulk_id)] = written.id
        return Result(
            operation,
            _STATUS[operation.method],
            self._location(operation, self._id(operation) if written is None else written.id),
            None if written is None else written.version,
        )

    def _failed(self, operation: Operation, error: ScimError) -> Result:
        scim_id = self._id(operation) if operation.method != "POST" else None
        return Result(operation, error.status, self._location(operation, scim_id), error=error)

    def _location(self, operation: Operation, scim_id: str | None) -> str | None:
        if scim_id is None or scim_id.startswith(REFERENCE) or operation.endpoint not in self.verbs:
            return None
        return f"{self.context.base_url}{operation.endpoint}/{quote(scim_id, safe='')}"
