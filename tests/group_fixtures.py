"""Fixtures of the tests of groups and roles; a test module that wants them names this one in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group

from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from factories import ConnectionFactory


@pytest.fixture
def neighbour(connection: ScimConnection) -> ScimConnection:
    """Another connection of the same site."""
    return ConnectionFactory()


@pytest.fixture
def neighbour_scim(neighbour: ScimConnection, issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(neighbour))


@pytest.fixture
def three(scim: ScimClient) -> list[str]:
    """The ids of three people."""
    return [scim.create(f"{name}@example.com")["id"] for name in ("ann", "bob", "cy")]


@pytest.fixture
def roles(db: None) -> dict[str, Group]:
    """Django groups that can be mapped to: reader, writer, owner."""
    return {name: Group.objects.create(name=name) for name in ("reader", "writer", "owner")}
