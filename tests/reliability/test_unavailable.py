"""A database that takes no writes, no connection, or fails at COMMIT; code of the host that fails after it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, transaction
from django.db import connection as database
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.signals import post_save

from api.helpers import VENDOR, apart, dump, is_error
from conftest import ScimClient, person
from django_scim_provider import signals
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.services import invariants, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

OFF = {"op": "replace", "path": "active", "value": False}


def is_unavailable(response: Any) -> bool:
    assert is_error(response, 503)
    assert int(response.headers["Retry-After"]) >= 1
    return True


@contextmanager
def opened_with(**settings: Any) -> Iterator[None]:
    """Connections that are made meanwhile have other settings: use the database in threads only."""
    before = connections.settings["default"]
    connections.settings["default"] = {**copy.deepcopy(before), **settings}
    try:
        yield
    finally:
        connections.settings["default"] = before


def options(**more: Any) -> dict[str, Any]:
    return {**connections.settings["default"].get("OPTIONS", {}), **more}


def read_only() -> dict[str, Any]:
    if VENDOR == "sqlite":
        return {"NAME": f"file:{connections.settings['default']['NAME']}?mode=ro", "OPTIONS": options(init_command="")}
    if VENDOR == "postgresql":
        return {"OPTIONS": options(options="-c default_transaction_read_only=on")}
    return {"OPTIONS": options(init_command="SET SESSION TRANSACTION READ ONLY")}


def provisioned() -> tuple[str, dict[str, Any]]:
    """A token, and somebody who was made with it."""
    token = tokens.issue(Context(ConnectionFactory())).text
    return token, ScimClient(token).create("ann@example.com")


WRITES: dict[str, Callable[[ScimClient, str], Any]] = {
    "POST": lambda scim, path: scim.post("/Users", person("bob@example.com")),
    "PUT": lambda scim, path: scim.put(path, person("ann@example.com", title="x")),
    "PATCH": lambda scim, path: scim.patch(path, OFF),
    "DELETE": lambda scim, path: scim.delete(path),
    "group": lambda scim, path: scim.post("/Groups", {"displayName": "Staff", "members": []}),
}


def test_a_database_that_takes_no_writes_is_503_for_them_and_answers_reads(threads: None) -> None:
    token, ann = apart(provisioned)
    before = apart(dump)
    path = f"/Users/{ann['id']}"
    with opened_with(**read_only()):
        for write in WRITES.values():
            assert is_unavailable(apart(lambda write=write: write(ScimClient(token), path)))
        reads = [
            apart(lambda read=read: ScimClient(token).get(read).status_code) for read in (path, "/Users", "/Groups")
        ]
        refused = apart(lambda: ScimClient(None).get("/Users").status_code)
    assert reads == [200, 200, 200]
    assert refused == 401, "also where the refusal cannot be recorded"
    assert apart(dump) == before
    assert apart(lambda: WRITES["PUT"](ScimClient(token), path).status_code) == 200


@contextmanager
def only_connection() -> Iterator[dict[str, Any]]:
    """The settings of an account that may have one connection, and has it."""
    name, quoted = "scim_faults_limited", connections["default"].ops.quote_name(database.settings_dict["NAME"])
    make, drop = {
        "postgresql": (
            [f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 1", f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}"],
            [f"DROP OWNED BY {name}", f"DROP ROLE {name}"],
        ),
        "mysql": (
            [f"CREATE USER {name}@'%%'", f"GRANT ALL ON {quoted}.* TO {name}@'%%' WITH MAX_USER_CONNECTIONS 1"],
            [f"DROP USER {name}@'%%'"],
        ),
    }[VENDOR]
    with database.cursor() as cursor:
        for statement in make:
            cursor.execute(statement.replace("%%", "%"))
        held = database.copy()
        held.settings_dict = {**database.settings_dict, "USER": name, "PASSWORD": ""}
        try:
            held.ensure_connection()
            yield {"USER": name, "PASSWORD": ""}
        finally:
            held.close()
            for statement in drop:
                cursor.execute(statement.replace("%%", "%"))


@pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite opens a file: nobody limits how often")
def test_no_connection_to_be_had_is_503_whatever_is_asked(threads: None) -> None:
    token, ann = apart(provisioned)
    path = f"/Users/{ann['id']}"
    with only_connection() as account, opened_with(**account):
        for write in WRITES.values():
            assert is_unavailable(apart(lambda write=write: write(ScimClient(token), path)))
        assert is_unavailable(apart(lambda: ScimClient(token).get(path)))
        assert is_unavailable(apart(lambda: ScimClient(token).get("/Users/unknown")))
    assert apart(lambda: ScimClient(token).get(path).status_code) == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("carried_out", [False, True])
def test_commit_that_fails_is_503_and_all_or_nothing_and_a_retry_ends_it(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    """The connection may break before the database hears of COMMIT, and after it was carried out."""
    commit = BaseDatabaseWrapper._commit
    path = f"/Users/{scim.create('ann@example.com')['id']}"
    scim.get(path)

    def fail(self: Any) -> None:
        if carried_out:
            commit(self)
        raise OperationalError("server closed the connection unexpectedly")

    for name, write in WRITES.items():
        before, events = dump(), ScimEvent.objects.filter(outcome="success").count()
        monkeypatch.setattr(BaseDatabaseWrapper, "_commit", fail)
        assert is_unavailable(write(scim, path))
        monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
        assert (dump() == before) is not carried_out
        assert ScimEvent.objects.filter(outcome="success").count() == events + carried_out
        assert not list(invariants.check())
        done = write(scim, path).status_code
        again = {"POST": 409, "group": 409, "DELETE": 404}.get(name, 200)
        assert done == (again if carried_out else {"POST": 201, "group": 201, "DELETE": 204}.get(name, 200))


@pytest.mark.django_db(transaction=True)
def test_what_the_host_does_on_commit_may_fail_after_everything_is_stored(scim: ScimClient) -> None:
    def later(**kwargs: Any) -> None:
        transaction.on_commit(lambda: {}["the queue is down"])

    post_save.connect(later, sender=get_user_model())
    try:
        response = scim.post("/Users", person("ann@example.com"))
    finally:
        post_save.disconnect(later, sender=get_user_model())
    assert is_error(response, 500)
    assert "queue" not in response.content.decode()
    assert ScimEvent.objects.filter(action="create", outcome="success").count() == 1
    assert not list(invariants.check())
    assert is_error(scim.post("/Users", person("ann@example.com")), 409, "uniqueness")
    assert len(scim.find('userName eq "ann@example.com"')) == 1


@pytest.mark.django_db(transaction=True)
def test_a_receiver_of_our_signals_that_fails_changes_no_answer(
    scim: ScimClient, connection: ScimConnection, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**kwargs: Any) -> None:
        raise OperationalError("of a receiver's own")

    heard = [signals.user_provisioned, signals.user_updated, signals.user_deactivated, signals.user_removed]
    for signal in heard:
        signal.connect(fail)
    try:
        path = f"/Users/{scim.create('ann@example.com')['id']}"
        assert [scim.patch(path, OFF).status_code, scim.delete(path).status_code] == [200, 204]
    finally:
        for signal in heard:
            signal.disconnect(fail)
    assert not ScimUser.objects.filter(alive=True).exists()
    assert "of a receiver's own" in caplog.text
    assert not list(invariants.check(connection))


def test_a_connection_that_breaks_while_the_use_of_a_token_is_noted_does_not_spoil_the_process(
    threads: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django takes autocommit that could not be switched on again for a transaction of somebody else's, and stays in it."""
    token, ann = apart(provisioned)
    path, wrapper = f"/Users/{ann['id']}", type(connections["default"])
    switch = wrapper._set_autocommit
    apart(lambda: ScimToken.objects.update(last_used_at=None))
    lost: list[str] = []

    def set_autocommit(self: Any, autocommit: bool) -> None:
        if autocommit and len(lost) == 1:
            lost.append("autocommit")
            raise OperationalError("server has gone away")
        switch(self, autocommit)

    def gone(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("UPDATE", "SAVEPOINT")):
            lost.append(sql)
            raise OperationalError("server has gone away")
        return execute(sql, params, many, context)

    def work() -> tuple[Any, Any, bool]:
        monkeypatch.setattr(wrapper, "_set_autocommit", set_autocommit)
        with database.execute_wrapper(gone):
            during = ScimClient(token).patch(path, OFF)
        is_stuck = database.in_atomic_block
        return during, ScimClient(token).patch(path, OFF), is_stuck

    during, afterwards, is_stuck = apart(work)
    assert lost[1] == "autocommit"
    assert is_unavailable(during)
    assert not is_stuck
    assert afterwards.status_code == 200
