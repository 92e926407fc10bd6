"""The adapter of a host with organizations that verifies their domains and has a procedure for those who leave."""

from __future__ import annotations

from typing import Any

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection


class TenantAdapter(UserAdapter):
    multi_tenant = True

    def verified_domains(self, connection: ScimConnection) -> list[str]:
        return ["example.com"]

    def deactivate(self, user: Any, connection: ScimConnection, using: str) -> None:
        self.suspend(user, using)


class BareAdapter(UserAdapter):
    """Knows the user name and nothing else."""

    attributes = {"userName": "username"}
    keep_unmapped = False
