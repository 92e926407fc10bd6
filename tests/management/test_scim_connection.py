from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup, ScimUser
from django_scim_provider.services import sync
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]
Manage = Callable[..., Any]


# create ------------------------------------------------------------------------------------------------------


def test_create_enables_adopts_and_prints_json(manage: Manage) -> None:
    HostUserFactory.create_batch(2)
    made = manage("scim_connection", "create", "Acme · Okta", "--provider", "okta", "--json")
    connection = ScimConnection.objects.get()
    assert made.json == {
        "id": str(connection.pk),
        "name": "Acme · Okta",
        "slug": connection.slug,
        "provider": "okta",
        "tenant": "",
        "portal": "",
        "enabled": True,
        "existing_accounts": "adopt",
        "adopted": 2,
        "left_out": 0,
        "collisions": [],
        "unusable": [],
    }
    assert made.err == ""
    assert connection.enabled
    assert ScimUser.objects.filter(connection=connection, origin="adopted").count() == 2


def test_create_says_in_words_what_it_did_and_what_comes_next(manage: Manage) -> None:
    HostUserFactory()
    made = manage("scim_connection", "create", "Acme Okta")
    assert "SCIM is enabled for “Acme Okta” (generic).\n1 existing person is managed from now on.\n" in made.out
    assert made.err == "Next, a token: manage.py scim_token issue --connection 'Acme Okta'\n"


def test_create_keeps_tenant_and_policy(manage: Manage) -> None:
    HostUserFactory()
    made = manage("scim_connection", "create", "Acme", "--tenant", "acme", "--existing-accounts", "never", "--json")
    assert made.json["adopted"] == 0
    connection = ScimConnection.objects.get()
    assert (connection.tenant, connection.existing_accounts) == ("acme", "never")
    assert not ScimUser.objects.exists()


def test_create_draws_a_bar_on_a_terminal(manage: Manage) -> None:
    HostUserFactory.create_batch(3)
    assert "] 3/3" in manage("scim_connection", "create", "Acme", tty=True).err


def test_create_names_the_people_whom_it_left_out(manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "SAMPLE", 1)
    HostUserFactory(name="alice")
    HostUserFactory(name=" bob")
    HostUserFactory(name=" carol")
    other = ConnectionFactory(existing_accounts="never")
    ScimUser.objects.create(
        connection=other,
        scope="/",
        user_name="Alice@example.com",
        user_name_key="alice@example.com",
        created_at=timezone.now(),
        modified_at=timezone.now(),
    )
    out = manage("scim_connection", "create", "Acme").out
    assert "“alice@example.com” is left out: another person's user name differs only in spelling." in out
    # In the order of their keys, which some hosts draw at random.
    assert re.search(r"“ (bob|carol)@example\.com” is left out: SCIM cannot carry this user name\.", out)
    assert "1 more person is left out for the same reasons." in out


def test_a_name_that_is_taken_is_refused(manage: Manage, connection: ScimConnection) -> None:
    with pytest.raises(CommandError, match=r"The connection was not made\. name: .* already exists"):
        manage("scim_connection", "create", connection.name)
    assert ScimConnection.objects.count() == 1


def test_a_portal_has_to_be_one_of_the_settings(manage: Manage, settings: Any) -> None:
    with pytest.raises(CommandError, match=r"has no “store”\. It has: none"):
        manage("scim_connection", "create", "Acme", "--portal", "store")
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"PORTALS": {"store": {}, "device": {}}}
    with pytest.raises(CommandError, match=r"has no “shop”\. It has: store, device"):
        manage("scim_connection", "create", "Acme", "--portal", "shop")
    assert manage("scim_connection", "create", "Acme", "--portal", "store", "--json").json["portal"] == "store"


@pytest.mark.parametrize("option", ["--provider=nonsense", "--existing-accounts=all"])
def test_an_unknown_choice_is_refused(manage: Manage, option: str) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        manage("scim_connection", "create", "Acme", option)


# list, enable, disable -----------------------------------------------------------------------------------------


