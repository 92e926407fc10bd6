"""The host's account of a person: a new one, the one that a DELETE left as it was, and what every change does to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..adapters import MembershipUserAdapter
from ..adapters.base import LEFT_ALONE
from ..models import ScimConnection, ScimUser
from ..protocol.errors import Uniqueness
from . import lifecycle, names, sync, user_index
from .context import Context
from .rows import host_columns

TAKEN_ELSEWHERE = "The userName, or another value that must be unique, is already taken in the application."


def insert(context: Context, columns: Mapping[str, Any]) -> Any:
    """Insert the host user; a name that only a person removed by SCIM still holds is taken from that account.

    :raises Uniqueness: somebody else has the name.
    """
    holder, past = _look(context, columns)
    return _insert(context, columns, holder, past)


def give(context: Context, row: ScimUser, columns: Mapping[str, Any], *, is_free: bool) -> bool:
    """Give an account to a row that is about to be inserted: as ``insert`` makes it, as a DELETE left it, or one that
    may join the tenant.

    :param is_free: whether nobody at all is known to hold one of the names.
    :returns: whether it was there; the row then holds what it says, and what was sent has yet to be written.
    :raises Uniqueness: somebody else has the name.
    """
    holder, past = _look(context, columns, is_free=is_free)
    was_left = past is not None and lifecycle.has_access(context, holder) and _is_same(context, past, row)
    if not was_left and (holder is None or not _join(context, holder, columns, row)):
        row.user = _insert(context, columns, holder, past)
        if row.attributes["active"] is False and context.adapter.shares_accounts:
            # No column of the account says so.
            context.adapter.suspend(row.user, context.using)
        return False
    row.user, known = holder, context.adapter.shown({}, host_columns(context, holder))
    row.attributes = context.adapter.remembered(known, shown=known, sent={})
    return True


def _join(context: Context, holder: Any, columns: Mapping[str, Any], row: ScimUser) -> bool:
    """Let an account in because its address is the tenant's, or because it was in the tenant before and its
    names cannot go to somebody new. Returns whether it is in."""
    adapter, connection, using = context.adapter, context.connection, context.using
    if not isinstance(adapter, MembershipUserAdapter):
        return False
    if adapter.is_protected(holder) or adapter.is_live(holder, connection):
        return False
    past = ScimUser.objects.using(using).filter(user=holder, scope=row.scope).order_by("-pk").first()
    if past is not None and past.alive:
        return False
    returns = past is not None and _is_same_person(context, past, row) and not adapter.may_free(holder, connection)
    if not returns and not adapter.may_join(holder, columns, connection):
        return False
    adapter.join(holder, connection, using)
    row.origin = ScimUser.Origin.ADOPTED
    return True


def write(context: Context, row: ScimUser, columns: Mapping[str, Any]) -> None:
    """Write an account's columns, and note it wherever else the account is shown."""
    if columns:
        context.adapter.update(row.user, columns, context.using)
        if context.adapter.is_shared(row.user, context.connection):
            _refresh_others(context, row)


def _refresh_others(context: Context, row: ScimUser) -> None:
    others = ScimUser.objects.using(context.using).filter(user=row.user, alive=True).exclude(pk=row.pk)
    for other in others.select_related("connection", "user").order_by("pk"):
        theirs = Context(other.connection)
        sync.refresh(theirs, other, other.user, user_index.held(theirs, [other.pk])[other.pk])


def taken(context: Context, columns: Mapping[str, Any], *, exclude: Any = None) -> Any:
    """The host user who has one of these unique values."""
    any_case = names.any_case_counts(context)
    return context.adapter.taken(columns, context.using, exclude=exclude, any_case=any_case)


def _look(context: Context, columns: Mapping[str, Any], *, is_free: bool = False) -> tuple[Any, ScimUser | None]:
    """Who has one of the unique values, and what is remembered of them."""
    context.adapter.check_user_name(columns)
    holder = None if is_free else taken(context, columns)
    return holder, None if holder is None else _past(context, holder)


