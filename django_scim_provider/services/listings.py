"""What an administrator looks at: found by a text, and shown with what belongs to it."""

from __future__ import annotations

from ..models import ScimOAuthClient, ScimToken
from .context import Context


def credentials(context: Context) -> dict[str, str]:
    """What tokens and OAuth clients are called, by the public part that requests are noted with."""
    mine = ScimToken.objects.using(context.using).filter(connection=context.connection)
    clients = ScimOAuthClient.objects.using(context.using).filter(connection=context.connection)
    named = {token.key_id: token.name or token.starts_with for token in mine}
    return named | {client.key_id: str(client) for client in clients}
