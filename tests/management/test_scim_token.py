from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimToken
from django_scim_provider.models.token_format import digest, key_id_of
from factories import ConnectionFactory

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]
Manage = Callable[..., Any]
TEXT = r"djscim_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}"


@pytest.fixture
def connection(db: None) -> ScimConnection:
    return ConnectionFactory(name="Acme · Okta")


def works(text: str) -> bool:
    status = Client().get("/scim/v2/Users", headers={"Authorization": f"Bearer {text}"}).status_code
    assert status in (200, 401)
    return status == 200


# issue ---------------------------------------------------------------------------------------------------------


def test_issue_prints_a_token_that_works(manage: Manage, connection: ScimConnection) -> None:
    issued = manage("scim_token", "issue", "--connection", "Acme · Okta", "--json")
    token = ScimToken.objects.get()
    assert re.fullmatch(TEXT, issued.json["token"])
    assert issued.json | {"token": "", "expires_at": ""} == {
        "token": "",
        "key_id": token.key_id,
        "name": "",
        "connection": "Acme · Okta",
        "scopes": "write",
        "expires_at": "",
    }
    assert abs(datetime.fromisoformat(issued.json["expires_at"]) - token.expires_at) < timedelta(seconds=1)
    assert issued.err == ""
    assert works(issued.json["token"])


def test_issue_prints_the_token_alone_on_standard_output(manage: Manage, connection: ScimConnection) -> None:
    issued = manage("scim_token", "issue", "--connection", connection.slug, "--name", "Okta", "--days", "30")
    assert re.fullmatch(TEXT + "\n", issued.out)
    assert "It cannot be shown again." in issued.err
    assert issued.out.strip() not in issued.err
    token = ScimToken.objects.get()
    assert token.name == "Okta"
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)


def test_issue_read_only(manage: Manage, connection: ScimConnection) -> None:
    manage("scim_token", "issue", "--connection", connection.name, "--read-only")
    assert ScimToken.objects.get().scopes == "read"


@pytest.mark.parametrize("days", ["0", "-1", "731", "1.5", "x", "9" * 30])
def test_a_life_that_is_too_long_or_none_is_refused(manage: Manage, connection: ScimConnection, days: str) -> None:
    with pytest.raises(CommandError, match="--days"):
        manage("scim_token", "issue", "--connection", connection.name, f"--days={days}")
    assert not ScimToken.objects.exists()


def test_issue_for_a_disabled_connection_says_that_the_token_is_refused_until_then(manage: Manage) -> None:
    ConnectionFactory(name="Off", enabled=False)
    issued = manage("scim_token", "issue", "--connection", "Off", "--json")
    assert "manage.py scim_connection enable Off" in issued.err
    assert not works(issued.json["token"])


def test_issue_for_an_unknown_connection(manage: Manage, connection: ScimConnection) -> None:
    with pytest.raises(CommandError, match="There are: “Acme · Okta”"):
        manage("scim_token", "issue", "--connection", "Acme")


# list ----------------------------------------------------------------------------------------------------------


