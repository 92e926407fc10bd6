"""POST to /.search, and queries over all resource types at the root (RFC 7644 sections 3.4.2.1 and 3.4.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.helpers import dump, is_error, statements, with_setting
from conftest import MOUNT, ScimClient
from django_scim_provider.models import ScimConnection, ScimEvent
from django_scim_provider.protocol import urns

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def search(scim: ScimClient, path: str = "", **query: Any) -> dict[str, Any]:
    response = scim.post(f"{path}/.search", {"schemas": [urns.SEARCH_REQUEST], **query})
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    assert body["schemas"] == [urns.LIST_RESPONSE]
    assert body["itemsPerPage"] == len(body["Resources"])
    return body


def names(body: dict[str, Any]) -> list[str]:
    return [resource.get("userName", resource.get("displayName")) for resource in body["Resources"]]


def group(scim: ScimClient, name: str, **attributes: Any) -> dict[str, Any]:
    made: dict[str, Any] = scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": name, **attributes}).json()
    return made


@pytest.fixture
def people(scim: ScimClient) -> list[dict[str, Any]]:
    """Three people and two groups, their names in no order."""
    made = [scim.create(f"{name}@example.com", displayName=name.title()) for name in ("carol", "ann", "bob")]
    group(scim, "Birds", members=[{"value": made[0]["id"]}])
    group(scim, "Actors", externalId="a1")
    return made


def test_a_search_of_one_type_answers_as_its_list_does(scim: ScimClient, people: list[dict[str, Any]]) -> None:
    everybody = scim.get("/Users").json()
    assert search(scim, "/Users") == everybody
    assert scim.post("/Users/.search/", {"filter": None, "SCHEMAS": [urns.SEARCH_REQUEST.upper()]}).json() == everybody
    found = search(scim, "/Users", filter='displayName ge "b"', sortBy="displayName", sortOrder="descending")
    assert names(found) == ["carol@example.com", "bob@example.com"]
    page = search(scim, "/Users", startIndex=2, count=1, attributes=["userName"], excludedAttributes=[])
    assert (page["totalResults"], page["startIndex"]) == (3, 2)
    assert page["Resources"] == [{"schemas": [urns.USER], "id": people[1]["id"], "userName": "ann@example.com"}]
    assert search(scim, "/Users", count=0)["totalResults"] == 3
    (only,) = search(scim, "/Groups", filter='externalId eq "a1"', excludedAttributes="meta,members")["Resources"]
    assert only.keys() == {"schemas", "id", "externalId", "displayName"}


def test_a_search_of_one_type_is_paged_by_cursor(scim: ScimClient, people: list[dict[str, Any]]) -> None:
    first = scim.post("/Users/.search", {"cursor": "", "count": 1}).json()
    rest = scim.post("/Users/.search", {"cursor": first["nextCursor"]}).json()
    assert "startIndex" not in first
    assert first["Resources"] + rest["Resources"] == scim.get("/Users").json()["Resources"][:2]


def test_the_root_lists_people_then_groups_and_pages_over_both(
    scim: ScimClient, second_scim: ScimClient, people: list[dict[str, Any]]
) -> None:
    second_scim.create("stranger@example.com")
    everything = search(scim)
    assert names(everything) == ["carol@example.com", "ann@example.com", "bob@example.com", "Birds", "Actors"]
    assert everything["totalResults"] == 5
    assert everything["Resources"][0] == scim.get(f"/Users/{people[0]['id']}").json()
    birds = everything["Resources"][3]
    assert birds == scim.get(f"/Groups/{birds['id']}").json()
    assert birds["members"][0]["value"] == people[0]["id"]

    for size in (1, 2, 3):
        pages = [search(scim, startIndex=start, count=size) for start in range(1, 6, size)]
        assert [name for page in pages for name in names(page)] == names(everything)
        assert {page["totalResults"] for page in pages} == {5}
    assert search(scim, startIndex=6)["Resources"] == search(scim, count=0)["Resources"] == []
    with with_setting(MAX_RESULTS=4):
        assert len(search(scim, count=100)["Resources"]) == 4


def test_get_of_the_root_is_the_same_query(scim: ScimClient, people: list[dict[str, Any]]) -> None:
    assert scim.get("/").json() == search(scim)
    condition = '(meta.resourceType eq User) or (meta.resourceType eq "Group")'
    assert scim.get("/", filter=condition).json()["totalResults"] == 5
    found = scim.get("/", filter='displayName eq "BIRDS"', attributes="displayName").json()
    assert found["Resources"][0].keys() == {"schemas", "id", "displayName"}
    assert scim.get("/").json()["Resources"][4]["meta"]["location"].startswith(f"http://testserver{MOUNT}/Groups/")
    assert is_error(scim.post("/", {}), 405)


def test_attributes_that_a_type_does_not_have_have_no_value_there(
    scim: ScimClient, people: list[dict[str, Any]]
) -> None:
    user, groups = ["carol@example.com", "ann@example.com", "bob@example.com"], ["Birds", "Actors"]
    expected = {
        'meta.resourceType eq "User"': user,
        'meta.resourceType eq "Group"': groups,
        'meta.resourceType ne "User"': groups,
        'userName eq "ann@example.com"': ["ann@example.com"],
        'userName ne "ann@example.com"': ["carol@example.com", "bob@example.com", *groups],
        'not (userName eq "ann@example.com")': ["carol@example.com", "bob@example.com", *groups],
        "userName pr": user,
        "not (userName pr)": groups,
        "members pr": ["Birds"],
        f'members.value eq "{people[0]["id"]}" or userName sw "bob"': ["bob@example.com", "Birds"],
        f'groups[display eq "birds"] or displayName eq "actors"': ["carol@example.com", "Actors"],  # noqa: F541
        'displayName eq "ann" and userName pr': ["ann@example.com"],
        'displayName eq "birds" and userName pr': [],
        'displayName eq "birds" and userName ne "x"': ["Birds"],
        '(displayName sw "b" and not (userName pr)) or (userName pr and active eq false)': ["Birds"],
        f'{urns.ENTERPRISE_USER}:department ne "x"': [*user, *groups],
        'department eq "x" or externalId eq "a1"': ["Actors"],
        'userName eq "nobody" or members[type eq "Group"]': [],
    }
    assert {condition: names(search(scim, filter=condition)) for condition in expected} == expected


def test_the_root_merges_both_types_by_sort_key(scim: ScimClient, people: list[dict[str, Any]]) -> None:
    order = ["Actors", "ann@example.com", "Birds", "bob@example.com", "carol@example.com"]
    assert names(search(scim, sortBy="displayName")) == order
    assert names(search(scim, sortBy="displayName", sortOrder="descending")) == order[::-1]
    paged = [
        name
        for start in range(1, 6, 2)
        for name in names(search(scim, sortBy="displayName", startIndex=start, count=2))
    ]
    assert paged == order
    # Without a value: last when ascending, first when descending.
    by_name = ["ann@example.com", "bob@example.com", "carol@example.com", "Birds", "Actors"]
    for beyond in ({"startIndex": 1000}, {"count": 0}):
        found = search(scim, sortBy="displayName", **beyond)
        assert (found["totalResults"], names(found)) == (len(order), [])
    assert names(search(scim, sortBy="userName")) == by_name
    assert names(search(scim, sortBy="userName", sortOrder="descending")) == [*by_name[3:], *by_name[2::-1]]
    assert names(search(scim, sortBy="externalId"))[0] == "Actors"
    assert names(search(scim, sortBy="meta.created", count=2)) == ["carol@example.com", "ann@example.com"]


def test_what_cannot_be_searched_is_refused_and_never_widens(scim: ScimClient, people: list[dict[str, Any]]) -> None:
    for path in ("/.search", "/Users/.search"):
        for query, scim_type in (
            ({"filter": 'nonsense eq "x"'}, "invalidFilter"),
            ({"filter": 'userName eq "x" or nonsense eq "x"'}, "invalidFilter"),
            ({"filter": ""}, "invalidFilter"),
            ({"filter": "userName eq"}, "invalidFilter"),
            ({"filter": 'userName gt "a" and active gt true'}, "invalidFilter"),
            ({"filter": 5}, "invalidValue"),
            ({"filter": ["userName pr"]}, "invalidValue"),
            ({"sortBy": "nonsense"}, "invalidValue"),
            ({"sortBy": "[["}, "invalidValue"),
            ({"sortOrder": "up"}, "invalidValue"),
            ({"count": "5"}, "invalidValue"),
            ({"count": True}, "invalidValue"),
            ({"startIndex": 1.5}, "invalidValue"),
            ({"attributes": ["userName", 5]}, "invalidValue"),
            ({"attributes": {"userName": True}}, "invalidValue"),
            ({"schemas": [urns.PATCH_OP]}, "invalidSyntax"),
            ({"schemas": urns.SEARCH_REQUEST}, "invalidSyntax"),
        ):
            assert is_error(scim.post(path, query), 400, scim_type), query
        assert is_error(scim.post(path, b"["), 400, "invalidSyntax")
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert is_error(scim.request(method, path), 405)
    assert is_error(scim.post("/.search", {"sortBy": "members"}), 400, "invalidValue")
    assert is_error(scim.post("/.search", {"cursor": ""}), 400, "invalidValue")
    assert is_error(scim.get("/", filter='nonsense eq "x"'), 400, "invalidFilter")
    assert ScimEvent.objects.filter(action="read", outcome="refused", resource_type="").exists()


def test_a_strict_client_has_to_say_that_it_searches(scim: ScimClient, connection: ScimConnection) -> None:
    ScimConnection.objects.update(provider="strict")
    assert is_error(scim.post("/.search", {}), 400, "invalidSyntax")
    assert scim.post("/.search", {"schemas": [urns.SEARCH_REQUEST]}).status_code == 200


def test_a_search_is_a_read(connection: ScimConnection, issue_token: Callable[..., str], anonymous: ScimClient) -> None:
    reader = ScimClient(issue_token(connection, scopes="read"))
    before = dump()
    for path in ("/.search", "/Users/.search", "/Groups/.search"):
        assert reader.post(path, {}).status_code == 200
        assert is_error(anonymous.post(path, {}), 401)
    assert reader.get("/").status_code == 200
    assert is_error(anonymous.get("/"), 401)
    assert dump() == before


def test_a_search_of_everything_takes_eight_statements_however_much_it_finds(
    scim: ScimClient, people: list[dict[str, Any]]
) -> None:
    for query in ({}, {"sortBy": "displayName"}, {"filter": 'displayName sw "b" or userName pr'}):
        assert len(statements(lambda query=query: search(scim, **query))) <= 1 + 8, query
    assert len(statements(lambda: search(scim, filter='meta.resourceType eq "User"', count=0))) <= 2
