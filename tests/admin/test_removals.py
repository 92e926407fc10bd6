"""Held removals: who, when, by which token; release, undo, or raise the limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from admin.browser import MANAGE, VIEW, Browser, text, url
from conftest import ScimClient
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin import removals
from django_scim_provider.models import ConnectionGuard, HeldRemoval, ScimConnection, ScimRemoval
from django_scim_provider.services import alarm
from django_scim_provider.services.context import Context
from group_support import group_body, provision, push
from services.people import OFF, how_many_are_active

pytest_plugins = ("removal_fixtures",)
pytestmark = pytest.mark.django_db


@pytest.mark.hosts
def test_nothing_is_held_as_a_rule(root: Browser, connection: ScimConnection) -> None:
    page = text(root.get(url("removals", connection.pk)))
    assert "Nothing is held." in page
    assert "Nobody was removed." in page
    assert "More than 10 people within ten minutes. Then: Tell the administrators." in page
    assert url("undo", connection.pk) not in page
    assert "Review removals" not in text(root.get(url("changelist")))


@pytest.mark.hosts
def test_who_is_held_when_and_by_which_token(root: Browser, connection: ScimConnection, mistake: Any) -> None:
    ids = mistake("hold")
    overview = text(root.get(url("changelist")))
    assert "2 removals are being held." in overview
    assert url("removals", connection.pk) in overview
    page = text(root.get(url("removals", connection.pk)))
    for said in ("p10@example.com", "p11@example.com", "Okta production", "127.0.0.1", "2 in all."):
        assert said in page
    assert page.index("p11@example.com") < page.index("Removals that were done") < page.index("p09@example.com")
    assert how_many_are_active() == len(ids) - 10


def test_who_may_not_manage_is_not_led_there(connection: ScimConnection, mistake: Any) -> None:
    mistake("tell")
    page = text(Browser(VIEW).get(url("changelist")))
    assert "Unusually many people were removed, first noticed just now." in page
    assert url("removals", connection.pk) not in page


def test_release(connection: ScimConnection, mistake: Any, issue_token: Callable[..., str]) -> None:
    ids = mistake("hold")
    browser = Browser(VIEW, MANAGE)
    assert "within a day" in text(browser.get(url("release", connection.pk)))
    assert HeldRemoval.objects.count() == 2
    page = text(browser.client.post(url("release", connection.pk), follow=True))
    assert "Removals pass for a day." in page
    assert "Released: removals pass until" in page
    assert "Nothing is held." in page
    assert ScimClient(issue_token(connection)).patch(f"/Users/{ids[-1]}", OFF).status_code == 200


@pytest.mark.hosts
def test_undo(root: Browser, connection: ScimConnection, mistake: Any) -> None:
    ids = mistake("hold")
    asked = text(root.get(url("undo", connection.pk)))
    assert "10 people get back what they had" in asked
    assert "may ask for the same again" in asked
    page = text(root.client.post(url("undo", connection.pk), follow=True))
    assert "10 people got back what they had." in page
    assert "Nothing is held." in page
    assert how_many_are_active() == len(ids)
    assert ConnectionGuard.objects.get().alarm_at is None


def test_undo_in_portions_names_what_does_not_return(
    root: Browser, connection: ScimConnection, mistake: Any, monkeypatch: pytest.MonkeyPatch, scim: ScimClient
) -> None:
    monkeypatch.setattr(alarm, "AT_ONCE", 8)
    ids = mistake("tell")
    ScimRemoval.objects.filter(scim_user__scim_id=ids[0]).update(state={"active": True, "password": True})
    scim.delete(f"/Users/{ids[1]}")
    scim.create("p01@example.com")
    ScimConnection.objects.update(enabled=False)
    assert "may ask for the same again" not in text(root.get(url("undo", connection.pk)))
    page = text(root.client.post(url("undo", connection.pk), follow=True))
    assert "“p00@example.com” did not get back: the password" in page
    assert "“p01@example.com” stays removed: " in page
    # The one who is refused is not one of the eight.
    assert "8 people got back what they had." in page
    assert "3 more are to be undone" in page
    root.post(url("undo", connection.pk))
    assert how_many_are_active() == 12
    assert ConnectionGuard.objects.get().alarm_at is None


def test_whoever_is_refused_stands_in_nobody_elses_way(
    root: Browser, connection: ScimConnection, mistake: Any, monkeypatch: pytest.MonkeyPatch, scim: ScimClient
) -> None:
    monkeypatch.setattr(alarm, "AT_ONCE", 3)
    monkeypatch.setattr(removals, "NAMES", 2)
    ids = mistake("tell")
    for number in range(4):
        scim.delete(f"/Users/{ids[number]}")
        scim.create(f"p{number:02}@example.com")
    for left in ("5 more are", "2 more are", ""):
        page = text(root.client.post(url("undo", connection.pk), follow=True))
        assert "stays removed" in page
        assert "“p01@example.com”" in page
        assert "“p02@example.com”" not in page
        assert "2 more people did not get everything back." in page
        assert left in page
    assert how_many_are_active() == 12
    assert "press the button again" not in page
    assert ConnectionGuard.objects.get().alarm_at is None


def test_without_an_alarm_nothing_is_undone_here(root: Browser, connection: ScimConnection, mistake: Any) -> None:
    mistake("off")
    assert "0 people got back" in text(root.client.post(url("undo", connection.pk), follow=True))
    assert how_many_are_active() == 0


def test_undoing_nothing_does_not_end_a_release(root: Browser, connection: ScimConnection, mistake: Any) -> None:
    mistake("hold")
    root.post(url("release", connection.pk))
    until = ConnectionGuard.objects.get().released_until
    root.post(url("undo", connection.pk))
    assert ConnectionGuard.objects.get().released_until == until is not None


def test_the_limit_can_be_raised(root: Browser, connection: ScimConnection) -> None:
    saved = root.post(url("removals", connection.pk), {"guard_limit": "500"})
    assert saved.status_code == 302
    page = text(root.get(url("removals", connection.pk)))
    assert "More than 500 people within ten minutes." in page
    assert root.post(url("removals", connection.pk), {"guard_limit": "-1"}).context["form"].errors
    root.post(url("removals", connection.pk), {"guard_limit": "500"})
    root.post(url("removals", connection.pk), {"guard_limit": ""})
    connection.refresh_from_db()
    assert connection.guard_limit is None


def test_the_limit_can_be_raised_after_the_organization_is_gone(
    root: Browser, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UserAdapter, "has_tenant", lambda self, connection: False)
    assert root.post(url("removals", connection.pk), {"guard_limit": "500"}).status_code == 302
    connection.refresh_from_db()
    assert connection.guard_limit == 500


def test_what_speaks_against_the_limit_is_said_on_the_page(root: Browser, connection: ScimConnection) -> None:
    ScimConnection.objects.update(ip_allowlist="the office")
    page = root.post(url("removals", connection.pk), {"guard_limit": "500"})
    assert page.status_code == 200
    assert "“the office” is not an address" in text(page)
    connection.refresh_from_db()
    assert connection.guard_limit is None


def test_a_held_group_says_how_many_people_it_is_about(
    root: Browser, connection: ScimConnection, context: Context, scim: ScimClient
) -> None:
    from django.contrib.auth.models import Group

    from django_scim_provider.services import role_mappings

    Group.objects.create(name="writer")
    ScimConnection.objects.update(guard="hold")
    role_mappings.save_mapping(context, "Staff", "writer")
    ids = [str(row.scim_id) for row in provision(context, *(f"p{number:02}" for number in range(12)))]
    group = push(scim, "Staff", *ids)["id"]
    for _ in range(2):
        assert scim.put(f"/Groups/{group}", group_body("Staff")).status_code == 429
    page = text(root.get(url("removals", connection.pk)))
    assert "12 people" in page
    assert "2 times" in page