def test_list_shows_each_connection_with_its_people_and_live_tokens(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    issue_token(connection)
    ConnectionFactory(name="Zeta", enabled=False, tenant="zeta")
    HostUserFactory()
    ScimConnection.objects.filter(pk=connection.pk).update(last_seen_at=timezone.now())
    first, second = manage("scim_connection", "list", "--json").json
    assert (first["name"], first["enabled"], first["people"], first["live_tokens"]) == (connection.name, True, 1, 1)
    assert first["last_seen_at"] is not None
    assert (second["name"], second["tenant"], second["people"], second["last_seen_at"]) == ("Zeta", "zeta", 0, None)

    heading, _, line, other = manage("scim_connection", "list").out.splitlines()
    assert heading.split() == [
        "name",
        "provider",
        "tenant",
        "portal",
        "enabled",
        "people",
        "live",
        "tokens",
        "last",
        "request",
    ]
    assert line.startswith(connection.name)
    assert "  yes  " in line
    assert other.split() == ["Zeta", "okta", "zeta", "no", "0", "0", "never"]


def test_list_of_nothing_says_how_to_begin(manage: Manage) -> None:
    assert manage("scim_connection", "list", "--json").json == []
    output = manage("scim_connection", "list")
    assert output.out == ""
    assert "scim_connection create NAME" in output.err


@pytest.mark.parametrize("attribute", ["name", "slug", "pk"])
def test_a_connection_is_known_by_name_short_name_and_id(
    manage: Manage, connection: ScimConnection, attribute: str
) -> None:
    assert manage("scim_connection", "disable", str(getattr(connection, attribute)), "--json").json["enabled"] is False


def test_a_name_goes_before_the_same_short_name(manage: Manage, connection: ScimConnection) -> None:
    other = ConnectionFactory(name=connection.slug)
    assert manage("scim_connection", "disable", connection.slug, "--json").json["id"] == str(other.pk)


def test_an_unknown_name_lists_the_known_ones(manage: Manage) -> None:
    with pytest.raises(CommandError, match=r"There is no connection “nope”, nor any other\. Make one"):
        manage("scim_connection", "enable", "nope")
    ConnectionFactory(name="Acme")
    ConnectionFactory(name="Globex")
    with pytest.raises(CommandError, match=r"There is no connection “nope”\. There are: “Acme”, “Globex”\."):
        manage("scim_connection", "enable", "nope")


def test_disable_revokes_the_tokens_and_enable_adopts_who_came_meanwhile(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    issue_token(connection)
    issue_token(connection)
    assert (
        "2 tokens were revoked. People stay as they are." in manage("scim_connection", "disable", connection.name).out
    )
    connection.refresh_from_db()
    assert not connection.enabled
    HostUserFactory()
    enabled = manage("scim_connection", "enable", connection.name, "--json")
    assert (enabled.json["enabled"], enabled.json["adopted"]) == (True, 1)
    assert list(ScimEvent.objects.values_list("action", flat=True))[:1] == ["enable"]


def test_enabling_what_is_enabled_changes_nothing(manage: Manage, connection: ScimConnection) -> None:
    before = ScimEvent.objects.count()
    assert manage("scim_connection", "enable", connection.name, "--json").json["enabled"] is True
    assert ScimEvent.objects.count() == before


# handover ------------------------------------------------------------------------------------------------------


def test_handover_moves_people_and_says_what_to_do_with_the_old_connection(manage: Manage) -> None:
    old, new = ConnectionFactory(name="Old"), ConnectionFactory(name="New", existing_accounts="never")
    HostUserFactory()
    moved = manage("scim_connection", "handover", "Old", "New")
    assert moved.out == "“New” now manages 1 person and 0 groups that “Old” managed.\n"
    assert "manage.py scim_connection disable Old" in moved.err
    assert ScimUser.objects.get().connection == new
    assert old.enabled


def test_handover_as_json(manage: Manage) -> None:
    old, new = ConnectionFactory(name="Old", enabled=False), ConnectionFactory(name="New", existing_accounts="never")
    moved = manage("scim_connection", "handover", "Old", "New", "--json")
    assert moved.json == {
        "from": str(old.pk),
        "to": str(new.pk),
        "people": 0,
        "groups": 0,
        "role_mappings": 0,
        "role_grants": 0,
    }
    assert moved.err == ""


def test_handover_says_why_it_did_nothing(manage: Manage) -> None:
    for connection in (ConnectionFactory(name="Old"), ConnectionFactory(name="New")):
        ScimGroup.objects.create(
            connection=connection,
            display_name="Crew",
            display_name_key="crew",
            unique_key="crew",
            created_at=timezone.now(),
            modified_at=timezone.now(),
        )
    with pytest.raises(CommandError, match=r"Nothing was handed over\. There would be several groups .* “New”: Crew"):
        manage("scim_connection", "handover", "Old", "New")


# ---------------------------------------------------------------------------------------------------------------


def test_options_of_django_may_follow_the_verb(manage: Manage) -> None:
    assert manage("scim_connection", "list", "--json", "--settings=x", "--traceback", "-v", "0").json == []


def test_a_verb_is_needed(manage: Manage) -> None:
    with pytest.raises(CommandError, match=r"create\|list\|enable\|disable\|handover"):
        manage("scim_connection")
