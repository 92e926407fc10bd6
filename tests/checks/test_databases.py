from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, models

from checks.wiring import APP_LABEL, Wire, ids
from django_scim_provider.adapters import Attr, UserAdapter
from django_scim_provider.checks import databases
from django_scim_provider.checks.databases import check_database, check_one_database
from django_scim_provider.models import ScimUser

Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Puts another database in the place of the one that the suite runs on."""

    def pretend(vendor: str, **options: Any) -> None:
        wrapper = SimpleNamespace(vendor=vendor, settings_dict={"OPTIONS": options or None})
        monkeypatch.setattr(databases, "connections", {DEFAULT_DB_ALIAS: wrapper})

    return pretend


@pytest.mark.hosts
def test_the_database_of_the_suite_is_right() -> None:
    assert ids(check_database()) == []
    assert ids(check_one_database()) == []


@pytest.mark.parametrize(
    ("vendor", "options", "expected"),
    [
        ("sqlite", {"transaction_mode": "IMMEDIATE"}, []),
        ("sqlite", {"transaction_mode": "exclusive"}, []),
        ("sqlite", {}, ["W052"]),
        ("sqlite", {"transaction_mode": "DEFERRED"}, ["W052"]),
        ("sqlite", {"transaction_mode": None}, ["W052"]),
        ("postgresql", {}, []),
        ("mysql", {}, []),
        ("mysql", {"charset": "utf8mb4", "isolation_level": "Read Committed"}, []),
        ("mysql", {"charset": "utf8"}, ["W053"]),
        ("mysql", {"isolation_level": "repeatable read"}, ["W054"]),
        ("mysql", {"isolation_level": None}, ["W054"]),
        ("oracle", {}, ["W055"]),
    ],
)
def test_the_options_of_a_database_are_looked_at(
    pretend: Pretend, vendor: str, options: dict[str, Any], expected: list[str]
) -> None:
    pretend(vendor, **options)
    assert ids(check_database()) == expected


def test_times_without_a_zone_are_reported(settings: Any) -> None:
    settings.USE_TZ = False
    assert ids(check_database()) == ["E051"]


def test_a_database_that_is_not_configured_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "database", lambda: "nowhere")
    assert ids(check_database()) == ["E099"]


class Router:
    """Sends one model elsewhere, for reading or for writing."""

    def __init__(self, model: type[models.Model], *, reads: bool) -> None:
        self.model = model
        self.reads = reads

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return "elsewhere" if self.reads and model is self.model else None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str | None:
        return "elsewhere" if not self.reads and model is self.model else None


@pytest.mark.parametrize("model", [User, ScimUser])
def test_two_databases_for_one_write_are_reported(settings: Any, wire: Wire, model: type[models.Model]) -> None:
    wire()
    settings.DATABASE_ROUTERS = [Router(model, reads=False)]
    assert ids(check_one_database()) == ["E050"]


def test_a_replica_for_reading_is_right(settings: Any, wire: Wire) -> None:
    wire()
    settings.DATABASE_ROUTERS = [Router(User, reads=True)]
    assert ids(check_one_database()) == []


def test_a_related_row_in_another_database_is_reported(settings: Any, isolated: Any, wire: Wire) -> None:
    meta = type("Meta", (), {"app_label": APP_LABEL})
    member = type("Member", (models.Model,), {"__module__": __name__, "Meta": meta})
    user = models.OneToOneField(member, models.CASCADE, related_name="profile")
    text = models.CharField(max_length=5)
    profile = type("Profile", (models.Model,), {"__module__": __name__, "Meta": meta, "user": user, "title": text})
    settings.DATABASE_ROUTERS = [Router(profile, reads=False)]
    for entry, expected in [("profile__title", ["E050"]), (Attr("profile__title", set=None), [])]:
        wire(adapter=type("Adapter", (UserAdapter,), {"model": member, "attributes": {"title": entry}}))
        assert ids(check_one_database()) == expected
