"""GET /Users with and without a filter (RFC 7644 section 3.4.2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import VENDOR, has_column, host_of, is_error, row_of, statements
from conftest import ScimClient
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import urns
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def test_nobody_is_an_empty_list_response_that_okta_accepts(scim: ScimClient) -> None:
    response = scim.get("/Users", startIndex=1, count=2)

    assert response.status_code == 200
    assert response.json() == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }
    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Location" not in response.headers


def test_everybody_is_listed_as_they_are_shown_alone(scim: ScimClient) -> None:
    people = [scim.create(f"ann{number}@example.com", externalId=str(number)) for number in range(3)]

    listed = scim.get("/Users").json()

    assert listed["Resources"] == people
    assert listed["totalResults"] == listed["itemsPerPage"] == 3


def test_inactive_people_are_listed_and_the_deleted_are_not(scim: ScimClient) -> None:
    kept, gone = scim.create("ann@example.com"), scim.create("beth@example.com")
    scim.patch(f"/Users/{kept['id']}", {"op": "replace", "path": "active", "value": False})
    scim.delete(f"/Users/{gone['id']}")

    listed = scim.get("/Users").json()

    assert [(item["id"], item["userName"], item["active"]) for item in listed["Resources"]] == [
        (kept["id"], "ann@example.com", False)
    ]
    assert listed["totalResults"] == 1
    assert scim.find('userName eq "beth@example.com"') == []
    assert scim.find(f'id eq "{gone["id"]}"') == []


@pytest.mark.parametrize(
    "filter_",
    [
        'userName eq "ann@example.com"',
        'userName Eq "ANN@EXAMPLE.COM"',
        "userName eq ann@example.com",
        'USERNAME EQ "ann@example.com"',
        f'{urns.USER}:userName eq "ann@example.com"',
        'externalId eq "Ext-1"',
        'emails eq "ANN@work.example"',
        'emails.value eq "ann@work.example"',
        'emails[type eq "work"].value eq "ann@work.example"',
        'emails[type eq "work" and value eq "ann@work.example"]',
        'emails[primary eq true].value eq "ann@work.example"',
        'name.familyName co "XAMPL"',
        'displayName sw "ann e"',
        'displayName ew "MPLE"',
        'title pr and not (title eq "Chef")',
        'userName eq "x" or title eq "engineer"',
        'title eq "engineer" and (userName eq "x" or active eq true)',
        "active eq true and title pr",
        'phoneNumbers[type eq "fax"].value eq "+41 1"',
        'addresses[country eq "ch" and type eq "home"]',
        f'{urns.ENTERPRISE_USER}:department eq "engines"',
        'department eq "engines"',
        'meta.resourceType eq "User" and title pr',
        'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"',
    ],
)
def test_filter_finds_the_one_it_means(scim: ScimClient, filter_: str) -> None:
    wanted = scim.create(
        "Ann@example.com",
        externalId="Ext-1",
        displayName="Ann Example",
        title="Engineer",
        name={"givenName": "Ann", "familyName": "Example"},
        emails=[{"value": "Ann@work.example", "type": "work", "primary": True}, {"value": "ann@home.example"}],
        phoneNumbers=[{"value": "+41 1", "type": "fax"}],
        addresses=[{"country": "CH", "type": "home"}],
        **{urns.ENTERPRISE_USER: {"department": "Engines"}},
    )
    scim.create("beth@example.com", displayName="Beth", name={"familyName": "Other"}, externalId="ext-1")

    assert [found["id"] for found in scim.find(filter_)] == [wanted["id"]]


@pytest.mark.parametrize(
    "filter_",
    [
        'userName eq "ann@example.com" and externalId eq "NOPE"',
        'userName eq "ann@example.com" and title eq "x"',
        'userName eq "ann"',
        'emails[type eq "home" and value eq "ann@example.com"]',
        'externalId eq "EXT-1"',
        'userName eq ""',
        'userName eq "%"',
    ],
)
def test_filter_that_holds_for_nobody_is_200_and_empty(scim: ScimClient, filter_: str) -> None:
    scim.create("ann@example.com", externalId="ext-1")

    response = scim.get("/Users", filter=filter_)

    assert response.status_code == 200
    assert (response.json()["totalResults"], response.json()["Resources"]) == (0, [])


@pytest.mark.parametrize(
    "filter_",
    [
        "",
        " ",
        "userName",
        "userName eq",
        'eq "x"',
        'nonsense eq "x"',
        'userName eq "x" and nonsense eq "y"',
        'userName like "x"',
        'userName eq "x',
        "userName eq 'x y'",
        '(userName eq "x"',
        'userName eq "x")',
        'userName eq "x" and',
        "not userName pr",
        "active gt true",
        "active co true",
        'active eq "maybe"',
        "meta.created eq yesterday",
        'emails[value eq "x"',
        'emails[nonsense eq "x"]',
        'password eq "x"',
        'password sw "a"',
        "password pr",
        f"{urns.USER}:password pr",
        'user__password sw "pbkdf2"',
        'user.password sw "pbkdf2"',
        'is_superuser eq "true"',
        "urn:example:unknown:userName pr",
        'userName eq "\\ud800"',
        'userName eq "\\u0000"',
        "userName eq \x00",
    ],
)
def test_filter_that_is_not_understood_is_400_and_never_everybody(scim: ScimClient, filter_: str) -> None:
    scim.create("ann@example.com")

    response = scim.get("/Users", filter=filter_)

    assert is_error(response, 400, "invalidFilter")
    if len(filter_) > 12:
        assert filter_ not in response.json()["detail"]


def test_plus_and_percent_twenty_are_both_spaces_in_a_filter(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    for query in (
        "filter=userName+eq+%22ann@example.com%22",
        "filter=userName%20eq%20%22ann%40example.com%22&",
        '&FILTER=userName eq "ann@example.com"&aadOptscim062020',
    ):
        response = scim.request("GET", "/Users", QUERY_STRING=query)
        assert [found["id"] for found in response.json()["Resources"]] == [body["id"]], query


def test_parameter_in_two_spellings_is_refused(scim: ScimClient) -> None:
    response = scim.request("GET", "/Users", QUERY_STRING="filter=title+pr&Filter=userName+pr")

    assert is_error(response, 400, "invalidValue")


def test_user_name_filter_takes_three_statements_hit_or_miss(scim: ScimClient) -> None:
    scim.create("ann@example.com")
    scim.get("/Users")

    for name in ("ann@example.com", "nobody@example.com"):
        assert len(statements(lambda name=name: scim.find(f'userName eq "{name}"'))) <= 3


def test_statements_of_a_page_do_not_grow_with_its_people(scim: ScimClient) -> None:
    def page() -> list[str]:
        return statements(lambda: scim.get("/Users"))

    scim.create("ann0@example.com")
    page()
    one = page()
    for number in range(1, 12):
        scim.create(f"ann{number}@example.com")

    assert len(page()) == len(one) <= 4


def test_renamed_by_update_is_found_by_the_new_name_and_not_by_the_old(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    column = get_user_model().USERNAME_FIELD
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(**{column: "beth@example.com"})

    assert scim.find('userName eq "ann@example.com"') == []
    found = scim.find('userName eq "beth@example.com"')
    assert [(item["id"], item["userName"]) for item in found] == [(body["id"], "beth@example.com")]


def test_renamed_by_save_is_found_by_the_new_name_in_every_filter(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    user = host_of(body)
    setattr(user, get_user_model().USERNAME_FIELD, "beth@example.com")
    user.save()

    assert scim.find('userName co "ann@"') == []
    for filter_ in (
        'userName eq "BETH@example.com"',
        'userName sw "beth"',
        'userName eq "beth@example.com" or title pr',
    ):
        assert [found["id"] for found in scim.find(filter_)] == [body["id"]]


def test_people_whom_the_host_makes_and_removes_come_and_go(scim: ScimClient) -> None:
    user = HostUserFactory(name="ann")
    (found,) = scim.find('userName eq "ann@example.com"')
    assert found["active"] is True

    user.delete()

    (found,) = scim.find('userName eq "ann@example.com"')
    assert found["active"] is False


def test_two_host_users_of_one_key_are_one_resource(scim: ScimClient) -> None:
    if not has_column("username"):
        pytest.skip("this host stores names in lower case")
    if VENDOR == "mysql":
        pytest.skip("the host's column keeps the two from being there at once")
    first, second = HostUserFactory(name="Ann@example.com"), HostUserFactory(name="ann@example.com")

    found = scim.find('userName eq "ANN@example.com"')

    assert [item["userName"] for item in found] == ["Ann@example.com"]
    assert ScimUser.objects.filter(user=first).exists()
    assert not ScimUser.objects.filter(user=second).exists()


@pytest.mark.parametrize(("operator", "text", "expected"), [
    ("sw", "%", []),
    ("co", "_____", []),
    ("co", "%", ["50%off@example.com"]),
    ("co", "_", ["a_b@example.com"]),
    ("sw", "a_", ["a_b@example.com"]),
    ("co", "\\\\", ["c\\d@example.com"]),
    ("ew", "%off@example.com", ["50%off@example.com"]),
    ("co", "'", ["o'neil@example.com"]),
])  # fmt: skip
@pytest.mark.parametrize("attribute", ["userName", "emails.value", "title", "name.givenName"])
def test_wildcards_of_sql_mean_themselves(
    scim: ScimClient, attribute: str, operator: str, text: str, expected: list[str]
) -> None:
    names = ["50%off@example.com", "a_b@example.com", "c\\d@example.com", "o'neil@example.com", "axb@example.com"]
    for name in names:
        scim.create(name, title=name, name={"givenName": name})

    found = scim.find(f'{attribute} {operator} "{text}"')

    assert [item["userName"] for item in found] == expected


def test_filter_on_times_finds_what_was_just_read(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    moment = body["meta"]["created"]

    for filter_ in (f'meta.created eq "{moment}"', f'meta.lastModified ge "{moment}"', f'meta.created le "{moment}"'):
        assert [found["id"] for found in scim.find(filter_)] == [body["id"]], filter_
    assert scim.find(f'meta.lastModified gt "{moment}"') == []


def test_deactivated_person_looks_like_themselves_in_every_filter(scim: ScimClient) -> None:
    body = scim.create("Ann@example.com", title="Engineer", name={"givenName": "Ann", "familyName": "Example"})
    scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"active": False}})

    for filter_ in (
        'userName eq "ann@example.com"',
        'emails eq "ann@example.com"',
        'name.givenName eq "ann"',
        'title eq "engineer"',
        "active eq false",
        "active ne true",
        "not (active eq true)",
    ):
        found: list[dict[str, Any]] = scim.find(filter_)
        assert [(item["id"], item["userName"], item["active"]) for item in found] == [
            (body["id"], "Ann@example.com", False)
        ], filter_
    assert scim.find("active eq true") == []
    assert row_of(body).alive is True
