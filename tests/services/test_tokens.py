"""The life of a credential: issued, used, rotated, revoked."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db import connection as database
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.models.token_format import key_id_of, new_token
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stored(token: ScimToken) -> ScimToken:
    return ScimToken.objects.get(pk=token.pk)


def is_soon(moment: datetime, life: timedelta) -> bool:
    return abs(moment - timezone.now() - life) < timedelta(minutes=1)


def actions() -> list[str]:
    return list(ScimEvent.objects.order_by("pk").values_list("action", flat=True))


def present(text: str, remote_addr: str | None = "192.0.2.1") -> tokens.Presented:
    return tokens.present(tokens.read(text), remote_addr=remote_addr)


def refusal(text: str) -> str:
    return present(text).refusal


# Issuing -------------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_issued_token_is_stored_as_a_digest_alone(connection: ScimConnection) -> None:
    admin = HostUserFactory()
    issued = tokens.issue(Context(connection, actor=admin), name="Okta", scopes="read")

    token = stored(issued.token)
    assert token.key_id == key_id_of(issued.text)
    assert token.digest == hashlib.sha256(issued.text.encode()).hexdigest()
    assert (token.connection, token.name, token.scopes, token.created_by) == (connection, "Okta", "read", admin)
    assert (token.last_used_at, token.last_used_ip, token.revoked_at, token.request_id) == (None,) * 4
    secret = issued.text[20:]
    assert secret not in repr([*ScimToken.objects.values(), *ScimEvent.objects.values()])


def test_text_of_a_token_is_in_no_representation(context: Context) -> None:
    issued = tokens.issue(context)

    assert issued.text not in f"{issued!r} {issued} {issued.token!r} {[issued]}"


def test_issuing_is_an_event_that_names_the_token_by_its_beginning(context: Context) -> None:
    issued = tokens.issue(context)

    event = ScimEvent.objects.get()
    assert (event.action, event.outcome, event.connection) == ("token_issue", "success", context.connection)
    assert event.label == issued.token.starts_with


def test_token_lives_a_year_unless_the_setting_says_otherwise(context: Context) -> None:
    assert is_soon(tokens.issue(context).token.expires_at, 365 * DAY)
    with override_settings(SCIM_PROVIDER={"TOKEN_TTL": 30}):
        assert is_soon(tokens.issue(context).token.expires_at, 30 * DAY)
        assert is_soon(tokens.issue(context, life=DAY).token.expires_at, DAY)
    with override_settings(SCIM_PROVIDER={"TOKEN_TTL": HOUR}):
        assert is_soon(tokens.issue(context).token.expires_at, HOUR)


@pytest.mark.parametrize("life", [timedelta(seconds=1), 730 * DAY])
def test_token_may_live_up_to_two_years(context: Context, life: timedelta) -> None:
    assert is_soon(stored(tokens.issue(context, life=life).token).expires_at, life)


@pytest.mark.parametrize("life", [timedelta(0), -DAY, 730 * DAY + timedelta(microseconds=1), timedelta.max])
def test_token_that_lives_too_long_or_not_at_all_is_not_issued(context: Context, life: timedelta) -> None:
    with pytest.raises(ValueError, match="between one second and 730 days"):
        tokens.issue(context, life=life)
    assert not ScimToken.objects.exists()
    assert not ScimEvent.objects.exists()


@override_settings(SCIM_PROVIDER={"TOKEN_TTL": 731})
def test_setting_cannot_lift_the_limit(context: Context) -> None:
    with pytest.raises(ValueError, match="730 days"):
        tokens.issue(context)


def test_request_that_is_sent_twice_makes_one_token(context: Context) -> None:
    first = tokens.issue(context, request_id="a" * 32)

    with pytest.raises(tokens.AlreadyIssued):
        tokens.issue(context, request_id="a" * 32)
    assert list(ScimToken.objects.all()) == [first.token]
    assert tokens.issued_for("a" * 32) == first.token
    assert tokens.issued_for("b" * 32) is None
    assert actions() == ["token_issue"]


def test_token_that_cannot_be_stored_for_another_reason_is_an_error(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = new_token()
    monkeypatch.setattr(tokens, "new_token", lambda: made)
    tokens.issue(context)

    for request_id in (None, "a" * 32):
        with pytest.raises(DatabaseError):
            tokens.issue(context, request_id=request_id)
    assert ScimToken.objects.count() == 1


# Rotating ------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(context: Context) -> ScimToken:
    return tokens.issue(context, name="Okta", scopes="read", life=100 * DAY).token


def test_rotation_without_overlap_ends_the_old_token_at_once(context: Context, old: ScimToken) -> None:
    issued = tokens.rotate(context, old)

    assert not stored(old).is_live()
    assert stored(issued.token).is_live()
    assert (issued.token.name, issued.token.scopes) == ("Okta", "read")
    assert is_soon(issued.token.expires_at, 365 * DAY)
    assert actions() == ["token_issue", "token_issue", "token_revoke"]


def test_old_token_goes_on_for_the_overlap(context: Context, old: ScimToken) -> None:
    issued = tokens.rotate(context, old, overlap=HOUR, life=DAY)

    assert is_soon(stored(old).expires_at, HOUR)
    assert stored(old).is_live()
    assert is_soon(issued.token.expires_at, DAY)
    assert old.expires_at == stored(old).expires_at


def test_overlap_never_lengthens_the_old_tokens_life(context: Context) -> None:
    short = tokens.issue(context, life=HOUR).token
    expires_at = stored(short).expires_at
    tokens.rotate(context, short, overlap=7 * DAY)

    assert stored(short).expires_at == expires_at


def test_second_rotation_by_somebody_who_saw_the_token_before_does_not_lengthen_it(
    context: Context, old: ScimToken
) -> None:
    stale = stored(old)
    tokens.rotate(context, old, overlap=HOUR)
    tokens.rotate(context, stale, overlap=7 * DAY)

    assert is_soon(stored(old).expires_at, HOUR)


def test_overlap_does_not_bring_a_revoked_or_expired_token_back(context: Context, old: ScimToken) -> None:
    ended = tokens.issue(context, life=DAY).token
    ScimToken.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - DAY)
    tokens.revoke(context, old)
    for token in (old, stored(ended)):
        tokens.rotate(context, token, overlap=HOUR)

    assert not stored(old).is_live()
    assert not stored(ended).is_live()


def test_negative_overlap_is_none(context: Context, old: ScimToken) -> None:
    tokens.rotate(context, old, overlap=-HOUR)

    assert stored(old).revoked_at is not None


@pytest.mark.parametrize("overlap", [timedelta(0), HOUR])
def test_rotation_that_cannot_issue_leaves_the_old_token_as_it_is(
    context: Context, old: ScimToken, overlap: timedelta
) -> None:
    before = ScimToken.objects.values().get()

    with pytest.raises(ValueError, match="730 days"):
        tokens.rotate(context, old, overlap=overlap, life=731 * DAY)
    assert ScimToken.objects.values().get() == before


def test_rotation_that_is_sent_twice_rotates_once(context: Context, old: ScimToken) -> None:
    tokens.rotate(context, old, request_id="a" * 32, overlap=HOUR)
    before = list(ScimToken.objects.values())

    with pytest.raises(tokens.AlreadyIssued):
        tokens.rotate(context, old, request_id="a" * 32)
    assert list(ScimToken.objects.values()) == before


# Revoking ------------------------------------------------------------------------------------------------------


def test_revoked_token_is_dead_and_said_to_be(context: Context, old: ScimToken) -> None:
    tokens.revoke(context, old)

    assert is_soon(stored(old).revoked_at, timedelta(0))
    event = ScimEvent.objects.latest("pk")
    assert (event.action, event.label) == ("token_revoke", old.starts_with)


def test_revoking_again_changes_nothing(context: Context, old: ScimToken) -> None:
    stale = stored(old)
    tokens.revoke(context, old)
    ScimToken.objects.update(revoked_at=timezone.now() - DAY)
    before = ScimToken.objects.values().get()
    for token in (old, stored(old), stale):
        tokens.revoke(context, token)

    assert ScimToken.objects.values().get() == before
    assert actions() == ["token_issue", "token_revoke"]


def test_every_live_token_of_one_connection_is_revoked(context: Context) -> None:
    live = [tokens.issue(context).token for _ in range(3)]
    expired = tokens.issue(context).token
    ScimToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    foreign = tokens.issue(Context(ConnectionFactory())).token
    tokens.revoke(context, live[0])

    assert tokens.revoke_all(context) == 2
    assert not any(stored(token).is_live() for token in live)
    assert stored(expired).revoked_at is None
    assert stored(foreign).is_live()
    assert tokens.revoke_all(context) == 0


# Presenting ----------------------------------------------------------------------------------------------------


def test_live_token_is_accepted_with_its_connection_in_one_query(connection: ScimConnection) -> None:
    issued = tokens.issue(Context(connection), scopes="read")
    present(issued.text, None)
    with CaptureQueriesContext(database) as queries:
        presented = present(issued.text, None)

    assert len(queries) == 1
    assert presented == (connection, issued.token.key_id, "read", "")
    assert presented.connection is not None
    fields = [field.attname for field in ScimConnection._meta.concrete_fields if field.name != "last_seen_at"]
    connection.refresh_from_db()
    assert [getattr(presented.connection, name) for name in fields] == [getattr(connection, name) for name in fields]
    assert not presented.connection.get_deferred_fields()


@pytest.mark.parametrize("text", ["", "nonsense", "djscim_x", "é" * 69, " " * 69, "x" * 10_000], ids=len)
def test_what_is_no_token_is_refused_without_a_query(text: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        presented = present(text, None)

    assert presented == (None, "", "", "The text is not a token of this application.")


def test_text_of_a_token_goes_no_further_than_its_reading(context: Context) -> None:
    issued = tokens.issue(context)
    claim = tokens.read(issued.text)

    assert claim == (issued.token.key_id, issued.token.digest)
    assert issued.text not in repr(claim)
    assert tokens.read(issued.text + "x") is None


def test_unknown_token_is_refused() -> None:
    made = new_token()

    assert present(made.text, None) == (None, "", "", f"No token begins with djscim_{made.key_id}.")


def test_token_with_the_right_key_id_and_another_secret_is_refused(context: Context) -> None:
    issued, other = tokens.issue(context), new_token()
    ScimToken.objects.update(key_id=other.key_id)

    assert present(other.text, None) == (None, other.key_id, "", "The token is unknown.")
    assert refusal(issued.text) == f"No token begins with djscim_{issued.token.key_id}."


def test_a_token_of_another_connection_is_neither_rotated_nor_revoked(context: Context) -> None:
    theirs = tokens.issue(Context(ConnectionFactory())).token
    for act in (tokens.rotate, tokens.revoke):
        with pytest.raises(ValueError, match="another connection"):
            act(context, theirs)
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


def test_a_refused_token_notes_no_use(context: Context) -> None:
    issued = tokens.issue(context)
    raw = tokens.present(tokens.read(issued.text), remote_addr=None, is_bearer=False)
    assert raw.refusal == "The token came without the word Bearer."
    assert ScimToken.objects.get().last_used_at is None
    assert issued.text not in repr(new_token()) + repr(issued)


def test_token_of_a_disabled_connection_is_refused(context: Context) -> None:
    issued = tokens.issue(context)
    ScimConnection.objects.update(enabled=False)
    presented = present(issued.text, None)

    assert presented.refusal == "SCIM is disabled for this connection."
    assert presented.connection == context.connection


def test_revoked_and_expired_tokens_are_refused(context: Context) -> None:
    revoked, expired = tokens.issue(context), tokens.issue(context)
    tokens.revoke(context, revoked.token)
    ScimToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now())

    assert refusal(revoked.text) == "The token was revoked."
    assert refusal(expired.text) == "The token has expired."


def test_token_of_a_deleted_connection_is_unknown(context: Context) -> None:
    issued = tokens.issue(context)
    context.connection.delete()

    assert refusal(issued.text) == f"No token begins with djscim_{issued.token.key_id}."


def test_refused_token_leaves_no_trace_of_use(context: Context) -> None:
    issued = tokens.issue(context)
    tokens.revoke(context, issued.token)
    refusal(issued.text)

    assert stored(issued.token).last_used_at is None
    assert ScimConnection.objects.get().last_seen_at is None


def test_use_is_noted_with_its_address(context: Context) -> None:
    issued = tokens.issue(context)
    present(issued.text, "2001:db8::1")

    token = stored(issued.token)
    assert is_soon(token.last_used_at, timedelta(0))
    assert token.last_used_ip == "2001:db8::1"
    assert is_soon(ScimConnection.objects.get().last_seen_at, timedelta(0))


@pytest.mark.parametrize(("age", "noted"), [(timedelta(seconds=50), False), (timedelta(seconds=61), True)])
def test_use_is_noted_at_most_once_a_minute(context: Context, age: timedelta, noted: bool) -> None:
    issued, before = tokens.issue(context), timezone.now() - age
    ScimToken.objects.update(last_used_at=before, last_used_ip="192.0.2.1")
    ScimConnection.objects.update(last_seen_at=before)
    with CaptureQueriesContext(database) as queries:
        present(issued.text, "192.0.2.2")

    token, connection = stored(issued.token), ScimConnection.objects.get()
    assert (token.last_used_at != before, token.last_used_ip == "192.0.2.2") == (noted, noted)
    assert (connection.last_seen_at != before) is noted
    assert len([query for query in queries if "UPDATE" in query["sql"]]) == (2 if noted else 0)


def test_note_that_another_process_made_meanwhile_is_not_overwritten(context: Context) -> None:
    issued = tokens.issue(context)
    moment = timezone.now()
    ScimToken.objects.update(last_used_at=moment, last_used_ip="192.0.2.1")
    tokens._touch(issued.token.pk, context.connection, moment, "192.0.2.2", "default")

    assert stored(issued.token).last_used_ip == "192.0.2.1"


@contextmanager
def refuses_updates() -> Iterator[None]:
    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise DatabaseError("cannot execute UPDATE in a read-only transaction")
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse):
        yield


def test_token_is_accepted_by_a_database_that_takes_no_writes(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    issued = tokens.issue(context)
    with refuses_updates(), caplog.at_level(logging.WARNING, "django_scim_provider"):
        assert refusal(issued.text) == ""

    assert "could not be noted" in caplog.text
    assert issued.text not in caplog.text
    assert stored(issued.token).last_used_at is None
    assert refusal(issued.text) == ""
