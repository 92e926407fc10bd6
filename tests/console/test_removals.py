"""Removals over the console: what is held, what was done, and what the administrator decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from conftest import ScimClient
from console.caller import Caller
from django_scim_provider.models import (
    ConnectionGuard,
    HeldRemoval,
    ScimConnection,
    ScimEvent,
    ScimOAuthClient,
    ScimRemoval,
)
from django_scim_provider.services import alarm, tokens
from django_scim_provider.services.context import Context
from services.people import OFF, how_many_are_active

pytest_plugins = ("removal_fixtures",)
pytestmark = pytest.mark.django_db


@pytest.fixture
def path(connection: ScimConnection) -> str:
    return f"/connections/{connection.pk}"


@pytest.mark.hosts
def test_nothing_is_held_as_a_rule(root: Caller, path: str) -> None:
    assert root.get(f"{path}/guard").json() == {
        "guard": "tell",
        "limit": 10,
        "held": 0,
        "is_holding": False,
        "alarm_at": None,
        "passes_until": None,
        "to_undo": 0,
    }
    for name in ("removals", "removals/held"):
        assert root.get(f"{path}/{name}").json()["count"] == 0


@pytest.mark.hosts
def test_who_is_held_when_and_by_which_token(root: Caller, path: str, mistake: Any) -> None:
    ids = mistake("hold")
    assert root.get(path).json()["status"]["warnings"] == ["removals_held"]
    guard = root.get(f"{path}/guard").json()
    assert guard.pop("alarm_at")
    assert guard == {
        "guard": "hold",
        "limit": 10,
        "held": 2,
        "is_holding": True,
        "passes_until": None,
        "to_undo": 10,
    }
    key_id = HeldRemoval.objects.values_list("key_id", flat=True)[0]
    waiting = root.get(f"{path}/removals/held").json()["results"]
    assert [(one["resource_id"], one["label"]) for one in waiting] == [
        (ids[10], "p10@example.com"),
        (ids[11], "p11@example.com"),
    ]
    asked = {"people": 1, "count": 1, "key_id": key_id, "by": "Okta production", "remote_addr": "127.0.0.1"}
    assert waiting[0] | asked == waiting[0]
    done = root.get(f"{path}/removals", limit=1).json()
    assert (done["count"], len(done["results"])) == (10, 1)
    told = {"person": ids[9], "user_name": "p09@example.com", "kind": "deactivate", "by": "Okta production"}
    assert done["results"][0] | told == done["results"][0]


def test_lists_cost_the_same_however_long_they_are(root: Caller, path: str, context: Context, mistake: Any) -> None:
    mistake("hold")
    names = ("guard", "removals", "removals/held")

    def cost() -> list[int]:
        costs = []
        for name in names:
            with CaptureQueriesContext(database) as queries:
                assert root.get(f"{path}/{name}").status_code == 200
            costs.append(len(queries))
        return costs

    assert root.get(f"{path}/removals").json()["count"] == 10
    many = cost()
    ScimRemoval.objects.exclude(pk=ScimRemoval.objects.values_list("pk", flat=True)[0]).delete()
    HeldRemoval.objects.exclude(pk=HeldRemoval.objects.values_list("pk", flat=True)[0]).delete()
    tokens.issue(context)
    assert cost() == many


def test_whoever_removed_is_called_by_name_be_it_a_token_a_client_or_unknown(
    root: Caller, path: str, connection: ScimConnection, mistake: Any
) -> None:
    mistake("tell")
    client = ScimOAuthClient.objects.create(connection=connection, application_key="1", client_id="entra-production")
    last, other = ScimRemoval.objects.all()[:2]
    ScimRemoval.objects.filter(pk=last.pk).update(key_id=client.key_id)
    ScimRemoval.objects.filter(pk=other.pk).update(key_id="gone")
    found = root.get(f"{path}/removals").json()["results"]
    assert [one["by"] for one in found[:3]] == ["entra-production", "gone", "Okta production"]


def test_release(
    root: Caller, path: str, connection: ScimConnection, mistake: Any, issue_token: Callable[..., str]
) -> None:
    ids = mistake("hold")
    released = root.post(f"{path}/removals/release").json()
    assert released["passes_until"]
    assert (released["held"], released["is_holding"], released["alarm_at"]) == (0, False, None)
    assert released == root.get(f"{path}/guard").json()
    assert ScimClient(issue_token(connection)).patch(f"/Users/{ids[-1]}", OFF).status_code == 200
    assert ScimEvent.objects.get(action="let_pass").actor.pk == root.user.pk


@pytest.mark.hosts
def test_undo(root: Caller, path: str, mistake: Any) -> None:
    ids = mistake("hold")
    undone = root.post(f"{path}/removals/undo").json()
    assert undone["left"] == 0
    assert undone["done"][0] == {"user_name": "p00@example.com", "refusal": "", "missing": []}
    assert len(undone["done"]) == 10
    assert how_many_are_active() == len(ids)
    assert root.get(path).json()["status"]["warnings"] == []
    assert not HeldRemoval.objects.exists()
    assert ConnectionGuard.objects.get().alarm_at is None


def test_undo_in_portions_names_what_does_not_return(
    root: Caller, path: str, mistake: Any, monkeypatch: pytest.MonkeyPatch, scim: ScimClient
) -> None:
    monkeypatch.setattr(alarm, "AT_ONCE", 8)
    ids = mistake("tell")
    ScimRemoval.objects.filter(scim_user__scim_id=ids[0]).update(state={"active": True, "password": True})
    scim.delete(f"/Users/{ids[1]}")
    scim.create("p01@example.com")
    told: dict[str, Any] = {}
    left, requests = 1, 0
    while left:
        undone = root.post(f"{path}/removals/undo").json()
        told |= {one.pop("user_name"): one for one in undone["done"]}
        left, requests = undone["left"], requests + 1
    assert requests == 2
    assert told.keys() == {f"p{number:02}@example.com" for number in range(12)}
    assert "the password" in told["p00@example.com"]["missing"][0]
    assert "already taken" in told["p01@example.com"]["refusal"]
    assert told["p02@example.com"] == {"refusal": "", "missing": []}
    assert root.get(f"{path}/guard").json()["alarm_at"] is None


def test_without_an_alarm_nothing_is_undone(root: Caller, path: str, mistake: Any) -> None:
    mistake("off")
    assert root.post(f"{path}/removals/undo").json() == {"done": [], "left": 0}
    assert how_many_are_active() == 0
    mistaken = root.get(f"{path}/removals").json()
    assert mistaken["count"] == 12


def test_the_limit_is_raised_like_any_policy(root: Caller, path: str) -> None:
    assert root.request("PATCH", path, {"guard_limit": 500}).status_code == 200
    assert root.get(f"{path}/guard").json()["limit"] == 500
