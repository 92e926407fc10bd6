"""The overview: one look tells whether provisioning is healthy."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admin.browser import MANAGE, VIEW, Browser, live_token, text, url
from conftest import ScimClient
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.services import audit, connections, overview
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def state(connection: ScimConnection) -> overview.State:
    connection.refresh_from_db()
    (found,) = overview.states([connection])
    return found


def provider_event(connection: ScimConnection, **event: Any) -> ScimEvent:
    return audit.record(Context(connection, key_id="A" * 12), audit.Action.CREATE, **event)


@pytest.mark.hosts
def test_the_empty_overview_explains_and_offers_one_button() -> None:
    page = text(Browser(VIEW, MANAGE).get(url("changelist")))
    assert "Let your identity provider keep the accounts here up to date" in page
    assert page.count(f'class="button scim-primary" href="{url("add")}"') == 1
    page = text(Browser(VIEW).get(url("changelist")))
    assert url("add") not in page
    assert "Ask an administrator who may" in page


@pytest.mark.hosts
def test_people_are_counted_as_the_provider_would_find_them(scim: ScimClient, connection: ScimConnection) -> None:
    for name in ("a", "b", "c", "d"):
        scim.create(f"{name}@example.com")
    gone, inactive = (scim.find(f'userName eq "{name}@example.com"')[0]["id"] for name in ("a", "b"))
    scim.delete(f"/Users/{gone}")
    scim.patch(f"/Users/{inactive}", {"op": "replace", "path": "active", "value": False})
    found = state(connection)
    assert (found.managed, found.active) == (3, 2)


@pytest.mark.hosts
def test_people_are_counted_for_each_connection_and_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    HostUserFactory(name="alice")
    HostUserFactory(name="bob", is_active=False)
    monkeypatch.setattr(UserAdapter, "multi_tenant", True)
    made = [ConnectionFactory(tenant=tenant, existing_accounts="adopt") for tenant in ("acme", "globex")]
    for connection in made:
        connections.enable(Context(connection))
    ScimUser.objects.filter(connection=made[1], user_name="alice@example.com").delete()
    assert [(found.managed, found.active) for found in overview.states(made)] == [(2, 1), (1, 0)]


def test_without_an_attribute_for_it_everybody_is_active(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": {"User": "admin.tenants.BareAdapter"}}
    HostUserFactory(name="alice")
    connection = ConnectionFactory(existing_accounts="adopt")
    connections.enable(Context(connection))
    assert state(connection).active == 1


@pytest.mark.hosts
def test_a_card_says_how_a_connection_does(root: Browser, connection: ScimConnection) -> None:
    ScimConnection.objects.update(
        name="Globex",
        provider="entra",
        tenant="globex-inc",
        portal="store",
        last_seen_at=timezone.now() - timedelta(minutes=2),
        state_changed_at=timezone.now() - timedelta(days=3),
        state_changed_by=root.user,
    )
    live_token(connection)
    page = text(root.get(url("changelist")))
    for said in (
        "Globex",
        "Microsoft Entra ID",
        "globex-inc",
        "store",
        "On",
        "0 people managed",
        "0 active",
        "by root@",
    ):
        assert said in page
    assert "2\xa0minutes ago" in page
    assert "3\xa0days ago" in page
    assert "scim-warning" not in page
    ScimConnection.objects.update(enabled=False, last_seen_at=None)
    page = text(root.get(url("changelist")))
    assert "Disabled" in page
    assert url("enable", connection.pk) in page


def test_the_numbers_are_written_as_people_write_them(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = ConnectionFactory()
    state_ = overview.State(connection, managed=12345, active=1)
    monkeypatch.setattr(overview, "states", lambda connections: [state_])
    assert "12,345 people managed" in text(root.get(url("changelist")))


@pytest.mark.parametrize(
    ("lives", "used", "warning"),
    [
        ([], [], "No token is valid"),
        ([365], [], ""),
        ([31], [], ""),
        ([12], [], "The token expires in 12 days"),
        ([12, 1], [], "The token expires in 12 days"),
        ([365, 12], [0], ""),
        ([365, 12], [1], "still uses the token"),
        ([365, 300], [1], ""),
        ([365, 12], [1, 0], ""),
    ],
)
def test_it_warns_of_tokens_that_are_about_to_expire(
    lives: list[int], used: list[int], warning: str, root: Browser, connection: ScimConnection
) -> None:
    made = [live_token(connection, life=timedelta(days=days)) for days in lives]
    for minutes, index in enumerate(used):
        ScimToken.objects.filter(pk=made[index].pk).update(last_used_at=timezone.now() + timedelta(minutes=minutes))
    page = text(root.get(url("changelist")))
    assert warning in page
    assert ("scim-warning" in page) is bool(warning)
    if warning.startswith("The token expires"):
        assert url("rotate", connection.pk, made[0].pk) in page
    if not made:
        assert url("issue", connection.pk) in page


def test_what_is_off_warns_of_nothing(connection: ScimConnection) -> None:
    live_token(connection, life=timedelta(days=1))
    connections.disable(Context(connection))
    found = state(connection)
    assert (found.has_no_token, found.expiring, found.outdated) == (False, None, None)


@pytest.mark.hosts
def test_the_last_problem_is_told_in_words_and_forgotten_after_a_week(
    root: Browser, connection: ScimConnection
) -> None:
    provider_event(connection, outcome="refused", detail="userName is missing.")
    provider_event(connection, outcome="refused", detail="emails is not a list.")
    provider_event(connection, label="alice")
    provider_event(ConnectionFactory(), outcome="refused", detail="Somebody else's problem.")
    found = state(connection)
    assert found.problem is not None
    assert found.problem.detail == "emails is not a list."
    page = text(root.get(url("changelist")))
    assert "Okta could not create a person: emails is not a list." in page
    ScimEvent.objects.update(at=timezone.now() - timedelta(days=8))
    assert state(connection).problem is None


@pytest.mark.hosts
def test_twenty_connections_cost_the_queries_of_one(root: Browser) -> None:
    def add() -> None:
        connection = ConnectionFactory(existing_accounts="never")
        ScimConnection.objects.filter(pk=connection.pk).update(state_changed_by=root.user)
        live_token(connection)
        provider_event(connection, outcome="refused", detail="No.")

    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            assert root.get(url("changelist")).status_code == 200
        return len(captured)

    add()
    root.get(url("changelist"))
    one = queries()
    for _ in range(19):
        add()
    assert queries() == one
    assert one <= 12


def test_many_connections_are_paged_and_searched(root: Browser) -> None:
    for number in range(25):
        ConnectionFactory(name=f"Connection {number:02}", tenant="acme" if number == 7 else "")
    page = text(root.get(url("changelist")))
    assert "Page 1 of 2" in page
    assert "Connection 23" in page
    assert "Connection 24" not in page
    assert "Connection 24" in text(root.get(url("changelist"), p="2"))
    assert "Connection 24" in text(root.get(url("changelist"), p="nonsense", q="tion 24"))
    assert "Connection 07" in text(root.get(url("changelist"), q="acme"))
    nothing = text(root.get(url("changelist"), q="nobody"))
    assert "No connection has this name" in nothing
    assert "Show all" in nothing


def test_it_stands_in_the_index_of_the_admin(root: Browser) -> None:
    page = text(root.get("/admin/"))
    assert url("changelist") in page
    assert url("add") in page
