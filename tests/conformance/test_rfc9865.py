"""Clauses of RFC 9865 that no other test shows; docs/reference/conformance.rst has all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.helpers import is_error
from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory


def _page(scim: ScimClient, cursor: str = "") -> dict[str, Any]:
    answer = scim.get("/Users", cursor=cursor, count=1)
    assert answer.status_code == 200, answer.content
    page: dict[str, Any] = answer.json()
    return page


def test_only_the_last_page_leads_nowhere_and_none_leads_back(scim: ScimClient) -> None:
    for name in ("ann", "bob", "cid"):
        scim.create(f"{name}@example.com")
    first = _page(scim)
    second = _page(scim, first["nextCursor"])
    last = _page(scim, second["nextCursor"])
    assert [page["Resources"][0]["userName"][:3] for page in (first, second, last)] == ["ann", "bob", "cid"]
    assert "nextCursor" not in last
    assert not any("previousCursor" in page for page in (first, second, last))
    assert "nextCursor" not in scim.get("/Users", cursor="", count=-1).json()
    assert scim.get("/Users", cursor="", count=-1).json()["Resources"] == []


def test_a_cursor_is_no_credential(
    connection: ScimConnection, scim: ScimClient, anonymous: ScimClient, issue_token: Callable[..., str]
) -> None:
    for name in ("ann", "bob", "cid"):
        scim.create(f"{name}@example.com")
    cursor = _page(scim)["nextCursor"]
    other = ScimClient(issue_token(ConnectionFactory()))
    assert is_error(anonymous.get("/Users", cursor=cursor, count=1), 401)
    assert is_error(other.get("/Users", cursor=cursor, count=1), 400, "invalidCursor")
    # What the caller may see is asked anew for each page, and so is whether there still is a caller.
    ScimUser.objects.filter(user_name="bob@example.com").update(connection=ConnectionFactory())
    assert [resource["userName"] for resource in _page(scim, cursor)["Resources"]] == ["cid@example.com"]
    tokens.revoke_all(Context(connection))
    assert is_error(scim.get("/Users", cursor=cursor, count=1), 401)
