"""The life of a connection: made, enabled, configured, disabled, deleted."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .. import signals
from ..adapters import get_user_adapter
from ..models import ConnectionGuard, ScimConnection
from . import audit, sync, teams, tokens
from .context import Context, database

CONNECTION: Final = "Connection"
"""The ``resource_type`` of an event about a connection itself."""


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
    check_tenant(connection)
    _check_existing_accounts(connection)
    with _naming(connection):
        connection.save(using=database(), force_insert=True)
        ConnectionGuard.objects.using(database()).create(connection=connection)
    return connection


@contextmanager
def _naming(connection: ScimConnection) -> Iterator[None]:
    """A transaction in which a connection is saved.

    :raises django.core.exceptions.ValidationError: somebody else took the name after it was looked up.
    """
    try:
        with transaction.atomic(using=database()):
            yield
    except IntegrityError:
        raise ValidationError({"name": connection.unique_error_message(ScimConnection, ("name",))}) from None


def check_tenant(connection: ScimConnection) -> None:
    """
    :raises django.core.exceptions.ValidationError: the tenant is not there.
    """
    if not get_user_adapter(connection.portal).has_tenant(connection):
        raise ValidationError({"tenant": _("There is no organization with this key.")})


def _check_existing_accounts(connection: ScimConnection) -> None:
    """
    :raises django.core.exceptions.ValidationError: the accounts are not the tenant's own to adopt.
    """
    shares = get_user_adapter(connection.portal).shares_accounts
    if shares and connection.existing_accounts == ScimConnection.ExistingAccounts.ADOPT:
        message = _("An account can belong to several organizations, so none may manage all that are there.")
        raise ValidationError({"existing_accounts": message})


class Enabled(NamedTuple):
    """A connection that was switched on together with its first token."""

    context: Context
    adoption: sync.Adoption
    issued: tokens.Issued


def create_enabled(
    name: str, *, actor: Any, remote_addr: str | None, request_id: str | None = None, **options: Any
) -> Enabled:
    """Make a connection, a token for it, and switch it on; ``options`` are those of ``create``.

    The token is made together with the connection: of two submissions of one form the second makes neither.
    Nobody can use it before SCIM is on.

    :raises django.core.exceptions.ValidationError: see ``create``.
    :raises AlreadyIssued: see ``tokens.issue``.
    """
    with transaction.atomic(using=database()):
        context = Context(create(name, **options), actor=actor, remote_addr=remote_addr)
        issued = tokens.issue(context, request_id=request_id)
    return Enabled(context, enable(context), issued)


def enable_again(context: Context, *, request_id: str | None = None) -> Enabled:
    """Switch a connection on with a new token, the only live one from then on.

    :raises AlreadyIssued: see ``tokens.issue``.
    """
    with transaction.atomic(using=context.using):
        tokens.revoke_all(context)
        issued = tokens.issue(context, request_id=request_id)
    return Enabled(context, enable(context), issued)


def configure(context: Context, **settings: Any) -> list[str]:
    """Write those settings that differ from what is stored, and one event that names them; returns their names.

    What stays is judged by the model's own ``clean()`` alone: the organization may be gone, and its removals still need
    a limit.

    :raises django.core.exceptions.ValidationError: a value is not allowed, or the name is taken. Nothing is changed
        then, in ``context`` neither.
    """
    connection = context.connection
    changed = {name: value for name, value in settings.items() if getattr(connection, name) != value}
    if changed:
        wanted = copy.copy(connection)
        _assign(wanted, changed)
        wanted.full_clean(exclude={field.name for field in wanted._meta.fields} - changed.keys())
        if "existing_accounts" in changed:
            _check_existing_accounts(wanted)
        with _naming(wanted):
            wanted.save(using=context.using, update_fields=changed)
            _assign(connection, changed)
            audit.record(context, audit.Action.CONFIGURE, label=connection.name, changed=list(changed))
    return list(changed)


def _assign(connection: ScimConnection, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        setattr(connection, name, value)


def enable(context: Context, progress: sync.Progress | None = None) -> sync.Adoption:
    """Switch SCIM on and adopt whom the policy lets the connection adopt. Tokens are issued apart.

    Rows are made first: a request never meets a connection that does not know its people yet.
    """
    result = sync.adopt(context, progress)
    teams.adopt(context)
    _switch(context, True)
    return result


def disable(context: Context) -> int:
    """Switch SCIM off; every token dies at once, people stay as they are. Returns the number of tokens revoked."""
    with transaction.atomic(using=context.using):
        revoked = tokens.revoke_all(context)
        _switch(context, False)
    return revoked


class StillEnabled(ValueError):
    """A connection that is on cannot be deleted."""


def delete(context: Context) -> None:
    """Delete a connection that is switched off; people keep their accounts, events stay.

    :raises StillEnabled: it is not switched off.
    """
    connection = context.connection
    with transaction.atomic(using=context.using):
        if ScimConnection.objects.using(context.using).select_for_update().get(pk=connection.pk).enabled:
            raise StillEnabled("Disable a connection before you delete it.")
        tokens.revoke_all(context)
        audit.record(context, audit.Action.DELETE, resource_type=CONNECTION, label=connection.name)
        connection.delete(using=context.using)


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
