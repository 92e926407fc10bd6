"""Taking over from django-scim2 where people belong to organizations: only what is one organization's comes along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimUser
from factories import HostUserFactory
from hosts.tenants.models import Membership
from management.conftest import manage

__all__ = ["manage"]

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
ORGANIZATIONS = ["--group-model", "tenants.Organization", "--group-id", "pk", "--members", "memberships__organization"]


def test_each_organization_s_people_keep_their_ids_in_its_connection(
    connections: dict[str, ScimConnection],
    organizations: dict[str, Any],
    acme: ScimClient,
    globex: ScimClient,
    manage: Callable[..., Any],
) -> None:
    ann, bob = HostUserFactory(name="ann"), HostUserFactory(name="bob")
    HostUserFactory(name="stranger")
    for slug, user in (("acme", ann), ("globex", ann), ("globex", bob)):
        Membership.objects.create(organization=organizations[slug], user=user)
    columns = ["--user-external-id", "email"]
    for slug in organizations:
        command = ["scim_import_django_scim2", "--connection", slug.title(), "--json", *columns]
        manage(*command, *ORGANIZATIONS, fails="which groups are this tenant's")
        done = manage(*command, *ORGANIZATIONS, "--group-filter", f"slug={slug}").json
        assert (done["groups"], done["left_out"]) == (1, {})
    rows = ScimUser.objects.order_by("connection__name", "scim_id").values_list("connection__name", "scim_id")
    both = sorted([str(ann.pk), str(bob.pk)])
    assert list(rows) == [("Acme", str(ann.pk)), *(("Globex", key) for key in both)]
    for client, status in ((acme, 404), (globex, 200)):
        assert client.get(f"/Users/{ann.pk}").status_code == 200
        assert client.get(f"/Users/{bob.pk}").status_code == status
