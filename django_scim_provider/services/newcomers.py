"""People whom nobody knew: what is made of them, and many of them at once (RFC 7644 sections 3.3 and 3.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from .. import signals
from ..models import ScimConnection, ScimEvent, ScimUser
from ..protocol.errors import InvalidValue
from ..protocol.keys import user_name_key
from ..protocol.validation import clean_resource, require
from . import accounts, audit, names, roles, user_index
from .context import Context
from .inserts import insert_all
from .rows import index_of, people
from .transactions import announce, now, run
from .user_answers import WrittenUser, event_values, written


class Newcomer(NamedTuple):
    """What a client wants somebody new to be."""

    document: dict[str, Any]
    key: str
    ignored: tuple[str, ...]
    """What of the body was left out, in words."""


def read(context: Context, body: Mapping[str, Any]) -> Newcomer:
    """Read the body of a POST.

    :raises BadRequest: it is none.
    """
    cleaned = clean_resource(body, context.adapter.resource_type, tolerance=context.dialect.tolerance)
    del body  # may hold a password, and error reports print local variables
    document = {**cleaned.document}
    require(document, context.adapter.resource_type)
    document.setdefault("active", True)
    return Newcomer(document, user_name_key(document["userName"]), cleaned.ignored)


def columns_of(context: Context, newcomer: Newcomer) -> dict[str, Any]:
    """The columns of the account to be made; none where none is."""
    creates = context.connection.on_create == ScimConnection.OnCreate.CREATE
    return context.adapter.write_columns(newcomer.document) if creates else {}


def row_of(context: Context, newcomer: Newcomer) -> ScimUser:
    """The row, not inserted yet."""
    moment = now()
    return ScimUser(
        connection=context.connection,
        scope=context.adapter.scope(context.connection),
        user_name=newcomer.document["userName"],
        user_name_key=newcomer.key,
        external_id=external_id(newcomer.document),
        attributes=newcomer.document,
        created_at=moment,
        modified_at=moment,
    )


def external_id(document: Mapping[str, Any]) -> str | None:
    """The externalId of a document, as its column takes it.

    :raises InvalidValue: it is too long; not every database says so.
    """
    value: str | None = document.get("externalId")
    longest = ScimUser._meta.get_field("external_id").max_length
    if value is not None and longest is not None and len(value) > longest:
        raise InvalidValue(f"externalId may have at most {longest} characters.")
    return value


def event_of(context: Context, row: ScimUser, newcomer: Newcomer) -> ScimEvent:
    """The event of a creation, not written yet."""
    return audit.event(
        context,
        audit.Action.CREATE,
        status=201,
        resource_type=context.adapter.name,
        resource_id=row.scim_id,
        label=row.user_name,
        changed=newcomer.document,
        values=event_values(context.adapter, newcomer.document, newcomer.document),
        warnings=newcomer.ignored,
    )


def create_users(context: Context, bodies: Sequence[Mapping[str, Any]]) -> list[WrittenUser] | None:
    """POST /Users for many people in one transaction. Beside what the application does when an account is saved, it
    takes a handful of statements for all of them.

    :returns: what was written, in order; ``None`` where somebody may be known, and nothing is done.
    :raises Exception: whatever is wrong with one of them, or with all; nothing is done.
    """
    if context.adapter.unique_kept:
        return None
    wanted = [read(context, body) for body in bodies]
    del bodies  # as in read
    columns = [columns_of(context, newcomer) for newcomer in wanted]

    def work() -> list[WrittenUser] | None:
        if not names.all_are_free(context, [newcomer.key for newcomer in wanted], columns):
            return None
        rows = [row_of(context, newcomer) for newcomer in wanted]
        if context.connection.on_create == ScimConnection.OnCreate.CREATE:
            for row, theirs in zip(rows, columns, strict=True):
                accounts.give(context, row, theirs, is_free=True)
        _insert(context, rows)
        insert_all([event_of(context, *one) for one in zip(rows, wanted, strict=True)], context.using)
        for row in rows:
            announce(signals.user_provisioned, context, scim_user=row, user=row.user)
        return [written(context, row, {}) for row in rows]

    return run(work, context.using)


def _insert(context: Context, rows: Sequence[ScimUser]) -> None:
    """Insert the rows, their filter index and their first roles."""
    insert_all(rows, context.using)
    mine = people(context).filter(scim_id__in=[row.scim_id for row in rows])
    keys = dict(mine.values_list("scim_id", "pk"))
    for row in rows:
        row.pk = keys[row.scim_id]
        row._state.adding, row._state.db = False, context.using
    index = (user_index.values_of(row, index_of(context, row, row.user)) for row in rows)
    insert_all(list(chain.from_iterable(index)), context.using)
    roles.give_default(context, rows)
