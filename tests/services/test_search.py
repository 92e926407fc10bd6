"""Reading people: by id, by name, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from api.helpers import dump, has_column, soft_deletes, statements
from django_scim_provider.adapters import Identifier, UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol.errors import InvalidFilter, InvalidValue, NotFound
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.services import kinds, search, sync
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import groups_of, wire_time
from django_scim_provider.services.transactions import now
from factories import ConnectionFactory
from services.people import (
    ALICE,
    BOB,
    NAME_COLUMN,
    configured,
    everything,
    find,
    host,
    policies,
    post,
    row,
    show,
    update,
)

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def page(context: Context, condition: str | None = None, **query: Any) -> tuple[list[str], int]:
    """The ids on a page, and how many there are in all."""
    found = search.list_users(context, ListQuery(filter=condition, **query), everything(context))
    return [resource["id"] for resource in found.resources], found.total


def group(connection: ScimConnection, name: str, *members: str) -> ScimGroup:
    made = ScimGroup.objects.create(
        connection=connection, display_name=name, display_name_key=name.lower(), created_at=now(), modified_at=now()
    )
    for scim_id in members:
        ScimMembership.objects.create(group=made, scim_user=row(scim_id))
    return made


# One person -----------------------------------------------------------------------------------------------------------


def test_person_is_shown_with_groups_and_meta_under_the_connections_address(context: Context) -> None:
    mine = Context(context.connection, base_url="https://example.com/scim/v2")
    scim_id = post(mine, title="Boss")
    staff = group(context.connection, "Staff", scim_id)
    shown = show(mine, scim_id)

    found = row(scim_id)
    assert list(shown)[:2] == ["schemas", "id"]
    assert shown["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]
    address = f"https://example.com/scim/v2/Groups/{staff.scim_id}"
    assert shown["groups"] == [{"value": str(staff.scim_id), "$ref": address, "display": "Staff", "type": "direct"}]
    assert shown["meta"] == {
        "resourceType": "User",
        "created": wire_time(found.created_at),
        "lastModified": wire_time(found.modified_at),
        "location": f"https://example.com/scim/v2/Users/{scim_id}",
        "version": shown["meta"]["version"],
    }


def test_extension_is_named_among_the_schemas_where_something_of_it_is_assigned(context: Context) -> None:
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    scim_id = post(context, **{urn: {"division": "R&D"}})

    assert show(context, scim_id)["schemas"][1:] == [urn]


def test_time_is_shown_in_milliseconds() -> None:
    moment = now().replace(year=2026, month=3, day=1, hour=2, minute=3, second=4, microsecond=5_999)

    assert wire_time(moment) == "2026-03-01T02:03:04.005Z"


@pytest.mark.parametrize(
    "change",
    [str.upper, lambda text: text.replace("-", ""), lambda text: f"{{{text}}}", lambda text: f"urn:uuid:{text}",
     lambda text: text + " ", lambda text: "", lambda text: "1", lambda text: "٣" * 36],
)  # fmt: skip
def test_id_in_another_spelling_is_no_id_of_ours(context: Context, change: Any) -> None:
    scim_id = post(context)

    with pytest.raises(NotFound):
        show(context, change(scim_id))


def test_person_of_another_connection_does_not_exist(context: Context) -> None:
    scim_id, other = post(context), Context(ConnectionFactory())

    with pytest.raises(NotFound):
        show(other, scim_id)
    assert page(other) == ([], 0)
    for condition in (f'userName eq "{ALICE}"', f'id eq "{scim_id}"', "userName pr", 'externalId eq "X"'):
        assert find(other, condition) == []


@pytest.mark.parametrize(("excluded", "queries"), [((), 2), (("groups",), 2), (("groups", "meta.version"), 1)])
def test_person_takes_two_queries_and_one_where_nothing_shown_depends_on_groups(
    context: Context, excluded: tuple[str, ...], queries: int
) -> None:
    scim_id = post(context)
    projection = Projection.parse((), excluded, context.adapter.resource_type)

    assert len(statements(lambda: search.get_user(context, scim_id, projection))) == queries


def test_groups_of_nobody_take_no_query(context: Context, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert groups_of([], context) == {}


# Look-ups by name -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ALICE, "ALICE@EXAMPLE.COM", "ａlice@example.com"])
@pytest.mark.parametrize("count", [1, 2, 100, None])
def test_person_is_found_by_name_in_any_spelling(context: Context, name: str, count: int | None) -> None:
    scim_id = post(context)
    post(context, BOB)

    assert page(context, f'userName eq "{name}"', count=count) == ([scim_id], 1)
    assert page(context, f'userName eq "{name}"', count=0) == ([], 1)
    assert page(context, f'userName eq "{name}"', start_index=2) == ([], 1)


@pytest.mark.parametrize("count", [1, 2, 100])
def test_person_whom_the_host_renamed_by_update_is_found_by_the_new_name_and_not_by_the_old(
    context: Context, count: int
) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: BOB})

    assert page(context, f'userName eq "{BOB}"', count=count) == ([scim_id], 1)
    assert page(context, f'userName eq "{ALICE}"', count=count) == ([], 0)
    assert show(context, scim_id)["userName"] == BOB


def test_people_whose_names_the_host_swapped_by_update_are_told_apart(context: Context) -> None:
    alice, bob = post(context), post(context, BOB)
    update(host(alice), **{NAME_COLUMN: "third"})
    update(host(bob), **{NAME_COLUMN: ALICE})
    update(host(alice), **{NAME_COLUMN: BOB})

    assert find(context, f'userName eq "{ALICE}"') == [bob]
    assert find(context, f'userName eq "{BOB}"') == [alice]


def test_looking_for_a_renamed_person_writes_nothing(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: BOB})
    before = dump()
    for name in (ALICE, BOB):
        find(context, f'userName eq "{name}"')

    assert dump() == before


def test_renamed_account_of_another_connection_is_not_found(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: BOB})

    assert find(Context(ConnectionFactory()), f'userName eq "{BOB}"') == []


@pytest.mark.parametrize("name", ["âlice@example.com", "alice@example.com ", "alicé@example.com", "αlice@example.com"])
def test_name_that_only_a_collation_takes_for_the_persons_finds_nobody(context: Context, name: str) -> None:
    scim_id = post(context)

    assert find(context, f'userName eq "{name}"') == []
    update(host(scim_id), **{NAME_COLUMN: BOB})
    assert find(context, f'userName eq "{name}"') == []


def test_soft_deleted_person_is_found_by_the_name_of_before_and_not_by_what_replaced_it(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context)
    user = host(scim_id)
    user.soft_delete()

    assert find(context, f'userName eq "{ALICE}"') == [scim_id]
    assert find(context, f'userName eq "{user.username}"') == []


@pytest.mark.parametrize(("name", "queries"), [(ALICE, 2), ("nobody@example.com", 2)])
def test_look_up_by_name_takes_two_queries_with_groups(context: Context, name: str, queries: int) -> None:
    post(context)

    assert len(statements(lambda: find(context, f'userName eq "{name}"'))) == queries


class NameElsewhere(UserAdapter):
    attributes = {name: entry for name, entry in get_user_adapter().attributes.items() if name != "userName"}


class NameShownOnly(UserAdapter):
    attributes = get_user_adapter().attributes | {"userName": Identifier(NAME_COLUMN, set=None)}


@pytest.mark.parametrize("adapter_class", ["NameElsewhere", "NameShownOnly"])
def test_name_that_is_not_written_to_a_column_is_looked_up_in_ours_alone(context: Context, adapter_class: str) -> None:
    scim_id = post(context)
    with configured(ADAPTERS={"User": f"{__name__}.{adapter_class}"}):
        mine = Context(context.connection)

        assert find(mine, f'userName eq "{ALICE}"') == [scim_id]
        assert find(mine, f'userName eq "{BOB}"') == []


def test_people_of_one_external_id_are_all_found(context: Context) -> None:
    ids = [post(context, f"user{number}@example.com", externalId="same") for number in range(3)]
    post(context, externalId="SAME")

    assert page(context, 'externalId eq "same"') == (ids, 3)
    assert page(context, 'externalId eq "same"', count=3) == (ids, 3)
    assert page(context, 'externalId eq "same"', count=2) == (ids[:2], 3)
    assert page(context, 'externalId eq "same"', count=2, start_index=3) == (ids[2:], 3)
    assert page(context, 'externalId eq "nobody"') == ([], 0)


# Pages ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def five(context: Context) -> list[str]:
    return [post(context, f"user{number}@example.com", title=f"T{number % 2}") for number in range(5)]


@pytest.mark.parametrize(
    ("start", "count", "slice_"),
    [(1, None, slice(0, 5)), (1, 2, slice(0, 2)), (3, 2, slice(2, 4)), (5, 2, slice(4, 5)), (6, 2, slice(5, 5)),
     (1, 5, slice(0, 5)), (1, 0, slice(0, 0)), (100, 100, slice(5, 5)), (2, 1000, slice(1, 5))],
)  # fmt: skip
def test_page_is_a_part_of_the_whole_in_a_stable_order(
    context: Context, five: list[str], start: int, count: int | None, slice_: slice
) -> None:
    assert page(context, start_index=start, count=count) == (five[slice_], 5)
    assert page(context, 'title eq "t0"', start_index=start, count=count)[1] == 3


def test_page_has_no_more_than_the_settings_allow(context: Context, five: list[str]) -> None:
    with configured(DEFAULT_COUNT=2, MAX_RESULTS=3):
        assert page(context) == (five[:2], 5)
        assert page(context, count=1000) == (five[:3], 5)
        assert page(context, "userName pr", count=1000) == (five[:3], 5)


@pytest.mark.parametrize(("count", "queries"), [(10, 2), (5, 3), (2, 3), (0, 1)])
def test_page_takes_as_many_queries_whatever_is_on_it(
    context: Context, five: list[str], count: int, queries: int
) -> None:
    group(context.connection, "Staff", *five)

    assert len(statements(lambda: page(context, count=count))) == queries


def test_order_is_the_one_asked_for_and_people_without_a_value_come_last(context: Context) -> None:
    ids = {title: post(context, f"{number}@example.com", title=title) for number, title in enumerate("bac")}
    without = post(context, "none@example.com")

    ascending = [ids["a"], ids["b"], ids["c"], without]
    assert find(context, sort_by="title") == ascending
    assert find(context, sort_by="title", descending=True) == ascending[::-1]
    assert find(context, sort_by="userName")[0] == ids["b"]
    assert page(context, sort_by="title", start_index=2, count=2) == (ascending[1:3], 4)
    assert page(context, f'userName eq "{ALICE}"', sort_by="title") == ([], 0)


@pytest.mark.parametrize("name", ["nonsense", "", "name.nonsense", "emails[type eq 1]", "a b", "urn:nobody:x"])
def test_order_by_what_is_no_attribute_is_refused(context: Context, name: str) -> None:
    with pytest.raises(InvalidValue):
        find(context, sort_by=name)


def test_filter_that_means_nothing_is_refused(context: Context) -> None:
    with pytest.raises(InvalidFilter):
        find(context, 'nonsense eq "x"')


def test_limits_of_the_settings_hold_for_filters(context: Context) -> None:
    with configured(MAX_FILTER_TERMS=2), pytest.raises(InvalidFilter):
        find(context, "userName pr and title pr and active eq true")


def test_person_who_goes_between_the_two_queries_is_left_out_of_the_page(
    context: Context, five: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = kinds.fetch

    def fetch_later(*args: Any) -> Any:
        ScimUser.objects.filter(scim_id=five[1]).update(alive=None)
        return fetch(*args)

    monkeypatch.setattr(kinds, "fetch", fetch_later)

    assert page(context, "userName pr")[0] == [five[0], *five[2:]]


# Two connections of one scope -----------------------------------------------------------------------------------------


def test_two_connections_see_each_only_their_own_people(context: Context) -> None:
    other = Context(ConnectionFactory(existing_accounts="adopt"))
    mine, theirs = post(context), post(other, BOB)

    assert (find(context), find(other)) == ([mine], [theirs])
    for one, name in ((context, BOB), (other, ALICE)):
        assert find(one, f'userName eq "{name}"') == []
        assert sync.adopt(one).adopted == 0
    assert set(ScimUser.objects.values_list("scope", flat=True)) == {"/"}


def test_name_in_lower_case_by_the_host_is_shown_as_it_was_sent(context: Context) -> None:
    if has_column("username"):
        pytest.skip("this host keeps the case")
    scim_id = post(context, "Alice@Example.com")
    policies(context)

    assert host(scim_id).email == ALICE
    assert show(context, scim_id)["userName"] == "Alice@Example.com"
