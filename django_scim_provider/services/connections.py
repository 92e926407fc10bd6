"""The life of a connection: made, enabled, disabled."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from .. import signals
from ..adapters import get_user_adapter
from ..models import ConnectionGuard, ScimConnection
from . import audit, sync, tokens
from .context import Context, database


def default_existing_accounts(portal: str = "") -> str:
    """Adopt in a single-tenant site, where everybody is in scope anyway; never where tenants share accounts."""
    policies = ScimConnection.ExistingAccounts
    return policies.NEVER if get_user_adapter(portal).multi_tenant else policies.ADOPT


def create(
    name: str, *, provider: str = "generic", tenant: str = "", portal: str = "", **policies: Any
) -> ScimConnection:
    """Insert a connection, not enabled yet, with the policies given and the defaults for the rest.

    :raises django.core.exceptions.ValidationError: a value is not allowed, or the name is taken.
    """
    policies.setdefault("existing_accounts", default_existing_accounts(portal))
    connection = ScimConnection(name=name, provider=provider, tenant=tenant, portal=portal, **policies)
    connection.full_clean(exclude=["slug"])
    with transaction.atomic(using=database()):
        connection.save(using=database(), force_insert=True)
        ConnectionGuard.objects.using(database()).create(connection=connection)
    return connection


def enable(context: Context, progress: sync.Progress | None = None) -> sync.Adoption:
    """Switch SCIM on and adopt whom the policy lets the connection adopt. Tokens are issued apart.

    Rows are made first: a request never meets a connection that does not know its people yet.
    """
    result = sync.adopt(context, progress)
    _switch(context, True)
    return result


def disable(context: Context) -> int:
    """Switch SCIM off; every token dies at once, people stay as they are. Returns the number of tokens revoked."""
    with transaction.atomic(using=context.using):
        revoked = tokens.revoke_all(context)
        _switch(context, False)
    return revoked


def _switch(context: Context, enabled: bool) -> None:
    connection = context.connection
    with transaction.atomic(using=context.using):
        connection.enabled = enabled
        connection.state_changed_at = timezone.now()
        connection.state_changed_by = context.actor
        connection.save(using=context.using, update_fields=["enabled", "state_changed_at", "state_changed_by"])
        audit.record(context, audit.Action.ENABLE if enabled else audit.Action.DISABLE, label=connection.name)
    signal = signals.connection_enabled if enabled else signals.connection_disabled

    def tell() -> None:
        signal.send_robust(ScimConnection, connection=connection)

    transaction.on_commit(tell, using=context.using)
