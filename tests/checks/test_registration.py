from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import check_messages
import pytest
from django.apps import apps
from django.core.checks import Error, run_checks
from django.core.checks.registry import registry
from django.db import connection
from django.test.utils import CaptureQueriesContext

import django_scim_provider
from checks.wiring import Wire, ids
from django_scim_provider import receivers
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.checks import installed
from django_scim_provider.checks.base import check, check_adapters
from django_scim_provider.checks.registration import register_all

PACKAGE = Path(django_scim_provider.__file__).parent
SOURCES = [*sorted((PACKAGE / "checks").glob("*.py")), PACKAGE / "api" / "oauth2.py"]
"""What names the toolkit checks its scopes itself."""
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "checks.rst"


@pytest.mark.hosts
def test_a_host_of_the_suite_is_wired_as_it_should_be() -> None:
    assert run_checks(tags=["scim_provider"]) == []


def test_every_check_is_registered_once() -> None:
    before = (len(registry.registered_checks), len(registry.deployment_checks))
    register_all()
    assert (len(registry.registered_checks), len(registry.deployment_checks)) == before
    ours = [item for item in registry.get_checks(include_deployment_checks=True) if "scim_provider" in item.tags]
    assert len(ours) == 17


def test_checks_of_other_apps_alone_are_none_of_ours(wire: Wire) -> None:
    wire(ADAPTERS={"User": "nowhere.Adapter"})
    assert ids(run_checks([apps.get_app_config("scim_provider")], tags=["scim_provider"])) == ["E010"]
    assert run_checks([apps.get_app_config("admin")], tags=["scim_provider"]) == []


def test_what_a_check_raises_is_a_message() -> None:
    def check_something() -> list[Error]:
        raise KeyError("x")

    (message,) = check(check_something)()
    assert message.id == "scim_provider.E099"
    assert message.msg == "check_something could not finish: KeyError: 'x'"


def test_what_an_adapter_raises_is_a_message_about_it(wire: Wire) -> None:
    def check_something(adapter: Any) -> list[Error]:
        raise KeyError(adapter.portal)

    wire()
    (message,) = check_adapters(check_something)()
    assert message.id == "scim_provider.E013"
    assert message.obj == "django_scim_provider.adapters.users.UserAdapter"


def test_apps_that_are_missing_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed.check_installed_apps() == []
    monkeypatch.setattr(installed.apps, "is_installed", lambda name: name != "django.contrib.contenttypes")
    assert ids(installed.check_installed_apps()) == ["E060"]


def test_nothing_is_connected_while_apps_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "missing", lambda: ["django.contrib.auth"])
    monkeypatch.setattr(receivers, "connect", lambda: pytest.fail("connected"))
    apps.get_app_config("scim_provider").ready()


# ready() ---------------------------------------------------------------------------------------------------


@pytest.mark.hosts
@pytest.mark.django_db
def test_getting_ready_costs_no_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        apps.get_app_config("scim_provider").ready()
        run_checks(tags=["scim_provider"], include_deployment_checks=True)
    assert len(queries) == 0


