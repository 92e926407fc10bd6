"""The life of a connection: made, enabled, configured, disabled, deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError
from django.dispatch import Signal
from django.test import override_settings

from django_scim_provider import signals
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.services import connections, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


class Tenants(UserAdapter):
    multi_tenant = True


@pytest.fixture
def new() -> Context:
    """A connection that was made and not enabled yet."""
    return Context(connections.create("Acme"), actor=HostUserFactory(name="admin"))


def actions() -> list[str]:
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


def stored(connection: ScimConnection) -> ScimConnection:
    return ScimConnection.objects.get(pk=connection.pk)


# Making ----------------------------------------------------------------------------------------------------------


def test_new_connection_is_off_and_adopts_where_everybody_is_in_scope_anyway() -> None:
    made = stored(connections.create("Acme"))

    assert (made.name, made.provider, made.tenant, made.portal, made.enabled) == ("Acme", "generic", "", "", False)
    assert made.existing_accounts == "adopt"
    assert made.slug


def test_policies_are_stored() -> None:
    made = connections.create("Acme", provider="okta", tenant="acme", on_delete="delete", existing_accounts="never")

    found = stored(made)
    assert (found.provider, found.tenant, found.on_delete, found.existing_accounts) == (
        "okta",
        "acme",
        "delete",
        "never",
    )


def test_connection_adopts_nobody_where_tenants_share_accounts() -> None:
    with override_settings(SCIM_PROVIDER={"PORTALS": {"store": {"ADAPTERS": {"User": f"{__name__}.Tenants"}}}}):
        assert connections.create("Store", portal="store").existing_accounts == "never"
        with pytest.raises(ValidationError, match="no portal of this name"):
            connections.create("Closed", portal="closed")
        assert connections.create("Rest").existing_accounts == "adopt"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        ("x" * 101, {}),
        ("New", {"provider": "nobody"}),
        ("New", {"on_create": "perhaps"}),
        ("New", {"existing_accounts": "all"}),
        ("New", {"tenant": "x" * 256}),
        ("Taken", {}),
    ],
)
def test_connection_that_is_not_valid_is_not_made(name: str, options: dict[str, Any]) -> None:
    connections.create("Taken")

    with pytest.raises(ValidationError):
        connections.create(name, **options)
    assert ScimConnection.objects.count() == 1


def test_name_that_somebody_takes_meanwhile_is_said_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    connections.create("Taken")
    monkeypatch.setattr(ScimConnection, "full_clean", lambda self, **options: None)

    with pytest.raises(ValidationError, match="already exists") as caught:
        connections.create("Taken")
    assert set(caught.value.message_dict) == {"name"}
    assert ScimConnection.objects.count() == 1


# Enabling --------------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_enabling_adopts_whom_the_policy_allows_and_says_who_did_it(new: Context) -> None:
    HostUserFactory()
    looked_at: list[int] = []
    result = connections.enable(new, looked_at.append)

    found = stored(new.connection)
    assert found.enabled
    assert (found.state_changed_by, found.state_changed_at is None) == (new.actor, False)
    assert result.adopted == ScimUser.objects.count() == 2
    assert looked_at == [2]
    event = ScimEvent.objects.get(action="enable")
    assert (event.actor, event.label, event.connection) == (new.actor, "Acme", found)
    assert not ScimToken.objects.exists()


def test_connection_stays_off_when_its_people_cannot_be_read(new: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(UserAdapter, "get_queryset", fail)

    with pytest.raises(DatabaseError):
        connections.enable(new)
    assert not stored(new.connection).enabled
    assert "enable" not in actions()


def test_connection_and_first_token_are_made_in_one_go() -> None:
    admin = HostUserFactory()
    made = connections.create_enabled(
        "Acme", actor=admin, remote_addr="192.0.2.1", request_id="a" * 32, provider="okta", tenant="acme"
    )

    connection = stored(made.context.connection)
    assert (connection.enabled, connection.provider, connection.tenant) == (True, "okta", "acme")
    assert tokens.present(tokens.read(made.issued.text), remote_addr=None).refusal == ""
    assert made.adoption.adopted == 1
    assert actions() == ["token_issue", "enable"]
    assert {(event.actor, event.remote_addr) for event in ScimEvent.objects.all()} == {(admin, "192.0.2.1")}


def test_form_that_is_sent_twice_makes_one_connection() -> None:
    options = {"actor": None, "remote_addr": None, "request_id": "a" * 32}
    connections.create_enabled("Acme", **options)

    with pytest.raises(tokens.AlreadyIssued):
        connections.create_enabled("Umbrella", **options)
    assert ScimConnection.objects.count() == ScimToken.objects.count() == 1


def test_connection_is_enabled_again_with_a_new_token_alone(new: Context) -> None:
    first, second = tokens.issue(new), tokens.issue(new)
    made = connections.enable_again(new)

    assert stored(new.connection).enabled
    live = [token for token in ScimToken.objects.all() if token.is_live()]
    assert live == [made.issued.token]
    assert {first.token, second.token}.isdisjoint(live)


def test_enabling_again_that_is_sent_twice_ends_no_token(new: Context) -> None:
    made = connections.enable_again(new, request_id="a" * 32)

    with pytest.raises(tokens.AlreadyIssued):
        connections.enable_again(new, request_id="a" * 32)
    assert ScimToken.objects.get() == made.issued.token
    assert ScimToken.objects.get().is_live()


# Configuring -------------------------------------------------------------------------------------------------------


def test_settings_that_differ_are_written_and_named(new: Context) -> None:
    ScimConnection.objects.update(tenant="written by somebody else")
    changed = connections.configure(new, on_delete="delete", guard="tell", name="Umbrella")

    assert sorted(changed) == ["name", "on_delete"]
    found = stored(new.connection)
    assert (found.name, found.on_delete, found.tenant) == ("Umbrella", "delete", "written by somebody else")
    event = ScimEvent.objects.get()
    assert (event.action, event.label, event.changed, event.actor) == (
        "configure",
        "Umbrella",
        ["name", "on_delete"],
        new.actor,
    )


def test_settings_that_are_the_same_are_no_event(new: Context, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert connections.configure(new, on_delete="suspend", name="Acme") == []


def test_settings_that_are_not_valid_are_not_written(new: Context) -> None:
    with pytest.raises(ValidationError):
        connections.configure(new, on_delete="explode", name="Umbrella")

    assert (stored(new.connection).on_delete, stored(new.connection).name) == ("suspend", "Acme")
    assert (new.connection.on_delete, new.connection.name) == ("suspend", "Acme")
    assert actions() == []


class Gone(Tenants):
    """Its organization went away after the connection was made."""

    def has_tenant(self, connection: ScimConnection) -> bool:
        return False


def test_what_stays_is_not_judged_again_when_the_organization_is_gone(new: Context) -> None:
    ScimConnection.objects.update(tenant="gone", provider="no longer known")
    with override_settings(SCIM_PROVIDER={"ADAPTERS": {"User": f"{__name__}.Gone"}}):
        context = Context(stored(new.connection))
        assert connections.configure(context, guard_limit=500, existing_accounts="never") == [
            "guard_limit",
            "existing_accounts",
        ]
        with pytest.raises(ValidationError, match="no organization with this key"):
            connections.create("Other", tenant="gone")
    assert stored(new.connection).guard_limit == 500


def test_a_new_name_that_somebody_takes_meanwhile_is_said_to_be_taken(
    new: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections.create("Taken")
    monkeypatch.setattr(ScimConnection, "full_clean", lambda self, **options: None)

    with pytest.raises(ValidationError, match="already exists") as caught:
        connections.configure(new, name="Taken", on_delete="delete")
    assert set(caught.value.message_dict) == {"name"}
    assert (new.connection.name, new.connection.on_delete) == ("Acme", "suspend")
    assert (stored(new.connection).name, actions()) == ("Acme", [])


# Disabling ---------------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_disabling_ends_every_token_at_once_and_leaves_people_as_they_are(new: Context) -> None:
    connections.enable(new)
    texts = [tokens.issue(new).text for _ in range(2)]
    people = list(ScimUser.objects.values())
    users = list(get_user_model()._base_manager.values())

    assert connections.disable(new) == 2
    assert not stored(new.connection).enabled
    assert all(tokens.present(tokens.read(text), remote_addr=None).refusal for text in texts)
    assert list(ScimUser.objects.values()) == people
    assert list(get_user_model()._base_manager.values()) == users
    assert actions()[-3:] == ["token_revoke", "token_revoke", "disable"]


def test_token_of_before_stays_dead_when_the_connection_is_enabled_again(new: Context) -> None:
    connections.enable(new)
    text = tokens.issue(new).text
    connections.disable(new)
    connections.enable(new)

    assert tokens.present(tokens.read(text), remote_addr=None).refusal == "The token was revoked."


def test_tokens_of_others_go_on(new: Context) -> None:
    other = tokens.issue(Context(ConnectionFactory()))
    connections.disable(new)

    assert tokens.present(tokens.read(other.text), remote_addr=None).refusal == ""


# Deleting ----------------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_deleted_connection_leaves_accounts_and_events(new: Context) -> None:
    connections.enable(new)
    tokens.issue(new)
    connections.disable(new)
    users = list(get_user_model()._base_manager.values())
    connections.delete(new)

    assert not ScimConnection.objects.exists()
    assert not ScimUser.objects.exists()
    assert not ScimToken.objects.exists()
    assert list(get_user_model()._base_manager.values()) == users
    assert actions()[-1] == "delete"
    last = ScimEvent.objects.latest("pk")
    assert (last.connection, last.connection_name, last.resource_type) == (None, "Acme", connections.CONNECTION)


def test_connection_that_is_on_cannot_be_deleted_whatever_the_caller_last_saw(new: Context) -> None:
    ScimConnection.objects.update(enabled=True)

    with pytest.raises(connections.StillEnabled):
        connections.delete(new)
    assert ScimConnection.objects.exists()


# Signals -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[list[tuple[str, ScimConnection]]]:
    """What the signals told, in order."""
    heard: list[tuple[str, ScimConnection]] = []
    receivers: list[tuple[Signal, Callable[..., None]]] = []
    for name, signal in (("enabled", signals.connection_enabled), ("disabled", signals.connection_disabled)):

        def receive(*, sender: Any, connection: ScimConnection, name: str = name, **kwargs: Any) -> None:
            assert sender is ScimConnection
            heard.append((name, connection))

        signal.connect(receive)
        receivers.append((signal, receive))
    yield heard
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_host_is_told_on_commit_and_not_before(
    new: Context, told: list[tuple[str, ScimConnection]], django_capture_on_commit_callbacks: Any
) -> None:
    for switch, name in ((connections.enable, "enabled"), (connections.disable, "disabled")):
        with django_capture_on_commit_callbacks(execute=False) as callbacks:
            switch(new)
        assert told == []
        for callback in callbacks:
            callback()
        assert told == [(name, new.connection)]
        told.clear()


@pytest.mark.django_db(transaction=True)
def test_host_is_not_told_of_what_was_rolled_back(
    told: list[tuple[str, ScimConnection]], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = Context(connections.create("Acme"))

    def fail(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(connections.audit, "record", fail)

    with pytest.raises(IntegrityError):
        connections.enable(context)
    assert told == []
    assert not stored(context.connection).enabled


def test_receiver_that_fails_stops_nobody(
    new: Context, told: list[tuple[str, ScimConnection]], django_capture_on_commit_callbacks: Any
) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    signals.connection_enabled.connect(fail)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            connections.enable(new)
    finally:
        signals.connection_enabled.disconnect(fail)

    assert told == [("enabled", new.connection)]
    assert stored(new.connection).enabled
