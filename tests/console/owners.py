"""A host with organizations: whoever is ``ann+acme@...`` owns Acme, and "all" administers all of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection


class OwnedAdapter(UserAdapter):
    multi_tenant = True

    def verified_domains(self, connection: ScimConnection) -> Iterable[str]:
        return [f"{connection.tenant}.example.com"]

    def administered_tenants(self, user: Any) -> Iterable[str] | None:
        _name, _plus, tenant = user.email.partition("@")[0].partition("+")
        return None if tenant == "all" else filter(None, [tenant])


class BrokenAdapter(OwnedAdapter):
    def create(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("The product's own create() fails.")
