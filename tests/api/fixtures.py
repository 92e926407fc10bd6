"""Fixtures of tests/api, tests/security and tests/reliability; each conftest.py there names the ones it uses."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import got_request_exception
from django.db import connection as database
from django.db import connections
from django.utils.log import AdminEmailHandler

from api.credentials import Reports
from api.helpers import VENDOR
from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from factories import ConnectionFactory


@pytest.fixture
def second(connection: ScimConnection) -> ScimConnection:
    """Another connection of the same site."""
    return ConnectionFactory()


@pytest.fixture
def second_scim(second: ScimConnection, issue_token: Callable[..., str]) -> ScimClient:
    """The identity provider of ``second``."""
    return ScimClient(issue_token(second))


@pytest.fixture
def threads(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets threads have database connections of their own; use the database in threads only (``helpers.apart``).

    SQLite's tests run in memory, where connections lock each other out at once: threads get a copy in a file, with
    the write-ahead log and the time-out that a deployment has.
    """
    if VENDOR == "sqlite":
        copy = tmp_path / "threads.sqlite3"
        with database.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(copy)])
        settings: dict[str, Any] = {**connections.settings["default"], "NAME": str(copy)}
        monkeypatch.setitem(connections.settings, "default", settings)


@pytest.fixture
def reports(settings: Any) -> Iterator[Reports]:
    settings.ADMINS = [("Admin", "admin@example.com")]
    handler, mailer = Reports(), AdminEmailHandler(include_html=True)
    mailer.setLevel(logging.ERROR)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.DEBUG)
    root.addHandler(handler)
    logging.getLogger("django_scim_provider").addHandler(mailer)
    got_request_exception.connect(handler.report)
    yield handler
    got_request_exception.disconnect(handler.report)
    logging.getLogger("django_scim_provider").removeHandler(mailer)
    root.removeHandler(handler)
    root.setLevel(level)
