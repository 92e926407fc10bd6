"""Sorting (RFC 7644 section 3.4.2.3) puts people into the order of what they show, whatever holds the values."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model

from conftest import person
from django_scim_provider.adapters import Attr, Not, UserAdapter
from django_scim_provider.adapters.value_keys import value_key
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.protocol.filters import matches, parse_filter
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.protocol.schemas import Attribute, BoundPath, Schema
from django_scim_provider.protocol.urns import ENTERPRISE_USER
from django_scim_provider.services import search, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import people
from services.people import configured, everything

pytestmark = pytest.mark.django_db

BADGE = "urn:example:Badge"
WORDS = ["anna", "Anna", "bo%", "a_b", "C\\d", "O'Neil", "x y", "Zoe", ""]
AWKWARD = [
    *WORDS,
    "Straße",
    "STRASSE",
    "éa",
    "e\u0301A",
    "İx",
    "Ω",
    "ａb",
    "日本",
    "𝔘nicode",
    "x" * 300 + "1",
    "x" * 300,
]
PEOPLE = 24


def documents(context: Context, **query: Any) -> list[dict[str, Any]]:
    return search.list_users(context, ListQuery(**query), everything(context)).resources


def sort_key(document: dict[str, Any], path: BoundPath) -> str | None:
    """What the person is sorted by, computed from what is shown."""
    value = path._replace(sub=None).read(document) if path.attribute.multi_valued else path.read(document)
    if isinstance(value, list):
        primary = next((element for element in value if element.get("primary")), value[0] if value else {})
        value = primary.get(path.sub.name if path.sub else "value")
    return None if value in (None, "") else value_key(path, value)[:255]


def assert_sorted(context: Context, by: str, *, lost: bool = True) -> int:
    """Both ways, by index and by cursor; returns how many have a value.

    :param lost: whether people whose account is gone count as having one.
    """
    name, _, sub = by.partition(".") if not by.startswith("urn:") else (by, "", "")
    urn, _, attribute = name.rpartition(":")
    path = context.adapter.resource_type.bind(urn or None, attribute, sub or None)
    assert path is not None
    keys = {document["id"]: sort_key(document, path) for document in documents(context)}
    for scim_id in people(context).filter(user=None).values_list("scim_id", flat=True) if not lost else ():
        keys[str(scim_id)] = None
    present = [scim_id for scim_id in keys if keys[scim_id] is not None]
    absent = [scim_id for scim_id in keys if keys[scim_id] is None]
    upwards = sorted(present, key=lambda scim_id: str(keys[scim_id])) + absent
    downwards = absent + sorted(present, key=lambda scim_id: str(keys[scim_id]), reverse=True)
    for descending, expected in ((False, upwards), (True, downwards)):
        found = [document["id"] for document in documents(context, sort_by=by, descending=descending)]
        assert [keys[scim_id] for scim_id in found] == [keys[scim_id] for scim_id in expected], (by, descending)
        assert walk(context, sort_by=by, descending=descending, count=5) == found, (by, descending)
    return len(present)


def walk(context: Context, **query: Any) -> list[str]:
    """The ids on all pages, by cursor."""
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = search.list_users(context, ListQuery(cursor=cursor, **query), everything(context))
        seen += [resource["id"] for resource in page.resources]
        cursor = page.next_cursor
    return seen


def provision(context: Context, **more: Any) -> None:
    """People with some values and without others; two whose accounts are gone since."""
    dice = random.Random(3)
    for number in range(PEOPLE):
        body = person(f"User{dice.choice('abcXYZ')}{number}@example.com", active=dice.random() < 0.5)
        body["name"] = {"givenName": dice.choice(WORDS[:-1]), "familyName": dice.choice(WORDS[:-1])}
        body["emails"] = [
            {"value": f"{dice.choice(WORDS[:2])}{number}@{kind}.example", "type": kind}
            | ({"primary": kind == "home"} if number % 3 else {})
            for kind in dice.sample(["work", "home", "other"], dice.randint(1, 3))
        ]
        if number % 4:
            body |= {
                "nickName": dice.choice(WORDS),
                "userType": dice.choice(AWKWARD),
                "title": dice.choice(WORDS),
                "externalId": f"{number * 7 % 5}é{number}",
            }
            body["addresses"] = [
                {"type": "work", "locality": dice.choice(AWKWARD[:-3])},
                {"region": "x", "primary": True},
            ]
        if number % 5:
            body[ENTERPRISE_USER] = {"department": dice.choice(WORDS), "division": dice.choice(AWKWARD)}
        for name, values in more.items():
            if number % 7 or name in ("staff", "joined"):
                body.setdefault(BADGE, {})[name] = dice.choice(values)
        users.create_user(context, body)
    for user in get_user_model()._base_manager.order_by("pk")[4:6]:
        user.delete()


@pytest.mark.hosts
def test_people_are_in_the_order_of_what_they_show(context: Context) -> None:
    provision(context)

    for by in [
        "id", "userName", "externalId", "name.givenName", "name.familyName", "name.formatted", "displayName", "nickName", "title", "userType",
        "active", "emails", "emails.value", "emails.type", "emails.primary", "addresses.locality", "addresses.region",
        "addresses.type", f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:division",
    ]:  # fmt: skip
        assert_sorted(context, by)
    assert_sorted(context, "phoneNumbers")
    assert assert_sorted(context, "addresses.region") > assert_sorted(context, "addresses.locality") == 0, (
        "the primary one's"
    )


class Badges(UserAdapter):
    """Attributes of every type, with and without columns."""

    extensions = (
        *UserAdapter.extensions,
        Schema(
            BADGE,
            "Badge",
            "",
            (
                Attribute("level", type="integer"),
                Attribute("weight", type="decimal"),
                Attribute("seen", type="dateTime"),
                Attribute("online", type="boolean"),
                Attribute("code", case_exact=True),
                Attribute("number", type="integer"),
                Attribute("shownNumber", type="integer"),
                Attribute("joined", type="dateTime"),
                Attribute("staff", type="boolean"),
                Attribute("family"),
            ),
        ),
    )


class StockBadges(Badges):
    attributes: ClassVar[Any] = UserAdapter.attributes | {
        f"{BADGE}:staff": Not("is_staff"),
        f"{BADGE}:joined": Attr(
            "date_joined",
            get=lambda moment: moment.isoformat(),
            set=lambda value: value or datetime(2020, 1, 1, tzinfo=UTC),
        ),
        f"{BADGE}:family": Attr("last_name", set=None),
        f"{BADGE}:shownNumber": Attr("id", set=None),
    }


TIMES = ["2020-01-01T10:00:00Z", "2020-01-01T11:30:00+02:00", "2020-01-01T09:45:00.5Z", "0999-01-01T00:00:00Z"]
NUMBERS = [-(2**63), -12, -2, 0, 2, 9, 10, 100, 2**63 - 1]


@pytest.fixture
def badges(db: None) -> Any:
    with configured(ADAPTERS={"User": f"{__name__}.StockBadges"}):
        yield


def test_values_are_in_the_order_of_their_type(badges: None, context: Context) -> None:
    provision(
        context,
        level=NUMBERS,
        weight=[-1.5, -1e300, 0.25, 1e-9, 3, 20, 1e22],
        seen=TIMES,
        joined=TIMES[:3],
        online=[True, False],
        staff=[True, False],
        code=AWKWARD,
        family=AWKWARD,
    )

    for name in ("level", "weight", "seen", "online", "code", "family", "staff"):
        assert assert_sorted(context, f"{BADGE}:{name}") >= PEOPLE / 2, name
    # A column of times cannot be compared with what the index holds.
    assert assert_sorted(context, f"{BADGE}:joined", lost=False) >= PEOPLE / 2


def test_index_compares_numbers_and_times_by_value(badges: None, context: Context) -> None:
    provision(context, level=NUMBERS, weight=[1, 1.0, 100.0, -2.5], seen=TIMES)
    shown = documents(context)

    for condition in [
        *(
            f"level {operator} {number}"
            for operator in ("eq", "ne", "gt", "ge", "lt", "le")
            for number in (-3, 0, 10, 2**60)
        ),
        *(
            f"weight {operator} {number}"
            for operator in ("eq", "ne", "gt", "le")
            for number in ("1.00", "1e2", "-2.50")
        ),
        *(f'seen {operator} "2020-01-01T0{hour}:30:00Z"' for operator in ("eq", "ne", "gt", "le") for hour in (8, 9)),
    ]:
        text = f"{BADGE}:{condition}"
        node = parse_filter(text, context.adapter.resource_type)
        expected = {document["id"] for document in shown if matches(node, document)}
        assert {document["id"] for document in documents(context, filter=text)} == expected, text


def test_order_that_would_be_wrong_is_refused(badges: None, context: Context) -> None:
    users.create_user(context, person("ann@example.com"))

    for by, detail in {
        "name": "name has parts; name the one to sort by, as in name.familyName.",
        "addresses": "addresses has parts; name the one to sort by, as in name.familyName.",
        "emails.display": "Results cannot be sorted by emails.display.",
        "groups": "Results cannot be sorted by groups.",
        "meta.version": "Results cannot be sorted by meta.version.",
        f"{BADGE}:shownNumber": f"Results cannot be sorted by {BADGE}:shownNumber.",
    }.items():
        with pytest.raises(InvalidValue) as caught:
            documents(context, sort_by=by)
        assert caught.value.detail == detail


def test_key_of_what_is_no_value_of_the_type_is_its_text() -> None:
    for kind, value, expected in [
        ("integer", "n/a", "n/a"),
        ("dateTime", "Yesterday", "yesterday"),
        ("decimal", Decimal("-0"), "8000000000000000 0"),
        ("dateTime", datetime(2020, 1, 1, tzinfo=UTC), "2020-01-01T00:00:00.000000+00:00"),
    ]:
        assert value_key(BoundPath(None, Attribute("x", type=kind)), value) == expected  # type: ignore[arg-type]