def _insert(context: Context, columns: Mapping[str, Any], holder: Any, past: ScimUser | None) -> Any:
    if holder is not None:
        _free(context, holder, past)
        _claim(context, columns)
    return context.adapter.create(columns, context.connection, context.using)


def _free(context: Context, holder: Any, past: ScimUser | None) -> None:
    """Take its names from an account that only a person removed by SCIM had.

    :raises Uniqueness: it is, or may yet be, somebody's.
    """
    free = past is not None and context.adapter.may_free(holder, context.connection)
    if not free or lifecycle.has_access(context, holder):
        raise Uniqueness(TAKEN_ELSEWHERE)
    context.adapter.free_names(holder, context.using)


def _claim(context: Context, columns: Mapping[str, Any], user: Any = None) -> None:
    """See that the unique values a person is to have are nobody else's: several may hold one, spelled differently.

    :raises Uniqueness: see ``_free``.
    """
    freed: set[Any] = set()
    while (holder := taken(context, columns, exclude=None if user is None else user.pk)) is not None:
        if holder.pk in freed:
            # An adapter of the host's may not have given the names up.
            raise Uniqueness(TAKEN_ELSEWHERE)
        _free(context, holder, _past(context, holder))
        freed.add(holder.pk)


def _past(context: Context, user: Any) -> ScimUser | None:
    """What this scope deleted last of an account that nobody manages and SCIM may touch."""
    rows = list(ScimUser.objects.using(context.using).filter(user=user).order_by("pk"))
    if any(row.alive for row in rows) or context.adapter.is_protected(user):
        return None
    scope = context.adapter.scope(context.connection)
    return next((row for row in reversed(rows) if row.scope == scope), None)


def _is_same(context: Context, past: ScimUser, row: ScimUser) -> bool:
    """Whether whoever is created is the person whose account this connection left alone, as far as anybody can tell."""
    return LEFT_ALONE in past.attributes and _is_same_person(context, past, row)


def _is_same_person(context: Context, past: ScimUser, row: ScimUser) -> bool:
    if past.connection_id != context.connection.pk:
        return False
    return past.user_name_key == row.user_name_key and len({past.external_id, row.external_id} - {None}) < 2


def bring_in_line(
    context: Context,
    row: ScimUser,
    user: Any,
    shown: Mapping[str, Any],
    wanted: Mapping[str, Any],
    *,
    before: bool,
    after: bool,
) -> str:
    """Bring the host's side in line: columns that differ, the end of access, a return.

    :param before: whether the person was active.
    :param after: whether they are to be.
    :returns: which credentials ended, in words.
    """
    adapter = context.adapter
    returns = after and not before
    if not adapter.is_live(user, context.connection):
        if not returns:
            return ""
        if user is None:
            if context.connection.on_create == ScimConnection.OnCreate.CREATE:
                row.user = insert(context, adapter.write_columns(wanted))
            return ""
        lifecycle.refuse_if_protected(context, user, "bring them back")
        columns = adapter.account_columns(user, wanted, context.connection)
        _claim(context, columns, user)
        ended = lifecycle.readmit(context, row, user)
        write(context, row, columns)
        return ended
    activity = adapter.columns_of("active")
    columns = adapter.account_columns(user, wanted, context.connection, before=shown, stored=row.attributes)
    columns = {name: value for name, value in columns.items() if name not in activity}
    if before != after or columns.keys() & adapter.guarded_columns:
        lifecycle.refuse_if_protected(context, user, "rename, re-mail, deactivate or reactivate them")
    if columns.keys() & adapter.user_name_columns:
        adapter.check_user_name(columns)
    _claim(context, columns, user)
    write(context, row, columns)
    if before and not after:
        return lifecycle.deprovision(context, row, user, context.connection.on_deactivate)
    return lifecycle.readmit(context, row, user) if returns else ""
