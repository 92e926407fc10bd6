"""transactions.run: one transaction, our words for what the database refuses, another go where it may help."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError, transaction
from django.db import connection as database
from django.utils import timezone

from api.helpers import VENDOR, apart, together
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol.errors import InvalidValue, ScimError, Unavailable, Uniqueness
from django_scim_provider.services import transactions
from django_scim_provider.services.context import is_own_write
from django_scim_provider.services.transactions import ATTEMPTS, is_retryable, now, run, translate_integrity
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "time", SimpleNamespace(sleep=lambda seconds: None))


def make(name: str) -> ScimConnection:
    return ScimConnection.objects.create(name=name)


# One transaction -------------------------------------------------------------------------------------------------


def test_result_of_the_work_is_returned_and_its_writes_stay() -> None:
    assert run(lambda: make("Acme").name, "default") == "Acme"
    assert ScimConnection.objects.filter(name="Acme").exists()


def test_nothing_stays_of_work_that_fails() -> None:
    def work() -> None:
        make("Acme")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(work, "default")
    assert not ScimConnection.objects.exists()
    assert not is_own_write()


def test_scim_error_goes_through_as_it_is() -> None:
    error = Uniqueness("words of ours")

    def work() -> None:
        raise error

    with pytest.raises(Uniqueness) as caught:
        run(work, "default")
    assert caught.value is error


def test_work_is_marked_as_our_own_write() -> None:
    assert run(is_own_write, "default")
    assert not is_own_write()


@pytest.mark.django_db(transaction=True)
def test_what_the_host_does_on_commit_is_not_our_own_write() -> None:
    seen = []
    run(lambda: transaction.on_commit(lambda: seen.append(is_own_write())), "default")

    assert seen == [False]


# Refusals of the database ------------------------------------------------------------------------------------------


def person(connection: ScimConnection, key: str = "alice", **fields: Any) -> ScimUser:
    moment = now()
    fields = {"user_name": key, "user_name_key": key, "created_at": moment, "modified_at": moment} | fields
    return ScimUser.objects.create(connection=connection, **fields)


def says_nothing_of_the_database(error: ScimError) -> bool:
    text = repr(error.as_document()).lower()
    words = (
        "constraint",
        "scim_user",
        "scim_provider",
        "key (",
        "alice",
        "duplicate",
        "column",
        "null",
        "varying",
        "row",
    )
    return not any(word in text for word in words)


@pytest.mark.hosts
@pytest.mark.parametrize("of", ["ours", "the host's"])
def test_broken_unique_constraint_is_a_conflict_in_our_words(connection: ScimConnection, of: str) -> None:
    person(connection)
    HostUserFactory(name="bob")

    with pytest.raises(Uniqueness) as caught:
        run(lambda: person(connection) if of == "ours" else HostUserFactory(name="bob"), "default")
    assert says_nothing_of_the_database(caught.value)
    assert isinstance(caught.value.__cause__, IntegrityError)


def test_other_broken_constraints_are_bad_values_in_our_words_and_in_the_log(
    connection: ScimConnection, caplog: pytest.LogCaptureFixture
) -> None:
    moment = now()
    group = ScimGroup.objects.create(connection=connection, display_name="A", created_at=moment, modified_at=moment)

    for work in (
        lambda: ScimMembership.objects.create(group=group),
        lambda: person(connection, created_at=None),
    ):
        caplog.clear()
        with pytest.raises(InvalidValue) as caught:
            run(work, "default")
        assert says_nothing_of_the_database(caught.value)
        assert "refused a SCIM write" in caplog.text


@pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite stores any length")
def test_value_too_long_for_its_column_is_a_bad_value(connection: ScimConnection) -> None:
    with pytest.raises(InvalidValue) as caught:
        run(lambda: person(connection, "x" * 300), "default")
    assert says_nothing_of_the_database(caught.value)
    assert not ScimUser.objects.exists()


def failing(error: Exception, cause: object = None, *, times: int = 1000) -> tuple[list[int], Callable[[], str]]:
    """Work that fails a number of times as the database would; and how often it was tried."""
    tries: list[int] = []

    def work() -> str:
        tries.append(len(tries))
        if len(tries) > times:
            return "done"
        error.__cause__ = cause  # type: ignore[assignment]
        raise error

    return tries, work


def driver_error(**attributes: Any) -> Exception:
    error = Exception("driver")
    vars(error).update(attributes)
    return error


def test_value_that_the_database_cannot_store_is_a_bad_value() -> None:
    tries, work = failing(DataError("value too long for type character varying(254)"))

    with pytest.raises(InvalidValue) as caught:
        run(work, "default")
    assert says_nothing_of_the_database(caught.value)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("args", "cause", "unique"),
    [
        (("duplicate key value violates",), driver_error(sqlstate="23505"), True),
        (("duplicate key value violates",), driver_error(pgcode="23505"), True),
        ((1062, "Duplicate entry"), None, True),
        (("UNIQUE constraint failed: auth_user.username",), None, True),
        (("null value in column",), driver_error(sqlstate="23502"), False),
        (("null value in column",), driver_error(pgcode="23502"), False),
        ((1048, "Column cannot be null"), None, False),
        (("NOT NULL constraint failed: auth_user.email",), None, False),
        (("FOREIGN KEY constraint failed",), None, False),
        ((), None, False),
    ],
)
def test_unique_constraints_are_told_from_others_by_every_drivers_code(
    args: tuple[Any, ...], cause: Any, unique: bool
) -> None:
    error = IntegrityError(*args)
    error.__cause__ = cause

    assert type(translate_integrity(error)) is (Uniqueness if unique else InvalidValue)


@pytest.mark.parametrize(
    ("args", "cause", "retryable"),
    [
        (("deadlock detected",), driver_error(sqlstate="40P01"), True),
        (("deadlock detected",), driver_error(pgcode="40P01"), True),
        (("could not serialize access",), driver_error(sqlstate="40001"), True),
        (("lock not available",), driver_error(sqlstate="55P03"), True),
        (("statement timeout",), driver_error(sqlstate="57014"), False),
        (("server closed the connection",), driver_error(sqlstate=None), False),
        ((1213, "Deadlock found"), None, True),
        ((1205, "Lock wait timeout exceeded"), None, True),
        ((1020, "Record has changed"), None, True),
        ((2006, "Server has gone away"), None, False),
        (("database is locked",), None, True),
        (("disk I/O error",), None, False),
        ((), None, False),
    ],
)
def test_errors_that_pass_are_told_from_others(args: tuple[Any, ...], cause: Any, retryable: bool) -> None:
    error = OperationalError(*args)
    error.__cause__ = cause

    assert is_retryable(error) is retryable


def test_database_that_is_gone_is_not_asked_again() -> None:
    tries, work = failing(OperationalError(2006, "Server has gone away"))

    with pytest.raises(OperationalError):
        run(work, "default")
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
def test_work_that_met_a_lock_is_done_again(times: int) -> None:
    tries, work = failing(OperationalError("database is locked"), times=times)

    assert run(work, "default") == "done"
    assert len(tries) == times + 1


@pytest.mark.django_db(transaction=True)
def test_work_that_always_meets_a_lock_is_given_up() -> None:
    tries, work = failing(OperationalError("database is locked"))

    with pytest.raises(Unavailable) as caught:
        run(work, "default")
    assert len(tries) == ATTEMPTS
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    assert says_nothing_of_the_database(caught.value)


def test_work_inside_somebody_elses_transaction_is_not_done_again() -> None:
    tries, work = failing(OperationalError("database is locked"))

    with pytest.raises(Unavailable):
        run(work, "default")
    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
def test_what_was_to_happen_on_commit_of_a_failed_attempt_does_not() -> None:
    told: list[int] = []
    tries, fail = failing(OperationalError("database is locked"), times=2)

    def work() -> str:
        make("Acme")
        transaction.on_commit(lambda: told.append(len(tries)))
        return fail()

    run(work, "default")
    assert told == [3]
    assert ScimConnection.objects.count() == 1


# Real locks --------------------------------------------------------------------------------------------------------

on_server = pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has one lock for the whole database")
REAL = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("threads")]


def real(test: Any) -> Any:
    for mark in REAL:
        test = mark(test)
    return test


def touch(name: str, mark: str) -> None:
    found = ScimConnection.objects.select_for_update().get(name=name)
    found.ip_allowlist += mark
    found.save()


@real
@on_server
def test_two_who_lock_each_other_out_both_get_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "time", time)
    ConnectionFactory(name="first"), ConnectionFactory(name="second")
    both_hold_one = threading.Barrier(2)
    attempts: dict[str, int] = {}

    def job(one: str, other: str) -> Callable[[], None]:
        def work() -> None:
            attempts[one] = attempts.get(one, 0) + 1
            touch(one, f"{one} ")
            if attempts[one] == 1:
                both_hold_one.wait(timeout=30)
            touch(other, f"{one} ")

        return lambda: run(work, "default")

    together([job("first", "second"), job("second", "first")])

    assert sum(attempts.values()) > 2, "the database has to see a deadlock"
    for connection in ScimConnection.objects.all():
        assert sorted(connection.ip_allowlist.split()) == ["first", "second"]


@real
@on_server
def test_row_that_changed_under_a_snapshot_is_read_again() -> None:
    ConnectionFactory(name="first")
    attempts = []

    def work() -> None:
        attempts.append(1)
        if len(attempts) == 1:
            with database.cursor() as cursor:
                cursor.execute("SELECT COUNT(*) FROM scim_provider_scimconnection")
        seen = ScimConnection.objects.get(name="first")
        if len(attempts) == 1:
            apart(lambda: touch_now("first", "other "))
        found = ScimConnection.objects.select_for_update().get(pk=seen.pk)
        found.ip_allowlist += "mine "
        found.save()

    def job() -> None:
        database.ensure_connection()
        with database.cursor() as cursor:
            if VENDOR == "postgresql":
                cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            else:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                cursor.execute("SET SESSION innodb_snapshot_isolation = ON")
        run(work, "default")

    apart(job)
    assert len(attempts) == 2
    assert ScimConnection.objects.get().ip_allowlist == "other mine "


def touch_now(name: str, mark: str) -> None:
    with transaction.atomic():
        touch(name, mark)


@contextmanager
def held(name: str) -> Iterator[threading.Event]:
    """Another transaction holds a connection's row (on SQLite: the database) until the event is set."""
    holds, release = threading.Event(), threading.Event()

    def hold() -> None:
        def work() -> None:
            with transaction.atomic():
                touch(name, "holder ")
                holds.set()
                release.wait(timeout=30)

        apart(work)

    holder = threading.Thread(target=hold)
    holder.start()
    assert holds.wait(timeout=30)
    try:
        yield release
    finally:
        release.set()
        holder.join()


