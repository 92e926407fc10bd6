"""/ServiceProviderConfig, /Schemas, /ResourceTypes (RFC 7644 section 4, RFC 7643 sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from api.helpers import is_error, statements, with_setting
from api.test_users_create import FULL
from conftest import MOUNT, ScimClient
from django_scim_provider.api.authentication import BearerAuthentication
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

ENDPOINTS = [
    "/ServiceProviderConfig",
    "/Schemas",
    f"/Schemas/{urns.USER}",
    f"/Schemas/{urns.ENTERPRISE_USER}",
    f"/Schemas/{urns.GROUP}",
    "/ResourceTypes",
    "/ResourceTypes/User",
    "/ResourceTypes/Group",
]
BASE = f"http://testserver{MOUNT}"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_documents_need_no_token_and_are_the_same_bytes_with_any(
    scim: ScimClient, second_scim: ScimClient, anonymous: ScimClient, path: str
) -> None:
    # Okta's is told of roles: tests/api/test_roles.py.
    ScimConnection.objects.update(provider="generic")

    answers = [client.get(f"{path}{slash}") for client in (anonymous, scim, second_scim) for slash in ("", "/")]

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/scim+json; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_bad_token_is_401_where_none_would_do(path: str) -> None:
    assert is_error(ScimClient("nonsense").get(path), 401)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_documents_ask_the_database_for_nothing(anonymous: ScimClient, path: str) -> None:
    assert statements(lambda: anonymous.get(path)) == []


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_documents_are_read_only(scim: ScimClient, anonymous: ScimClient, method: str, path: str) -> None:
    for client in (scim, anonymous):
        for extra in ({}, {"content_type": "text/plain"}):
            response = client.request(method, path, b"{", **extra)
            assert is_error(response, 405)
            assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_filter_on_discovery_is_403_and_other_parameters_are_ignored(anonymous: ScimClient, path: str) -> None:
    assert is_error(anonymous.get(path, filter='id eq "x"'), 403)
    assert is_error(anonymous.get(path, FILTER="x"), 403)
    plain = anonymous.get(path)
    assert anonymous.get(path, count=0, startIndex="x", attributes="id", sortBy="name").content == plain.content


def test_config_says_what_is_there(anonymous: ScimClient) -> None:
    config = anonymous.get("/ServiceProviderConfig").json()

    assert config["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]
    assert config["patch"] == {"supported": True}
    assert config["filter"] == {"supported": True, "maxResults": 200}
    assert config["changePassword"] == {"supported": False}
    assert config["sort"] == {"supported": True}
    assert set(config["bulk"]) == {"supported", "maxOperations", "maxPayloadSize"}
    assert "supported" in config["etag"]
    (scheme,) = config["authenticationSchemes"]
    assert (scheme["type"], scheme["primary"]) == ("oauthbearertoken", True)
    assert config["meta"] == {"resourceType": "ServiceProviderConfig", "location": f"{BASE}/ServiceProviderConfig"}
    assert "documentationUri" not in config


def test_config_follows_the_settings(anonymous: ScimClient) -> None:
    with with_setting(MAX_RESULTS=7, DOCUMENTATION_URI="https://docs.example.com/"):
        config = anonymous.get("/ServiceProviderConfig").json()

    assert config["filter"]["maxResults"] == 7
    assert config["documentationUri"] == "https://docs.example.com/"


def test_what_the_config_says_of_bulk_is_what_bulk_does(scim: ScimClient) -> None:
    supported = scim.get("/ServiceProviderConfig").json()["bulk"]["supported"]
    response = scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": []})

    assert (response.status_code != 501) is supported


@pytest.mark.hosts
def test_schemas_are_listed_once_each_with_every_characteristic(anonymous: ScimClient) -> None:
    listed = anonymous.get("/Schemas").json()

    assert listed["schemas"] == [urns.LIST_RESPONSE]
    assert listed["totalResults"] == listed["itemsPerPage"] == len(listed["Resources"])
    ids = [schema["id"] for schema in listed["Resources"]]
    assert len(set(ids)) == len(ids)
    assert {urns.USER, urns.ENTERPRISE_USER} <= set(ids)
    for schema in listed["Resources"]:
        assert anonymous.get(f"/Schemas/{schema['id']}").json() == schema
        assert schema["meta"] == {"resourceType": "Schema", "location": f"{BASE}/Schemas/{schema['id']}"}
        for attribute in _attributes(schema["attributes"]):
            assert {"name", "type", "multiValued", "description", "required", "mutability", "returned"} <= set(
                attribute
            )
            assert None not in attribute.values()
            if attribute["type"] != "complex":
                assert {"caseExact", "uniqueness"} <= set(attribute)
            if attribute["type"] == "reference":
                assert attribute["referenceTypes"]


def _attributes(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for attribute in found:
        yield attribute
        yield from _attributes(attribute.get("subAttributes", []))


def test_password_is_in_no_schema(anonymous: ScimClient) -> None:
    assert "password" not in anonymous.get("/Schemas").content.decode().lower().replace("changepassword", "")


@pytest.mark.hosts
def test_everything_that_is_ever_shown_is_in_a_schema(scim: ScimClient) -> None:
    shown = scim.create("ann@example.com", **FULL)
    declared = {schema["id"]: _names(schema["attributes"]) for schema in scim.get("/Schemas").json()["Resources"]}

    core = declared[urns.USER] | {"schemas", "id", "externalId", "meta"}
    assert _keys({key: value for key, value in shown.items() if not key.startswith("urn:") and key != "meta"}) <= core
    assert _keys(shown[urns.ENTERPRISE_USER]) <= declared[urns.ENTERPRISE_USER]


def _names(attributes: list[dict[str, Any]], prefix: str = "") -> set[str]:
    found = set()
    for attribute in attributes:
        found |= {prefix + attribute["name"]} | _names(attribute.get("subAttributes", []), f"{attribute['name']}.")
    return found


def _keys(value: dict[str, Any], prefix: str = "") -> set[str]:
    found = set()
    for key, item in value.items():
        found.add(prefix + key)
        for element in item if isinstance(item, list) else [item]:
            if isinstance(element, dict):
                found |= _keys(element, f"{key}.")
    return found


def test_resource_type_names_its_endpoint_and_schemas(anonymous: ScimClient) -> None:
    listed = anonymous.get("/ResourceTypes").json()
    (user,) = [item for item in listed["Resources"] if item["name"] == "User"]

    assert user == anonymous.get("/ResourceTypes/User").json()
    assert (user["id"], user["endpoint"], user["schema"]) == ("User", "/Users", urns.USER)
    assert {"schema": urns.ENTERPRISE_USER, "required": False} in user["schemaExtensions"]
    assert user["meta"] == {"resourceType": "ResourceType", "location": f"{BASE}/ResourceTypes/User"}


def test_every_endpoint_that_a_resource_type_names_is_there(scim: ScimClient) -> None:
    for item in scim.get("/ResourceTypes").json()["Resources"]:
        assert scim.get(item["endpoint"]).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/ResourceTypes/Nonsense", "/ResourceTypes/%00", "/Schemas/urn:example:none", "/Schemas/User", "/Schemas/${7*7}"],
)
def test_unknown_documents_are_404(anonymous: ScimClient, path: str) -> None:
    response = anonymous.get(path)

    assert is_error(response, 404)
    assert "49" not in response.content.decode()


def test_discovery_tells_nothing_of_any_connection(anonymous: ScimClient, connection: ScimConnection) -> None:
    ConnectionFactory(name="Secret Customer", tenant="secret-tenant")

    for path in ENDPOINTS:
        text = anonymous.get(path).content.decode()
        for secret in ("Secret", "secret-tenant", connection.name, str(connection.pk), connection.slug):
            assert secret not in text


@pytest.mark.parametrize("path", ["/ServiceProviderConfigs", "/serviceConfiguration", "/serviceConfiguration/"])
def test_older_names_of_the_config_answer_too(anonymous: ScimClient, path: str) -> None:
    assert anonymous.get(path).content == anonymous.get("/ServiceProviderConfig").content


def test_base_url_setting_wins_over_the_host_header(scim: ScimClient, anonymous: ScimClient) -> None:
    with with_setting(BASE_URL="https://id.example.com/scim/v2/"):
        location = anonymous.get("/ResourceTypes/User").json()["meta"]["location"]
        body = scim.create("ann@example.com")

    assert location == "https://id.example.com/scim/v2/ResourceTypes/User"
    assert body["meta"]["location"] == f"https://id.example.com/scim/v2/Users/{body['id']}"


def test_host_that_is_not_ours_is_never_echoed(anonymous: ScimClient) -> None:
    with override_settings(MIDDLEWARE=[]):
        response = anonymous.request("GET", "/ResourceTypes/User", HTTP_HOST="evil.example")

    assert is_error(response, 400)
    assert "evil" not in response.content.decode()


class HostsOwn(BearerAuthentication):
    """A host's authentication, which does not say how it is to be described."""

    get_scheme = property()  # type: ignore[assignment]


def test_authentication_of_the_hosts_own_is_declared_by_name(anonymous: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "AUTHENTICATION": [f"{__name__}.HostsOwn"]}):
        schemes = anonymous.get("/ServiceProviderConfig").json()["authenticationSchemes"]
    assert [(scheme["type"], scheme["name"]) for scheme in schemes] == [("custom", "HostsOwn")]
