"""Events: one in the transaction of every write, one after the rollback of every refusal."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import DatabaseError, transaction
from django.db.models import F

from ..models import ScimConnection, ScimEvent
from ..protocol.errors import NotFound, RetryableError, ScimError
from .context import Context, database
from .inserts import insert
from .transactions import now, recover

Action = ScimEvent.Action
Outcome = ScimEvent.Outcome
_LABEL_LENGTH: Final = 255
_ID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{1,19}")
"""An id drawn here, or a number; other text in a refused request's path is the client's and stays out of events."""
logger = logging.getLogger("django_scim_provider")


def event(
    context: Context,
    action: str,
    *,
    outcome: str = Outcome.SUCCESS,
    status: int | None = None,
    scim_type: str = "",
    detail: str = "",
    resource_type: str = "",
    resource_id: object = "",
    label: str = "",
    changed: Iterable[str] = (),
    values: dict[str, Any] | None = None,
    warnings: Iterable[str] = (),
) -> ScimEvent:
    """An event, not written yet."""
    return ScimEvent(
        connection_id=context.connection.pk,
        connection_name=context.connection.name,
        at=now(),
        action=action,
        outcome=outcome,
        status=status,
        scim_type=scim_type,
        detail=detail,
        resource_type=resource_type,
        resource_id=str(resource_id),
        label=label[:_LABEL_LENGTH],
        changed=sorted(changed),
        values=values,
        warnings=list(warnings),
        key_id=context.key_id,
        actor=context.actor,
        remote_addr=context.remote_addr,
        duration_ms=context.elapsed_ms,
    )


def record(context: Context, action: str, **fields: Any) -> ScimEvent:
    """Write one event, in the transaction that is open, if any. Fields as in ``event``."""
    written = event(context, action, **fields)
    insert(written, context.using)
    return written


@contextmanager
def refusals(context: Context, action: str, resource_type: str, resource_id: object = "") -> Iterator[None]:
    """Write an event for a ScimError that leaves the block, and let it go on.

    Reading an id that does not exist is no news, and what asks the client to come back later is not written: a
    database that is down cannot take it, a throttled client would fill the table.
    """
    try:
        yield
    except ScimError as error:
        quiet = action == Action.READ and isinstance(error, NotFound)
        if not quiet and not isinstance(error, RetryableError):
            _best_effort(
                context,
                action,
                outcome=Outcome.FAILED if error.status >= 500 else Outcome.REFUSED,
                status=error.status,
                scim_type=error.scim_type or "",
                detail=error.detail,
                resource_type=resource_type,
                resource_id=resource_id if _ID.fullmatch(str(resource_id)) else "",
            )
        raise


def _best_effort(context: Context, action: str, **fields: Any) -> None:
    try:
        with transaction.atomic(using=context.using):
            record(context, action, **fields)
    except DatabaseError as error:
        # Without a traceback: it goes on to the request that was refused, whose body is in local variables.
        logger.error("A refused SCIM request could not be recorded: %s", error)
        recover(context.using)


def refused_credential(*, reason: str, key_id: str, remote_addr: str | None, connection: ScimConnection | None) -> None:
    """Count a refused credential: one row per address, key id and minute, however often it is tried."""
    using = database()
    minute = now().replace(second=0, microsecond=0)
    same = {"at": minute, "action": Action.AUTHENTICATE, "key_id": key_id, "remote_addr": remote_addr}
    try:
        with transaction.atomic(using=using):
            events = ScimEvent.objects.using(using)
            # The first: two requests at the same moment may have made two.
            first = events.filter(**same).order_by("pk").values_list("pk", flat=True).first()
            if first is not None:
                events.filter(pk=first).update(count=F("count") + 1)
                return
            events.create(
                **same,
                connection=connection,
                connection_name=connection.name if connection else "",
                outcome=Outcome.REFUSED,
                status=401,
                detail=reason,
            )
    except DatabaseError:
        logger.exception("A refused SCIM credential could not be recorded.")
        recover(using)
