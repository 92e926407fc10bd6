"""cursor, nextCursor and the errors of RFC 9865 on the wire."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib.auth.models import Group

from api.helpers import is_error, with_setting
from conftest import ScimClient

pytestmark = pytest.mark.django_db


def walk(scim: ScimClient, path: str, **params: Any) -> list[dict[str, Any]]:
    """The bodies of all pages."""
    bodies: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        response = scim.get(path, cursor=cursor, **params)
        assert response.status_code == 200, response.content
        bodies.append(response.json())
        assert "startIndex" not in bodies[-1]
        assert bodies[-1]["itemsPerPage"] == len(bodies[-1]["Resources"])
        cursor = bodies[-1].get("nextCursor")
        # RFC 3986 section 2.3
        assert cursor is None or re.fullmatch(r"[A-Za-z0-9._~-]+", cursor)
    return bodies


@pytest.fixture
def names(scim: ScimClient) -> list[str]:
    return [scim.create(f"user{number}@example.com")["userName"] for number in range(5)]


@pytest.mark.hosts
def test_pages_lead_from_one_to_the_next(scim: ScimClient, names: list[str]) -> None:
    for params in ({}, {"sortBy": "userName"}, {"filter": 'userName sw "USER"', "sortBy": "name.familyName"}):
        bodies = walk(scim, "/Users", count=2, **params)
        assert [body["totalResults"] for body in bodies] == [5, 5, 5]
        assert [item["userName"] for body in bodies for item in body["Resources"]] == names
    assert [len(body["Resources"]) for body in walk(scim, "/Users")] == [5]


def test_parameter_without_a_value_asks_for_the_first_page(scim: ScimClient, names: list[str]) -> None:
    body = scim.request("GET", "/Users", QUERY_STRING="cursor&count=2").json()

    assert "nextCursor" in body
    assert "nextCursor" not in scim.get("/Users", count=2).json()
    assert "startIndex" in scim.get("/Users", count=2).json()


def test_page_size_has_its_limits(scim: ScimClient, names: list[str]) -> None:
    with with_setting(DEFAULT_COUNT=2, MAX_RESULTS=3):
        assert [len(body["Resources"]) for body in walk(scim, "/Users")] == [2, 2, 1]
        assert [len(body["Resources"]) for body in walk(scim, "/Users", count=100)] == [3, 2]
        pagination = scim.get("/ServiceProviderConfig").json()["pagination"]
    assert pagination == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 2,
        "maxPageSize": 3,
        "cursorTimeout": 3600,
    }


def test_errors_have_the_keywords_of_the_rfc(scim: ScimClient, names: list[str], monkeypatch: Any) -> None:
    cursor = scim.get("/Users", cursor="", count=2).json()["nextCursor"]

    assert is_error(scim.get("/Users", cursor="x"), 400, "invalidCursor")
    assert is_error(scim.get("/Groups", cursor=cursor), 400, "invalidCursor")
    assert is_error(scim.get("/Users", cursor=cursor, filter="title pr"), 400, "invalidCursor")
    assert is_error(scim.get("/Users", cursor=cursor, count=3), 400, "invalidCount")
    assert is_error(scim.get("/Users", cursor="", count="x"), 400, "invalidCount")
    assert is_error(scim.get("/Users", count="x"), 400, "invalidValue")
    assert is_error(scim.get("/Users", cursor=cursor, startIndex=3), 400, "invalidValue")
    assert is_error(scim.request("GET", "/Users", QUERY_STRING="cursor=&cursor="), 400, "invalidValue")
    with with_setting(CURSOR_TIMEOUT=10):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 20)
        assert is_error(scim.get("/Users", cursor=cursor, count=2), 400, "expiredCursor")


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("by", ["", "displayName", "id"])
def test_roles_are_walked_while_they_come_and_go(scim: ScimClient, by: str, order: str) -> None:
    for name in ("bb", "AA", "cc", "dd", "éé"):
        Group.objects.create(name=name)
    params: dict[str, Any] = {"count": 2, "sortOrder": order} | ({"sortBy": by} if by else {})
    shown = [role["displayName"] for body in walk(scim, "/Roles", **params) for role in body["Resources"]]
    assert sorted(shown) == ["AA", "bb", "cc", "dd", "éé"]

    first = scim.get("/Roles", cursor="", **params).json()
    Group.objects.filter(name=first["Resources"][-1]["displayName"]).delete()
    second = scim.get("/Roles", cursor=first["nextCursor"], **params).json()
    assert [role["displayName"] for role in second["Resources"]] == shown[2:4]
    assert second["totalResults"] == 5
    assert is_error(scim.get("/Users", cursor=first["nextCursor"], **params), 400, "invalidCursor")
