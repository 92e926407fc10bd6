"""Clients of the site's own OAuth 2.0 server (django-oauth-toolkit), each of which acts as one connection.

The toolkit is not imported: its tables are found by the names that its settings give them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from ..models import ScimConnection, ScimOAuthClient, ScimToken
from . import access, audit
from .context import Context, database
from .tokens import Presented, note_use

TOOLKIT: Final = "oauth2_provider"


class NotLinked(Exception):
    """A client cannot act as a connection; the text says why."""


def link(context: Context, client_id: str) -> ScimOAuthClient:
    """Let a client of the OAuth server act as the context's connection.

    :raises NotLinked: there is no such client, or it acts as a connection already.
    """
    key = _application_key(client_id)
    try:
        with transaction.atomic(using=context.using):
            made = ScimOAuthClient.objects.using(context.using).create(
                connection=context.connection, application_key=key, client_id=client_id, created_by=context.actor
            )
            audit.record(context, audit.Action.CLIENT_LINK, label=client_id)
    except IntegrityError:
        linked = ScimOAuthClient.objects.using(context.using).filter(application_key=key).first()
        if linked is None:
            raise
        raise NotLinked(f"The client acts as “{linked.connection}” already.") from None
    return made


def unlink(context: Context, client: ScimOAuthClient) -> None:
    """Shut a client out: every access token of it is refused from now on. Doing it again changes nothing."""
    with transaction.atomic(using=context.using):
        mine = ScimOAuthClient.objects.using(context.using).filter(pk=client.pk, connection=context.connection)
        if mine.delete()[0]:
            audit.record(context, audit.Action.CLIENT_UNLINK, label=client.client_id)


def _application_key(client_id: str) -> str:
    if not apps.is_installed(TOOLKIT):
        raise NotLinked("The OAuth server, django-oauth-toolkit, is not in INSTALLED_APPS.")
    model: Any = apps.get_model(getattr(settings, "OAUTH2_PROVIDER_APPLICATION_MODEL", f"{TOOLKIT}.Application"))
    found = model._default_manager.using(router.db_for_write(model)).filter(client_id=client_id)
    key = found.values_list("pk", flat=True).first()
    if key is None:
        raise NotLinked("The OAuth server has no client with this id.")
    return str(key)


class Grant(NamedTuple):
    """What the OAuth server knows of an access token."""

    application_key: str
    """The primary key, as text, of the client that it was issued to."""
    user: Any
    """Who consented; ``None`` where the client speaks for itself."""
    issued_at: datetime
    has_scope: bool
    refusal: str
    """Why the server itself would refuse it, in words for the event log."""


def present(grant: Grant | None) -> Presented:
    """What an access token lets its bearer do: one query where the client speaks for itself."""
    if grant is None:
        return Presented(None, "", "", "The OAuth server knows no such access token.")
    using = database()
    clients = ScimOAuthClient.objects.using(using).select_related("connection")
    client = clients.filter(application_key=grant.application_key).order_by().first()
    if client is None:
        return Presented(None, "", "", "The client of the access token acts as no connection.")
    connection = client.connection
    since = connection.state_changed_at
    refusal = grant.refusal
    if not connection.enabled:
        refusal = "SCIM is disabled for this connection."
    elif since is not None and grant.issued_at < since:
        # What ended with the connection must not come back with it.
        refusal = "The access token was issued before SCIM was enabled for this connection."
    elif not refusal and grant.user is not None and not _may_speak(grant.user, connection):
        refusal = "The person who consented may not manage the tokens of this connection."
    if not refusal:
        note_use(connection, timezone.now(), using)
    scopes = ScimToken.Scopes.WRITE if grant.has_scope else ""
    return Presented(connection, client.key_id, scopes, refusal)


def _may_speak(user: Any, connection: ScimConnection) -> bool:
    """Whether somebody could issue a token of the connection: to consent comes to the same."""
    if not getattr(user, "is_active", True):
        return False
    return access.reachable(user, access.MANAGE_TOKENS).filter(pk=connection.pk).exists()
