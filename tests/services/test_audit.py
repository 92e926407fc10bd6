"""Events: what is written down, when, and what never is."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db import connection as database
from django.test import override_settings
from django.utils import timezone

from conftest import person
from django_scim_provider.models import ScimConnection, ScimEvent
from django_scim_provider.protocol.errors import (
    Conflict,
    Forbidden,
    InternalError,
    InvalidValue,
    NotFound,
    ScimError,
    TooManyRequests,
    Unavailable,
    Uniqueness,
)
from django_scim_provider.protocol.urns import PATCH_OP
from django_scim_provider.services import audit, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db

ID = "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"


def event() -> ScimEvent:
    return ScimEvent.objects.get()


# Recording -----------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_event_says_who_did_what_from_where_and_how_long_it_took(connection: ScimConnection) -> None:
    admin = HostUserFactory()
    context = Context(
        connection, key_id="k" * 12, remote_addr="2001:db8::1", actor=admin, started=time.monotonic() - 0.2
    )
    audit.record(
        context,
        audit.Action.MODIFY,
        status=200,
        resource_type="User",
        resource_id=ID,
        label="alice",
        changed={"title", "active"},
        values={"title": "Boss"},
        warnings=("x", "y"),
    )

    found = event()
    assert (found.connection, found.connection_name) == (connection, connection.name)
    assert (found.action, found.outcome, found.status, found.scim_type, found.detail) == (
        "modify",
        "success",
        200,
        "",
        "",
    )
    assert (found.resource_type, found.resource_id, found.label) == ("User", ID, "alice")
    assert (found.changed, found.values, found.warnings) == (["active", "title"], {"title": "Boss"}, ["x", "y"])
    assert (found.key_id, found.actor, found.remote_addr, found.count) == ("k" * 12, admin, "2001:db8::1", 1)
    assert found.duration_ms is not None
    assert 200 <= found.duration_ms < 5000
    assert timezone.now() - found.at < timedelta(minutes=1)


def test_long_name_is_cut_to_fit(context: Context) -> None:
    audit.record(context, audit.Action.CREATE, label="é" * 300)

    assert event().label == "é" * 255


def test_event_of_a_write_that_is_rolled_back_is_rolled_back(context: Context) -> None:
    with transaction.atomic():
        audit.record(context, audit.Action.CREATE)
        transaction.set_rollback(True)

    assert not ScimEvent.objects.exists()


# Values, where the host opts in ------------------------------------------------------------------------------------


def write(context: Context) -> list[ScimEvent]:
    made = users.create_user(context, person("alice@example.com", title="Boss", password="hunter2"))
    operations = [{"op": "replace", "path": "title", "value": "Chef"}, {"op": "add", "path": "nickName", "value": "Al"}]
    users.modify_user(context, made.id, {"schemas": [PATCH_OP], "Operations": operations})
    users.replace_user(context, made.id, person("alice@example.com", title="Cook", password="hunter2"))
    users.delete_user(context, made.id)
    return list(ScimEvent.objects.order_by("pk"))


@pytest.mark.hosts
def test_events_name_what_changed_and_hold_no_values(context: Context) -> None:
    events = write(context)

    assert [(found.action, found.status) for found in events] == [
        ("create", 201),
        ("modify", 200),
        ("replace", 200),
        ("delete", 204),
    ]
    assert [found.changed for found in events[1:]] == [["nickName", "title"], ["nickName", "title"], []]
    assert {found.values for found in events} == {None}
    stored = repr(list(ScimEvent.objects.values()))
    assert not any(value in stored for value in ("Boss", "Chef", "Cook", "hunter2"))


@override_settings(SCIM_PROVIDER={"EVENT_VALUES": True})
def test_events_hold_the_changed_values_where_the_host_asks_for_them(context: Context) -> None:
    created, modified, replaced, deleted = write(context)

    assert created.values is not None
    assert created.values["title"] == "Boss"
    assert modified.values == {"nickName": "Al", "title": "Chef"}
    assert replaced.values == {"nickName": None, "title": "Cook"}
    assert deleted.values is None
    assert "hunter2" not in repr(list(ScimEvent.objects.values()))


# Refusals --------------------------------------------------------------------------------------------------------


def refuse(context: Context, error: Exception, action: str = "modify", resource_id: str = ID) -> None:
    with pytest.raises(type(error)) as caught, audit.refusals(context, action, "User", resource_id):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "outcome", "scim_type"),
    [
        (InvalidValue("wrong"), "refused", "invalidValue"),
        (Uniqueness("taken"), "refused", "uniqueness"),
        (Forbidden(), "refused", ""),
        (NotFound(), "refused", ""),
        (Conflict("no"), "refused", ""),
        (InternalError(), "failed", ""),
    ],
)
def test_refusal_is_written_down_and_goes_on(context: Context, error: ScimError, outcome: str, scim_type: str) -> None:
    refuse(context, error)

    found = event()
    assert (found.action, found.outcome, found.status) == ("modify", outcome, error.status)
    assert (found.scim_type, found.detail) == (scim_type, error.detail)
    assert (found.resource_type, found.resource_id) == ("User", ID)


@pytest.mark.parametrize("error", [Unavailable(), TooManyRequests(retry_after=3)])
def test_what_asks_the_client_to_come_back_is_not_written_down(context: Context, error: ScimError) -> None:
    refuse(context, error)

    assert not ScimEvent.objects.exists()


def test_reading_what_does_not_exist_is_no_news(context: Context) -> None:
    refuse(context, NotFound(), action="read")
    assert not ScimEvent.objects.exists()

    refuse(context, InvalidValue("x"), action="read")
    assert event().action == "read"


def test_error_of_another_kind_is_not_written_down(context: Context) -> None:
    refuse(context, ZeroDivisionError())

    assert not ScimEvent.objects.exists()


def test_block_that_succeeds_writes_nothing(context: Context) -> None:
    with audit.refusals(context, "read", "User"):
        pass

    assert not ScimEvent.objects.exists()


@pytest.mark.parametrize("resource_id", ["x" * 36, "x" * 100, "a\0b", "../etc/passwd", ID.upper(), ID + "\n", ""])
def test_what_is_no_id_of_ours_stays_out_of_the_events(context: Context, resource_id: str) -> None:
    refuse(context, NotFound(), resource_id=resource_id)

    assert event().resource_id == ""


@contextmanager
def refuses_inserts() -> Iterator[None]:
    def refuse_insert(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            raise DatabaseError("cannot execute INSERT in a read-only transaction")
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse_insert):
        yield


def test_refusal_that_cannot_be_written_down_is_still_that_refusal(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    with refuses_inserts(), caplog.at_level(logging.ERROR, "django_scim_provider"):
        refuse(context, Forbidden())

    assert "could not be recorded" in caplog.text
    assert not ScimEvent.objects.exists()


# Refused credentials -----------------------------------------------------------------------------------------------


def refused(**fields: Any) -> None:
    fields = {"reason": "unknown", "key_id": "k" * 12, "remote_addr": "192.0.2.1", "connection": None} | fields
    audit.refused_credential(**fields)


@pytest.fixture
def _frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now().replace(second=30)
    monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.mark.usefixtures("_frozen")
def test_refused_credential_is_one_row_however_often_it_is_tried(connection: ScimConnection) -> None:
    for _ in range(5):
        refused(connection=connection)

    found = event()
    assert (found.action, found.outcome, found.status, found.detail) == ("authenticate", "refused", 401, "unknown")
    assert (found.connection, found.connection_name, found.key_id) == (connection, connection.name, "k" * 12)
    assert (found.count, found.remote_addr, found.at.second, found.at.microsecond) == (5, "192.0.2.1", 0, 0)


@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize(
    "other", [{"key_id": "K" * 12}, {"key_id": ""}, {"remote_addr": "192.0.2.2"}, {"remote_addr": None}]
)
def test_address_and_key_id_are_counted_apart(other: dict[str, Any]) -> None:
    for _ in range(2):
        refused()
        refused(**other)

    assert sorted(ScimEvent.objects.values_list("count", flat=True)) == [2, 2]


def test_next_minute_is_counted_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = timezone.now()
    for minutes in (0, 1, 1):
        monkeypatch.setattr(timezone, "now", lambda minutes=minutes: moment + timedelta(minutes=minutes))
        refused()

    assert list(ScimEvent.objects.order_by("at").values_list("count", flat=True)) == [1, 2]


@pytest.mark.usefixtures("_frozen")
def test_other_events_of_the_minute_are_not_counted_up(connection: ScimConnection) -> None:
    at = timezone.now().replace(second=0, microsecond=0)
    ScimEvent.objects.create(connection=connection, at=at, action="create", key_id="k" * 12, remote_addr="192.0.2.1")
    refused()

    assert set(ScimEvent.objects.values_list("action", "count")) == {("create", 1), ("authenticate", 1)}


def test_credential_that_cannot_be_counted_is_logged_without_it(caplog: pytest.LogCaptureFixture) -> None:
    with refuses_inserts(), caplog.at_level(logging.ERROR, "django_scim_provider"):
        refused()

    assert "could not be recorded" in caplog.text
    assert not ScimEvent.objects.exists()


def test_refusals_of_one_connection_are_not_those_of_another() -> None:
    first, second = ConnectionFactory(), ConnectionFactory()
    refused(connection=first, key_id="a" * 12)
    refused(connection=second, key_id="b" * 12)

    assert list(first.events.values_list("key_id", flat=True)) == ["a" * 12]
    assert list(second.events.values_list("key_id", flat=True)) == ["b" * 12]
