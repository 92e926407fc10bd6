"""The SCIM 2.0 Interoperability Profile on a connection with the strict dialect, one test for each requirement.

What a tolerant connection does with the same request is shown wherever it differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import dump, is_error, with_setting
from checks.wiring import ids
from conftest import ScimClient, person
from django_scim_provider.checks.deployment import check_deployment
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns
from factories import ConnectionFactory, HostUserFactory

WORK = {"value": "ann@example.com", "type": "work"}
HOME = {"value": "ann@home.example", "type": "home"}


@pytest.fixture
def connection(db: None) -> ScimConnection:
    return ConnectionFactory(provider="strict")


@pytest.fixture
def tolerant(db: None, issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(ConnectionFactory(provider="generic")))


def _op(op: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    return {"op": op} | ({"path": path} if path else {}) | ({"value": value[0]} if value else {})


def _attributes(scim: ScimClient) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every attribute of every schema with its name, those of complex ones with a dot."""
    for schema in scim.get("/Schemas").json()["Resources"]:
        for attribute in schema["attributes"]:
            yield attribute["name"], attribute
            for sub in attribute.get("subAttributes", ()):
                yield f"{attribute['name']}.{sub['name']}", sub


def _total(scim: ScimClient, **params: Any) -> int:
    total: int = scim.get("/Users", **params).json()["totalResults"]
    return total


def test_p1_only_strict_connections_say_that_they_conform(
    scim: ScimClient, anonymous: ScimClient, issue_token: Callable[..., str]
) -> None:
    name = "interopProfileConformant"
    assert scim.get("/ServiceProviderConfig").json()[name] is True
    assert name not in anonymous.get("/ServiceProviderConfig").json()
    for provider in set(ScimConnection.Provider.values) - {"strict"}:
        other = ScimClient(issue_token(ConnectionFactory(provider=provider)))
        assert name not in other.get("/ServiceProviderConfig").json(), provider
    # A host that makes pages smaller than the profile wants does not conform.
    for setting in ("DEFAULT_COUNT", "MAX_RESULTS"):
        with with_setting(**{setting: 99}):
            assert name not in scim.get("/ServiceProviderConfig").json()


def test_p2_schemas_are_what_is_implemented(scim: ScimClient) -> None:
    served = {schema["id"]: schema for schema in scim.get("/Schemas").json()["Resources"]}
    named = set()
    for item in scim.get("/ResourceTypes").json()["Resources"]:
        named |= {item["schema"], *(extension["schema"] for extension in item["schemaExtensions"])}
    assert named == served.keys()
    assert "password" not in {name for name, _ in _attributes(scim)}

    kept = {
        attribute["name"]: [{"value": "AAAA"}] if attribute["multiValued"] else "x"
        for attribute in served[urns.USER]["attributes"]
        if attribute["type"] != "complex" and attribute["type"] != "boolean" and attribute["name"] != "userName"
    }
    answer = scim.create("ann@example.com", **kept)
    assert {name: answer[name] for name in kept} == kept


def test_p3_a_resource_type_is_known_by_its_name(scim: ScimClient) -> None:
    for item in scim.get("/ResourceTypes").json()["Resources"]:
        assert item["id"] == item["name"]
        assert scim.get(f"/ResourceTypes/{item['id']}").json() == item


def test_p4_filters_and_uniqueness_agree_on_case(scim: ScimClient) -> None:
    body = scim.create("Ann@example.com", externalId="A-1")
    assert _total(scim, filter='userName eq "aNN@EXAMPLE.com"') == 1
    assert is_error(scim.post("/Users", person("ANN@example.com")), 409, "uniqueness")

    assert _total(scim, filter='externalId eq "A-1"') == 1
    assert _total(scim, filter='externalId eq "a-1"') == 0
    scim.create("bob@example.com", externalId="a-1")
    assert _total(scim, filter=f'id eq "{body["id"]}"') == 1
    assert _total(scim, filter=f'id eq "{body["id"].upper()}"') == 0
    assert is_error(scim.get(f"/Users/{body['id'].upper()}"), 404)


UNDEFINED: list[dict[str, Any]] = [
    {"shoeSize": 46},
    {"name": {"shoeSize": 46}},
    {"emails": [WORK | {"shoeSize": 46}]},
    {urns.ENTERPRISE_USER: {"shoeSize": 46}},
    {"urn:example:Unheard:2.0:User": {"shoeSize": 46}},
    {"schemas": [urns.USER, "urn:example:Unheard:2.0:User"]},
]
UNDEFINED_PATHS = ["shoeSize", "name.shoeSize", f"{urns.ENTERPRISE_USER}:shoeSize", "urn:example:Unheard:2.0:User:x"]


