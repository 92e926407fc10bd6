"""What a host may observe. Sent after the transaction committed; a receiver cannot veto, and its failure is logged.

Every signal's sender is ``ScimConnection``; the arguments are named beside each.
"""

from __future__ import annotations

from django.dispatch import Signal

user_provisioned = Signal()
"""``connection``, ``scim_user``, ``user`` (``None`` under "ignore"): the identity provider created a person."""

user_updated = Signal()
"""``connection``, ``scim_user``, ``user``, ``changed`` (frozenset of attribute paths)."""

user_deactivated = Signal()
"""``connection``, ``scim_user``, ``user``: ``active`` became false."""

user_reactivated = Signal()
"""``connection``, ``scim_user``, ``user``: ``active`` became true again."""

credentials_ended = Signal()
"""``connection``, ``scim_user``, ``user`` (``None`` once the account is gone), ``ended`` (a count, or ``None`` for all,
by name): everything that was issued to a person came to an end, because their access did, or because they return."""

user_removed = Signal()
"""``connection``, ``scim_user``, ``user`` (``None`` once the account is gone): DELETE."""

group_created = Signal()
"""``connection``, ``group``."""

group_updated = Signal()
"""``connection``, ``group``, ``changed`` (frozenset of attribute names; ``members`` among them, not who)."""

group_removed = Signal()
"""``connection``, ``group`` (deleted by now)."""

token_expiring = Signal()
"""``connection``, ``token`` (the :class:`~django_scim_provider.models.ScimToken`), ``days`` (left, rounded up):
the last token of a connection, or the one in use, ends soon. Sent by ``scim_token warn``."""

mass_removal = Signal()
"""``connection``, ``count`` (people removed within ten minutes), ``limit``, ``held`` (whether further ones are held):
sent once for as long as it goes on."""

connection_enabled = Signal()
"""``connection``."""

connection_disabled = Signal()
"""``connection``."""

__all__ = [
    "connection_disabled",
    "connection_enabled",
    "credentials_ended",
    "group_created",
    "group_removed",
    "group_updated",
    "mass_removal",
    "token_expiring",
    "user_deactivated",
    "user_provisioned",
    "user_reactivated",
    "user_removed",
    "user_updated",
]
