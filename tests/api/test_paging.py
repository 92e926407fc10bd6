"""startIndex and count (RFC 7644 section 3.4.2.4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth import get_user_model

from api.helpers import is_error, statements, with_setting
from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimUser
from factories import HostUserFactory

pytestmark = pytest.mark.django_db

PEOPLE = 7


@pytest.fixture
def names(scim: ScimClient) -> list[str]:
    return [scim.create(f"user{number}@example.com")["userName"] for number in range(PEOPLE)]


def page(scim: ScimClient, query: str) -> dict[str, Any]:
    response = scim.request("GET", "/Users", QUERY_STRING=query)
    assert response.status_code == 200, response.content
    body: dict[str, Any] = response.json()
    for name in ("totalResults", "startIndex", "itemsPerPage"):
        assert type(body[name]) is int
    assert body["itemsPerPage"] == len(body["Resources"])
    return body


@pytest.mark.parametrize(
    ("query", "start", "expected"),
    [
        ("", 1, slice(0, 7)),
        ("startIndex=1&count=2", 1, slice(0, 2)),
        ("startIndex=3&count=2", 3, slice(2, 4)),
        ("startIndex=6&count=5", 6, slice(5, 7)),
        ("startIndex=7&count=1", 7, slice(6, 7)),
        ("startIndex=8&count=1", 8, slice(0, 0)),
        ("startIndex=8", 8, slice(0, 0)),
        ("startIndex=100&count=2", 100, slice(0, 0)),
        ("startIndex=0&count=2", 1, slice(0, 2)),
        ("startIndex=-1&count=2", 1, slice(0, 2)),
        ("startIndex=-5", 1, slice(0, 7)),
        ("startIndex=-999999999999999999999999", 1, slice(0, 7)),
        ("startIndex=+2&count=2", None, None),
        ("startIndex=%2B2&count=2", 2, slice(1, 3)),
        ("startIndex=002&count=02", 2, slice(1, 3)),
        ("startIndex=2147483648", 2147483648, slice(0, 0)),
        ("startIndex=9223372036854775808", None, slice(0, 0)),
        (f"startIndex=1{'0' * 30}", None, slice(0, 0)),
        ("count=0", 1, slice(0, 0)),
        ("count=-1", 1, slice(0, 0)),
        ("count=-999999999999999999999999", 1, slice(0, 0)),
        ("count=1", 1, slice(0, 1)),
        ("count=7", 1, slice(0, 7)),
        ("count=8", 1, slice(0, 7)),
        ("count=100000", 1, slice(0, 7)),
        (f"count=1{'0' * 30}", 1, slice(0, 7)),
        ("startIndex=3&count=0", 3, slice(0, 0)),
        ("STARTINDEX=3&Count=2", 3, slice(2, 4)),
        ("startIndex=3&count=2&aadOptscim062020&x=y&x=z", 3, slice(2, 4)),
        ("startIndex=3&count=2&filter=active eq true", 3, slice(2, 4)),
    ],
)
def test_page_is_the_one_asked_for(
    scim: ScimClient, names: list[str], query: str, start: int | None, expected: slice | None
) -> None:
    if expected is None:
        # A bare plus is a space in a query string.
        assert is_error(scim.request("GET", "/Users", QUERY_STRING=query), 400, "invalidValue")
        return

    found = page(scim, query)

    assert [item["userName"] for item in found["Resources"]] == names[expected]
    assert found["totalResults"] == PEOPLE
    assert start is None or found["startIndex"] == start


@pytest.mark.parametrize(
    "text",
    ["x", "", " ", "1.5", "1e3", "0x10", "0b1", "1_000", "%20 5", "5%20", "٥", "５", "一", "None", "null", "NaN",
     "1,2", "1;2",
     "--1", "+-1", "-", "+", "'", "%00", "1%00", "%ff", "true", "[1]", "1 OR 1=1"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["startIndex", "count"])
def test_numbers_that_are_none_are_400(scim: ScimClient, name: str, text: str) -> None:
    scim.create("ann@example.com")

    response = scim.request("GET", "/Users", QUERY_STRING=f"{name}={quote(text, safe='%')}")

    assert is_error(response, 400, "invalidValue")


@pytest.mark.parametrize("query", ["count=1&count=2", "count=1&COUNT=1", "startIndex=1&startIndex=1"])
def test_number_given_twice_is_400(scim: ScimClient, query: str) -> None:
    assert is_error(scim.request("GET", "/Users", QUERY_STRING=query), 400, "invalidValue")


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_pages_together_are_everybody_once_in_a_stable_order(scim: ScimClient, names: list[str], count: int) -> None:
    seen: list[str] = []
    while True:
        found = page(scim, f"startIndex={len(seen) + 1}&count={count}")
        assert found["totalResults"] == PEOPLE
        seen += [item["userName"] for item in found["Resources"]]
        if len(seen) >= found["totalResults"]:
            break
    assert seen == names


def test_order_does_not_change_when_people_do(scim: ScimClient, names: list[str]) -> None:
    first = page(scim, "")["Resources"]
    scim.patch(f"/Users/{first[0]['id']}", {"op": "replace", "path": "userName", "value": "zzz@example.com"})
    scim.patch(f"/Users/{first[3]['id']}", {"op": "replace", "path": "active", "value": False})

    assert [item["id"] for item in page(scim, "")["Resources"]] == [item["id"] for item in first]


def test_new_people_come_last_and_deleted_ones_close_the_gap(scim: ScimClient, names: list[str]) -> None:
    everybody = page(scim, "")["Resources"]
    scim.delete(f"/Users/{everybody[2]['id']}")
    new = scim.create("aaa@example.com")

    ids = [item["id"] for item in page(scim, "")["Resources"]]

    assert ids == [item["id"] for item in everybody if item is not everybody[2]] + [new["id"]]


def test_pages_have_at_most_the_configured_size(scim: ScimClient, names: list[str]) -> None:
    with with_setting(DEFAULT_COUNT=3, MAX_RESULTS=5):
        assert len(page(scim, "")["Resources"]) == 3
        assert len(page(scim, "count=4")["Resources"]) == 4
        for query in ("count=6", f"count=1{'0' * 30}"):
            found = page(scim, query)
            assert (len(found["Resources"]), found["totalResults"]) == (5, PEOPLE)


def test_hundred_is_the_default_and_two_hundred_the_most(scim: ScimClient, connection: ScimConnection) -> None:
    rows = [
        ScimUser(
            connection=connection,
            scope="/",
            user_name=f"u{number}",
            user_name_key=f"u{number}",
            attributes={"userName": f"u{number}"},
            created_at="2026-01-01T00:00:00Z",
            modified_at="2026-01-01T00:00:00Z",
        )
        for number in range(205)
    ]
    ScimUser.objects.bulk_create(rows)

    assert len(page(scim, "")["Resources"]) == 100
    assert len(page(scim, "count=1000")["Resources"]) == 200
    assert len(page(scim, "startIndex=201&count=1000")["Resources"]) == 5
    assert page(scim, "")["totalResults"] == 205


def test_count_zero_gives_only_the_total_and_reads_no_rows(scim: ScimClient, names: list[str]) -> None:
    scim.get("/Users")
    answers: list[Any] = []

    sql = statements(lambda: answers.append(page(scim, "count=0")))

    assert (answers[0]["totalResults"], answers[0]["Resources"]) == (PEOPLE, [])
    assert len(sql) == 2
    assert "COUNT(" in sql[1]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_total_of_a_filter_does_not_depend_on_the_page(scim: ScimClient, names: list[str], count: int) -> None:
    scim.create("other@example.com", title="x")
    for start in (1, 2, 8, 50):
        found = scim.get("/Users", filter='userName sw "user"', startIndex=start, count=count).json()
        assert found["totalResults"] == PEOPLE, (start, count)
        assert len(found["Resources"]) == min(count, max(0, PEOPLE - start + 1))


def test_total_of_a_look_up_by_name_does_not_depend_on_the_page(scim: ScimClient, names: list[str]) -> None:
    for count in (0, 1, 2, 100):
        for start in (1, 2):
            found = scim.get("/Users", filter='userName eq "USER3@example.com"', startIndex=start, count=count).json()
            assert found["totalResults"] == 1, (start, count)
            assert len(found["Resources"]) == (1 if start == 1 and count else 0)


def test_host_users_out_of_sight_are_in_no_total(scim: ScimClient, names: list[str]) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    HostUserFactory(name="outside")

    assert page(scim, "count=0")["totalResults"] == PEOPLE
    assert get_user_model().objects.count() == PEOPLE + 1
