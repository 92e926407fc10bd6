"""The life cycle of the host's own resource types, as ``selftest`` plays that of people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction

from ..adapters import ModelAdapter
from ..protocol.bulk import patch
from ..protocol.errors import InvalidValue, NotFound
from ..protocol.projection import Projection
from . import search, specimen
from .context import Context
from .diagnosis import explain
from .findings import Finding, Status, different
from .records import Records, create_record, delete_record, modify_record, replace_record


def play(context: Context, adapter: ModelAdapter) -> list[Finding]:
    """Try what a client does with one resource; the caller rolls back."""
    return list(_RecordCycle(context, adapter).play())


class _RecordCycle:
    def __init__(self, context: Context, adapter: ModelAdapter) -> None:
        self.context = context
        self.adapter = adapter
        self.kind = Records(context, adapter)
        self.projection = Projection.parse((), (), adapter.resource_type)
        self.id = ""
        self.sent: dict[str, Any] = {}

    def play(self) -> Iterator[Finding]:
        yield self._step("create", self._create)
        for name, work in (("update by PUT", self._put), ("update by PATCH", self._patch), ("delete", self._delete)):
            yield self._step(name, work) if self.id else Finding(f"{self.adapter.name}: {name}", Status.SKIPPED)

    def _step(self, name: str, work: Callable[[], Iterator[str]]) -> Finding:
        step, before = f"{self.adapter.name}: {name}", self.id
        try:
            with transaction.atomic(using=self.context.using):
                remarks = list(work())
        except Exception as error:  # noqa: BLE001 (whatever the host's code raises is what this is looking for)
            self.id = before
            if isinstance(error, InvalidValue) and error.__cause__ is None:
                # A validator of the host's own, to which no made-up value is good enough.
                return Finding(step, Status.SKIPPED, (f"What was made up is refused: {error.detail}",))
            remarks = explain(error, self.adapter)
        return Finding(step, Status.FAILED if remarks else Status.OK, tuple(remarks))

    def _create(self) -> Iterator[str]:
        self.id = create_record(self.adapter, self.context, self._body(0)).id
        yield from self._shows()

    def _put(self) -> Iterator[str]:
        replace_record(self.adapter, self.context, self.id, self._body(1))
        yield from self._shows()

    def _patch(self) -> Iterator[str]:
        body = {name: value for name, value in self._body(2).items() if name != "schemas"}
        modify_record(self.adapter, self.context, self.id, patch([{"op": "replace", "value": body}]))
        yield from self._shows()

    def _delete(self) -> Iterator[str]:
        delete_record(self.adapter, self.context, self.id)
        try:
            search.get_resource(self.kind, self.id, self.projection)
        except NotFound:
            return
        yield "After DELETE the resource can still be read."

    def _body(self, variant: int) -> dict[str, Any]:
        """What a client sends: something else for each variant, save for what is immutable."""
        document: dict[str, Any] = {}
        for path, value in specimen.values(self.adapter, variant):
            before = path.read(self.sent) if path.target.mutability == "immutable" else None
            if path.attribute.name in {mapped.path.attribute.name for mapped in self.adapter.mapping}:
                path.put(document, value if before is None else before)
        self.sent = document
        return {
            "schemas": [self.adapter.schema.id, *(urn for urn in self.adapter.extension_urns if urn in document)],
            **document,
        }

    def _shows(self) -> Iterator[str]:
        shown = search.get_resource(self.kind, self.id, self.projection)
        for key, (sent, answer) in different(self.sent, shown).items():
            yield f"{key} was sent as {sent!r} and is shown as {answer!r}: look at its entry in the attribute map."
