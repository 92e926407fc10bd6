"""SCIM on and off, as an administrator does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection as database
from django.test import override_settings
from django.utils import timezone

from admin.browser import Browser, hidden, superuser, text, tokens_in, url
from conftest import ScimClient
from django_scim_provider import signals
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin import confirmation
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.services import connections, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


# Enable -----------------------------------------------------------------------------------------------------


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


# The same person, right now ---------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_without_the_password_nothing_is_saved(password: str | None, root: Browser) -> None:
    data = root.enable_form(password=password)
    page = root.post(url("add"), {key: value for key, value in data.items() if value is not None})
    assert page.context["confirmation"].errors["password"]
    assert "Nothing was saved" in text(page)
    assert not tokens_in(page)
    assert not ScimConnection.objects.exists()


def test_passwords_cannot_be_tried_without_end(root: Browser) -> None:
    for _ in range(confirmation.MAX_ATTEMPTS):
        root.enable(password="wrong")
    assert "Too many wrong passwords" in text(root.enable())
    assert not ScimConnection.objects.exists()
    cache.clear()
    assert len(tokens_in(root.enable())) == 1


def test_the_right_password_forgets_the_wrong_ones(root: Browser) -> None:
    for name in ("Acme", "Globex"):
        for _ in range(confirmation.MAX_ATTEMPTS - 1):
            root.enable(name=name, password="wrong")
        assert len(tokens_in(root.enable(name=name))) == 1


@pytest.mark.parametrize("backend", ["django.core.cache.backends.dummy.DummyCache", "api.helpers.BrokenCache"])
def test_a_cache_that_counts_nothing_locks_nobody_out(backend: str, root: Browser, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": backend}}
    root.enable(password="wrong")
    assert len(tokens_in(root.enable())) == 1


def logged_in(browser: Browser, ago: timedelta | None) -> None:
    last_login = None if ago is None else timezone.now() - ago
    get_user_model().objects.filter(pk=browser.user.pk).update(last_login=last_login)


@pytest.mark.hosts
def test_people_without_a_password_confirm_by_a_fresh_login() -> None:
    browser = superuser(password=None)
    page = browser.get(url("add"))
    assert "password" not in page.context["confirmation"].fields
    # The Enter key must not enable anything for somebody who types no password.
    assert text(page).index('name="_preview"') < text(page).index('name="_enable"')
    logged_in(browser, timedelta(minutes=9))
    assert len(tokens_in(browser.enable())) == 1


@pytest.mark.parametrize("ago", [timedelta(minutes=11), None])
def test_an_old_login_is_not_enough(ago: timedelta | None) -> None:
    browser = superuser(password=None)
    logged_in(browser, ago)
    page = browser.enable()
    assert "Sign in again" in text(page)
    assert not ScimConnection.objects.exists()


# Only once --------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_sending_the_form_again_makes_no_second_token_and_shows_none(root: Browser) -> None:
    data = root.enable_form()
    (token,) = tokens_in(root.post(url("add"), data))
    again = root.post(url("add"), data)
    assert again.status_code == 409
    assert "Already issued" in text(again)
    assert token not in text(again)
    assert not tokens_in(again)
    assert ScimConnection.objects.count() == ScimToken.objects.count() == 1
    assert ScimConnection.objects.get().name in text(again)
    assert "no-store" in again.headers["Cache-Control"]


def test_two_submissions_at_once_make_one_connection(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second looked for an answer before the first had one."""
    data = root.enable_form()
    root.post(url("add"), data)
    answers = iter([None, ScimToken.objects.get()])
    monkeypatch.setattr(confirmation.ConfirmationForm, "answer", lambda self: next(answers))
    monkeypatch.setattr(ScimConnection, "validate_unique", lambda *args, **kwargs: None)
    assert root.post(url("add"), data).status_code == 409
    answers = iter([None, ScimToken.objects.get()])
    assert root.post(url("add"), data | {"name": "Another"}).status_code == 409
    assert ScimConnection.objects.count() == ScimToken.objects.count() == 1


