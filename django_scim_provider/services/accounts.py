"""The host's account of a person who is created: a new one, or the one that a DELETE left as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..adapters.base import LEFT_ALONE
from ..models import ScimConnection, ScimUser
from ..protocol.errors import Uniqueness
from ..protocol.keys import user_name_key
from . import lifecycle
from .context import Context

TAKEN_ELSEWHERE = "The userName, or another value that must be unique, is already taken in the application."


def insert(context: Context, wanted: Mapping[str, Any]) -> Any:
    """Insert the host user; a name that only a person removed by SCIM still holds is taken from that account.

    :raises Uniqueness: somebody else has the name.
    """
    columns, holder, past = _look(context, wanted)
    return _insert(context, columns, holder, past)


def obtain(context: Context, wanted: Mapping[str, Any]) -> tuple[Any, bool]:
    """As ``insert``, but an account that a DELETE left as it was is the person's again.

    :returns: the account, and whether it was there.
    :raises Uniqueness: somebody else has the name.
    """
    columns, holder, past = _look(context, wanted)
    if past is not None and lifecycle.has_access(context, holder) and _is_same(context, past, wanted):
        return holder, True
    return _insert(context, columns, holder, past), False


def taken(context: Context, columns: Mapping[str, Any], *, exclude: Any = None) -> Any:
    """The host user who has one of these unique values; in any spelling, where not everybody has a row of ours."""
    complete = context.connection.existing_accounts == ScimConnection.ExistingAccounts.ADOPT
    return context.adapter.taken(columns, context.using, exclude=exclude, any_case=not complete)


def _look(context: Context, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], Any, ScimUser | None]:
    """The columns asked for, who has one of their unique values, and what is remembered of them."""
    columns = context.adapter.write_columns(wanted)
    context.adapter.check_user_name(columns)
    holder = taken(context, columns)
    return columns, holder, None if holder is None else _past(context, holder)


def _insert(context: Context, columns: Mapping[str, Any], holder: Any, past: ScimUser | None) -> Any:
    if holder is not None:
        if past is None or lifecycle.has_access(context, holder):
            raise Uniqueness(TAKEN_ELSEWHERE)
        context.adapter.free_names(holder, context.using)
    return context.adapter.create(columns, context.connection, context.using)


def _past(context: Context, user: Any) -> ScimUser | None:
    """What this scope deleted last of an account that nobody manages and SCIM may touch."""
    rows = list(ScimUser.objects.using(context.using).filter(user=user).order_by("pk"))
    if any(row.alive for row in rows) or context.adapter.is_protected(user):
        return None
    scope = context.adapter.scope(context.connection)
    return next((row for row in reversed(rows) if row.scope == scope), None)


def _is_same(context: Context, past: ScimUser, wanted: Mapping[str, Any]) -> bool:
    """Whether whoever is created is the person whose account this connection left alone, as far as anybody can tell."""
    if LEFT_ALONE not in past.attributes or past.connection_id != context.connection.pk:
        return False
    ids = {past.external_id, wanted.get("externalId")} - {None}
    return len(ids) < 2 and past.user_name_key == user_name_key(wanted["userName"])
