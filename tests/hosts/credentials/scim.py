from __future__ import annotations

from typing import Any

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection


class SuspendingAdapter(UserAdapter):
    """As for a model without the mixin."""

    soft_deletes = False

    def deactivate(self, user: Any, connection: ScimConnection, using: str) -> None:
        """A procedure of the host's own, which thinks of nothing but this column."""
        user.is_active = False
        user.save(using=using, update_fields=["is_active"])


class KeepingAdapter(SuspendingAdapter):
    """For people with passwords of their own, which have to outlive a leave."""

    rotate_password = False
