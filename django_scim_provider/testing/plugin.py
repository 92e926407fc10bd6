"""Fixtures for a project's own tests; its conftest.py names this module in ``pytest_plugins``."""

from __future__ import annotations

from typing import Any

import pytest

from ..models import ScimConnection
from ..services import connections, tokens
from ..services.context import Context
from .client import ScimClient


@pytest.fixture
def scim_options() -> dict[str, Any]:
    """What ``scim_connection`` is made with, such as ``{"tenant": "acme", "on_delete": "delete"}``; override it."""
    return {}


@pytest.fixture
def scim_connection(db: None, scim_options: dict[str, Any]) -> ScimConnection:
    """An enabled connection; the people there are before are managed as ``existing_accounts`` says."""
    connection = connections.create(**{"name": "tests", **scim_options})
    connections.enable(Context(connection))
    return connection


@pytest.fixture
def scim_token(scim_connection: ScimConnection) -> str:
    """The text of a token for ``scim_connection``."""
    return tokens.issue(Context(scim_connection)).text


@pytest.fixture
def scim_client(scim_token: str) -> ScimClient:
    """The identity provider of ``scim_connection``."""
    return ScimClient(scim_token)
