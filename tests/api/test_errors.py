"""Whatever goes wrong, the answer is a SCIM error: never HTML, never a database's or a class's name."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from django.db import connection as database
from django.db.models.signals import post_save
from django.http import Http404
from django.test import override_settings
from rest_framework.exceptions import APIException, ParseError

from api.helpers import NO_SUCH_ID, VENDOR, dump, host_of, is_error
from conftest import ScimClient, person
from django_scim_provider import signals
from django_scim_provider.models import ScimUser

pytestmark = pytest.mark.django_db

INTERNALS = re.compile(
    r"Traceback|[Dd]jango|sqlite|psycopg|MySQL|SELECT|INSERT|UPDATE |auth_user|scim_provider|Error\(|File \"|\.py|"
    r"relation|constraint|line \d+, in|0x[0-9a-f]{6}|<[a-z!]"
)


def all_refusals(scim: ScimClient, anonymous: ScimClient) -> Iterator[Any]:
    body = scim.create("ann@example.com")
    path = f"/Users/{body['id']}"
    yield anonymous.get("/Users")
    yield ScimClient("x").get("/Users")
    yield scim.get("/Users/x")
    yield scim.get("/Nonsense")
    yield scim.get("/Users", filter="nonsense eq 1")
    yield scim.get("/Users", filter="((((")
    yield scim.get("/Users", sortBy="nonsense")
    yield scim.get("/Users", startIndex="x")
    yield scim.post("/Users", person("ANN@example.com"))
    yield scim.post("/Users", b"{")
    yield scim.post("/Users", b"[]")
    yield scim.post("/Users", {})
    yield scim.post("/Users", {"userName": 5})
    yield scim.post("/Users", person("x" * 100_000))
    yield scim.post("/Users", b"{}", content_type="text/plain")
    yield scim.post("/Users", b"x" * 2_000_000)
    yield scim.put(path, {"active": "x"})
    yield scim.patch(path, {"op": "replace", "path": "[[", "value": 1})
    yield scim.patch(path, {"op": "remove", "path": "userName"})
    yield scim.request("FOO", "/Users")
    yield scim.get("/Me")
    yield scim.get("/Schemas", filter="x")


@pytest.mark.parametrize("debug", [False, True])
def test_no_refusal_shows_anything_of_the_inside(
    scim: ScimClient, anonymous: ScimClient, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    seen = set()
    for response in all_refusals(scim, anonymous):
        document = response.json()
        assert is_error(response, response.status_code, document.get("scimType"))
        assert not INTERNALS.search(document["detail"]), document["detail"]
        seen.add(response.status_code)
    assert seen == {400, 401, 403, 404, 405, 409, 413, 415, 501}


@contextmanager
def failing_with(error: Exception, when: Callable[[str], bool] = lambda sql: True) -> Iterator[None]:
    """Every statement that ``when`` chooses fails as if the database had said so."""

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if when(sql):
            raise error
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        yield


def every_request(scim: ScimClient, scim_id: str) -> list[Any]:
    path = f"/Users/{scim_id}"
    return [
        scim.get("/Users"),
        scim.get(path),
        scim.get("/Users", filter='userName eq "ann@example.com"'),
        scim.get("/Schemas"),
        scim.post("/Users", person("new@example.com")),
        scim.put(path, person("ann@example.com", title="new")),
        scim.patch(path, {"op": "replace", "path": "active", "value": False}),
        scim.delete(path),
    ]


FAULTS = [
    OperationalError("server closed the connection unexpectedly"),
    OperationalError(2006, "MySQL server has gone away"),
    InterfaceError("connection already closed"),
    InternalError("cannot execute INSERT in a read-only transaction"),
    DatabaseError("database disk image is malformed"),
]


@pytest.mark.parametrize("error", FAULTS, ids=str)
@pytest.mark.parametrize("debug", [False, True])
def test_fault_of_the_database_is_503_with_whole_seconds_to_wait(
    scim: ScimClient, settings: Any, error: Exception, debug: bool
) -> None:
    settings.DEBUG = debug
    body = scim.create("ann@example.com")
    before = dump()

    with failing_with(error):
        answers = every_request(scim, body["id"])

    for response in answers:
        assert is_error(response, 503)
        assert re.fullmatch("[1-9][0-9]*", response.headers["Retry-After"])
        assert not INTERNALS.search(response.json()["detail"])
    assert dump() == before


MISTAKES = [ProgrammingError('relation "auth_user" does not exist'), NotSupportedError("no such thing in sqlite")]


@pytest.mark.parametrize("error", MISTAKES, ids=str)
@pytest.mark.parametrize("debug", [False, True])
def test_mistake_of_ours_in_sql_is_a_scim_500_and_is_reported(
    scim: ScimClient, settings: Any, error: Exception, debug: bool
) -> None:
    settings.DEBUG = debug
    body = scim.create("ann@example.com")
    before, reported = dump(), []

    def note(**kwargs: Any) -> None:
        reported.append(kwargs["request"].path)

    got_request_exception.connect(note)
    try:
        with failing_with(error):
            answers = every_request(scim, body["id"])
    finally:
        got_request_exception.disconnect(note)

    for response in answers:
        assert is_error(response, 500)
        assert not INTERNALS.search(response.json()["detail"])
    assert len(reported) == len(answers)
    assert dump() == before


@contextmanager
def host_that_raises(error: Exception) -> Iterator[None]:
    """A host whose own code, at every save of a user, goes wrong."""

    def receiver(**kwargs: Any) -> None:
        raise error

    post_save.connect(receiver, sender=get_user_model())
    try:
        yield
    finally:
        post_save.disconnect(receiver, sender=get_user_model())


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RuntimeError("secret of the host at /srv/app.py"), 500),
        (ValueError("bad"), 500),
        (KeyError("x"), 500),
        (AttributeError("x"), 500),
        (RecursionError("x"), 500),
        (AssertionError("x"), 500),
        (UnicodeEncodeError("ascii", "é", 0, 1, "x"), 500),
        (MemoryError(), 500),
        (PermissionDenied("secret"), 403),
        (SuspiciousOperation("secret"), 400),
        # Not 404: the identity provider would take the person for gone and make another.
        (Http404("secret"), 500),
        (ParseError("secret"), 400),
        (APIException("secret"), 500),
        (IntegrityError("UNIQUE constraint failed: auth_user.badge"), 409),
        (IntegrityError("CHECK constraint failed: badge"), 400),
        (DataError("value too long for type character varying(3)"), 400),
    ],
    ids=repr,
)
def test_code_of_the_host_that_raises_is_a_scim_error_and_undoes_everything(
    scim: ScimClient, settings: Any, error: Exception, status: int, debug: bool
) -> None:
    settings.DEBUG = debug
    body = scim.create("ann@example.com")
    before, reported = dump(events=False), []

    def note(**kwargs: Any) -> None:
        reported.append(kwargs["request"].path)

    got_request_exception.connect(note)
    try:
        with host_that_raises(error):
            answers = [
                scim.post("/Users", person("new@example.com")),
                scim.put(f"/Users/{body['id']}", person("ann@example.com", name={"givenName": "New"})),
                scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": False}),
                scim.delete(f"/Users/{body['id']}"),
            ]
    finally:
        got_request_exception.disconnect(note)

    for response in answers:
        assert is_error(response, status, response.json().get("scimType"))
        assert "secret" not in response.content.decode()
        assert not INTERNALS.search(response.json()["detail"])
    assert len(reported) == (4 if status == 500 else 0)
    assert dump(events=False) == before
    assert host_of(body).is_active


def test_signal_receiver_that_fails_spoils_nothing(
    scim: ScimClient, django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def receiver(**kwargs: Any) -> None:
        raise RuntimeError("receiver")

    signals.user_provisioned.connect(receiver)
    try:
        with caplog.at_level(logging.ERROR), django_capture_on_commit_callbacks(execute=True):
            response = scim.post("/Users", person("ann@example.com"))
    finally:
        signals.user_provisioned.disconnect(receiver)

    assert response.status_code == 201
    assert ScimUser.objects.filter(user_name="ann@example.com").exists()


def test_conflict_never_quotes_the_database(scim: ScimClient) -> None:
    scim.create("ann@example.com")
    with failing_with(
        IntegrityError('duplicate key value violates unique constraint "auth_user_username_key" Key (username)=(x)'),
        lambda sql: sql.startswith("INSERT"),
    ):
        response = scim.post("/Users", person("beth@example.com"))

    assert response.status_code in (400, 409)
    assert not INTERNALS.search(response.json()["detail"])
    assert "ann" not in response.json()["detail"]


@pytest.mark.skipif(VENDOR != "postgresql", reason="the setting is PostgreSQL's")
@pytest.mark.django_db(transaction=True)
def test_database_that_went_read_only_is_503_for_writes_and_serves_reads(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before = dump(bookkeeping=True)
    with database.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only TO on")
    try:
        assert scim.get(f"/Users/{body['id']}").json() == body
        assert is_error(scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": False}), 503)
        assert is_error(scim.post("/Users", person("beth@example.com")), 503)
        assert is_error(scim.delete(f"/Users/{body['id']}"), 503)
    finally:
        with database.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only TO off")
    assert dump(bookkeeping=True) == before


@override_settings(ALLOWED_HOSTS=["scim.example.com"], MIDDLEWARE=[])
def test_forged_host_is_a_scim_400_that_does_not_name_it(scim: ScimClient) -> None:
    response = scim.request("GET", f"/Users/{NO_SUCH_ID}", HTTP_HOST="evil.example")

    assert is_error(response, 400)
    assert "evil" not in response.content.decode()


def test_connection_that_breaks_off_is_a_scim_400(scim: ScimClient) -> None:
    class Broken:
        def read(self, size: int = -1) -> bytes:
            raise OSError("client went away")

        readline = read

    response = scim.request("POST", "/Users", b"{}", **{"wsgi.input": Broken(), "CONTENT_LENGTH": "2"})

    assert is_error(response, 400)
