"""GET /Roles: what can be assigned, which Okta's entitlement discovery reads."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import override_settings

from conftest import MOUNT, ScimClient
from django_scim_provider.adapters import ChoiceRoles, UserAdapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

BASE = f"http://testserver{MOUNT}"


class Choosing(UserAdapter):
    """Roles in an order, the last of them privileged."""

    roles = ChoiceRoles("last_name", order=["low", "high", "root"], privileged=["root"])


@pytest.fixture(autouse=True)
def _named(roles: dict[str, Group]) -> None:
    """The roles reader, writer and owner, and one with a name that needs care in a URI."""
    Group.objects.create(name="R&D / élan")


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [item["displayName"] for item in response.json()["Resources"]]


def test_a_role_is_a_resource(scim: ScimClient) -> None:
    shown = scim.get("/Roles/writer")
    assert shown.status_code == 200
    assert shown.json() == {
        "schemas": [urns.ROLE],
        "id": "writer",
        "displayName": "writer",
        "meta": {"resourceType": "Role", "location": f"{BASE}/Roles/writer", "version": shown.headers["ETag"]},
    }
    listed = scim.get("/Roles").json()
    assert listed["totalResults"] == listed["itemsPerPage"] == 4
    assert shown.json() in listed["Resources"]


def test_every_location_leads_to_its_role(scim: ScimClient) -> None:
    for role in scim.get("/Roles").json()["Resources"]:
        path = role["meta"]["location"].removeprefix(BASE)
        assert scim.get(path).json() == role
        assert scim.get(f"{path}/").json() == role


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["owner", "R&D / élan", "reader", "writer"]),
        ({"filter": 'displayName eq "WRITER"'}, ["writer"]),
        ({"filter": 'displayName co "r" and not (displayName sw "w")'}, ["owner", "R&D / élan", "reader"]),
        ({"filter": 'id eq "reader"'}, ["reader"]),
        ({"filter": 'id eq "READER"'}, []),
        ({"sortBy": "displayName"}, ["owner", "R&D / élan", "reader", "writer"]),
        ({"sortBy": "id", "sortOrder": "descending"}, ["writer", "reader", "R&D / élan", "owner"]),
        ({"sortBy": "displayName", "startIndex": "2", "count": "2"}, ["R&D / élan", "reader"]),
        ({"count": "0"}, []),
        ({"startIndex": "9"}, []),
    ],
)
def test_roles_are_listed(scim: ScimClient, query: dict[str, str], found: list[str]) -> None:
    response = scim.get("/Roles", **query)
    if "sortBy" in query:
        assert names(response) == found
    else:
        assert sorted(names(response)) == sorted(found)
    assert response.json()["totalResults"] == (len(found) if "filter" in query else 4)


def test_a_page_has_its_limit(scim: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "MAX_RESULTS": 2, "DEFAULT_COUNT": 1}):
        assert len(names(scim.get("/Roles"))) == 1
        assert len(names(scim.get("/Roles", count=9))) == 2


def test_only_what_is_asked_for_is_shown(scim: ScimClient) -> None:
    assert scim.get("/Roles/writer", attributes="displayName").json().keys() == {"schemas", "id", "displayName"}
    assert "meta" not in scim.get("/Roles", excludedAttributes="meta").json()["Resources"][0]


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"filter": 'nonsense eq "x"'}, "invalidFilter"),
        ({"filter": "displayName"}, "invalidFilter"),
        ({"sortBy": "meta.created"}, "invalidValue"),
        ({"sortBy": "nonsense"}, "invalidValue"),
    ],
)
def test_what_cannot_be_answered_is_refused(scim: ScimClient, query: dict[str, str], scim_type: str) -> None:
    response = scim.get("/Roles", **query)
    assert (response.status_code, response.json()["scimType"]) == (400, scim_type)


def test_an_unknown_role_is_not_found(scim: ScimClient) -> None:
    assert scim.get("/Roles/emperor").status_code == 404
    assert scim.get("/Roles/WRITER").status_code == 404


@pytest.mark.parametrize("path", ["/Roles", "/Roles/writer"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_roles_are_not_the_clients_to_write(scim: ScimClient, path: str, method: str) -> None:
    assert scim.request(method, path, {"displayName": "x"}).status_code == 405
    assert Group.objects.count() == 4


def test_roles_need_a_token(anonymous: ScimClient) -> None:
    assert anonymous.get("/Roles").status_code == anonymous.get("/Roles/writer").status_code == 401


def test_privileged_roles_are_not_offered(scim: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "ADAPTERS": {"User": f"{__name__}.Choosing"}}):
        assert names(scim.get("/Roles")) == ["low", "high"]
        assert scim.get("/Roles/high").status_code == 200
        assert scim.get("/Roles/root").status_code == 404


def test_only_okta_is_told_of_roles(scim: ScimClient, anonymous: ScimClient, connection: ScimConnection) -> None:
    """Others would try to write to an endpoint that discovery lists."""

    def told(client: ScimClient) -> tuple[list[str], int]:
        types = client.get("/ResourceTypes").json()["Resources"]
        return [item["name"] for item in types], client.get(f"/Schemas/{urns.ROLE}").status_code

    assert told(scim) == (["User", "Group", "Role"], 200)
    assert scim.get("/ResourceTypes/Role").json()["endpoint"] == "/Roles"
    assert told(anonymous) == (["User", "Group"], 404)
    for provider in ("entra", "generic", "onelogin"):
        ScimConnection.objects.filter(pk=connection.pk).update(provider=provider)
        assert told(scim) == (["User", "Group"], 404)
        assert scim.get("/Roles").status_code == 200
