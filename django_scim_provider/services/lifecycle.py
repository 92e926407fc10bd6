"""Activity: what a connection's policy makes of ``active: false``, of DELETE and of a return."""

from __future__ import annotations

from typing import Any, Final

from .. import signals
from ..adapters.base import LEFT_ALONE
from ..adapters.credentials import Ended
from ..models import ScimConnection, ScimUser
from ..protocol.errors import Forbidden
from .context import Context
from .rows import host_columns
from .transactions import announce

Policy = ScimConnection.OnDeactivate
DEACTIVATED: Final = "Deactivated."
ACTIVATED: Final = "Activated."
"""How the detail of an event begins that made somebody inactive, or active again."""


def deprovision(context: Context, row: ScimUser, user: Any, policy: str) -> str:
    """The one end of access, whatever asked for it: every credential ends, and the account goes the way of the policy.

    :returns: what came of it, in words for the event.
    """
    adapter, using = context.adapter, context.using
    if policy == Policy.NOTHING:
        return "The account stays as it is."
    ended = adapter.end_credentials(user, context.connection, using)
    if policy == Policy.DELETE:
        adapter.delete(user, using)
        row.user = None if adapter.deletes_accounts else user
    elif policy == Policy.REMOVE:
        adapter.remove(user, using)
    elif policy == Policy.HOOK:
        adapter.deactivate(user, context.connection, using)
    elif adapter.soft_deletes:
        adapter.soft_delete(user, using)
    else:
        adapter.suspend(user, using)
    return _tell(context, row, ended)


def readmit(context: Context, row: ScimUser, user: Any) -> str:
    """Let somebody in again, with nothing that was issued before.

    It ends here once more: the host may have shut the account by itself, and a request that was under way when access
    ended may have issued something after. Nothing is done about somebody who never was out.

    :returns: what ended, in words for the event.
    """
    adapter, columns = context.adapter, host_columns(context, user)
    if columns is not None and adapter.shown({}, columns).get("active", LEFT_ALONE in row.attributes):
        return ""
    ended = adapter.end_credentials(user, context.connection, context.using)
    adapter.activate(user, context.using)
    return _tell(context, row, ended)


def clear_out(context: Context, row: ScimUser, user: Any) -> str:
    """End the tokens of somebody who is inactive, and of whom the client says so again or something else.

    The host may have shut the account by itself, which not every library asks about when it is shown a token.

    :returns: what ended, in words for the event.
    """
    if context.connection.on_deactivate == Policy.NOTHING or context.adapter.is_protected(user):
        return ""
    left = context.adapter.end_tokens(user, context.connection, context.using)
    ended = {name: count for name, count in left.items() if count}
    return _tell(context, row, ended) if ended else ""


def has_access(context: Context, user: Any) -> bool:
    """Whether the account itself is active, whatever SCIM shows of the person."""
    return context.adapter.shown({}, host_columns(context, user)).get("active") is True


def _tell(context: Context, row: ScimUser, ended: Ended) -> str:
    announce(signals.credentials_ended, context, scim_user=row, user=row.user, ended=dict(ended))
    said = [name if count is None else f"{name} ({count})" for name, count in ended.items() if count != 0]
    return f"Ended: {', '.join(said)}." if said else ""


def refuse_if_protected(context: Context, user: Any, what: str) -> None:
    """Protected people are shown to the identity provider, and that is nearly all.

    :raises Forbidden: the person is protected.
    """
    if user is not None and context.adapter.is_protected(user):
        raise Forbidden(f"This person is protected in the application: SCIM may not {what}.")
