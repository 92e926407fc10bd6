"""attributes and excludedAttributes through the endpoints (RFC 7644 sections 3.4.2.5 and 3.9)."""

from __future__ import annotations

from typing import Any

import pytest

from api.helpers import dump, is_error, statements
from api.test_users_create import FULL
from conftest import ScimClient, person
from django_scim_provider.protocol import urns

pytestmark = pytest.mark.django_db

MINIMUM = {"schemas", "id"}


@pytest.fixture
def ann(scim: ScimClient) -> dict[str, Any]:
    return scim.create("ann@example.com", **FULL)


@pytest.mark.parametrize(
    ("attributes", "shown"),
    [
        ("userName", {"userName"}),
        ("USERNAME", {"userName"}),
        ("userName,title", {"userName", "title"}),
        (" userName , title ,", {"userName", "title"}),
        ("id", set()),
        ("schemas", set()),
        ("meta", {"meta"}),
        ("meta.location", {"meta"}),
        ("name", {"name"}),
        ("name.givenName", {"name"}),
        ("emails", {"emails"}),
        ("emails.value", {"emails"}),
        ('emails[type eq "work"].value', {"emails"}),
        ("nonsense", set()),
        ("password", set()),
        ("groups", set()),
        (f"{urns.USER}:userName", {"userName"}),
        (urns.ENTERPRISE_USER, {urns.ENTERPRISE_USER}),
        (f"{urns.ENTERPRISE_USER}:department", {urns.ENTERPRISE_USER}),
        ("department", {urns.ENTERPRISE_USER}),
        ("externalId,active", {"externalId", "active"}),
        ("user__password", set()),
        ("is_superuser", set()),
        ("\x00", set()),
        ("é💥", set()),
        ("a" * 5000, set()),
        ("[" * 500, set()),
    ],
)
def test_only_what_is_asked_for_is_shown(
    scim: ScimClient, ann: dict[str, Any], attributes: str, shown: set[str]
) -> None:
    one = scim.get(f"/Users/{ann['id']}", attributes=attributes).json()
    (listed,) = scim.get("/Users", attributes=attributes).json()["Resources"]

    assert one == listed
    assert one.keys() == MINIMUM | shown
    for name in shown - {"name", "emails", "meta", urns.ENTERPRISE_USER}:
        assert one[name] == ann[name]


def test_sub_attribute_asked_for_is_shown_alone(scim: ScimClient, ann: dict[str, Any]) -> None:
    shown = scim.get(
        f"/Users/{ann['id']}", attributes=f"name.givenName,emails.type,{urns.ENTERPRISE_USER}:department"
    ).json()

    assert shown["name"] == {"givenName": "Ann"}
    assert shown["emails"] == [{"type": "work"}, {"type": "home"}]
    assert shown[urns.ENTERPRISE_USER] == {"department": "Engines"}


@pytest.mark.parametrize(
    ("excluded", "hidden"),
    [
        ("title", {"title"}),
        ("TITLE,emails", {"title", "emails"}),
        ("id,schemas", set()),
        ("meta", {"meta"}),
        ("name", {"name"}),
        (urns.ENTERPRISE_USER, {urns.ENTERPRISE_USER}),
        ("members", set()),
        ("nonsense", set()),
        ("", set()),
    ],
)
def test_what_is_excluded_is_not_shown(scim: ScimClient, ann: dict[str, Any], excluded: str, hidden: set[str]) -> None:
    one = scim.get(f"/Users/{ann['id']}", excludedAttributes=excluded).json()
    (listed,) = scim.get("/Users", excludedAttributes=excluded).json()["Resources"]

    assert one == listed
    assert one.keys() == ann.keys() - hidden
    assert {**ann, **one} == ann


def test_excluded_sub_attribute_leaves_its_siblings(scim: ScimClient, ann: dict[str, Any]) -> None:
    shown = scim.get(f"/Users/{ann['id']}", excludedAttributes="name.formatted,emails.type").json()

    assert shown["name"] == {name: value for name, value in FULL["name"].items() if name != "formatted"}
    assert shown["emails"] == [{"value": "Ann@Example.com", "primary": True}, {"value": "ann@home.example"}]


def test_id_is_shown_whatever_is_excluded(scim: ScimClient, ann: dict[str, Any]) -> None:
    shown = scim.get(f"/Users/{ann['id']}", excludedAttributes=",".join(ann)).json()

    assert shown.keys() >= MINIMUM
    assert shown["id"] == ann["id"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_answer_to_a_write_is_shaped_too_and_the_write_is_whole(
    scim: ScimClient, ann: dict[str, Any], method: str
) -> None:
    bodies = {
        "POST": person("beth@example.com", title="New"),
        "PUT": person("ann@example.com", title="New"),
        "PATCH": {"Operations": [{"op": "replace", "path": "title", "value": "New"}]},
    }
    path = "/Users" if method == "POST" else f"/Users/{ann['id']}"

    response = scim.request(method, path, bodies[method], QUERY_STRING="attributes=userName")

    assert response.json().keys() == MINIMUM | {"userName"}
    whole = scim.get(f"/Users/{response.json()['id']}").json()
    assert whole["title"] == "New"
    assert response.headers["Location"] == whole["meta"]["location"]


def test_bad_parameters_of_a_write_are_refused_before_anything_is_written(scim: ScimClient) -> None:
    before = dump(events=False)

    response = scim.post("/Users", person("ann@example.com"), QUERY_STRING="attributes=id&attributes=userName")

    assert is_error(response, 400, "invalidValue")
    assert dump(events=False) == before


def test_lists_read_no_groups_where_nothing_shown_depends_on_them(scim: ScimClient, ann: dict[str, Any]) -> None:
    scim.get("/Users")

    for query, reads in (
        ("attributes=userName", False),
        ("excludedAttributes=groups,meta", False),
        ("attributes=userName,meta.location", False),
        ("attributes=meta", True),
        ("excludedAttributes=groups", True),  # the version is of the whole resource
    ):
        for path in ("/Users?", "/Users?filter=userName+eq+%22ann@example.com%22&"):
            sql = statements(lambda path=path, query=query: scim.get(path + query))
            assert any("membership" in line for line in sql) is reads, query
            assert len(sql) == 2 + reads
