"""Disable, enable again, delete; and the services that the panel calls."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from admin.browser import Browser, hidden, text, tokens_in, url
from conftest import ScimClient
from django_scim_provider import signals
from django_scim_provider.admin import confirmation
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.services import connections, role_mappings, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


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
    context = Context(connection)
    role_mappings.save_mapping(context, "Later", Group.objects.create(name="writer").name)
    page = text(root.get(address))
    kept, goes = page.index("2 people keep their accounts"), page.index("What is deleted for good")
    assert kept < page.index("The events stay.") < goes < page.index("The SCIM ids of 2 people.")
    assert goes < page.index("1 mapping of a group to a role.")
    assert "pushed group" not in page
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
