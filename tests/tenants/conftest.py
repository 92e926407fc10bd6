from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps

from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from factories import ConnectionFactory

# For the host project that has organizations (hosts.tenants); under the others there is nothing to import.
collect_ignore_glob = [] if apps.is_installed("hosts.tenants") else ["test_*.py"]


@pytest.fixture
def organizations(db: None) -> dict[str, Any]:
    model: Any = apps.get_model("tenants.Organization")
    return {slug: model.objects.create(name=slug.title(), slug=slug) for slug in ("acme", "globex")}


@pytest.fixture
def connections(organizations: dict[str, Any]) -> dict[str, ScimConnection]:
    return {slug: ConnectionFactory(name=slug.title(), tenant=slug) for slug in organizations}


@pytest.fixture
def acme(connections: dict[str, ScimConnection], issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(connections["acme"]))


@pytest.fixture
def globex(connections: dict[str, ScimConnection], issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(connections["globex"]))
