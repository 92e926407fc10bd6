"""Enable SCIM: what is shown, what is chosen, what is made."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test import override_settings

from admin.browser import Browser, hidden, text, tokens_in, url
from conftest import ScimClient
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin import enabling
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


@pytest.mark.hosts
def test_enabling_makes_the_connection_the_people_and_a_token_that_works(root: Browser) -> None:
    HostUserFactory(name="alice")
    response = root.enable(name="Acme · Okta")
    assert response.status_code == 200
    connection = ScimConnection.objects.get()
    assert (connection.name, connection.provider, connection.enabled) == ("Acme · Okta", "okta", True)
    assert connection.state_changed_by_id == root.user.pk
    assert ScimUser.objects.filter(connection=connection).count() == 2
    (token,) = tokens_in(response)
    assert [person["userName"] for person in ScimClient(token).find('userName eq "alice@example.com"')]
    assert "http://testserver/scim/v2" in text(response)
    assert "2 existing people are managed by SCIM now." in text(response)


@pytest.mark.hosts
def test_enabling_is_recorded_with_the_administrator_and_their_address(root: Browser) -> None:
    root.enable()
    assert actions() == ["token_issue", "enable"]
    assert {event.actor_id for event in ScimEvent.objects.all()} == {root.user.pk}
    assert {event.remote_addr for event in ScimEvent.objects.all()} == {"127.0.0.1"}
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (root.user.pk, str(ScimConnection.objects.get().pk))
    assert entry.get_change_message() == "Added."


def test_very_many_people_are_better_put_under_management_on_the_command_line(
    root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann@example.com", "bob@example.com"):
        HostUserFactory(name=name)
    hint = "For so many people this can take longer than a web server lets a request last."
    assert hint not in text(root.get(url("add")))
    monkeypatch.setattr(enabling, "AT_ONCE", 1)
    told = f"{hint} The command line shows how far it is: <code>manage.py scim_connection</code>"
    assert told in text(root.get(url("add")))


def test_the_page_shows_what_will_happen_before_anything_is_saved(root: Browser) -> None:
    HostUserFactory(name="alice")
    HostUserFactory(name="evil\u202e@example.com")
    preview = root.get(url("add")).context["preview"]
    assert preview["headline"] == "2 existing people will be managed."
    assert [(finding["summary"], finding["names"]) for finding in preview["findings"]] == [
        ("Who is protected", ["root@example.com"]),
        ("Which user names", ["evil\u202e@example.com"]),
    ]
    assert not ScimConnection.objects.exists()
    assert "1 person could not be put under management." in text(root.enable())


@pytest.mark.skipif(database.vendor == "mysql", reason="its collation keeps the host from having two such people")
def test_people_whose_names_differ_only_in_spelling_are_named(root: Browser) -> None:
    HostUserFactory(name="alice")
    HostUserFactory(name="Alice@EXAMPLE.com")
    preview = root.get(url("add")).context["preview"]
    assert preview["headline"] == "2 existing people will be managed."
    assert preview["findings"][1]["names"] == ["Alice@EXAMPLE.com"]
    assert "1 person could not be put under management." in text(root.enable())


def test_a_long_list_says_that_it_is_a_sample(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django_scim_provider.services.sync.SAMPLE", 1)
    assert "1 or more of them is protected" in text(root.get(url("add")))


def test_show_what_will_happen_keeps_the_choices_and_saves_nothing(root: Browser) -> None:
    data = root.enable_form(name="", existing_accounts="never", on_delete="nothing")
    page = root.post(url("add"), {key: value for key, value in data.items() if key != "_enable"} | {"_preview": "1"})
    assert page.status_code == 200
    assert page.context["preview"]["headline"].startswith("No existing account will be managed")
    assert page.context["form"]["on_delete"].value() == "nothing"
    assert "errornote" not in text(page)
    assert not page.context["form"].errors
    assert not ScimConnection.objects.exists()


def test_a_choice_that_changes_the_consequences_has_to_be_looked_at_first(root: Browser) -> None:
    page = root.enable(existing_accounts="never")
    assert "Your choices change what will happen" in text(page)
    assert not ScimConnection.objects.exists()
    root.enable(existing_accounts="never", seen=hidden(page, "seen"))
    assert ScimConnection.objects.get().existing_accounts == "never"
    assert not ScimUser.objects.exists()


def test_the_policies_chosen_are_those_of_the_connection(root: Browser) -> None:
    root.enable(on_create="ignore", on_deactivate="nothing", on_delete="delete")
    connection = ScimConnection.objects.get()
    assert (connection.on_create, connection.on_deactivate, connection.on_delete) == ("ignore", "nothing", "delete")


@pytest.mark.parametrize(
    ("field", "value"),
    [("provider", ""), ("provider", "nonsense"), ("name", ""), ("name", "x" * 101), ("on_delete", "hook")],
)
def test_what_cannot_be_is_marked_and_nothing_is_saved(field: str, value: str, root: Browser) -> None:
    page = root.enable(**{field: value})
    assert list(page.context["form"].errors) == [field]
    assert "Nothing was saved" in text(page)
    assert not tokens_in(page)
    assert not ScimConnection.objects.exists()
    assert not ScimToken.objects.exists()


def test_a_name_is_taken_once(root: Browser) -> None:
    ConnectionFactory(name="Acme")
    assert "name" in root.enable(name="Acme").context["form"].errors
    assert ScimConnection.objects.count() == 1


def test_a_name_that_is_taken_meanwhile_is_an_error_of_the_form(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    data = root.enable_form()
    ConnectionFactory(name="Acme")
    monkeypatch.setattr(ScimConnection, "validate_unique", lambda *args, **kwargs: None)
    monkeypatch.setattr(ScimConnection, "validate_constraints", lambda *args, **kwargs: None)
    page = root.post(url("add"), data)
    assert page.status_code == 200
    assert "already exists" in text(page)
    assert not tokens_in(page)
    assert (ScimConnection.objects.count(), ScimToken.objects.count()) == (1, 0)


def test_a_failure_while_people_are_taken_over_leaves_scim_off(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("the worker was killed")

    monkeypatch.setattr("django_scim_provider.services.sync.adopt", fail)
    data = root.enable_form()
    with pytest.raises(RuntimeError):
        root.post(url("add"), data)
    assert not ScimConnection.objects.get().enabled
    monkeypatch.undo()
    response = root.ask(url("enable", ScimConnection.objects.get().pk))
    assert len(tokens_in(response)) == 1
    assert ScimToken.objects.filter(revoked_at=None).count() == 1


def test_without_a_mount_the_page_says_what_to_do(root: Browser) -> None:
    with override_settings(ROOT_URLCONF="admin.unmounted"):
        assert "django_scim_provider.urls" in text(root.get(url("add")))
        response = root.enable()
        assert len(tokens_in(response)) == 1
        assert "django_scim_provider.urls" in text(response)
        assert "django_scim_provider.urls" in text(root.get(url("change", ScimConnection.objects.get().pk)))


def test_the_base_url_of_the_settings_is_the_one_shown(root: Browser, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"BASE_URL": "https://scim.example.com/v2/"}
    response = root.enable()
    assert ">https://scim.example.com/v2<" in text(response)
    assert "not HTTPS" not in text(response)


def test_an_address_in_the_clear_is_warned_of(root: Browser) -> None:
    assert "not HTTPS" in text(root.enable())


def test_hosts_with_tenants_choose_one_and_take_over_nobody(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserAdapter, "multi_tenant", True)
    page = root.get(url("add"))
    assert "existing_accounts" not in page.context["form"].fields
    assert "tenant" in root.enable(tenant="").context["form"].errors
    root.enable(tenant="acme")
    connection = ScimConnection.objects.get()
    assert (connection.tenant, connection.existing_accounts) == ("acme", "never")


def test_a_tenant_that_is_not_there_is_marked_before_anything_is_shown(
    root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UserAdapter, "multi_tenant", True)
    monkeypatch.setattr(UserAdapter, "has_tenant", lambda self, connection: connection.tenant == "acme")
    for more in ({"_preview": "1"}, {}):
        page = root.enable(tenant="typo", **more)
        assert page.context["form"].errors == {"tenant": ["There is no organization with this key."]}
        assert page.context["preview"] is None
        assert not page.context["form"].non_field_errors()
    assert "empty in a single-tenant site" not in text(page)
    assert root.enable(tenant="acme", _preview="1").context["preview"]


def test_whoever_another_connection_manages_is_the_reason_for_taking_over_nobody(root: Browser) -> None:
    for name in ("alice", "bob"):
        HostUserFactory(name=name)
    root.enable(name="Acme")
    preview = root.get(url("add")).context["preview"]
    said = "3 people are managed by another connection (Acme) and stay there."
    assert preview["headline"].startswith("No existing account will be managed")
    assert said in text(root.get(url("add")))
    assert said not in text(root.enable(name="Other", existing_accounts="never", _preview="1"))
    ConnectionFactory(name="Off", enabled=False)
    again = text(root.get(url("enable", ScimConnection.objects.get(name="Off").pk)))
    assert said in again


def test_what_depends_on_the_tenant_is_shown_once_it_is_chosen(root: Browser, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": {"User": "admin.tenants.TenantAdapter"}}
    HostUserFactory(name="alice")
    HostUserFactory(name="bob@elsewhere.org")
    page = root.enable(tenant="", existing_accounts="verified", _preview="1")
    assert page.context["preview"] is None
    assert "Choose the organization" in text(page)
    page = root.enable(tenant="acme", existing_accounts="verified", _preview="1")
    assert page.context["preview"]["headline"] == "2 existing people will be managed."
    seen = hidden(page, "seen")
    assert seen != hidden(root.enable(tenant="globex", existing_accounts="verified", _preview="1"), "seen")
    root.enable(tenant="acme", existing_accounts="verified", seen=seen)
    assert ScimUser.objects.count() == 2


def test_a_portal_is_chosen_where_there_are_several(root: Browser, settings: Any) -> None:
    assert "portal" not in root.get(url("add")).context["form"].fields
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"PORTALS": {"store": {}}}
    page = root.enable(portal="store")
    root.enable(portal="store", seen=hidden(page, "seen"))
    assert ScimConnection.objects.get().portal == "store"
    assert "portal" in root.enable(portal="nonsense", name="Other").context["form"].errors
