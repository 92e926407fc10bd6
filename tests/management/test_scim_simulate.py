from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.serializers import serialize
from django.test.runner import DiscoverRunner

from django_scim_provider.models import ScimConnection
from factories import ConnectionFactory, HostUserFactory

MANAGE = Path(__file__).resolve().parents[2] / "example_project" / "manage.py"
SMALL = ("--users", "2", "--days", "1", "--noinput")
Manage = Callable[..., Any]
happened: list[str] = []


class Runner(DiscoverRunner):
    """The database of this test is one for tests already."""

    def setup_test_environment(self, **kwargs: Any) -> None:
        happened.append("environment")

    def setup_databases(self, **kwargs: Any) -> Any:
        happened.append(f"databases, {'asks' if self.interactive else 'does not ask'}")

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        happened.append("no databases")

    def teardown_test_environment(self, **kwargs: Any) -> None:
        happened.append("no environment")


@pytest.fixture(autouse=True)
def _runner(settings: Any) -> None:
    happened.clear()
    settings.TEST_RUNNER = f"{__name__}.Runner"


@pytest.mark.django_db
def test_it_plays_against_the_project_in_a_database_for_tests(manage: Manage) -> None:
    done = manage("scim_simulate", "okta", *SMALL, "--groups", "1", "--variant", "oin", tty=True)
    assert done.out.startswith("Okta (oin): 2 users, 1 days, seed 1\n")
    assert "The server has what the directory has." in done.out
    assert "Okta [##############################] 3/3" in done.err
    assert happened == ["environment", "databases, does not ask", "no databases", "no environment"]
    assert ScimConnection.objects.get().provider == "okta"


@pytest.mark.django_db
def test_it_is_silent_where_nobody_watches_and_says_it_in_json(manage: Manage) -> None:
    done = manage("scim_simulate", "google", *SMALL[:-1], "--json", "--lose", "3")
    assert done.err == ""
    assert {"ok", "requests", "statuses", "median", "p95", "complaints", "differences"} == done.json.keys()
    assert done.json["ok"] is True
    assert done.json["statuses"]["0"] > 0
    assert happened[1] == "databases, asks"


@pytest.mark.django_db
def test_complaints_and_differences_are_an_error(manage: Manage, settings: Any) -> None:
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "IS_ALLOWED": f"{__name__}.nobody"}
    done = manage("scim_simulate", "entra", *SMALL, fails=r"^1 complaint, 1 difference\.$")
    assert "CredentialValidationFailure" in done.out
    assert "closed for the weekend" in done.out
    assert happened[-1] == "no environment"


def nobody(connection: ScimConnection) -> str:
    return "closed for the weekend"


@pytest.mark.django_db
def test_fixtures_are_loaded_first(manage: Manage, tmp_path: Path) -> None:
    somebody = HostUserFactory(name="there")
    (tmp_path / "people.json").write_text(serialize("json", [somebody]))
    somebody.delete()
    manage("scim_simulate", "google", *SMALL, "--fixture", str(tmp_path / "people.json"))
    assert get_user_model().objects.filter(email="there@example.com").exists()


@pytest.mark.django_db
def test_what_cannot_be_played_is_said(manage: Manage) -> None:
    manage("scim_simulate", "okta", "--variant", "scim1", fails="Okta has no variant “scim1”: aiw, oin.")
    manage("scim_simulate", "okta", "--portal", "shop", fails="The PORTALS setting knows no portal of this name.")
    manage("scim_simulate", "okta", "--url", "http://127.0.0.1:9/scim", fails="--url needs a token: --token TOKEN")


@pytest.mark.django_db(transaction=True)
def test_it_plays_against_a_url(manage: Manage, live_server: Any, issue_token: Callable[..., str]) -> None:
    token = issue_token(ConnectionFactory(name="Far"))
    done = manage("scim_simulate", "google", *SMALL, "--url", f"{live_server.url}/scim/v2/", "--token", token)
    assert "The server has what the directory has." in done.out
    assert happened == []
    assert get_user_model().objects.count() == 2


def test_without_httpx_a_url_is_refused(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "django_scim_provider.testing.remote", raising=False)
    monkeypatch.setitem(sys.modules, "httpx", None)
    arguments = ("--url", "http://127.0.0.1:9/scim", "--token", "x")
    manage(
        "scim_simulate", "okta", *arguments, fails=r'--url needs httpx: pip install "django-scim-provider\[testing\]"'
    )


def test_the_developers_database_is_left_alone(tmp_path: Path) -> None:
    """In the example project, with a database that is not even there."""
    path = os.pathsep.join(
        str(Path(entry).resolve()) for entry in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "DJANGO_"))}
    environ |= {"DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}", "PYTHONPATH": path, "PYTHONWARNINGS": "error"}
    command = [sys.executable, str(MANAGE), "scim_simulate", "jumpcloud", *SMALL, "--groups", "1", "--tenant", "acme"]
    done = subprocess.run(command, env=environ, check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "The server has what the directory has." in done.stdout
    assert list(tmp_path.iterdir()) == []
