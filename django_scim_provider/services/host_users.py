"""What becomes of our rows when the application saves or deletes a user by itself; called by receivers."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..models import ScimConnection, ScimUser
from . import sync, user_index
from .context import Context
from .rows import host_columns, lock
from .transactions import now


def saved(user: Any, using: str) -> None:
    """Refresh the rows of a host user who was saved; adopt them where a connection's policy says so."""
    rows = list(ScimUser.objects.using(using).filter(user_id=user.pk, alive=True).select_related("connection"))
    for row in rows:
        context = Context(row.connection)
        sync.refresh(context, row, user, user_index.held(context, [row.pk])[row.pk])
    scopes = {row.scope for row in rows}
    tenants_of = cache(lambda adapter: adapter.tenants_of(user, using))
    adopting = ScimConnection.objects.using(using).filter(enabled=True)
    for connection in adopting.exclude(existing_accounts=ScimConnection.ExistingAccounts.NEVER).order_by("created_at"):
        context = Context(connection)
        adapter, scope = context.adapter, context.adapter.scope(connection)
        if scope in scopes or not isinstance(user, adapter.model):
            continue
        tenants = tenants_of(adapter)
        if (tenants is None or connection.tenant in tenants) and sync.adopt_one(context, user.pk):
            scopes.add(scope)


def deleted(user: Any, using: str) -> None:
    """A host user is about to go: their rows stay, inactive, showing what was last known."""
    for found in ScimUser.objects.using(using).filter(user_id=user.pk, alive=True).select_related("connection"):
        context = Context(found.connection)
        row, user = lock(context, found.scim_id)
        row.attributes = {**context.adapter.shown(row.attributes, host_columns(context, user)), "active": False}
        row.modified_at = now()
        row.save(using=using, update_fields=["attributes", "modified_at"])
        sync.rebuild_index(context, row, context.adapter.index(row.attributes, live=False))
