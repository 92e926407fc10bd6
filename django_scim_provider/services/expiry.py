"""Tokens that are about to expire: each warning is sent once, whoever asks for it and however often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db.models import Q, QuerySet
from django.utils import timezone

from .. import signals
from ..models import ScimToken
from . import notices
from .context import Context, database
from .transactions import announce, run

WARNINGS: Final = (30, 14, 7, 1)
"""Days before the end."""


class Warned(NamedTuple):
    """A warning that was sent."""

    token: ScimToken
    days: int
    """How many are left, rounded up."""


def expiring(days: int) -> QuerySet[ScimToken]:
    """Live tokens of enabled connections that end within so many days."""
    moment = timezone.now()
    found = ScimToken.objects.using(database()).filter(revoked_at=None, connection__enabled=True)
    return found.filter(expires_at__gt=moment, expires_at__lte=moment + timedelta(days=days))


def warn() -> list[Warned]:
    """Send the warnings that are due: signal and mail, on commit, each once. To be run daily."""
    moment = timezone.now()
    live = ScimToken.objects.using(database()).filter(revoked_at=None, expires_at__gt=moment, connection__enabled=True)
    by_connection: defaultdict[Any, list[ScimToken]] = defaultdict(list)
    for token in live.select_related("connection").order_by("expires_at", "pk"):
        by_connection[token.connection_id].append(token)
    sent = []
    for tokens in by_connection.values():
        for token in _that_matter(tokens):
            days = -((moment - token.expires_at) // timedelta(days=1))
            step = min((step for step in WARNINGS if days <= step), default=None)
            if step is not None and _send(token, days, step):
                sent.append(Warned(token, days))
    return sent


def _that_matter(tokens: list[ScimToken]) -> Iterable[ScimToken]:
    """The token that lives longest and the one that is in use; a predecessor that nobody uses any more may end."""
    uses = {token.last_used_at: token for token in tokens if token.last_used_at is not None}
    in_use = uses[max(uses)] if uses else None
    return [token for token in tokens if token in (tokens[-1], in_use)]


def _send(token: ScimToken, days: int, step: int) -> bool:
    """Note a warning and send it; whoever comes second sends nothing."""
    context = Context(token.connection)

    def work() -> bool:
        mine = ScimToken.objects.using(context.using).filter(pk=token.pk)
        if not mine.filter(Q(warned_days=None) | Q(warned_days__gt=step)).update(warned_days=step):
            return False
        announce(signals.token_expiring, context, token=token, days=days)
        notices.token_expires(token.connection, token, days, context.using)
        return True

    return run(work, context.using)