def do_not_wait_long() -> None:
    statement = {
        "postgresql": "SET lock_timeout = '100ms'",
        "mysql": "SET SESSION innodb_lock_wait_timeout = 1",
        "sqlite": "PRAGMA busy_timeout = 100",
    }
    with database.cursor() as cursor:
        cursor.execute(statement[VENDOR])


@real
def test_lock_that_is_released_in_time_is_waited_for() -> None:
    apart(lambda: ConnectionFactory(name="first"))
    attempts = []

    def job(release: threading.Event) -> None:
        do_not_wait_long()

        def work() -> None:
            touch("first", "mine ")

        def count(seconds: float) -> None:
            attempts.append(seconds)
            release.set()

        transactions.time.sleep = count  # type: ignore[attr-defined, assignment]
        run(work, "default")

    with held("first") as release:
        apart(lambda: job(release))
    assert attempts
    assert apart(lambda: ScimConnection.objects.get().ip_allowlist) == "holder mine "


@real
def test_lock_that_is_never_released_ends_as_unavailable() -> None:
    apart(lambda: ConnectionFactory(name="first"))

    def job() -> None:
        do_not_wait_long()
        run(lambda: touch("first", "mine "), "default")

    with held("first"), pytest.raises(Unavailable):
        apart(job)
    assert apart(lambda: ScimConnection.objects.get().ip_allowlist) == "holder "


# The clock ---------------------------------------------------------------------------------------------------------


def test_now_has_the_milliseconds_that_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 3, 29, 1, 30, 0, 123_999, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: moment)

    assert now() == moment.replace(microsecond=123_000)
    assert now().tzinfo is UTC
