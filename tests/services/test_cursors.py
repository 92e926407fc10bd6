"""Walking through a list by cursor (RFC 9865) while it changes, at any depth, in any order."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db.models import F

from adapters.lab import Employee, lab, lab_tables
from api.helpers import VENDOR, statements
from conftest import person
from django_scim_provider.models import ScimGroup, ScimUser, ScimValue
from django_scim_provider.protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor, InvalidValue
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.services import cursors, kinds, search, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.cursors import Mark, Order
from factories import ConnectionFactory

__all__ = ["lab", "lab_tables"]

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE, DEEP = 1000, 10_000
TITLES = ["", "alpha", "Beta", "beta", "Straße", "日本"]


def add(context: Context, numbers: range, dice: random.Random) -> None:
    """People without accounts, in bulk: few titles, so that pages end among equals, and for some none."""
    rows = ScimUser.objects.bulk_create(
        ScimUser(
            connection=context.connection,
            scope=context.adapter.scope(context.connection),
            user_name=f"U{number:05}@example.com",
            user_name_key=f"u{dice.randint(0, 9**9)}-{number}@example.com",
            external_id=dice.choice([None, f"É{dice.randint(0, 99)}"]),
            attributes={"userName": f"U{number:05}@example.com"},
            created_at=START + timedelta(microseconds=dice.randint(0, 300)),
            modified_at=START,
        )
        for number in numbers
    )
    # MariaDB gives no primary keys back to those that are made in bulk.
    made = ScimUser.objects.order_by("-pk")[: len(rows)]
    titles = [(row, dice.choice(TITLES)) for row in made]
    ScimValue.objects.bulk_create(
        (ScimValue(scim_user=row, attribute="title", value_key=title.lower()) for row, title in titles if title),
        batch_size=2000,
    )


def pages(context: Context, kind: Any = kinds.Users, **query: Any) -> Iterator[search.Page]:
    cursor: str | None = ""
    projection = Projection.parse(("id",), (), kind(context).resource_type)
    while cursor is not None:
        page = search.list_resources(kind(context), ListQuery(cursor=cursor, **query), projection)
        yield page
        cursor = page.next_cursor


def ids(page: search.Page) -> list[str]:
    return [resource["id"] for resource in page.resources]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("by", [None, "userName", "title", "externalId", "meta.created", "id"])
def test_nobody_who_stays_is_left_out_or_shown_twice(context: Context, by: str | None, descending: bool) -> None:
    dice = random.Random(9)
    add(context, range(PEOPLE), dice)
    at_first = {str(scim_id) for scim_id in ScimUser.objects.values_list("scim_id", flat=True)}
    seen: list[str] = []
    number, sent = PEOPLE, []
    for page in pages(context, sort_by=by, descending=descending, count=60):
        seen += ids(page)
        assert page.total == PEOPLE
        # People come and go before the next page: some already seen, the last one among them, some not.
        gone = ScimUser.objects.order_by("scim_id").values_list("pk", flat=True)[:5]
        ScimUser.objects.filter(pk__in=list(gone)).delete()
        ScimUser.objects.filter(scim_id=seen[-1]).delete()
        add(context, range(number, number + 7), dice)
        number += 7
        sent.append(len(page.resources))

    stayed = at_first & {str(scim_id) for scim_id in ScimUser.objects.values_list("scim_id", flat=True)}
    assert len(stayed) > PEOPLE / 2
    assert stayed <= set(seen)
    assert len(seen) == len(set(seen))
    assert set(sent[:-1]) == {60}


def test_walk_is_in_the_order_of_pages_by_index(context: Context) -> None:
    add(context, range(130), random.Random(4))
    for by in (None, "title", "externalId", "meta.created", "meta.lastModified"):
        for descending in (False, True):
            projection = Projection.parse(("id",), (), context.adapter.resource_type)
            whole = search.list_users(context, ListQuery(sort_by=by, descending=descending, count=200), projection)
            walked = [
                scim_id for page in pages(context, sort_by=by, descending=descending, count=7) for scim_id in ids(page)
            ]
            assert walked == ids(whole), (by, descending)


def test_every_page_takes_the_same_statements_and_the_first_may_count(context: Context) -> None:
    add(context, range(50), random.Random(4))
    unsorted = ({}, {"filter": 'userName sw "u"'})
    # Keys first, then rows.
    by_value = ({"sort_by": "title"}, {"filter": 'userName sw "u"', "sort_by": "meta.created"})
    for each, query in [*((1, query) for query in unsorted), *((2, query) for query in by_value)]:
        walk = pages(context, count=10, **query)
        counts = [len(statements(partial(next, walk))) for _ in range(5)]
        assert counts == [each + 1, each, each, each, each], query


@pytest.mark.slow
@pytest.mark.parametrize("by", [None, "title"])
def test_last_page_of_many_costs_what_the_first_does(context: Context, by: str | None) -> None:
    add(context, range(DEEP), random.Random(5))
    projection = Projection.parse(("id",), (), context.adapter.resource_type)
    kind, first = kinds.Users(context), ListQuery(cursor="", sort_by=by, count=100)
    if by is None:
        before = kind.queryset().order_by("pk").values_list("pk", flat=True)[DEEP - 51], None
    else:
        *_, before = search._order(kind, first).after(kind.queryset(), None, DEEP - 50)
    mark = Mark(100, DEEP, *before)
    last = replace(first, cursor=cursors.encode(context, kind.resource_type, first, mark))

    def median(query: ListQuery, resources: int) -> float:
        def run() -> float:
            started = time.perf_counter()
            assert len(search.list_users(context, query, projection).resources) == resources
            return time.perf_counter() - started

        return statistics.median(run() for _ in range(9))

    # The first page counts as well, so the last one is mostly cheaper; a busy machine is allowed for.
    times = median(first, 100), median(last, 50)
    print(f"{VENDOR}, by {by}: first and last page in {times[0] * 1000:.2f} and {times[1] * 1000:.2f} ms")  # noqa: T201
    assert times[1] < times[0] * 2


@pytest.mark.parametrize(
    "column", ["age", "salary", "birthday", "is_remote", "updated_at", "size", "note", "pk", "home_id", "motto"]
)
@pytest.mark.parametrize("descending", [False, True])
def test_key_comes_back_as_the_column_has_it(lab: None, column: str, descending: bool) -> None:
    dice = random.Random(6)
    for number in range(25):
        Employee.objects.create(
            username=f"e{number}",
            age=dice.choice([None, -3, 9, 10]),
            salary=dice.choice([None, Decimal("9.50"), Decimal("10.05"), Decimal("-1.10")]),
            birthday=dice.choice([None, date(1999, 12, 31), date(2000, 1, 1)]),
            is_remote=dice.choice([None, False, True]),
            size=dice.randint(0, 3),
            note=dice.choice(["a", "B", "é", ""]),
            motto=dice.choice([None, "", "x"]),
        )
    order = Order(F(column), descending)
    seen: list[int] = []
    mark = None
    while rows := order.after(Employee.objects.all(), mark, 4):
        seen += [pk for pk, _ in rows]
        # There and back, as in a cursor.
        last = [cursors._portable(value) for value in rows[-1]]
        mark = Mark(None, 0, *last)

    assert seen == list(Employee.objects.order_by(*order.terms).values_list("pk", flat=True))


def test_groups_are_walked_as_people_are(context: Context) -> None:
    for number in range(23):
        name = f"{'aAbB'[number % 4]}{number % 5}"
        ScimGroup.objects.create(
            connection=context.connection,
            display_name=name,
            display_name_key=name.lower(),
            external_id=f"{number % 3}" if number % 3 else None,
            created_at=START,
            modified_at=START,
        )
    projection = Projection.parse(("id",), (), context.group_adapter.resource_type)
    for by in (None, "displayName", "externalId", "meta.created", "meta.lastModified", "id"):
        for descending in (False, True):
            whole = search.list_resources(
                kinds.Groups(context), ListQuery(sort_by=by, descending=descending), projection
            )
            walked = list(pages(context, kinds.Groups, sort_by=by, descending=descending, count=5))
            assert [scim_id for page in walked for scim_id in ids(page)] == ids(whole), (by, descending)
            assert {page.total for page in walked} == {23}


# What a cursor is good for ----------------------------------------------------------------------------------


@pytest.fixture
def first(context: Context) -> search.Page:
    for number in range(5):
        users.create_user(context, person(f"user{number}@example.com", title="Boss"))
    return next(pages(context, count=2))


def ask(context: Context, kind: Any = kinds.Users, **query: Any) -> search.Page:
    projection = Projection.parse(("id",), (), kind(context).resource_type)
    return search.list_resources(kind(context), ListQuery(**query), projection)


def test_cursor_is_for_its_connection_type_and_query_only(context: Context, first: search.Page) -> None:
    cursor = first.next_cursor
    other = Context(ConnectionFactory())
    users.create_user(other, person("other@example.com"))
    for wrong in (
        lambda: ask(other, cursor=cursor),
        lambda: ask(context, kinds.Groups, cursor=cursor),
        lambda: ask(context, cursor=cursor, filter="title pr"),
        lambda: ask(context, cursor=cursor, sort_by="title"),
        lambda: ask(context, cursor=cursor, descending=True),
    ):
        with pytest.raises(InvalidCursor):
            wrong()
    assert len(ask(context, cursor=cursor, attributes=("title",)).resources) == 2


def test_cursor_that_was_tampered_with_is_invalid(context: Context, first: search.Page) -> None:
    cursor = str(first.next_cursor)
    payload, stamp, signature = cursor.split("~")
    for wrong in (
        "x", "~", "~~", "é~é~é", "\x00", " ", cursor + "A", cursor[:-1], cursor[1:], cursor.swapcase(), f" {cursor}",
        f"{payload}A~{stamp}~{signature}", f"{payload}~z{stamp}~{signature}", f"~{stamp}~{signature}", "a" * 100_000,
    ):  # fmt: skip
        with pytest.raises(InvalidCursor):
            ask(context, cursor=wrong)


def test_cursor_expires(context: Context, first: search.Page, monkeypatch: Any) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3590)
    assert len(ask(context, cursor=first.next_cursor).resources) == 2
    monkeypatch.setattr(time, "time", lambda: now + 3620)
    with pytest.raises(ExpiredCursor):
        ask(context, cursor=first.next_cursor)


def test_count_stays_what_it_was(context: Context, first: search.Page) -> None:
    assert len(ask(context, cursor=first.next_cursor, count=2).resources) == 2
    assert len(ask(context, cursor=first.next_cursor).resources) == 2, "left out it is the same"
    for count in (0, 1, 3, 100):
        with pytest.raises(InvalidCount):
            ask(context, cursor=first.next_cursor, count=count)


def test_start_index_and_cursor_exclude_each_other(context: Context, first: search.Page) -> None:
    assert ask(context, cursor="", start_index=1).total == 5
    for cursor in ("", first.next_cursor):
        with pytest.raises(InvalidValue):
            ask(context, cursor=cursor, start_index=3)


def test_look_up_and_total_alone_have_no_next_page(context: Context, first: search.Page) -> None:
    by_name = ask(context, cursor="", filter='userName eq "user1@example.com"')
    assert (len(by_name.resources), by_name.total, by_name.next_cursor) == (1, 1, None)
    total = ask(context, cursor="", count=0)
    assert (total.resources, total.total, total.next_cursor) == ([], 5, None)
    every = ask(context, cursor="", count=5)
    assert (len(every.resources), every.total, every.next_cursor) == (5, 5, None)


def test_look_up_by_a_name_that_many_have_is_paged(context: Context, first: search.Page) -> None:
    ScimUser.objects.update(external_id="same")
    walked = list(pages(context, filter='externalId eq "same"', count=2))
    assert [len(page.resources) for page in walked] == [2, 2, 1]
    assert {page.total for page in walked} == {5}


def test_cursor_fits_into_an_address_however_long_the_values_are(context: Context) -> None:
    for number in range(3):
        users.create_user(
            context,
            person(
                f"user{number}@example.com", userType="".join(map(chr, range(0x1F600, 0x1F600 + 300))) + str(number)
            ),
        )
    walked = list(pages(context, sort_by="userType", count=1))
    assert len({scim_id for page in walked for scim_id in ids(page)}) == 3
    assert len(str(walked[0].next_cursor)) < 4000
