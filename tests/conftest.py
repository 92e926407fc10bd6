"""Fixtures of the whole suite; everything that talks SCIM goes through real views, services and databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse

from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from django_scim_provider.testing import client
from factories import ConnectionFactory

MOUNT = "/scim/v2"
person = client.person


class ScimClient(client.ScimClient):
    """The public client; every answer is checked for what every answer must be."""

    secure = False

    def request(self, method: str, path: str, body: Any = None, **extra: Any) -> HttpResponse:
        response = super().request(method, path, body, **extra)
        assert response.status_code not in (301, 302, 307, 308), "SCIM never redirects"
        if response.status_code != 204:
            assert response.headers["Content-Type"].startswith("application/scim+json"), response.content[:300]
        assert not response.cookies
        return response


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def connection(db: None) -> ScimConnection:
    """An enabled connection that adopted nobody."""
    return ConnectionFactory()


@pytest.fixture
def context(connection: ScimConnection) -> Context:
    return Context(connection)


@pytest.fixture
def adapter(connection: ScimConnection) -> UserAdapter:
    return get_user_adapter()


@pytest.fixture
def issue_token() -> Callable[..., str]:
    """Issues a token for a connection and returns its text."""

    def issue(connection: ScimConnection, **options: Any) -> str:
        return tokens.issue(Context(connection), **options).text

    return issue


@pytest.fixture
def scim(connection: ScimConnection, issue_token: Callable[..., str]) -> ScimClient:
    """The identity provider of ``connection``."""
    return ScimClient(issue_token(connection))


@pytest.fixture
def anonymous() -> ScimClient:
    return ScimClient(None)
