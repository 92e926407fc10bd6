"""``scim_events``: the log leaves as a file, and what is too old goes."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_scim_provider.models import ScimEvent
from django_scim_provider.services import audit, event_log
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(*arguments: str, stderr: Any = None) -> str:
    out = io.StringIO()
    call_command("scim_events", *arguments, stdout=out, stderr=stderr or io.StringIO())
    return out.getvalue()


@pytest.fixture
def log(db: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Events of today, 10 and 100 days ago, of two connections; read and deleted in portions of two."""
    monkeypatch.setattr(event_log, "_AT_ONCE", 2)
    labels = []
    for name in ("Acme", "Globex"):
        context = Context(ConnectionFactory(name=name), key_id="A" * 12)
        for days in (100, 10, 0):
            label = f"{name} {days}"
            made = audit.record(context, audit.Action.CREATE, label=label, values={"title": [None, "-1+1"]})
            ScimEvent.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(days=days, minutes=1))
            labels.append(label)
    return labels


def names(text: str) -> list[str]:
    return [json.loads(line)["name"] for line in text.splitlines()]


def test_events_are_exported_oldest_first(log: list[str]) -> None:
    assert names(run("export")) == log
    assert names(run("export", "--since", "11d", "--connection", "Acme")) == ["Acme 10", "Acme 0"]
    assert names(run("export", "--until", "24h", "--since", "2000-01-01")) == [n for n in log if not n.endswith(" 0")]
    rows = list(csv.DictReader(io.StringIO(run("export", "--format", "csv"))))
    assert [row["name"] for row in rows] == log
    assert rows[0]["values"] == '{"title": [null, "-1+1"]}'


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str, db: None) -> None:
    audit.record(Context(ConnectionFactory()), audit.Action.CREATE, label=text, detail=f"said {text}")
    (row,) = csv.DictReader(io.StringIO(run("export", "--format", "csv"), newline=""))
    assert row["name"] == f"'{text}"
    assert row["detail"] == f"said {text}"


def test_what_is_older_than_the_setting_goes(log: list[str], settings: Any) -> None:
    assert run("prune", "--dry-run") == "2 events would be deleted.\n"
    assert json.loads(run("prune", "--dry-run", "--json"))["deleted"] == 0
    assert ScimEvent.objects.count() == 6
    assert run("prune") == "2 events were deleted.\n"
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"EVENT_RETENTION": timedelta(days=5)}
    assert json.loads(run("prune", "--json"))["deleted"] == 2
    assert [event.label for event in ScimEvent.objects.order_by("pk")] == ["Acme 0", "Globex 0"]
    ScimEvent.objects.filter(label="Acme 0")._raw_delete("default")
    assert run("prune", "--days", "0") == "1 event was deleted.\n"
    with pytest.raises(CommandError):
        run("prune", "--days", "-1")


@pytest.mark.parametrize("days", ["9999999", "9" * 12])
def test_an_age_before_the_calendar_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="calendar does not reach so far back"):
        run("prune", "--days", days)


def test_a_terminal_sees_how_far_it_is(log: list[str]) -> None:
    screen = Terminal()
    assert len(run("export", stderr=screen).splitlines()) == 6
    assert "exporting" in screen.getvalue()
    assert "6/6" in screen.getvalue()
    screen = Terminal()
    run("prune", stderr=screen)
    assert "pruning" in screen.getvalue()
    assert "2/2" in screen.getvalue()
