"""Clauses of RFC 7643 that no other test shows; docs/reference/conformance.rst has all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group

from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import sync
from django_scim_provider.services.context import Context
from factories import HostUserFactory
from group_support import group_body, push

BASE = f"http://testserver{MOUNT}"
TYPES = {"string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"}


@pytest.fixture
def connection(connection: ScimConnection) -> ScimConnection:
    """Okta's, which is told of roles as well."""
    connection.provider, connection.existing_accounts = "okta", "adopt"
    connection.save()
    return connection


def _schemas(scim: ScimClient) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = scim.get("/Schemas").json()["Resources"]
    return listed


def _attributes(listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for attribute in listed:
        yield attribute
        yield from _attributes(attribute.get("subAttributes", []))


def test_schemas_are_well_formed(scim: ScimClient) -> None:
    for schema in _schemas(scim):
        assert schema["id"].startswith("urn:")
        assert schema["name"]
        assert schema["description"]
        for attribute in _attributes(schema["attributes"]):
            assert re.fullmatch(r"\$?[A-Za-z][A-Za-z0-9_-]*", attribute["name"])
            assert attribute["type"] in TYPES
            assert attribute["description"]
            assert ("subAttributes" in attribute) is (attribute["type"] == "complex")
            assert all(sub["type"] != "complex" for sub in attribute.get("subAttributes", ()))


def test_documents_of_discovery_are_complete(scim: ScimClient) -> None:
    config = scim.get("/ServiceProviderConfig").json()
    for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag"):
        assert isinstance(config[name]["supported"], bool)
    for limit in (config["bulk"]["maxOperations"], config["bulk"]["maxPayloadSize"], config["filter"]["maxResults"]):
        assert limit > 0
    for scheme in config["authenticationSchemes"]:
        assert scheme["type"]
        assert scheme["name"]
        assert scheme["description"]
    served = {schema["id"] for schema in _schemas(scim)}
    for item in scim.get("/ResourceTypes").json()["Resources"]:
        assert item["description"]
        assert item["endpoint"] == f"/{item['name']}s"
        assert item["schema"] in served
        for extension in item["schemaExtensions"]:
            assert extension["schema"] in served
            assert isinstance(extension["required"], bool)


def test_every_resource_has_the_common_attributes(scim: ScimClient, connection: ScimConnection) -> None:
    Group.objects.create(name="Readers")
    adopted = HostUserFactory()
    sync.adopt(Context(connection))
    created = scim.create("ann@example.com", **{urns.ENTERPRISE_USER: {"department": "D"}})
    push(scim, "Staff", created["id"])
    assert ScimUser.objects.filter(user=adopted).exists()

    seen = set()
    for item in scim.get("/ResourceTypes").json()["Resources"]:
        known = {item["schema"], *(extension["schema"] for extension in item["schemaExtensions"])}
        for resource in scim.get(item["endpoint"]).json()["Resources"]:
            assert item["schema"] in resource["schemas"]
            assert len(set(resource["schemas"])) == len(resource["schemas"])
            assert set(resource["schemas"]) <= known
            assert resource["id"]
            assert "bulkId" not in resource["id"]
            # Only the client gives one.
            assert "externalId" not in resource
            meta = resource["meta"]
            assert meta["resourceType"] == item["name"]
            # Never changed since.
            assert meta.get("created") == meta.get("lastModified")
            assert meta["version"].startswith('W/"')
            answer = scim.get(meta["location"].removeprefix(BASE))
            assert answer.headers["Content-Location"] == meta["location"]
            assert answer.headers["ETag"] == meta["version"]
            assert answer.json() == resource
            seen.add(item["name"])
    assert seen == {"User", "Group", "Role"}
    assert {extension for extension in created["schemas"] if "extension" in extension} == {urns.ENTERPRISE_USER}


def test_the_order_of_names_and_schemas_means_nothing(scim: ScimClient) -> None:
    body = person("ann@example.com", title="T", schemas=[urns.USER, urns.ENTERPRISE_USER])
    body[urns.ENTERPRISE_USER] = {"department": "D"}
    turned = dict(reversed(body.items())) | {"schemas": [urns.ENTERPRISE_USER, urns.USER, urns.USER]}
    turned["name"] = dict(reversed(body["name"].items()))
    first = scim.post("/Users", body).json()
    again = scim.put(f"/Users/{first['id']}", turned).json()
    assert again == first
    assert first["schemas"] == [urns.USER, urns.ENTERPRISE_USER]


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        yield from (value[name] for name in ("$ref", "location") if name in value)
        for item in value.values():
            yield from _references(item)


def test_every_reference_leads_to_its_resource(scim: ScimClient) -> None:
    Group.objects.create(name="Readers / Writers")
    ann = scim.create("ann@example.com")["id"]
    inner = push(scim, "Inner", ann)["id"]
    push(scim, "Outer", inner)
    pages = [scim.get(path).json() for path in ("/Users", "/Groups", "/Roles", "/ResourceTypes", "/Schemas")]
    found = set(_references([*pages, scim.get("/ServiceProviderConfig").json()]))
    assert {f"{BASE}/Users/{ann}", f"{BASE}/Groups/{inner}"} <= found
    assert len(found) > 10
    for uri in found:
        assert scim.get(uri.removeprefix(BASE)).json()["meta"]["location"] == uri


def test_members_are_known_by_value_and_not_by_reference(scim: ScimClient) -> None:
    ann, bob = (scim.create(f"{name}@example.com")["id"] for name in ("ann", "bob"))
    group = push(scim, "Staff", ann)["id"]
    for uri in (f"{BASE}/Users/{ann}", f"https://scim.example.com/v1/Users/{ann}", f"../Users/{bob}", "Users"):
        members = [{"value": ann, "$ref": uri, "type": "User"}]
        answer = scim.put(f"/Groups/{group}", group_body("Staff") | {"members": members}).json()
        assert [(member["value"], member["$ref"]) for member in answer["members"]] == [(ann, f"{BASE}/Users/{ann}")]


@pytest.mark.hosts
def test_a_value_that_does_not_say_so_is_not_the_primary_one(scim: ScimClient) -> None:
    scim.create("ann@example.com", phoneNumbers=[{"value": "1"}, {"value": "2", "primary": True}])
    for text, count in (
        ("phoneNumbers[primary eq false]", 1),
        ('phoneNumbers[value eq "1" and primary eq false]', 1),
        ('phoneNumbers[value eq "2" and primary eq false]', 0),
        ("phoneNumbers.primary ne false", 0),
        ('phoneNumbers[value eq "1" and primary pr]', 0),
        ("photos.primary eq false", 0),
    ):
        assert len(scim.find(text)) == count, text
