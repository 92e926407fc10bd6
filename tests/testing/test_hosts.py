"""The contract that hosts prove their adapters by, under every host project of the suite."""

from __future__ import annotations

import pytest
from django.apps import apps

from django_scim_provider.testing.contract import AdapterContract

pytestmark = [pytest.mark.hosts, pytest.mark.credentials, pytest.mark.tenants]


class TestHost(AdapterContract):
    tenant = "acme"
    other_tenant = "globex"

    def make_tenant(self) -> None:
        if apps.is_installed("hosts.tenants"):
            model = apps.get_model("tenants.Organization")
            for slug in (self.tenant, self.other_tenant):
                model.objects.create(slug=slug, name=slug.title())
