"""The n-th statement of a write fails, for every n: the answer is a SCIM 503 and the database is as it was."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.db import connection as database

from api.helpers import dump, is_error
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services.transactions import now

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.hosts]

Send = Callable[[ScimClient, dict[str, Any]], Any]

WRITES: dict[str, Send] = {
    "POST": lambda scim, _: scim.post(
        "/Users", person("new@example.com", title="x", **{urns.ENTERPRISE_USER: {"department": "y"}})
    ),
    "PUT": lambda scim, body: scim.put(
        f"/Users/{body['id']}",
        person("renamed@example.com", name={"givenName": "A", "familyName": "B"}, nickName="N", externalId="e"),
    ),
    "PATCH": lambda scim, body: scim.patch(
        f"/Users/{body['id']}",
        {"op": "replace", "path": "emails", "value": [{"value": "a@example.com"}, {"value": "b@example.com"}]},
        {"op": "replace", "path": "name.givenName", "value": "Changed"},
        {"op": "add", "path": f"{urns.ENTERPRISE_USER}:department", "value": "z"},
    ),
    "deactivate": lambda scim, body: scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"active": False}}),
    "reactivate": lambda scim, body: scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"active": True}}),
    "DELETE": lambda scim, body: scim.delete(f"/Users/{body['id']}"),
}
READS: dict[str, Send] = {
    "GET": lambda scim, body: scim.get(f"/Users/{body['id']}"),
    "list": lambda scim, _: scim.get("/Users", sortBy="userName"),
    "filter": lambda scim, _: scim.get("/Users", filter='emails eq "x" or title pr'),
    "look-up": lambda scim, _: scim.get("/Users", filter='userName eq "ann@example.com"'),
}


class Fault:
    """Fails the n-th statement, BEGIN and savepoints included; afterwards the database works again."""

    def __init__(self, number: int, error: type[Exception]) -> None:
        self.left = number
        self.error = error
        self.sql = ""

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            self.sql = sql
            raise self.error("server closed the connection unexpectedly")
        return execute(sql, params, many, context)


@contextmanager
def person_in_a_group(scim: ScimClient, name: str) -> Iterator[dict[str, Any]]:
    body = scim.create("ann@example.com", title="old", phoneNumbers=[{"value": "1", "type": "work"}])
    group = ScimGroup.objects.create(
        connection=ScimConnection.objects.get(),
        display_name="Staff",
        display_name_key="staff",
        unique_key="staff",
        created_at=now(),
        modified_at=now(),
    )
    ScimMembership.objects.create(group=group, scim_user=ScimUser.objects.get(scim_id=body["id"]))
    if name == "reactivate":
        scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"active": False}})
    yield body


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("name", WRITES)
def test_write_that_fails_at_any_statement_is_503_and_undone(
    scim: ScimClient, name: str, error: type[Exception]
) -> None:
    with person_in_a_group(scim, name) as body:
        before = dump()
        failed: list[str] = []
        for number in itertools.count(1):
            fault = Fault(number, error)
            with database.execute_wrapper(fault):
                response = WRITES[name](scim, body)
            if not fault.sql:
                break
            failed.append(fault.sql)
            assert number < 100
            assert not database.in_atomic_block
            assert is_error(response, 503), fault.sql
            assert int(response.headers["Retry-After"]) >= 1
            assert dump() == before, fault.sql

        assert response.status_code in (200, 201, 204), response.content
        assert dump() != before
        assert len(failed) >= 6
        assert ScimEvent.objects.filter(outcome="success").order_by("-pk")[0].status == response.status_code


@pytest.mark.parametrize("name", READS)
def test_read_that_fails_at_any_statement_is_503_and_never_empty(scim: ScimClient, name: str) -> None:
    with person_in_a_group(scim, name) as body:
        good = READS[name](scim, body).content
        for number in itertools.count(1):
            fault = Fault(number, OperationalError)
            with database.execute_wrapper(fault):
                response = READS[name](scim, body)
            if not fault.sql:
                break
            assert is_error(response, 503), fault.sql
        assert response.content == good
        assert number >= 3


def test_use_of_a_token_that_cannot_be_noted_does_not_stop_the_request(scim: ScimClient) -> None:
    """A database that takes no writes still answers reads."""

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise OperationalError("read-only")
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        assert scim.get("/Users").status_code == 200
    assert scim.get("/Users").status_code == 200


@pytest.mark.parametrize("code", ["database is locked", 1213, 1205, 1020])
def test_lock_that_goes_away_is_waited_for_and_the_client_never_knows(scim: ScimClient, code: Any) -> None:
    body = scim.create("ann@example.com")
    failures = iter([True, True, True, False, False, False, False])

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "scimuser" in sql and next(failures, False):
            raise OperationalError(code)
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "title", "value": "x"})

    assert response.status_code == 200
    assert scim.get(f"/Users/{body['id']}").json()["title"] == "x"
    assert ScimEvent.objects.filter(action="modify").count() == 1


def test_lock_that_stays_is_503_after_four_attempts(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before, attempts = dump(), []

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "scimuser" in sql:
            attempts.append(sql)
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail):
        response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "title", "value": "x"})

    assert is_error(response, 503)
    assert response.headers["Retry-After"] == "1"
    assert len(attempts) == 4
    assert dump() == before
