"""The event log: one event per write and per refusal, what it says, and what it never holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DataError, connections
from django.db import connection as database
from django.db.models.signals import post_save

from api.helpers import NO_SUCH_ID, apart, dump, has_column, is_error, soft_deletes, together, with_setting
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.models.token_format import new_token
from django_scim_provider.services import audit, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db
ENDED = "Ended: sessions, password reset links."


def new_events(since: int = 0) -> list[ScimEvent]:
    return list(ScimEvent.objects.filter(pk__gt=since).exclude(action="token_issue").order_by("pk"))


def last() -> int:
    event = ScimEvent.objects.order_by("-pk").first()
    return event.pk if event else 0


@pytest.mark.hosts
def test_every_write_is_one_event_that_says_who_what_and_from_where(
    scim: ScimClient, connection: ScimConnection
) -> None:
    def write(method: str, path: str, body: Any = None, *, ended: str = "") -> Any:
        mark = last()
        response = scim.request(method, path, body, REMOTE_ADDR="203.0.113.9")
        (event,) = new_events(mark)
        assert event.outcome == "success"
        assert event.status == response.status_code
        assert (event.connection, event.connection_name) == (connection, connection.name)
        assert event.key_id == ScimToken.objects.get().key_id
        assert event.remote_addr == "203.0.113.9"
        assert event.resource_type == "User"
        assert event.actor is None
        assert event.values is None
        assert event.count == 1
        assert event.duration_ms is not None
        assert (event.scim_type, event.detail) == ("", ended)
        return response, event

    created, event = write("POST", "/Users", person("Ann@example.com", nonsense=1))
    scim_id = created.json()["id"]
    assert (event.action, event.resource_id, event.label) == ("create", scim_id, "Ann@example.com")
    assert event.changed == ["active", "emails", "name", "userName"]
    assert event.warnings == ["nonsense"]

    path = f"/Users/{scim_id}"
    _, event = write("PUT", path, person("Ann@example.com", title="x"))
    assert (event.action, event.changed) == ("replace", ["title"])

    operations = {"Operations": [{"op": "replace", "value": {"active": False, "title": "y"}}]}
    _, event = write("PATCH", path, operations, ended=f"Deactivated. {ENDED}")
    assert (event.action, event.changed) == ("modify", ["active", "title"])

    _, event = write("PATCH", path, operations)
    assert (event.action, event.changed) == ("modify", [])

    _, event = write("DELETE", path, ended="" if soft_deletes() else ENDED)
    assert (event.action, event.resource_id, event.label) == ("delete", scim_id, "Ann@example.com")


def refusals(scim: ScimClient, scim_id: str) -> list[tuple[Callable[[], Any], int, str, str, str]]:
    path = f"/Users/{scim_id}"
    return [
        (lambda: scim.post("/Users", person("ANN@example.com")), 409, "uniqueness", "create", ""),
        (lambda: scim.post("/Users", b"{"), 400, "invalidSyntax", "create", ""),
        (lambda: scim.post("/Users", {}), 400, "invalidValue", "create", ""),
        (lambda: scim.post("/Users", b"x", content_type="text/plain"), 415, "", "create", ""),
        (lambda: scim.post("/Users", b"x" * 2_000_000), 413, "", "create", ""),
        (lambda: scim.put(path, {"active": False}), 400, "invalidValue", "replace", scim_id),
        (lambda: scim.put(f"/Users/{NO_SUCH_ID}", person("b@example.com")), 404, "", "replace", NO_SUCH_ID),
        (lambda: scim.patch(path, {"op": "replace", "path": "id", "value": "x"}), 400, "mutability", "modify", scim_id),
        (lambda: scim.patch(path, {"op": "replace", "path": "[", "value": "x"}), 400, "invalidPath", "modify", scim_id),
        (lambda: scim.delete(f"/Users/{NO_SUCH_ID}"), 404, "", "delete", NO_SUCH_ID),
        (lambda: scim.get("/Users", filter="nonsense pr"), 400, "invalidFilter", "read", ""),
        (lambda: scim.get("/Users", sortBy="nonsense"), 400, "invalidValue", "read", ""),
    ]


@pytest.mark.hosts
@pytest.mark.parametrize("number", range(12))
def test_every_refusal_is_one_event_with_the_text_that_the_client_got(scim: ScimClient, number: int) -> None:
    body = scim.create("ann@example.com")
    send, status, scim_type, action, resource_id = refusals(scim, body["id"])[number]
    mark, before = last(), dump(events=False)

    response = send()

    assert is_error(response, status, scim_type or None)
    (event,) = new_events(mark)
    assert (event.action, event.outcome, event.status) == (action, "refused", status)
    assert (event.scim_type, event.resource_type, event.resource_id) == (scim_type, "User", resource_id)
    assert event.detail == response.json()["detail"]
    assert (event.label, event.changed, event.values) == ("", [], None)
    assert dump(events=False) == before


@pytest.mark.hosts
def test_refusal_of_a_protected_person_is_an_event(scim: ScimClient) -> None:
    row = ScimUser.objects.get(user=HostUserFactory(name="boss", is_superuser=True))
    mark = last()

    scim.delete(f"/Users/{row.scim_id}")

    (event,) = new_events(mark)
    assert (event.action, event.outcome, event.status, event.resource_id) == (
        "delete",
        "refused",
        403,
        str(row.scim_id),
    )


def test_reads_and_misses_of_reads_are_no_events(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    mark = last()

    scim.get("/Users")
    scim.get(f"/Users/{body['id']}")
    scim.get(f"/Users/{NO_SUCH_ID}")
    scim.get("/Users", filter='userName eq "nobody"')
    scim.get("/Schemas")
    scim.get("/Nonsense")
    scim.request("FOO", "/Users")

    assert new_events(mark) == []


CANARIES = {
    "name": {"givenName": "CanaryGiven", "familyName": "CanaryFamily"},
    "title": "CanaryTitle",
    "emails": [{"value": "canary.mail@example.com", "type": "CanaryType"}],
    "externalId": "CanaryExternal",
    "password": "CanaryPassword",
    "nonsense": "CanaryNonsense",
}


def test_events_hold_names_of_attributes_and_no_values(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", **CANARIES)
    path = f"/Users/{body['id']}"
    scim.put(path, person("ann@example.com", **{**CANARIES, "title": "CanaryChanged"}))
    scim.patch(
        path, {"op": "replace", "path": 'emails[value eq "canary.mail@example.com"].type', "value": "CanaryOther"}
    )
    scim.patch(path, {"op": "replace", "path": 'nonsense[x eq "CanaryPath"]', "value": "CanaryValue"})
    scim.patch(path, {"op": "replace", "path": "active", "value": "CanaryNo"})
    scim.post("/Users", person("ANN@example.com", title="CanaryConflict"))
    scim.get("/Users", filter='title eq "CanaryFilter" and nonsense eq "CanaryFilter"')
    scim.delete(path)

    text = str(list(ScimEvent.objects.values_list()))
    assert "anary" not in text
    assert "title" in text


def test_values_are_kept_where_the_host_opts_in_and_the_password_never(scim: ScimClient) -> None:
    with with_setting(EVENT_VALUES=True):
        body = scim.create("ann@example.com", title="Engineer", password="CanaryPassword")
        scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"title": "Chef", "password": "CanaryPassword"}})

    created, changed = new_events()
    assert created.values is not None
    assert created.values["title"] == "Engineer"
    assert changed.values == {"title": "Chef"}
    assert "Canary" not in str(list(ScimEvent.objects.values_list()))


# 401 ---------------------------------------------------------------------------------------------------------


def guess(token: str, address: str = "203.0.113.9") -> None:
    assert is_error(ScimClient(token).request("GET", "/Users", REMOTE_ADDR=address), 401)


def test_refused_credentials_are_one_row_per_address_known_key_and_minute(
    connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)]
    monkeypatch.setattr(audit, "now", lambda: clock[0])
    first, made_up = new_token(), new_token()
    tokens.issue(Context(connection))
    ScimToken.objects.update(key_id=first.key_id)

    for _ in range(5):
        guess("nonsense")
    guess("nonsense", "203.0.113.10")
    for _ in range(3):
        guess(first.text)
    guess(made_up.text)
    clock[0] = clock[0].replace(minute=1)
    guess("nonsense")

    ScimEvent.objects.filter(action="token_issue").delete()
    rows = sorted(ScimEvent.objects.values_list("at", "remote_addr", "key_id", "count"))
    start, later = clock[0].replace(minute=0, second=0), clock[0].replace(second=0)
    assert rows == sorted(
        [
            (start, "203.0.113.9", "", 6),
            (start, "203.0.113.10", "", 1),
            (start, "203.0.113.9", first.key_id, 3),
            (later, "203.0.113.9", "", 1),
        ]
    )
    for event in ScimEvent.objects.all():
        assert (event.action, event.outcome, event.status, event.connection) == ("authenticate", "refused", 401, None)
        assert event.detail
        assert first.text not in str(vars(event))


def test_refused_credential_of_a_known_key_names_its_connection_and_the_reason(
    issue_token: Callable[..., str],
) -> None:
    connection = ConnectionFactory(name="Acme")
    token = issue_token(connection)
    ScimConnection.objects.update(enabled=False)
    mark = last()

    guess(token)

    (event,) = new_events(mark)
    assert (event.connection, event.connection_name, event.key_id) == (connection, "Acme", token[7:19])
    assert event.detail == "SCIM is disabled for this connection."


def test_addresses_that_are_none_are_one_row_too(connection: ScimConnection) -> None:
    guess("nonsense", "")
    guess("nonsense", "garbage")

    assert list(ScimEvent.objects.values_list("remote_addr", "count")) == [(None, 2)]


@pytest.mark.slow
def test_guesses_at_the_same_moment_are_all_counted(threads: None) -> None:
    apart(ConnectionFactory)
    token = new_token().text

    together([lambda: guess(token)] * 8)

    counts = apart(lambda: list(ScimEvent.objects.filter(status=401).values_list("count", flat=True)))
    assert sum(counts) == 8


# Transactions ------------------------------------------------------------------------------------------------


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    settings = connections.settings["default"]
    before = settings["ATOMIC_REQUESTS"]
    settings["ATOMIC_REQUESTS"] = database.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    settings["ATOMIC_REQUESTS"] = database.settings_dict["ATOMIC_REQUESTS"] = before


@pytest.mark.parametrize("atomic", [False, True])
def test_refusal_outlives_the_rollback_of_what_it_refused(
    transactional_db: None, request: pytest.FixtureRequest, atomic: bool
) -> None:
    """The conflict comes from the database, after the host's row was inserted: all of that goes, the event stays."""
    if atomic:
        request.getfixturevalue("atomic_requests")
    scim: ScimClient = request.getfixturevalue("scim")
    if not has_column("username"):
        pytest.skip("needs a host that tells the two names apart")
    before = dump(events=False)

    def meddle(*, instance: Any, created: bool, **kwargs: Any) -> None:
        # Between our look and our insert somebody else takes the name in this scope.
        if created:
            ScimUser.objects.create(
                connection=ScimConnection.objects.get(),
                scope="/",
                user_name="ANN@example.com",
                user_name_key="ann@example.com",
                created_at="2026-01-01T00:00:00Z",
                modified_at="2026-01-01T00:00:00Z",
            )

    post_save.connect(meddle, sender=get_user_model())
    try:
        response = scim.post("/Users", person("ann@example.com"))
    finally:
        post_save.disconnect(meddle, sender=get_user_model())

    assert is_error(response, 409, "uniqueness")
    assert dump(events=False) == before
    (event,) = new_events()
    assert (event.action, event.status, event.scim_type) == ("create", 409, "uniqueness")
    assert not database.in_atomic_block


