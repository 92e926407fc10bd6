"""Nobody is locked out of their own site: protected people stay as they are, and of a protected role the last one.

The people who hold a protected role may be managed by several connections or by none, so no connection's guard orders
them: whoever takes one away locks the rows of all of them first, in one order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q

from ..protocol.errors import Forbidden
from .context import Context
from .role_changes import Change
from .rows import people
from .transactions import for_update

LAST: Final = (
    "the last active holder of the role “{role}” in the application: SCIM may not {what}. "
    "Give the role to somebody else first."
)


def lock_holders(context: Context, scim_id: Any) -> bool:
    """Where a person who may be removed holds a protected role, lock all who hold one; before any other row.

    One query for people who hold none, no query where no role is protected. Returns whether they hold one.
    """
    holders = _holders(context, context.adapter.roles.protected)
    mine = people(context).filter(scim_id=scim_id)
    if holders is None or not holders.filter(pk__in=mine.values("user_id")).exists():
        return False
    _lock(holders)
    return True


def refuse_last(context: Context, user: Any, what: str) -> None:
    """Refuse to end the access of the last active holder of a protected role.

    :raises Forbidden: they are.
    """
    adapter, connection = context.adapter, context.connection
    if not adapter.is_active(user, connection):
        return
    held = adapter.roles.held([user.pk], connection, context.using).get(user.pk, frozenset())
    for role in sorted(held & frozenset(adapter.roles.protected)):
        if not is_held(context, role, without=user):
            raise Forbidden(f"This person is {LAST.format(role=role, what=what)}")


def demote(context: Context, changes: Sequence[Change]) -> Mapping[str, Collection[Any]]:
    """What changes of roles that nobody here decided take away of protected ones; locks those who hold these.

    :returns: protected roles and the primary keys of those who lose them, for ``refuse_vacancy``.
    :raises Forbidden: a protected person would lose a role.
    """
    backend = context.adapter.roles
    if context.is_administrative:
        return {}
    losers: defaultdict[str, list[Any]] = defaultdict(list)
    for change in changes:
        replaced = change.has - change.gains if backend.exclusive and change.gains else frozenset()
        for role in change.loses | replaced:
            losers[role].append(change.user)
    if any(context.adapter.is_protected(user) for user in _users(context, losers.values())):
        raise Forbidden("A member is protected in the application: SCIM may not take roles from them.")
    lost = {role: users for role, users in losers.items() if role in backend.protected}
    holders = _holders(context, lost)
    if holders is not None:
        _lock(holders)
    return lost


def refuse_vacancy(context: Context, demoted: Mapping[str, Collection[Any]]) -> None:
    """Refuse changes, made already, that left a protected role to nobody active.

    :param demoted: what ``demote`` returned.
    :raises Forbidden: they did.
    """
    for role, users in demoted.items():
        if is_held(context, role):
            continue
        if any(context.adapter.is_active(user, context.connection) for user in _users(context, [users])):
            raise Forbidden(f"A member is {LAST.format(role=role, what='take it from them')}")


def hosts(context: Context) -> Any:
    """The accounts, with what ``is_active`` and ``is_protected`` read of them."""
    rows = context.adapter.model._base_manager.using(context.using)
    relations = ["__".join(relation) for relation in context.adapter.relations]
    return rows.select_related(*relations) if relations else rows.all()


def _users(context: Context, groups: Iterable[Collection[Any]]) -> Iterable[Any]:
    pks = {pk for users in groups for pk in users}
    return hosts(context).filter(pk__in=pks).iterator(chunk_size=500) if pks else ()


def _holders(context: Context, roles: Collection[str]) -> Any:
    """The people who hold any of these roles; ``None`` where there are no roles."""
    backend = context.adapter.roles
    conditions = [Q(pk__in=backend.holders(role, context.connection, context.using)) for role in sorted(roles)]
    hosts = context.adapter.model._base_manager.using(context.using)
    return hosts.filter(reduce(or_, conditions)) if conditions else None


def _lock(holders: Any) -> None:
    list(for_update(holders.order_by("pk")).values_list("pk", flat=True))


def is_held(context: Context, role: str, *, without: Any = None) -> bool:
    """Whether somebody active holds a role; read after the locks were had."""
    backend, connection = context.adapter.roles, context.connection
    holders = hosts(context).filter(pk__in=backend.holders(role, connection, context.using))
    if without is not None:
        holders = holders.exclude(pk=without.pk)
    return any(context.adapter.is_active(user, connection) for user in holders)
