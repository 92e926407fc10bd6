"""What this product's own suite asks of its adapter: ``manage.py test``."""

from __future__ import annotations

from typing import Any

from django_scim_provider.testing import contract

from .models import Membership


class ScimTests(contract.AdapterContract):
    tenant = "acme"
    other_tenant = "globex"

    def has_access(self, account: Any) -> bool:
        """The pages of an organization are open to its active members."""
        return Membership.objects.filter(user=account, organization__slug=self.tenant, is_active=True).exists()
