"""The event log as a whole: searched, exported, and pruned when its time is over."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Protocol

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet

from ..models import ScimEvent
from ..models.token_format import PREFIX
from .context import database

_VALUES: Final[Mapping[str, Callable[[ScimEvent], Any]]] = {
    "id": attrgetter("pk"),
    "at": attrgetter("at"),
    "connection": attrgetter("connection_name"),
    "action": attrgetter("action"),
    "outcome": attrgetter("outcome"),
    "status": attrgetter("status"),
    "error_type": attrgetter("scim_type"),
    "detail": attrgetter("detail"),
    "resource_type": attrgetter("resource_type"),
    "resource_id": attrgetter("resource_id"),
    "name": attrgetter("label"),
    "changed": attrgetter("changed"),
    "values": attrgetter("values"),
    "warnings": attrgetter("warnings"),
    "token": attrgetter("key_id"),
    "administrator": lambda event: event.actor.get_username() if event.actor else "",
    "address": attrgetter("remote_addr"),
    "duration_ms": attrgetter("duration_ms"),
    "count": attrgetter("count"),
}
COLUMNS: Final = tuple(_VALUES)
FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
_AT_ONCE: Final = 2000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


class Progress(Protocol):
    def __call__(self, done: int) -> None: ...


def every() -> QuerySet[ScimEvent]:
    return ScimEvent.objects.using(database())


def search(events: QuerySet[ScimEvent], text: str) -> QuerySet[ScimEvent]:
    """Those about a person, group or token: by name, id or what was said."""
    if not text:
        return events
    named = Q(label__icontains=text) | Q(detail__icontains=text)
    return events.filter(named | Q(resource_id=text) | Q(key_id=text.removeprefix(PREFIX).removesuffix("…")))


# Export ----------------------------------------------------------------------------------------------------


def lines(events: QuerySet[ScimEvent], file_format: str, progress: Progress | None = None) -> Iterator[str]:
    """The events, oldest first, as the lines of a file; read in portions, so that any number of them is no matter.

    Events hold no secrets, and attribute values only where EVENT_VALUES says so.

    :param file_format: one of ``FORMATS``. In CSV what a spreadsheet would take for a formula begins with an
        apostrophe.
    """
    write = _csv_line if file_format == "csv" else _json_line
    if file_format == "csv":
        yield _csv_line(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for done, event in enumerate(_in_portions(events), start=1):
        yield write(_document(event))
        if progress is not None:
            progress(done)


def _in_portions(events: QuerySet[ScimEvent]) -> Iterator[ScimEvent]:
    """By key, since a server-side cursor outlives neither a transaction pooler nor a streamed response."""
    ordered = events.select_related("actor").order_by("pk")
    last = 0
    while portion := list(ordered.filter(pk__gt=last)[:_AT_ONCE]):
        yield from portion
        last = portion[-1].pk


def _document(event: ScimEvent) -> dict[str, Any]:
    return {name: value(event) for name, value in _VALUES.items()}


def _json_line(document: dict[str, Any]) -> str:
    return json.dumps(document, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n"


class _Echo:
    """What ``csv`` writes to, to get the line back."""

    @staticmethod
    def write(text: str) -> str:
        return text


def _csv_line(document: dict[str, Any]) -> str:
    line: str = csv.writer(_Echo()).writerow(map(_cell, document.values()))
    return line


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if value else ""
    return f"'{text}" if text.startswith(_FORMULA) else text


# Retention -------------------------------------------------------------------------------------------------


def older_than(moment: datetime) -> QuerySet[ScimEvent]:
    return every().filter(at__lt=moment)


def prune(moment: datetime, progress: Progress) -> int:
    """Delete the events from before a moment, in portions, so that no other writer waits long. Returns how many."""
    old = older_than(moment).order_by("pk").values_list("pk", flat=True)
    done = 0
    while portion := list(old[:_AT_ONCE]):
        _delete(portion)
        done += len(portion)
        progress(done)
    return done


def _delete(pks: Iterable[int]) -> None:
    # Past the model's own delete(), which refuses: what is append-only ends here and in scim_erase only.
    every().filter(pk__in=list(pks)).delete()