@pytest.mark.parametrize("request_id", ["", "nonsense", "e30:1abc:def"])
def test_a_form_without_its_id_has_to_be_confirmed_again(request_id: str, root: Browser) -> None:
    page = root.enable(request_id=request_id)
    assert "Please confirm again" in text(page)
    assert not ScimConnection.objects.exists()
    assert len(tokens_in(root.enable(request_id=hidden(page, "request_id")))) == 1


def test_the_id_of_a_form_is_of_no_use_to_another_person(root: Browser) -> None:
    page = root.enable(request_id=hidden(superuser().get(url("add")), "request_id"))
    assert "open for too long" in text(page)
    assert not ScimConnection.objects.exists()


def test_a_form_that_was_open_for_days_is_confirmed_again(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    data = root.enable_form()
    monkeypatch.setattr(confirmation, "_OPEN_FOR", timedelta(seconds=-1))
    assert "open for too long" in text(root.post(url("add"), data))
    assert not ScimConnection.objects.exists()


# Disable, enable again, delete ------------------------------------------------------------------------------


@pytest.mark.hosts
def test_disabling_kills_the_token_at_once_and_touches_nobody(root: Browser) -> None:
    person = HostUserFactory(name="alice")
    (token,) = tokens_in(root.enable())
    scim = ScimClient(token)
    assert scim.get("/Users").status_code == 200
    connection = ScimConnection.objects.get()
    page = root.get(url("disable", connection.pk))
    assert "The token of this connection ends now" in text(page)
    assert "2 people keep their accounts" in text(page)
    response = root.post(url("disable", connection.pk))
    assert response.status_code == 302
    assert scim.get("/Users").status_code == 401
    assert "SCIM is off for Acme." in text(root.get(response.headers["Location"]))
    person.refresh_from_db()
    assert person.is_active
    assert ScimUser.objects.filter(alive=True).count() == 2
    assert LogEntry.objects.first().get_change_message() == "Changed enabled."


@pytest.mark.hosts
def test_enabling_again_makes_a_new_token_and_old_ones_stay_dead(root: Browser) -> None:
    (old,) = tokens_in(root.enable())
    connection = ScimConnection.objects.get()
    root.post(url("disable", connection.pk))
    address = url("enable", connection.pk)
    page = root.get(address)
    assert "old ones stay dead" in text(page)
    data = {"request_id": hidden(page, "request_id"), "password": "wrong"}
    assert not tokens_in(root.post(address, data))
    assert ScimClient(old).get("/Users").status_code == 401
    response = root.post(address, data | {"password": "correct horse battery staple"})
    (new,) = tokens_in(response)
    assert "SCIM is on for Acme" in text(response)
    assert ScimClient(new).get("/Users").status_code == 200
    assert ScimClient(old).get("/Users").status_code == 401
    again = root.post(address, data | {"password": "correct horse battery staple"})
    assert again.status_code == 409
    assert not tokens_in(again)
    assert ScimToken.objects.filter(revoked_at=None).count() == 1


def test_enabling_again_takes_over_whom_the_policy_names(root: Browser) -> None:
    root.enable()
    connection = ScimConnection.objects.get()
    root.post(url("disable", connection.pk))
    HostUserFactory(name="alice")
    assert "1 existing person will be managed." in text(root.get(url("enable", connection.pk)))
    response = root.ask(url("enable", connection.pk))
    assert "1 existing person is managed by SCIM now." in text(response)


def test_what_is_on_is_not_enabled_and_what_is_off_not_disabled(root: Browser) -> None:
    connection = ConnectionFactory(enabled=True)
    response = root.get(url("enable", connection.pk))
    assert response.headers["Location"] == url("change", connection.pk)
    assert "SCIM is on already." in text(root.get(url("change", connection.pk)))
    ScimConnection.objects.update(enabled=False)
    root.post(url("disable", connection.pk))
    assert "SCIM is off already." in text(root.get(url("change", connection.pk)))
    assert not actions()


def test_two_who_enable_again_with_one_form_make_one_token(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = ConnectionFactory(enabled=False)
    address = url("enable", connection.pk)
    data = {"request_id": hidden(root.get(address), "request_id"), "password": "correct horse battery staple"}
    root.post(address, data)
    ScimConnection.objects.update(enabled=False)
    answers = iter([None, ScimToken.objects.get()])
    monkeypatch.setattr(confirmation.ConfirmationForm, "answer", lambda self: next(answers))
    assert root.post(address, data).status_code == 409
    assert ScimToken.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize(("people", "tokens_", "said"), [(0, 0, "no valid token"), (1, 2, "The 2 tokens")])
def test_disabling_says_what_stops_in_numbers(people: int, tokens_: int, said: str, root: Browser) -> None:
    connection = ConnectionFactory(existing_accounts="adopt" if people else "never")
    connections.enable(Context(connection))
    for _ in range(tokens_):
        tokens.issue(Context(connection))
    page = text(root.get(url("disable", connection.pk)))
    assert said in page
    assert ("1 person keeps" in page) is bool(people)


def test_a_connection_is_deleted_only_when_it_is_off(root: Browser) -> None:
    person = HostUserFactory(name="alice")
    root.enable()
    connection = ScimConnection.objects.get()
    address = url("delete", connection.pk)
    for response in (root.get(address), root.post(address, {"post": "yes"})):
        assert response.headers["Location"] == url("change", connection.pk)
    assert "Disable it first" in text(root.get(url("change", connection.pk)))
    root.post(url("disable", connection.pk))
    assert "2 people keep their accounts" in text(root.get(address))
    assert root.post(address, {"post": "yes"}).status_code == 302
    assert not ScimConnection.objects.exists()
    assert not ScimUser.objects.exists()
    assert type(person).objects.filter(pk=person.pk).exists()
    last = ScimEvent.objects.first()
    assert (last.action, last.label, last.connection_name, last.connection) == ("delete", "Acme", "Acme", None)


def test_a_connection_enabled_meanwhile_is_not_deleted(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = ConnectionFactory(enabled=False)

    def late(context: Context) -> None:
        ScimConnection.objects.update(enabled=True)
        real(context)

    real = connections.delete
    monkeypatch.setattr(connections, "delete", late)
    response = root.post(url("delete", connection.pk), {"post": "yes"})
    assert response.headers["Location"] == url("change", connection.pk)
    assert ScimConnection.objects.exists()
    assert not LogEntry.objects.exists()


# The services beneath ---------------------------------------------------------------------------------------


def test_hosts_are_told_when_scim_goes_on_and_off(root: Browser, django_capture_on_commit_callbacks: Any) -> None:
    told = []

    def hear(connection: ScimConnection, **kwargs: Any) -> None:
        told.append(connection.enabled)

    signals.connection_enabled.connect(hear)
    signals.connection_disabled.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        root.enable()
    with django_capture_on_commit_callbacks(execute=True):
        root.post(url("disable", ScimConnection.objects.get().pk))
    assert told == [True, False]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "remote", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (1, "198.51.100.1, 203.0.113.9", "192.0.2.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1", None),
        (0, "", "::ffff:192.0.2.1", "192.0.2.1"),
        (0, "", "unix:", None),
    ],
)
def test_the_address_of_an_administrator_is_that_behind_our_proxies(
    proxies: int, forwarded: str, remote: str, address: str | None, root: Browser, settings: Any
) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"TRUSTED_PROXIES": proxies}
    connection = ConnectionFactory()
    root.client.post(url("disable", connection.pk), REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert ScimEvent.objects.get().remote_addr == address


def test_a_name_taken_between_check_and_insert_is_a_validation_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ConnectionFactory(name="Acme")
    monkeypatch.setattr(ScimConnection, "validate_unique", lambda *args, **kwargs: None)
    with pytest.raises(ValidationError, match="already exists"):
        connections.create("Acme")


def test_the_text_of_a_token_is_not_in_its_repr() -> None:
    issued = tokens.issue(Context(ConnectionFactory()))
    assert issued.text not in repr(issued)
    assert issued.token.key_id in repr(issued)


def test_an_integrity_error_without_a_request_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context(ConnectionFactory())
    made = tokens.new_token()
    monkeypatch.setattr(tokens, "new_token", lambda: made)
    tokens.issue(context)
    with pytest.raises(tokens.IntegrityError):
        tokens.issue(context)
    with pytest.raises(tokens.IntegrityError):
        tokens.issue(context, request_id="never answered")
