"""Clauses of RFC 7644 that no other test shows; docs/reference/conformance.rst has all of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from api.helpers import is_error
from conftest import ScimClient, person
from django_scim_provider.protocol import urns
from group_support import push

PREFIX = "urn:ietf:params:scim:api:"
NUMBERS = [{"value": "1", "type": "work", "primary": True}, {"value": "2", "type": "home"}]


def _op(op: str, path: str, value: Any) -> dict[str, Any]:
    return {"op": op, "path": path, "value": value}


def test_messages_name_their_schema_which_is_not_to_be_discovered(scim: ScimClient, anonymous: ScimClient) -> None:
    scim.create("ann@example.com")
    search = scim.post("/Users/.search", {"schemas": [urns.SEARCH_REQUEST]})
    for message, schema in (
        (scim.get("/Users"), urns.LIST_RESPONSE),
        (search, urns.LIST_RESPONSE),
        (scim.get("/Schemas"), urns.LIST_RESPONSE),
        (scim.get("/ResourceTypes"), urns.LIST_RESPONSE),
        (scim.get("/Users/x"), urns.ERROR),
        (anonymous.get("/Users"), urns.ERROR),
    ):
        assert message.json()["schemas"] == [schema]
        assert schema.startswith(PREFIX)
    assert scim.get("/ServiceProviderConfig").json()["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]
    assert PREFIX not in "".join(schema["id"] for schema in scim.get("/Schemas").json()["Resources"])
    for schema in (urns.LIST_RESPONSE, urns.ERROR, urns.PATCH_OP, urns.SEARCH_REQUEST):
        assert is_error(scim.get(f"/Schemas/{schema}"), 404)


def test_parameters_that_nobody_knows_are_ignored(scim: ScimClient) -> None:
    path = f"/Users/{scim.create('ann@example.com')['id']}"
    for address in ("/Users", path):
        assert scim.get(address, colour="red", aliasedFilter="x").content == scim.get(address).content
    body = person("bob@example.com")
    assert scim.request("POST", "/Users", body, QUERY_STRING="colour=red").status_code == 201


def test_what_the_server_filled_in_is_filtered_as_it_was_shown(scim: ScimClient) -> None:
    body = person("ann@example.com")
    del body["active"]
    shown = scim.post("/Users", body).json()
    assert shown["active"] is True
    assert [found["id"] for found in scim.find("active eq true")] == [shown["id"]]
    assert [found["id"] for found in scim.find("active pr")] == [shown["id"]]
    assert not scim.find("active eq false")


def test_an_operation_that_changes_nothing_leaves_the_time_of_change(scim: ScimClient) -> None:
    ann = scim.create("ann@example.com", title="T", phoneNumbers=NUMBERS)
    group = push(scim, "Staff", ann["id"])
    assert scim.patch(f"/Groups/{group['id']}", _op("add", "members", [{"value": ann["id"]}])).status_code == 200
    assert scim.get(f"/Groups/{group['id']}").json() == group

    shown = scim.get(f"/Users/{ann['id']}").json()
    for operation in (_op("add", "title", "T"), _op("add", "phoneNumbers", NUMBERS[:1]), _op("replace", "title", "T")):
        answer = scim.patch(f"/Users/{ann['id']}", operation)
        assert (answer.status_code, answer.json()) == (200, shown)


@pytest.mark.hosts
def test_a_new_primary_value_takes_the_mark_from_the_others(scim: ScimClient) -> None:
    path = f"/Users/{scim.create('ann@example.com', phoneNumbers=NUMBERS)['id']}"

    def primaries(answer: HttpResponse) -> list[str]:
        return [number["value"] for number in answer.json()["phoneNumbers"] if number.get("primary")]

    assert primaries(scim.get(path)) == ["1"]
    assert primaries(scim.patch(path, _op("add", "phoneNumbers", [{"value": "3", "primary": True}]))) == ["3"]
    assert primaries(scim.patch(path, _op("replace", 'phoneNumbers[value eq "2"].primary', True))) == ["2"]


def test_schemas_follow_what_a_patch_assigns(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", title="T")
    path = f"/Users/{body['id']}"
    assert body["schemas"] == [urns.USER]
    answer = scim.patch(path, _op("add", f"{urns.ENTERPRISE_USER}:department", "D"), _op("add", "title", "U"))
    assert answer.json()["schemas"] == [urns.USER, urns.ENTERPRISE_USER]
    assert answer.json()["title"] == "U"
    removed = scim.patch(path, {"op": "remove", "path": f"{urns.ENTERPRISE_USER}:department"})
    assert removed.json()["schemas"] == [urns.USER]
    assert is_error(scim.patch(path, _op("replace", "schemas", [urns.USER])), 400, "mutability")


def test_what_is_removed_is_unassigned(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", title="T", phoneNumbers=NUMBERS, name={"givenName": "A", "familyName": "B"})
    path = f"/Users/{body['id']}"
    for removed, attribute, left in (
        ("title", "title", None),
        ('phoneNumbers[type eq "home"].type', "phoneNumbers", [NUMBERS[0], {"value": "2"}]),
        ('phoneNumbers[value eq "2"]', "phoneNumbers", NUMBERS[:1]),
        ('phoneNumbers[value eq "1"]', "phoneNumbers", None),
    ):
        answer = scim.patch(path, {"op": "remove", "path": removed}).json()
        assert answer.get(attribute) == left, removed
        assert (scim.find(f"{attribute} pr") == []) is (left is None)
    for read_only in ("id", "meta", "meta.created", "groups", "userName"):
        assert is_error(scim.patch(path, {"op": "remove", "path": read_only}), 400, "mutability")


def test_another_version_of_the_protocol_is_not_served(scim: ScimClient) -> None:
    for path in ("/v1/Users", "/v2/Users", "/v3/Users"):
        assert is_error(scim.get(path), 404)
        assert is_error(scim.post(path, person("ann@example.com")), 404)
    assert scim.get("/Users").json()["totalResults"] == 0


def test_a_search_names_attributes_as_a_get_does(scim: ScimClient) -> None:
    department = f"{urns.ENTERPRISE_USER}:department"
    for name, unit in (("ann", "D2"), ("bob", "D1")):
        scim.create(f"{name}@example.com", **{urns.ENTERPRISE_USER: {"department": unit}})
    for names, keys in (
        ({"attributes": ["name.givenName", department]}, {"schemas", "id", "name", urns.ENTERPRISE_USER}),
        ({"attributes": [f"{urns.USER}:USERNAME"]}, {"schemas", "id", "userName"}),
        (
            {"excludedAttributes": ["id", "schemas", "meta", "emails", "active", "name", urns.ENTERPRISE_USER]},
            {"schemas", "id", "userName"},
        ),
    ):
        query = {"schemas": [urns.SEARCH_REQUEST], "sortBy": department, **names}
        searched = scim.post("/Users/.search", query).json()
        parameters = {key: ",".join(value) for key, value in names.items()}
        assert searched == scim.get("/Users", sortBy=department, **parameters).json()
        assert all(resource.keys() - {"displayName"} == keys for resource in searched["Resources"])
        assert len(searched["Resources"]) == 2
    unknown = {"schemas": [urns.SEARCH_REQUEST], "sortBy": f"{urns.USER}:nonsense"}
    assert is_error(scim.post("/Users/.search", unknown), 400, "invalidValue")


def test_head_is_get_without_the_body(scim: ScimClient, anonymous: ScimClient) -> None:
    person_id = scim.create("ann@example.com")["id"]
    group_id = push(scim, "Staff", person_id)["id"]
    for path in (
        *("/Users", f"/Users/{person_id}", "/Groups", f"/Groups/{group_id}", "/Roles", "/Users/nobody", "/nowhere"),
        *("/ServiceProviderConfig", "/Schemas", f"/Schemas/{urns.USER}", "/ResourceTypes", "/ResourceTypes/User"),
    ):
        for client in (scim, anonymous):
            got, head = client.get(path), client.request("HEAD", path)
            assert (head.status_code, head.content) == (got.status_code, b""), path
            assert head.headers.get("Content-Type") == "application/scim+json; charset=utf-8"
            assert {name: head.headers.get(name) for name in ("ETag", "Location", "WWW-Authenticate")} == {
                name: got.headers.get(name) for name in ("ETag", "Location", "WWW-Authenticate")
            }
