"""sortBy and sortOrder (RFC 7644 section 3.4.2.3)."""

from __future__ import annotations

import pytest

from api.helpers import is_error, statements
from conftest import ScimClient
from django_scim_provider.protocol import urns

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


DEPARTMENT = f"{urns.ENTERPRISE_USER}:department"


def order(scim: ScimClient, **params: object) -> list[str]:
    response = scim.get("/Users", **params)
    assert response.status_code == 200, response.content
    return [item["userName"].partition("@")[0] for item in response.json()["Resources"]]


@pytest.fixture
def people(scim: ScimClient) -> None:
    scim.create("b@example.com", name={"givenName": "Carl", "familyName": "x"}, externalId="2", title="beta",
                userType="gamma", emails=[{"value": "z@example.com"}, {"value": "a@example.com", "primary": True}],
                **{urns.ENTERPRISE_USER: {"department": "3"}})  # fmt: skip
    scim.create("C@example.com", name={"givenName": "alice", "familyName": "x"}, externalId="1", title="Alpha",
                userType="Beta", emails=[{"value": "b@example.com"}], active=False,
                **{urns.ENTERPRISE_USER: {"department": "1"}})  # fmt: skip
    scim.create("a@example.com", name={"givenName": "Bob", "familyName": "x"}, externalId="3", title="Gamma",
                userType="alpha", emails=[{"value": "C@example.com", "primary": True}],
                **{urns.ENTERPRISE_USER: {"department": "2"}})  # fmt: skip


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("userName", "abC"),
        ("USERNAME", "abC"),
        (f"{urns.USER}:userName", "abC"),
        ("externalId", "Cba"),
        ("emails", "bCa"),
        ("emails.value", "bCa"),
        ("userType", "aCb"),
        ("title", "Cba"),
        ("meta.created", "bCa"),
        (f"{urns.ENTERPRISE_USER}:department", "Cab"),
    ],
)
def test_people_are_in_the_order_of_the_attribute(scim: ScimClient, people: None, by: str, expected: str) -> None:
    assert order(scim, sortBy=by) == list(expected)
    assert order(scim, sortBy=by, sortOrder="ascending") == list(expected)
    if by != "meta.created":
        assert order(scim, sortBy=by, sortOrder="descending") == list(reversed(expected))
        assert order(scim, sortBy=by, sortOrder="Descending") == list(reversed(expected))


def test_case_makes_no_difference_to_the_order_of_names(scim: ScimClient, people: None) -> None:
    found = order(scim, sortBy="name.givenName")

    assert found == ["C", "a", "b"]


@pytest.mark.parametrize(
    "by", ["title", "nickName", "externalId", "name.middleName", "name.givenName", "phoneNumbers", DEPARTMENT]
)
@pytest.mark.parametrize(("direction", "expected"), [("ascending", "abxy"), ("descending", "xyba")])
def test_people_without_a_value_come_last_or_descending_first(
    scim: ScimClient, by: str, direction: str, expected: str
) -> None:
    def value(text: str) -> dict[str, object]:
        if by == DEPARTMENT:
            return {urns.ENTERPRISE_USER: {"department": text}}
        attribute, _, sub = by.partition(".")
        return {attribute: [{"value": text}] if by == "phoneNumbers" else {sub: text} if sub else text}

    scim.create("x@example.com", name=None)
    scim.create("b@example.com", **value("2"))
    scim.create("y@example.com", name=None)
    scim.create("a@example.com", **value("1"))

    assert order(scim, sortBy=by, sortOrder=direction) == list(expected)


def test_ties_stay_in_the_order_of_creation_over_pages(scim: ScimClient) -> None:
    names = [f"user{number}" for number in range(9)]
    for name in names:
        scim.create(f"{name}@example.com", title="same")

    pages = [order(scim, sortBy="title", startIndex=start, count=4) for start in (1, 5, 9)]

    assert [len(page) for page in pages] == [4, 4, 1]
    assert [name for page in pages for name in page] == names


@pytest.mark.parametrize(
    "by",
    ["nonsense", "password", "user__password", "user.password", "-userName", "userName desc", "1", "?", "meta",
     "schemas",
     "groups", "groups.value", "userName,title", "\x00", "é", "a" * 5000, "emails[type eq \"work\"]",
      "userName; DROP TABLE x"],
)  # fmt: skip
def test_order_by_what_is_not_there_is_400(scim: ScimClient, by: str) -> None:
    scim.create("ann@example.com")

    assert is_error(scim.get("/Users", sortBy=by), 400, "invalidValue")


@pytest.mark.parametrize("direction", ["up", "asc", "desc", "1", "-", "ascending descending", "\x00"])
def test_direction_that_is_none_is_400(scim: ScimClient, direction: str) -> None:
    assert is_error(scim.get("/Users", sortBy="userName", sortOrder=direction), 400, "invalidValue")


@pytest.mark.parametrize("params", [{"sortBy": ""}, {"sortOrder": ""}, {"sortOrder": "descending"}])
def test_half_an_order_is_no_order(scim: ScimClient, people: None, params: dict[str, str]) -> None:
    assert order(scim, **params) == ["b", "C", "a"]


def test_every_attribute_of_the_schema_sorts_or_says_that_it_cannot(scim: ScimClient, people: None) -> None:
    for schema in scim.get("/Schemas").json()["Resources"]:
        prefix = "" if schema["id"] == urns.USER else f"{schema['id']}:"
        for attribute in schema["attributes"]:
            for sub in [None, *attribute.get("subAttributes", [])]:
                by = prefix + attribute["name"] + (f".{sub['name']}" if sub else "")
                response = scim.get("/Users", sortBy=by)
                if response.status_code == 200:
                    assert len(response.json()["Resources"]) == 3, by
                else:
                    assert is_error(response, 400, "invalidValue"), by


def test_sorting_takes_no_more_statements(scim: ScimClient, people: None) -> None:
    scim.get("/Users")

    assert len(statements(lambda: scim.get("/Users", sortBy="emails.value"))) <= 4