def test_views_are_outside_the_transaction_that_atomic_requests_would_open(
    scim: ScimClient, request: pytest.FixtureRequest
) -> None:
    depths = []

    def note(**kwargs: Any) -> None:
        depths.append(len(database.atomic_blocks))

    post_save.connect(note, sender=get_user_model())
    try:
        assert scim.post("/Users", person("ann@example.com")).status_code == 201
        request.getfixturevalue("atomic_requests")
        assert scim.post("/Users", person("beth@example.com")).status_code == 201
    finally:
        post_save.disconnect(note, sender=get_user_model())

    assert depths[0] == depths[1]


def test_success_event_is_gone_when_the_write_is(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    mark, before = last(), dump(events=False)

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("INSERT") and "scimevent" in sql:
            raise RuntimeError("after the event")
        return result

    with database.execute_wrapper(fail):
        response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "title", "value": "x"})

    assert is_error(response, 500)
    assert new_events(mark) == []
    assert dump(events=False) == before


def test_event_log_that_cannot_be_written_does_not_change_a_refusal(scim: ScimClient) -> None:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and "scimevent" in sql:
            raise DataError("no")
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        assert is_error(scim.post("/Users", {}), 400, "invalidValue")
        assert is_error(scim.get("/Users", filter="x"), 400, "invalidFilter")
        assert is_error(ScimClient("nonsense").get("/Users"), 401)


def test_events_cannot_be_changed_or_deleted_one_by_one(scim: ScimClient) -> None:
    scim.create("ann@example.com")
    event = new_events()[0]
    event.detail = "changed"

    with pytest.raises(TypeError):
        event.save()
    with pytest.raises(TypeError):
        event.delete()


def test_events_outlive_their_connection(scim: ScimClient, connection: ScimConnection) -> None:
    scim.create("ann@example.com")
    name = connection.name

    ScimConnection.objects.get(pk=connection.pk).delete()

    (event,) = new_events()
    assert (event.connection, event.connection_name) == (None, name)
