"""Fixtures of the whole suite; everything that talks SCIM goes through real views, services and databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

MOUNT = "/scim/v2"


class ScimClient:
    """A SCIM client in process: JSON in and out, the token in the header, paths relative to the mount."""

    def __init__(self, token: str | None, **headers: str) -> None:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self.django = Client(headers=authorization | headers, raise_request_exception=False)

    def request(self, method: str, path: str, body: Any = None, **extra: Any) -> HttpResponse:
        """Send; ``body`` is JSON unless it is bytes. The answer is checked for what every answer must be."""
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            extra.setdefault("content_type", "application/scim+json")
        response = self.django.generic(method, f"{MOUNT}{path}", data, **extra)
        assert response.status_code not in (301, 302, 307, 308), "SCIM never redirects"
        if response.status_code != 204:
            assert response.headers["Content-Type"].startswith("application/scim+json"), response.content[:300]
        assert not response.cookies
        return response

    def get(self, path: str, **params: Any) -> HttpResponse:
        return self.request("GET", path, QUERY_STRING=_query(params) if params else path.partition("?")[2])

    def post(self, path: str, body: Any, **extra: Any) -> HttpResponse:
        return self.request("POST", path, body, **extra)

    def put(self, path: str, body: Any, **extra: Any) -> HttpResponse:
        return self.request("PUT", path, body, **extra)

    def patch(self, path: str, *operations: dict[str, Any], **extra: Any) -> HttpResponse:
        return self.request("PATCH", path, {"schemas": [urns.PATCH_OP], "Operations": list(operations)}, **extra)

    def delete(self, path: str) -> HttpResponse:
        return self.request("DELETE", path)

    def find(self, filter: str, **params: Any) -> list[dict[str, Any]]:  # noqa: A002
        """The resources that a filter finds among people."""
        response = self.get("/Users", filter=filter, **params)
        assert response.status_code == 200, response.content
        resources: list[dict[str, Any]] = response.json()["Resources"]
        return resources

    def create(self, user_name: str, **attributes: Any) -> dict[str, Any]:
        """POST a person and return the resource."""
        response = self.post("/Users", person(user_name, **attributes))
        assert response.status_code == 201, response.content
        resource: dict[str, Any] = response.json()
        return resource


def _query(params: dict[str, Any]) -> str:

    return urlencode(params)


def person(user_name: str, **attributes: Any) -> dict[str, Any]:
    """A User body as an ordinary identity provider sends it."""
    body = {
        "schemas": [urns.USER],
        "userName": user_name,
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"value": user_name, "type": "work", "primary": True}],
        "active": True,
    }
    return body | attributes


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
