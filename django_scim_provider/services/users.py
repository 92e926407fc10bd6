"""Writing people: create, replace, modify, delete (RFC 7644 sections 3.3, 3.5, 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.dispatch import Signal

from .. import signals
from ..adapters.base import LEFT_ALONE
from ..models import ConnectionGuard, ScimConnection, ScimUser, ScimValue
from ..protocol.errors import InvalidValue, Uniqueness
from ..protocol.etags import Match
from ..protocol.keys import user_name_key
from ..protocol.patch_operations import Operation
from . import accounts, audit, belonging, guard, lifecycle, me, names, newcomers, removals, roles, sync, user_index
from .changes import Compute, modification, replacement
from .context import Context
from .inserts import insert
from .kinds import resource_id
from .rows import groups_of, host_columns, index_of, lock
from .transactions import announce, now, run
from .updates import update
from .user_answers import WrittenUser, event_values, permit, sent_by, sent_in, written

TAKEN = "The userName is already taken. Find the person with a filter and update them instead."


def create_user(context: Context, body: Mapping[str, Any]) -> WrittenUser:
    """POST /Users.

    :raises Uniqueness: a living resource, or a host user that SCIM may not touch, has the name.
    """
    newcomer = newcomers.read(context, body)
    del body  # may hold a password, and error reports print local variables
    wanted = newcomer.document

    def work() -> WrittenUser:
        user_index.lock_if_unique(context)
        columns = newcomers.columns_of(context, newcomer)
        is_free = names.are_free(context, newcomer.key, columns)
        revived = None if is_free else _holder(context, newcomer.key)
        if revived is not None:
            return _change(context, revived, lambda _: (wanted, newcomer.ignored), audit.Action.CREATE)
        row = newcomers.row_of(context, newcomer)
        creates = context.connection.on_create == ScimConnection.OnCreate.CREATE
        was_there = creates and accounts.give(context, row, columns, is_free=is_free)
        insert(row, context.using)
        index = index_of(context, row, row.user)
        user_index.refuse_taken(context, row, {}, index)
        user_index.write(context, row, {}, index)
        roles.give_default(context, [row])
        if was_there:
            _announce(context, signals.user_provisioned, row)
            return _change(context, row.scim_id, lambda _: (wanted, newcomer.ignored), audit.Action.CREATE)
        insert(newcomers.event_of(context, row, newcomer), context.using)
        _announce(context, signals.user_provisioned, row)
        return written(context, row, {})

    return run(work, context.using)._replace(sent=sent_in(wanted, context.adapter.resource_type))


def replace_user(
    context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenUser:
    """PUT /Users/{id}: what the body leaves out is cleared, except ``active``, which stays as it is.

    :raises NotFound: no such person.
    :raises PreconditionFailed: they are not in the version that is asked for.
    """
    resource_type = context.adapter.resource_type
    replaced, cleaned = replacement(context, body, resource_type)
    del body  # as in create_user
    pk = resource_id(scim_id)
    ends = cleaned.document.get("active") is False
    done = run(lambda: _change(context, pk, replaced, audit.Action.REPLACE, if_match, may_end=ends), context.using)
    return done._replace(sent=sent_in(cleaned.document, resource_type))


def modify_user(
    context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
) -> WrittenUser:
    """PATCH /Users/{id}.

    :raises NotFound: no such person.
    :raises PreconditionFailed: they are not in the version that is asked for.
    """
    resource_type = context.adapter.resource_type
    patched, parsed = modification(context, body, resource_type)
    del body  # as in create_user
    pk = resource_id(scim_id)
    ends = any(_may_end(operation) for operation in parsed.operations)
    done = run(lambda: _change(context, pk, patched, audit.Action.MODIFY, if_match, may_end=ends), context.using)
    return done._replace(sent=sent_by(parsed.operations, resource_type))


def delete_user(context: Context, scim_id: str, *, if_match: Match | None = None) -> None:
    """DELETE /Users/{id}: a tombstone stays, the name is free, the host's row goes the way of the policy.

    :raises NotFound: no such person.
    :raises PreconditionFailed: they are not in the version that is asked for.
    :raises Forbidden: the person is protected, or the last active holder of a protected role.
    :raises Held: the connection's guard holds removals.
    """
    pk = resource_id(scim_id)

    def work() -> None:
        locks = removals.prepare(context, pk)
        row, user = lock(context, pk)
        lifecycle.refuse_if_protected(context, user, "delete them")
        shown = context.adapter.shown(row.attributes, host_columns(context, user))
        permit(context, row, shown, if_match)
        removal = removals.deleting(context, locks, row, user, shown)
        ended, policy = "", context.connection.on_delete
        if context.adapter.is_live(user, context.connection):
            ended = lifecycle.deprovision(context, row, user, policy)
            if policy == lifecycle.Policy.NOTHING:
                shown[LEFT_ALONE] = True
        removals.keep(context, removal, *_bury(context, locks.guard, row, shown))
        audit.record(
            context,
            audit.Action.DELETE,
            status=204,
            resource_type=context.adapter.name,
            resource_id=row.scim_id,
            label=row.user_name,
            detail=ended,
        )
        _announce(context, signals.user_removed, row)

    run(work, context.using)


def reactivate(context: Context, scim_id: str) -> None:
    """Bring somebody back by an administrator's hand, as they are remembered; inside the caller's transaction.

    :raises Uniqueness: their name or address is somebody else's by now.
    """
    _change(context, scim_id, lambda shown: ({**shown, "active": True}, ()), audit.Action.UNDO)


def _bury(context: Context, locked: ConnectionGuard, row: ScimUser, shown: Mapping[str, Any]) -> belonging.Left:
    """Make a tombstone of a row: out of every group and filter, its name free, its id never used again."""
    row.attributes = {**shown, "active": False}
    row.alive = None
    row.modified_at = now()
    row.save(using=context.using, update_fields=["attributes", "alive", "modified_at"])
    left = belonging.leave(context, locked, row)
    ScimValue.objects.using(context.using).filter(scim_user=row)._raw_delete(context.using)
    return left


# Creating --------------------------------------------------------------------------------------------------


def _holder(context: Context, key: str) -> Any:
    """The id of a soft-deleted person who is to return under this name; ``None`` when the name is free.

    :raises Uniqueness: somebody living has it.
    """
    rows = ScimUser.objects.using(context.using).filter(
        scope=context.adapter.scope(context.connection), user_name_key=key, alive=True
    )
    row = rows.select_related("user").first() if context.adapter.soft_deletes else rows.only("connection_id").first()
    if row is None:
        return None
    mine = row.connection_id == context.connection.pk
    returns = context.adapter.soft_deletes and row.user is not None
    if not mine or not returns or context.adapter.is_live(row.user, context.connection):
        raise Uniqueness(TAKEN)
    if context.connection.on_reprovision == ScimConnection.OnReprovision.ANEW:
        _bury(context, guard.lock(context), row, row.attributes)
        return None
    return row.scim_id


# Changing --------------------------------------------------------------------------------------------------


def _change(
    context: Context,
    scim_id: Any,
    compute: Compute,
    action: str,
    if_match: Match | None = None,
    *,
    may_end: bool = False,
) -> WrittenUser:
    """Read the resource under its locks, work out the new one, and write the difference.

    :param may_end: whether the request may deactivate the person, which takes locks before all others.
    """
    adapter = context.adapter
    locks = removals.prepare(context, scim_id) if may_end else None
    user_index.lock_if_unique(context)
    row, user = lock(context, scim_id)
    stored, was_live = row.attributes, adapter.is_live(user, context.connection)
    shown = adapter.shown(stored, host_columns(context, user))
    permit(context, row, shown, if_match)
    wanted, ignored = compute(shown)
    before = False if _is_hidden(stored) else bool(shown.get("active", True))
    after = bool(wanted.get("active", before))
    changed = {name for name in shown.keys() | wanted.keys() if shown.get(name) != wanted.get(name)}
    me.refuse_others(context, changed, shown, wanted)
    ended = ""
    if changed:
        if before and not after and was_live:
            lifecycle.refuse_if_protected(context, user, "deactivate them")
            removals.deactivating(context, locks, row, user)
        ended = _write(context, row, user, shown, wanted, before=before, after=after)
    if user is not None and not (before or after):
        ended = lifecycle.clear_out(context, row, user)
    told = ended
    if before != after:
        told = f"{lifecycle.ACTIVATED if after else lifecycle.DEACTIVATED} {ended}".rstrip()
    audit.record(
        context,
        action,
        status=201 if action == audit.Action.CREATE else 200,
        resource_type=adapter.name,
        resource_id=row.scim_id,
        label=row.user_name,
        detail=told,
        changed=changed,
        values=event_values(adapter, wanted, changed),
        warnings=ignored,
    )
    if changed:
        _announce(context, signals.user_updated, row, changed=frozenset(changed))
    if before != after:
        _announce(context, signals.user_reactivated if after else signals.user_deactivated, row)
    return written(context, row, groups_of([row.pk], context))


def _write(
    context: Context,
    row: ScimUser,
    user: Any,
    shown: Mapping[str, Any],
    wanted: Mapping[str, Any],
    *,
    before: bool,
    after: bool,
) -> str:
    """Write what differs, on both sides and in the index; what it ended goes into the event.

    :param before: whether the person was active; ``after``: whether they are to be.
    """
    adapter, stored = context.adapter, row.attributes
    was_live = adapter.is_live(user, context.connection)
    # Whether the host changed something that no receiver has seen, so that the index does not have it either.
    unseen = adapter.remembered(shown, shown=shown, sent=stored) != stored
    ended = accounts.bring_in_line(context, row, user, shown, wanted, before=before, after=after)
    if wanted["userName"] != row.user_name:
        _rename(context, row, wanted["userName"], asked=wanted["userName"] != shown.get("userName"))
    row.external_id = newcomers.external_id(wanted)
    # A person without an account shows all of it for ever.
    lives = adapter.is_live(row.user, context.connection)
    row.attributes = dict(wanted)
    if lives:
        kept = adapter.remembered(wanted, shown=shown, sent=stored)
        row.attributes = adapter.noted(kept, row.user, context.connection)
    if lives and before and not after and context.connection.on_deactivate == lifecycle.Policy.NOTHING:
        row.attributes[LEFT_ALONE] = True
    if "active" not in wanted and not after:
        # Taking the attribute away does not bring anybody back.
        row.attributes["active"] = None
    row.modified_at = now()
    fields = ["user", "user_name", "user_name_key", "external_id", "attributes", "modified_at"]
    update(row, fields, context.using)
    if user is None and row.user_id is not None:
        belonging.enter(context, row)
    elif after and not before and user is not None and adapter.is_new_member(user):
        belonging.reenter(context, row)
    old, index = adapter.index(shown, live=was_live, sent=stored), index_of(context, row, row.user)
    user_index.refuse_taken(context, row, old, index)
    if unseen:
        sync.rebuild_index(context, row, index)
    else:
        user_index.write(context, row, old, index)
    return ended


def _may_end(operation: Operation) -> bool:
    """Whether an operation may deactivate somebody."""
    concerns_activity = operation.path is None or operation.path.path.attribute.name == "active"
    return concerns_activity and operation.value is not True


def _is_hidden(stored: Mapping[str, Any]) -> bool:
    """Whether ``active`` was taken away from somebody inactive: they stay so, and the attribute stays away."""
    return "active" in stored and stored["active"] is None


def _rename(context: Context, row: ScimUser, user_name: str, *, asked: bool) -> None:
    """Take a new name down; one that the host gave behind our back only while nobody else in the scope has it."""
    try:
        key = user_name_key(user_name)
    except InvalidValue:
        if asked:
            raise
        return
    if not asked:
        rows = ScimUser.objects.using(context.using).filter(scope=row.scope, user_name_key=key, alive=True)
        if rows.exclude(pk=row.pk).exists():
            return
    row.user_name, row.user_name_key = user_name, key


def _announce(context: Context, signal: Signal, row: ScimUser, **more: Any) -> None:
    announce(signal, context, scim_user=row, user=row.user, **more)
