"""Undoing the alarm that is on, in portions: as much as one press of a button, or one request, may do."""

from __future__ import annotations

from typing import Final, NamedTuple

from . import held
from .context import Context
from .undo import Undone
from .undo import undo as undo_removals

AT_ONCE: Final = 200
"""People brought back by one call: a request should end in seconds."""


class Portion(NamedTuple):
    done: list[Undone]
    left: int
    """People for whom it is to be called again; nobody who was refused just now is among them."""


def people(context: Context) -> int:
    """How many people lost something by what the alarm is about; nobody where none is on."""
    since = held.alarm_since(context)
    return 0 if since is None else held.removals(context, since).order_by().values("scim_user").distinct().count()


def undo(context: Context) -> Portion:
    """Give people back what they had, ``AT_ONCE`` of them. With the last, what is held is forgotten, and removals are
    counted anew. Without an alarm nothing is done; ``scim_undo`` reaches further back.
    """
    since = held.alarm_since(context)
    if since is None:
        return Portion([], 0)
    done = undo_removals(context, since, most=AT_ONCE)
    left = max(0, people(context) - sum(bool(one.refusal) for one in done))
    if not left:
        held.settle(context)
    return Portion(done, left)
