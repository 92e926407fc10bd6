"""Where writes happen: one transaction each, tried again when the database says that somebody else was in the way."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from django.db import DataError, IntegrityError, OperationalError, connections, transaction
from django.db.models import Model, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from ..models import ScimConnection
from ..protocol.errors import InvalidValue, ScimError, Unavailable, Uniqueness
from .context import Context, own_write

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=Model)
ATTEMPTS: Final = 4
_RETRYABLE: Final = frozenset(
    {
        "40001",  # PostgreSQL: serialization failure
        "40P01",  # PostgreSQL: deadlock detected
        "55P03",  # PostgreSQL: lock not available
        1020,  # MariaDB: record has changed since last read
        1205,  # MySQL: lock wait timeout
        1213,  # MySQL: deadlock found
    }
)
logger = logging.getLogger("django_scim_provider")


class NotedRefusal(ScimError):
    """A refusal that leaves something behind, which the rollback must not take along."""

    def note(self) -> None:
        """Write it down; called by ``run`` once everything else is undone."""
        raise NotImplementedError


def is_retryable(error: BaseException) -> bool:
    """Whether the same work may succeed when it is done again."""
    code = _code(error)
    return code in _RETRYABLE or code == "database is locked"


def _code(error: BaseException) -> Any:
    """What the driver says went wrong: psycopg's and psycopg2's SQLSTATE, MySQL's number, SQLite's text."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or next(iter(error.args), None)


def run(work: Callable[[], T], using: str) -> T:
    """Do the work in one transaction; on SQLite it must begin IMMEDIATE (a check says so).

    :raises Uniqueness: a unique constraint of ours or the host's was broken by a concurrent request.
    :raises InvalidValue: the database cannot store a value.
    :raises Unavailable: locks could not be had after several attempts.
    :raises NotedRefusal: as the work did, once it is written down.
    """
    nested = connections[using].in_atomic_block
    for attempt in range(1, ATTEMPTS + 1):
        try:
            # What runs on commit is the host's again.
            with transaction.atomic(using=using), own_write():
                return work()
        except NotedRefusal as error:
            error.note()
            raise
        except IntegrityError as error:
            raise translate_integrity(error) from error
        except DataError as error:
            raise InvalidValue("A value cannot be stored in the application's database.") from error
        except OperationalError as error:
            # Inside somebody else's transaction everything before us is lost too: only they can start again.
            if not is_retryable(error):
                raise
            if nested or attempt == ATTEMPTS:
                raise Unavailable("Another request changes the same data. Try again.") from error
            logger.info("Attempt %d of a write met a lock; trying again.", attempt)
            time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 (spreads the retries, hides nothing)
    raise AssertionError("unreachable")  # pragma: no cover


def recover(using: str) -> None:
    """After a failure that the request outlives: give up a connection that is broken, before anything else uses it.

    Django may have left it within a transaction that cannot end; the next one would keep the process there for good.
    Within somebody's transaction it is theirs.
    """
    if not connections[using].in_atomic_block:
        connections[using].close_if_unusable_or_obsolete()


def translate_integrity(error: IntegrityError) -> ScimError:
    """Our words for a broken constraint; the database's name tables and values."""
    code = _code(error)
    unique = code in ("23505", 1062) or (isinstance(code, str) and code.startswith("UNIQUE constraint failed"))
    if unique:
        return Uniqueness("A value that must be unique, such as the userName, is already taken.")
    logger.error("The application's database refused a SCIM write.", exc_info=error)
    return InvalidValue("The application's database refused the values. Its developer can run scim_check to see why.")


def announce(signal: Signal, context: Context, **arguments: Any) -> None:
    """Tell the host once everything is committed; a receiver that fails is logged by Django and stops nobody."""

    def send() -> None:
        signal.send_robust(ScimConnection, connection=context.connection, **arguments)

    transaction.on_commit(send, using=context.using)


def for_update(queryset: QuerySet[ModelT]) -> QuerySet[ModelT]:
    """Lock rows against other writers, and no more: PostgreSQL then lets rows that point at them be inserted.

    Else whoever adds a member (membership, then role: keys of our row, then of the host's) and whoever changes that
    person (the host's row, then ours) would wait for each other.
    """
    return queryset.select_for_update(no_key=connections[queryset.db].features.has_select_for_no_key_update)


def now() -> datetime:
    """The time, in the milliseconds that are shown, so that a filter finds what a client has just read."""
    moment = timezone.now().astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