def test_p5_what_is_not_defined_is_invalid_syntax(scim: ScimClient, tolerant: ScimClient) -> None:
    body, other = scim.create("ann@example.com"), tolerant.create("bob@example.com")
    before = dump(events=False)
    for attributes in UNDEFINED:
        assert is_error(scim.post("/Users", person("cid@example.com", **attributes)), 400, "invalidSyntax")
        put = person("ann@example.com", **attributes)
        assert is_error(scim.put(f"/Users/{body['id']}", put), 400, "invalidSyntax")
    for path in UNDEFINED_PATHS:
        assert is_error(scim.patch(f"/Users/{body['id']}", _op("add", path, "x")), 400, "invalidSyntax"), path
    nested = _op("add", "emails", [HOME | {"shoeSize": 46}])
    assert is_error(scim.patch(f"/Users/{body['id']}", nested), 400, "invalidSyntax")
    assert is_error(scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": "G", "x": 1}), 400, "invalidSyntax")
    assert dump(events=False) == before

    for number, attributes in enumerate(UNDEFINED):
        tolerant.create(f"cid{number}@example.com", **attributes)
    for path in UNDEFINED_PATHS:
        assert tolerant.patch(f"/Users/{other['id']}", _op("add", path, "x")).status_code == 200


def test_p6_every_type_names_its_values(scim: ScimClient) -> None:
    types = {name: attribute for name, attribute in _attributes(scim) if name.endswith(".type")}
    assert {"emails.type", "roles.type", "x509Certificates.type", "members.type", "groups.type"} <= types.keys()
    assert all(attribute["canonicalValues"] for attribute in types.values())


def test_p7_a_resource_has_one_address(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", externalId="A-1")
    assert body["meta"]["location"].endswith(f"/Users/{body['id']}")
    for path in ("/Users/ann@example.com", "/Users/A-1", f"/Groups/{body['id']}", f"/{body['id']}"):
        assert is_error(scim.get(path), 404)
    # A query parameter chooses nobody either.
    assert _total(scim, id="x") == 1
    assert is_error(scim.request("DELETE", f"/Users?id={body['id']}", QUERY_STRING=f"id={body['id']}"), 405)


def test_p8_scim_json_both_ways(scim: ScimClient) -> None:
    answer = scim.post("/Users", person("ann@example.com"), content_type="application/scim+json")
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/scim+json; charset=utf-8"
    assert is_error(scim.post("/Users", b"<User/>", content_type="application/xml"), 415)


def test_p9_filters_say_eq_and_and(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", externalId="A-1")
    scim.create("bob@example.com", externalId="B-1")
    assert [found["id"] for found in scim.find('userName eq "ann@example.com" and externalId eq "A-1"')] == [body["id"]]
    assert not scim.find('userName eq "ann@example.com" and externalId eq "B-1"')
    for text in ('shoeSize eq "46"', 'name.shoeSize eq "46"', 'urn:example:x eq "1"', 'emails[shoeSize eq "46"]'):
        assert is_error(scim.get("/Users", filter=text), 400, "invalidFilter"), text

    # On other methods a filter means nothing: it selects nobody.
    query = {"QUERY_STRING": "filter=userName%20eq%20%22ann@example.com%22"}
    assert is_error(scim.request("DELETE", "/Users", **query), 405)
    patch = {"schemas": [urns.PATCH_OP], "Operations": [_op("replace", "title", "T")]}
    assert is_error(scim.request("PATCH", "/Users", patch, **query), 405)
    assert not scim.find('title eq "T"')


def test_p10_pages_hold_a_hundred(scim: ScimClient) -> None:
    for number in range(101):
        scim.create(f"p{number}@example.com")
    page = scim.get("/Users").json()
    assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (101, 100, 100)
    assert scim.get("/Users", count=100).json()["itemsPerPage"] == 100
    assert scim.get("/Users", startIndex=101, count=100).json()["itemsPerPage"] == 1
    with with_setting(MAX_RESULTS=100):
        assert scim.get("/Users", count=101).json()["itemsPerPage"] == 100
    for name in ("Staff", "Guests"):
        assert scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": name}).status_code == 201
    assert scim.get("/Groups", startIndex=2, count=1).json()["itemsPerPage"] == 1


def test_p11_every_operation_has_a_path(scim: ScimClient, tolerant: ScimClient) -> None:
    body, other = scim.create("ann@example.com", title="T"), tolerant.create("bob@example.com")
    changed = scim.patch(f"/Users/{body['id']}", _op("replace", "title", "U"), _op("add", "nickName", "N")).json()
    assert (changed["title"], changed["nickName"]) == ("U", "N")

    pathless = (_op("replace", None, {"title": "V"}), _op("add", None, {"title": "V"}), _op("remove"))
    for operation in pathless:
        refused = scim.patch(f"/Users/{body['id']}", _op("replace", "title", "V"), operation)
        assert is_error(refused, 400, "invalidSyntax"), operation
    assert scim.get(f"/Users/{body['id']}").json()["title"] == "U"

    for operation in pathless[:2]:
        assert tolerant.patch(f"/Users/{other['id']}", operation).json()["title"] == "V"


def test_p12_replace_replaces_the_whole_of_a_single_value(scim: ScimClient, tolerant: ScimClient) -> None:
    manager = f"{urns.ENTERPRISE_USER}:manager"
    for client, kept in ((scim, {}), (tolerant, {"familyName": "B", "honorificPrefix": "Dr"})):
        name = {"givenName": "A", "familyName": "B"}
        body = client.create(f"ann{len(kept)}@example.com", name=name, **{urns.ENTERPRISE_USER: {"department": "D"}})
        path = f"/Users/{body['id']}"
        for verb in ("add", "replace"):
            assert client.patch(path, _op(verb, "title", verb)).json()["title"] == verb

        added = client.patch(path, _op("add", "name", {"honorificPrefix": "Dr"})).json()
        assert added["name"].items() >= {**name, "honorificPrefix": "Dr"}.items()
        replaced = client.patch(path, _op("replace", "name", {"givenName": "C"})).json()
        # A host with one column for the whole name shows that as well.
        parts = {key: value for key, value in replaced["name"].items() if key != "formatted"}
        assert parts == {"givenName": "C", **kept}
        assert client.patch(path, _op("replace", manager, {"value": "m"})).json()[urns.ENTERPRISE_USER] == {
            "department": "D",
            "manager": {"value": "m"},
        }


def test_p13_of_many_values_one_is_named(scim: ScimClient, tolerant: ScimClient) -> None:
    for client in (scim, tolerant):
        numbers = [{"value": "1", "type": "work"}, {"value": "2", "type": "home"}]
        body = client.create(f"{client is scim}@example.com".lower(), phoneNumbers=numbers)
        path, is_strict = f"/Users/{body['id']}", client is scim

        def numbered(*operations: dict[str, Any], _client: ScimClient = client, _path: str = path) -> Any:
            answer = _client.patch(_path, *operations)
            return [item["value"] for item in answer.json()["phoneNumbers"]] if answer.status_code == 200 else answer

        assert numbered(_op("add", "phoneNumbers", [{"value": "3", "type": "fax"}])) == ["1", "2", "3"]
        assert numbered(_op("replace", 'phoneNumbers[type eq "fax"].value', "4")) == ["1", "2", "4"]
        assert numbered(_op("remove", 'phoneNumbers[type eq "fax"]')) == ["1", "2"]

        for operation, scim_type in (
            (_op("replace", 'phoneNumbers[type eq "work"]', {"value": "5"}), "invalidPath"),
            (_op("add", 'phoneNumbers[type eq "work"]', {"display": "5"}), "invalidPath"),
            (_op("replace", "phoneNumbers[value pr].display", "5"), "invalidFilter"),
        ):
            before = client.get(path).content
            answer = client.patch(path, operation)
            assert is_error(answer, 400, scim_type) if is_strict else answer.status_code == 200
            assert (client.get(path).content == before) is is_strict
        assert numbered(_op("replace", "phoneNumbers", [{"value": "6", "type": "work"}])) == ["6"]


@pytest.mark.hosts
def test_p14_only_delete_deletes(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    path = f"/Users/{body['id']}"
    assert scim.patch(path, _op("replace", "active", False)).json()["active"] is False
    assert scim.get(path).status_code == 200
    assert _total(scim) == 1

    assert scim.delete(path).status_code == 204
    answers = [scim.get(path), scim.put(path, person("ann@example.com")), scim.delete(path)]
    answers.append(scim.patch(path, _op("replace", "active", True)))
    assert all(is_error(answer, 404) for answer in answers)
    assert _total(scim) == 0
    assert not scim.find('userName eq "ann@example.com"')
    assert scim.create("ann@example.com")["id"] != body["id"]


def test_p15_conflicts_are_409_by_every_method(scim: ScimClient) -> None:
    scim.create("ann@example.com")
    body = scim.create("bob@example.com")
    group = {"schemas": [urns.GROUP], "displayName": "Staff"}
    assert scim.post("/Groups", group).status_code == 201
    other = scim.post("/Groups", group | {"displayName": "Guests"}).json()
    before = dump(events=False)
    for path, taken, attribute in (
        (f"/Users/{body['id']}", person("ANN@example.com"), "userName"),
        (f"/Groups/{other['id']}", group | {"displayName": "STAFF"}, "displayName"),
    ):
        assert is_error(scim.post(path.rpartition("/")[0], taken), 409, "uniqueness")
        assert is_error(scim.put(path, taken), 409, "uniqueness")
        assert is_error(scim.patch(path, _op("replace", attribute, taken[attribute])), 409, "uniqueness")
    assert dump(events=False) == before


def test_p16_deployment_wants_https(scim: ScimClient, anonymous: ScimClient) -> None:
    with with_setting(REQUIRE_HTTPS=False):
        assert "W090" in ids(check_deployment())
    with with_setting(REQUIRE_HTTPS=True):
        assert "W090" not in ids(check_deployment())
        HostUserFactory()
        assert is_error(scim.get("/Users"), 403)
        assert scim.request("GET", "/Users", secure=True).status_code == 200
    # No way in by name and password unless a host adds one.
    schemes = anonymous.get("/ServiceProviderConfig").json()["authenticationSchemes"]
    assert [scheme["type"] for scheme in schemes] == ["oauthbearertoken"]
    assert get_user_model()._default_manager.count() == 1
