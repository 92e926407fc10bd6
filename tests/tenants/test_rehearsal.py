"""The test of a connection where people belong to organizations or to portals."""

from __future__ import annotations

import pytest

from django_scim_provider.models import ScimConnection
from django_scim_provider.services.context import Context
from django_scim_provider.services.findings import Status
from django_scim_provider.services.in_process import Site
from django_scim_provider.services.rehearsal import Asked, rehearse
from factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]


@pytest.mark.parametrize("portal", ["dashboard", "store"])
def test_what_is_asked_of_a_portal_works(portal: str) -> None:
    assert failures(ConnectionFactory(portal=portal, provider="generic")) == []


@pytest.mark.parametrize("provider", ["okta", "entra"])
def test_what_is_asked_of_an_organization_works(provider: str, connections: dict[str, ScimConnection]) -> None:
    connection = connections["acme"]
    connection.provider = provider
    connection.save()
    assert failures(connection) == []


def failures(connection: ScimConnection) -> list[Asked]:
    found = rehearse(Context(connection), Site("testserver", is_secure=False))
    return [one for one in found if one.status is not Status.OK]