@pytest.mark.parametrize(
    "value",
    [
        ["no dictionary"],
        {"ADAPTERS": "no dictionary"},
        {"ADAPTERS": {"User": "nowhere.Adapter"}},
        {"ADAPTERS": {"User": 5}},
        {"PORTALS": 5},
        {"PORTALS": {"store": 5}},
        {"PORTALS": {"store": {"ADAPTERS": {"User": "nowhere.Adapter"}}}},
    ],
)
def test_a_broken_setting_keeps_nobody_from_getting_ready(
    settings: Any, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SCIM_PROVIDER = value
    receivers.connect()
    assert [record.getMessage()[:38] for record in caplog.records] == ["SCIM does not follow changes to users "]
    assert any(isinstance(message, Error) for message in run_checks(tags=["scim_provider"]))


@pytest.mark.parametrize("attributes", [{"nonsense": "username"}, {"userName": "nonsense"}])
def test_a_map_that_cannot_be_read_is_not_followed(
    wire: Wire, attributes: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {"attributes": attributes}))
    receivers.connect()
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_adapter_of_one_portal_that_is_broken_does_not_disconnect_the_others(
    wire: Wire, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    monkeypatch.setattr(receivers, "_listen", lambda adapter: heard.append(adapter.portal))
    store = {"ADAPTERS": {"User": "nowhere.Adapter"}}
    wire(PORTALS={"store": store, "desk": {}})
    receivers.connect()
    assert heard == ["", "desk"]
    assert len(caplog.records) == 1


@pytest.fixture
def manage_check(tmp_path: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Runs ``manage.py check`` on the stock host with lines added to its settings, in a process of its own."""

    def run(lines: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "broken_host.py").write_text(f"from hosts.stock.settings import *\n{lines}\n")
        environ = os.environ | {
            "DJANGO_SETTINGS_MODULE": "broken_host",
            "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)]),
        }
        command = [sys.executable, "-m", "django", "check"]
        return subprocess.run(command, env=environ, cwd=tmp_path, check=False, capture_output=True, text=True)

    return run


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("SCIM_PROVIDER = ['x']", "E001"),
        ("SCIM_PROVIDER = {'ADAPTERS': {'User': 'nowhere.Adapter'}}", "E010"),
        ("SCIM_PROVIDER = {'PORTALS': {'store': 'x'}}", "E016"),
        (
            """
INSTALLED_APPS = ["django.contrib.staticfiles", "django_scim_provider"]
MIDDLEWARE, TEMPLATES, ROOT_URLCONF = [], [], None
""",
            "E060",
        ),
    ],
)
def test_a_broken_configuration_gives_messages_and_no_traceback(
    manage_check: Callable[[str], subprocess.CompletedProcess[str]], lines: str, expected: str
) -> None:
    result = manage_check(lines)
    assert result.returncode == 1
    assert f"(scim_provider.{expected})" in result.stderr
    assert "Traceback" not in result.stderr


# The reference page ----------------------------------------------------------------------------------------


def test_every_id_is_documented_and_no_other() -> None:
    in_code = re.findall(r'"scim_provider\.([EWI]\d{3})"', "".join(source.read_text() for source in SOURCES))
    on_page = re.findall(r"^``scim_provider\.([EWI]\d{3})``$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(on_page) == len(set(on_page))
    assert sorted(on_page) == sorted(set(in_code))
    # Under the heading stand message and hint, which the documentation's own extension reads from the code.
    shown = re.findall(r"^\.\. scim-check:: (\w+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == on_page
    assert all(check_messages.messages()[name] for name in on_page)


def test_the_page_shows_messages_as_the_command_prints_them(settings: Any) -> None:
    settings.SCIM_PROVIDER = ["ADAPTERS"]
    (message,) = [message for message in run_checks(tags=["scim_provider"]) if message.id == "scim_provider.E001"]
    shown = check_messages.printed("E001")
    assert shown.startswith(
        "(scim_provider.E001) SCIM_PROVIDER must be a dictionary, not ….\n        HINT: For example"
    )
    ((said, hint),) = check_messages.messages()["E001"]
    assert re.fullmatch(re.escape(said).replace("…", ".*"), message.msg)
    assert re.fullmatch(re.escape(hint).replace("…", ".*"), message.hint or "")


def test_an_id_says_how_severe_its_message_is() -> None:
    other = r"(?!\bError\(|\bWarning\(|\bInfo\()"
    made = re.compile(rf'\b(Error|Warning|Info)\((?:{other}.)*?"scim_provider\.([EWI])', re.DOTALL)
    found = {pair for source in SOURCES for pair in made.findall(source.read_text())}
    assert found == {("Error", "E"), ("Warning", "W"), ("Info", "I")}
