"""Activity: what a connection's policy makes of ``active: false``, of DELETE and of a return."""

from __future__ import annotations

from typing import Any

from ..models import ScimConnection, ScimUser
from ..protocol.errors import Forbidden
from .context import Context

Policy = ScimConnection.OnDeactivate


def end_access(context: Context, row: ScimUser, user: Any, policy: str) -> Any:
    """Carry out a removal policy on the host's side.

    :returns: the host user as it is afterwards, ``None`` when the account is gone.
    """
    adapter, using = context.adapter, context.using
    if policy == Policy.NOTHING:
        return user
    if policy == Policy.DELETE:
        adapter.delete(user, using)
        row.user = None
        return None
    if policy == Policy.HOOK:
        adapter.deactivate(user, context.connection, using)
    elif adapter.soft_deletes:
        adapter.soft_delete(user, using)
    else:
        adapter.suspend(user, using)
    return user


def refuse_if_protected(context: Context, user: Any, what: str) -> None:
    """Protected people are shown to the identity provider, and that is nearly all.

    :raises Forbidden: the person is protected.
    """
    if user is not None and context.adapter.is_protected(user):
        raise Forbidden(f"This person is protected in the application: SCIM may not {what}.")