def test_list_tells_the_state_and_never_the_secret(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    off = ConnectionFactory(name="Off", enabled=False)
    texts = [issue_token(connection, name=name) for name in ("live", "revoked", "expired")]
    texts.append(issue_token(off, name="off"))
    ScimToken.objects.filter(name="revoked").update(revoked_at=timezone.now())
    ScimToken.objects.filter(name="expired").update(expires_at=timezone.now())
    ScimToken.objects.filter(name="live").update(last_used_at=timezone.now(), last_used_ip="192.0.2.7")

    listed = manage("scim_token", "list", "--json")
    states = {token["name"]: token["state"] for token in listed.json}
    assert states == {"live": "live", "revoked": "revoked", "expired": "expired", "off": "connection disabled"}

    table = manage("scim_token", "list")
    assert "192.0.2.7" in table.out
    for text in texts:
        secret = text.rpartition("_")[2]
        assert secret not in listed.out + table.out
        assert digest(text) not in listed.out + table.out

    assert {token["name"] for token in manage("scim_token", "list", "--connection", "Off", "--json").json} == {"off"}


def test_list_of_nothing_says_how_to_begin(manage: Manage) -> None:
    output = manage("scim_token", "list")
    assert output.out == ""
    assert "scim_token issue" in output.err


# rotate --------------------------------------------------------------------------------------------------------


def test_rotate_ends_the_old_token_now(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    old = issue_token(connection, name="Okta")
    key_id = ScimToken.objects.get().key_id
    rotated = manage("scim_token", "rotate", "--connection", connection.name, key_id, "--json")
    assert rotated.json["name"] == "Okta"
    assert rotated.json["replaced"]["key_id"] == key_id
    assert f"The old token {key_id} has ended." in rotated.err
    assert works(rotated.json["token"])
    assert not works(old)


def test_rotate_with_an_overlap_keeps_both(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    old = issue_token(connection)
    shown = ScimToken.objects.get().starts_with
    rotated = manage("scim_token", "rotate", "--connection", connection.name, shown, "--overlap-hours", "48")
    assert works(rotated.out.strip())
    assert works(old)
    ends_in = ScimToken.objects.get(key_id=shown[7:-1]).expires_at - timezone.now()
    assert timedelta(hours=47) < ends_in <= timedelta(hours=48)
    assert "ends on" in rotated.err


def test_rotate_refuses_a_token_that_has_ended(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    issue_token(connection)
    token = ScimToken.objects.get()
    manage("scim_token", "revoke", token.key_id)
    with pytest.raises(CommandError, match=r"has ended already\..*scim_token issue --connection 'Acme · Okta'"):
        manage("scim_token", "rotate", "--connection", connection.name, token.key_id)
    assert ScimToken.objects.count() == 1


@pytest.mark.parametrize("hours", ["-1", "x", "9" * 30])
def test_an_overlap_is_a_number_of_hours(manage: Manage, connection: ScimConnection, hours: str) -> None:
    with pytest.raises(CommandError, match="--overlap-hours"):
        manage("scim_token", "rotate", "--connection", connection.name, "x", f"--overlap-hours={hours}")


def test_a_token_of_another_connection_is_not_rotated(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    text = issue_token(ConnectionFactory(name="Other"))
    with pytest.raises(CommandError, match=r"There is no token with this key id here\. Live tokens: none\."):
        manage("scim_token", "rotate", "--connection", connection.name, ScimToken.objects.get().key_id)
    assert works(text)


# revoke --------------------------------------------------------------------------------------------------------


def test_revoke_one(manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]) -> None:
    text, other = issue_token(connection), issue_token(connection)
    key_id = key_id_of(text)
    assert manage("scim_token", "revoke", key_id, "--json").json == {"revoked": 1}
    assert not works(text)
    assert works(other)
    assert manage("scim_token", "revoke", key_id).out == "0 tokens were revoked.\n"


def test_revoke_a_whole_token_that_somebody_found(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    text = issue_token(connection)
    assert manage("scim_token", "revoke", text).out == "1 token was revoked.\n"
    assert not works(text)


def test_revoke_all_of_a_connection(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    issue_token(connection)
    issue_token(connection)
    other = issue_token(ConnectionFactory(name="Other"))
    assert manage("scim_token", "revoke", "--connection", connection.name, "--all").out == "2 tokens were revoked.\n"
    assert works(other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say which"),
        (["--connection", "Acme · Okta"], "Say which"),
        (["--all"], "goes with --connection"),
        (["x", "--all", "--connection", "Acme · Okta"], "without a KEY_ID"),
    ],
)
def test_revoke_wants_to_know_which(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str], arguments: list[str], message: str
) -> None:
    text = issue_token(connection)
    with pytest.raises(CommandError, match=message):
        manage("scim_token", "revoke", *arguments)
    assert works(text)


def test_a_mistyped_token_is_not_repeated(
    manage: Manage, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    text = issue_token(connection)
    mistyped = text[:-1] + ("a" if text[-1] != "a" else "b")
    with pytest.raises(CommandError) as error:
        manage("scim_token", "revoke", mistyped)
    assert mistyped[20:] not in str(error.value)
    assert key_id_of(text) in str(error.value)


def test_tokens_that_expire_are_listed_and_warned_of(manage: Manage) -> None:
    connection = ConnectionFactory(name="Acme")
    manage("scim_token", "issue", "--connection", "Acme", "--days", "6")
    manage("scim_token", "issue", "--connection", "Acme", "--days", "300")
    soon = ScimToken.objects.order_by("expires_at")[0]
    ScimToken.objects.filter(pk=soon.pk).update(last_used_at=timezone.now())
    (listed,) = manage("scim_token", "list", "--expiring", "7", "--json").json
    assert listed["key_id"] == soon.key_id
    assert "No token ends within 1 day." in manage("scim_token", "list", "--expiring", "1").err
    assert manage("scim_token", "warn").out == f"The token {soon.starts_with} of “Acme” ends in 6 days.\n"
    assert manage("scim_token", "warn", "--json").json == []
    assert connection.enabled
