from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import checks
from django.db import connection as database
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.models.token_format import new_token

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]
Manage = Callable[..., Any]


def test_check_passes_on_every_host_and_leaves_nothing(manage: Manage) -> None:
    checked = manage("scim_check")
    lines = checked.out.splitlines()
    assert lines[0].split() == ["step", "what", "to", "change"]
    assert [line[0] for line in lines[2:-1]] == ["✓"] * len(lines[2:-1])
    assert lines[-1] == "Everything works."
    for model in (get_user_model(), ScimConnection, ScimUser, ScimEvent):
        assert not model._base_manager.exists()


def test_check_as_json(manage: Manage) -> None:
    checked = manage("scim_check", "--json")
    assert checked.json["ok"] is True
    assert {"portal": "", "step": "create", "status": "ok", "remarks": []} in checked.json["results"]


def test_check_with_a_connection_uses_it_and_leaves_it_alone(manage: Manage, connection: ScimConnection) -> None:
    before = ScimConnection.objects.values().get()
    assert manage("scim_check", "--connection", connection.name, "--json").json["ok"] is True
    assert ScimConnection.objects.values().get() == before
    assert not ScimUser.objects.exists()


def test_check_goes_through_every_portal(manage: Manage, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"PORTALS": {"store": {}}}
    results = manage("scim_check", "--json").json["results"]
    assert {result["portal"] for result in results} == {"", "store"}
    assert "store: create" in manage("scim_check").out


def test_check_fails_with_exit_code_1_and_says_what_to_change(manage: Manage, caplog: pytest.LogCaptureFixture) -> None:
    def break_down(**kwargs: Any) -> None:
        raise KeyError("cost center " + "of nobody " * 12)

    pre_save.connect(break_down, sender=get_user_model())
    try:
        checked = manage("scim_check", fails="1 step does not work")
        as_json = manage("scim_check", "--json", fails="1 step does not work").json
    finally:
        pre_save.disconnect(break_down, sender=get_user_model())
    assert checked.error.returncode == 1
    assert re.search(r"✗  create  +The signal receiver `.*break_down`", checked.out)
    assert re.search(r"\n {20,}.*nobody", checked.out), "a long sentence goes on in the next row"
    assert re.search(r"-  delete\n", checked.out)
    assert "Everything works" not in checked.out
    assert as_json["ok"] is False
    assert {result["status"] for result in as_json["results"]} == {"ok", "failed", "skipped"}
    assert not caplog.records


@pytest.fixture
def messages() -> Iterator[list[checks.CheckMessage]]:
    """What a system check of this package says."""
    found: list[checks.CheckMessage] = []

    @checks.register("scim_provider")
    def say(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
        return found

    yield found
    checks.registry.registry.registered_checks.discard(say)


def test_messages_of_the_system_checks_are_part_of_the_table(
    manage: Manage, messages: list[checks.CheckMessage], settings: Any
) -> None:
    settings.SILENCED_SYSTEM_CHECKS = ["scim_provider.W999"]
    messages += [
        checks.Warning("Slow.", hint="Add an index.", id="scim_provider.W998"),
        checks.Warning("Said before.", id="scim_provider.W999"),
        checks.Error("Wrong.", id="scim_provider.E998"),
        checks.Info("By the way.", id="scim_provider.I998"),
    ]
    out = manage("scim_check", fails="1 step does not work").out
    assert re.search(r"!  settings and attribute map  +Slow\. Add an index\. \(scim_provider\.W998\)\n", out)
    assert re.search(r"✗  settings and attribute map  +Wrong\. \(scim_provider\.E998\)\n", out)
    assert "Said before" not in out
    assert "By the way" not in out


def test_advice_does_not_fail(manage: Manage, messages: list[checks.CheckMessage]) -> None:
    messages.append(checks.Warning("Slow.", hint="Add an index.", id="scim_provider.W998"))
    assert manage("scim_check").out.endswith("Everything works.\n")


def test_a_terminal_without_check_marks_gets_words(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_scim_provider.management.commands.scim_check.fits", lambda text, stream: False)
    assert "ok  create" in manage("scim_check").out


def test_the_log_is_what_it_was_before(manage: Manage) -> None:
    manage("scim_check")
    assert logging.getLogger("django_scim_provider").disabled is False


def test_invariants_hold_and_every_one_is_named(manage: Manage, scim: ScimClient) -> None:
    scim.create("ann@example.com")
    held = manage("scim_check", "--invariants")
    lines = held.out.splitlines()
    assert [line.split()[:2] for line in lines[2:-1]] == [["✓", str(number)] for number in range(1, 13)]
    assert lines[-1] == "Every invariant holds."
    assert manage("scim_check", "--invariants", "--json").json == {"ok": True, "breaches": []}


def test_broken_invariants_are_exit_code_1_with_where_how_many_and_the_first(
    manage: Manage, scim: ScimClient, connection: ScimConnection
) -> None:
    ids = [scim.create(f"p{number}@example.com")["id"] for number in range(6)]
    ScimUser.objects.update(scope="elsewhere")
    ScimEvent.objects.create(at=timezone.now(), action="read", detail=new_token().text)
    broken = manage("scim_check", "--invariants", fails="2 invariants are broken")
    assert broken.error.returncode == 1
    assert re.search(rf"✗   1 one person .*“{connection.name}”: 6: User {ids[0]}", broken.out)
    assert "…" in broken.out
    assert re.search(r"✗  11 .*no connection: 1: ScimEvent \d+\n", broken.out)
    one = manage("scim_check", "--invariants", "--connection", connection.name, "--json", fails="1 invariant is broken")
    (breach,) = one.json["breaches"]
    assert breach == {
        "number": 1,
        "connection": connection.name,
        "rows": 6,
        "samples": [f"User {scim_id}" for scim_id in ids[:5]],
    }


def test_invariants_are_read_only(manage: Manage, scim: ScimClient) -> None:
    scim.create("ann@example.com")
    with CaptureQueriesContext(database) as captured:
        manage("scim_check", "--invariants")
    # PostgreSQL hands long lists out by a cursor.
    verbs = {query["sql"].split()[0] for query in captured if not query["sql"].startswith("DECLARE ")}
    assert verbs == {"SELECT"}
