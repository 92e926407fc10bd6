"""What follows from an attribute map: schema, what is shown, what is written, what the filter index holds."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.lab import Employee, adapter_for
from django_scim_provider.adapters import (
    ENTERPRISE_USER,
    Attr,
    Boolean,
    Identifier,
    MapError,
    Not,
    PrimaryValue,
    ResourceAdapter,
    UserAdapter,
    full_name,
)
from django_scim_provider.adapters.index import Indexed
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.protocol.urns import USER

STOCK = {
    "userName": "username",
    "name.givenName": "first_name",
    "name.familyName": "last_name",
    "emails": "email",
    "active": "is_active",
}
ALICE = {"username": "alice", "first_name": "Al", "last_name": "Ice", "email": "alice@x", "is_active": True}


# The map -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("userName", Identifier),
        ("emails", PrimaryValue),
        ("active", Boolean),
        ("title", Attr),
        ("name.givenName", Attr),
        (f"{ENTERPRISE_USER}:department", Attr),
        (f"{ENTERPRISE_USER}:manager.value", Attr),
    ],
)
def test_column_alone_is_mapped_as_its_attribute_needs(key: str, kind: type[Attr]) -> None:
    assert type(adapter_for({key: "username"}).mapping[0].attr) is kind


def test_entry_of_the_hosts_own_is_taken_as_it_is() -> None:
    entry = Not("is_remote")

    assert adapter_for({"active": entry}).mapping[0].attr is entry


@pytest.mark.parametrize("key", ["USERNAME", "username", f"{USER}:userName", f"{USER.upper()}:USERNAME"])
def test_names_of_attributes_are_the_same_in_any_case(key: str) -> None:
    assert set(adapter_for({key: "username"}).by_key) == {"userName"}


@pytest.mark.parametrize(
    "key", ["nickname_", "name.nick", "urn:nobody:department", "", "user name", "emails[0]", "a.b.c"]
)
def test_name_that_scim_does_not_have_is_an_error(key: str) -> None:
    with pytest.raises(MapError, match="is not an attribute of User"):
        _ = adapter_for({key: "username"}).mapping


def test_columns_are_listed_once_each() -> None:
    adapter = adapter_for(
        {**full_name("full_name"), "title": Attr(("motto", "note")), "nickName": Attr("note"), "active": "is_active"}
    )

    assert adapter.columns == ("full_name", "motto", "note", "is_active")
    assert adapter.selected == adapter.columns


def test_json_columns_are_selected_as_a_whole() -> None:
    adapter = adapter_for({"title": "metadata__team", "nickName": "metadata__cost__center", "userName": "username"})

    assert adapter.selected == ("metadata", "username")
    assert adapter.from_selected([{"team": "1", "cost": {"center": None}}, "alice"]) == {
        "metadata__team": "1",
        "metadata__cost__center": None,
        "username": "alice",
    }
    assert adapter.from_selected([None, None]) == dict.fromkeys(adapter.columns)


def test_columns_of_an_attribute_are_those_of_its_parts_too() -> None:
    adapter = adapter_for(STOCK)

    assert adapter.columns_of("name") == {"first_name", "last_name"}
    assert adapter.columns_of("name.givenName", "active") == {"first_name", "is_active"}
    assert adapter.columns_of("title") == set()


def test_adapter_without_a_model_says_so() -> None:
    with pytest.raises(NotImplementedError):
        _ = ResourceAdapter().model


def test_adapter_of_another_kind_counts_every_row_as_live(connection: Any) -> None:
    assert ResourceAdapter().live_condition(connection) is None


# What is shown -----------------------------------------------------------------------------------------------------


def shown(adapter: ResourceAdapter, sent: dict[str, Any], **columns: Any) -> dict[str, Any]:
    return adapter.shown(sent, dict.fromkeys(adapter.columns) | columns)


def test_person_of_whom_nothing_was_sent_is_shown_from_the_columns() -> None:
    assert shown(adapter_for(STOCK), {}, **ALICE) == {
        "userName": "alice",
        "name": {"givenName": "Al", "familyName": "Ice"},
        "emails": [{"value": "alice@x", "type": "work", "primary": True}],
        "active": True,
    }


SENT: dict[str, Any] = {
    "userName": "Alice",
    "name": {"givenName": "Al", "familyName": "Ice", "middleName": "M"},
    "emails": [{"value": "home@x", "type": "home"}, {"value": "alice@x", "type": "work", "primary": True}],
    "active": True,
    "title": "Boss",
}


def test_form_last_sent_stands_while_the_columns_still_say_the_same() -> None:
    assert shown(adapter_for(STOCK), SENT, **ALICE) == SENT
    assert shown(adapter_for(STOCK), SENT, **ALICE | {"username": "ALICE", "email": "ALICE@x"}) == SENT


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"username": "bob"}, {"userName": "bob"}),
        ({"first_name": "al"}, {"name": {"givenName": "al", "familyName": "Ice", "middleName": "M"}}),
        ({"last_name": ""}, {"name": {"givenName": "Al", "middleName": "M"}}),
        ({"email": "new@x"}, {"emails": [{"value": "new@x", "type": "work", "primary": True}]}),
        ({"email": "home@x"}, {"emails": [{"value": "home@x", "type": "work", "primary": True}]}),
        ({"is_active": False}, {"active": False}),
    ],
)
def test_what_the_host_changed_is_shown_in_place_of_what_was_sent(
    columns: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert shown(adapter_for(STOCK), SENT, **ALICE | columns) == SENT | expected


def test_what_the_host_emptied_is_not_shown() -> None:
    document = shown(adapter_for(STOCK), SENT, **ALICE | {"email": "", "first_name": "", "last_name": None})

    assert "emails" not in document
    assert document["name"] == {"middleName": "M"}


def test_showing_changes_nothing_that_was_sent() -> None:
    sent = {"userName": "alice", "name": {"givenName": "Al", "middleName": "M"}}
    shown(adapter_for(STOCK), sent, username="bob", first_name="Bob")

    assert sent == {"userName": "alice", "name": {"givenName": "Al", "middleName": "M"}}


def test_person_without_a_live_account_is_shown_as_last_sent() -> None:
    document = adapter_for(STOCK).shown(SENT, None)

    assert document == SENT
    assert document is not SENT


def test_attribute_that_was_taken_away_stays_away_while_the_column_is_empty() -> None:
    adapter, sent = adapter_for(STOCK), {"userName": "alice", "active": True}

    assert shown(adapter, sent, **ALICE | {"email": "", "first_name": "", "last_name": ""}) == sent
    assert shown(adapter, sent, **ALICE)["emails"][0]["value"] == "alice@x"


def test_attribute_that_is_remembered_as_taken_away_stays_away_whatever_its_column_says() -> None:
    adapter, sent = adapter_for(STOCK), {"userName": "alice", "active": None}

    for columns in (ALICE, ALICE | {"is_active": False}):
        assert "active" not in shown(adapter, sent, **columns)
    assert adapter.shown(sent, None) == {"userName": "alice"}


def test_attribute_that_is_only_shown_gives_way_to_what_was_sent() -> None:
    adapter = adapter_for({"userName": "username", "title": Attr("motto", set=None)})

    assert shown(adapter, {"userName": "alice"}, username="alice", motto="Boss")["title"] == "Boss"
    assert shown(adapter, {"userName": "alice", "title": "Chef"}, username="alice", motto="Boss")["title"] == "Chef"


def test_attribute_in_several_columns_is_shown_when_one_of_them_changes() -> None:
    attr = Attr(
        ("motto", "note"), get=lambda *parts: "/".join(filter(None, parts)), set=lambda v: (v or "/").split("/")
    )
    adapter = adapter_for({"title": attr})

    assert shown(adapter, {"title": "a/b"}, motto="a", note="b") == {"title": "a/b"}
    assert shown(adapter, {"title": "a/b"}, motto="a", note="c") == {"title": "a/c"}


def test_extension_is_shown_only_while_something_in_it_is_assigned() -> None:
    adapter = adapter_for({f"{ENTERPRISE_USER}:department": "motto", f"{ENTERPRISE_USER}:manager.value": "note"})

    assert shown(adapter, {}, motto="R&D", note="7") == {
        ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "7"}}
    }
    assert shown(adapter, {ENTERPRISE_USER: {"department": "R&D"}}, motto="", note="") == {}


@pytest.mark.parametrize(
    ("sent", "column", "expected"),
    [
        ({}, "Ann B.", {"name": {"formatted": "Ann B."}, "displayName": "Ann B."}),
        (
            {"name": {"givenName": "Ann", "familyName": "B."}},
            "Ann B.",
            {"name": {"givenName": "Ann", "familyName": "B."}},
        ),
        (
            {"name": {"givenName": "Ann", "familyName": "B."}},
            "Ann C.",
            {"name": {"formatted": "Ann C."}, "displayName": "Ann C."},
        ),
        (
            {"name": {"givenName": "Ann", "familyName": "B.", "formatted": "stale"}, "displayName": "Annie"},
            "Ann B.",
            {"name": {"givenName": "Ann", "familyName": "B.", "formatted": "stale"}, "displayName": "Annie"},
        ),
        ({"displayName": "Annie"}, "Annie", {"displayName": "Annie"}),
        ({"title": "Boss"}, "", {"title": "Boss"}),
    ],
)
def test_whole_name_is_shown_in_the_parts_that_were_sent(
    sent: dict[str, Any], column: str, expected: dict[str, Any]
) -> None:
    assert shown(adapter_for(full_name("full_name")), sent, full_name=column) == expected


def test_columns_are_read_from_an_instance() -> None:
    employee = Employee(username="alice", metadata={"team": "red"})

    assert adapter_for({"userName": "username", "title": "metadata__team"}).read_columns(employee) == {
        "username": "alice",
        "metadata__team": "red",
    }


# What is written -----------------------------------------------------------------------------------------------------


def test_document_asks_for_every_column_of_the_map() -> None:
    adapter = adapter_for(STOCK | {"title": "motto", f"{ENTERPRISE_USER}:costCenter": "metadata__cost__center"})
    document = SENT | {ENTERPRISE_USER: {"costCenter": "42"}}

    assert adapter.write_columns(document) == {
        "username": "Alice",
        "first_name": "Al",
        "last_name": "Ice",
        "email": "alice@x",
        "is_active": True,
        "motto": "Boss",
        "metadata__cost__center": "42",
    }


def test_what_is_left_out_empties_its_column() -> None:
    adapter = adapter_for(STOCK | {"title": "motto"})

    assert adapter.write_columns({"userName": "alice"}) == {
        "username": "alice",
        "first_name": "",
        "last_name": "",
        "email": "",
        "is_active": True,
        "motto": None,
    }


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({}, {}),
        ({"title": "Chef"}, {}),
        ({"userName": "bob"}, {"username": "bob"}),
        ({"userName": "ALICE"}, {"username": "ALICE"}),
        ({"name": {"givenName": "Al", "familyName": "Baba", "middleName": "M"}}, {"last_name": "Baba"}),
        ({"emails": [SENT["emails"][1]]}, {}),
        ({"emails": [SENT["emails"][0]]}, {"email": "home@x"}),
        ({"emails": None}, {"email": ""}),
        ({"active": False}, {"is_active": False}),
        ({"active": None}, {}),
    ],
)
def test_change_of_one_attribute_touches_no_column_of_another(change: dict[str, Any], columns: dict[str, Any]) -> None:
    assert adapter_for(STOCK).write_columns(SENT | change, before=SENT) == columns


def test_attribute_that_is_only_shown_is_not_written() -> None:
    adapter = adapter_for({"userName": "username", "emails": PrimaryValue("email", writes=False)})

    assert adapter.write_columns(SENT) == {"username": "Alice"}


def test_value_that_its_column_cannot_hold_is_refused_by_the_attributes_name() -> None:
    with pytest.raises(InvalidValue) as caught:
        adapter_for(STOCK).write_columns({"userName": "alice", "name": {"givenName": "x" * 21}})
    assert caught.value.detail == "name.givenName may have at most 20 characters here."


def test_name_is_joined_whatever_is_changed_of_it() -> None:
    adapter = adapter_for(full_name("full_name"))
    before = {"name": {"givenName": "Ann", "familyName": "Maiden"}}

    assert adapter.write_columns({"name": {"givenName": "Ann", "familyName": "Married"}}, before=before) == {
        "full_name": "Ann Married"
    }
    assert adapter.write_columns({"name": before["name"], "displayName": "Annie"}, before=before) == {}


# What the filter index holds -----------------------------------------------------------------------------------------

RICH: dict[str, Any] = {
    "userName": "Alice",
    "externalId": "X",
    "name": {"givenName": "Al", "middleName": "Mid"},
    "active": True,
    "title": "Boß",
    "userType": "A" * 600,
    "emails": [{"value": "A@x", "type": "WORK", "primary": True}, {"value": "b@x"}, {"type": "other"}],
    "addresses": [{"locality": "Köln", "type": "home", "primary": False}],
    ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "42"}},
}


def test_index_of_a_live_person_holds_what_no_column_answers_for() -> None:
    rows = adapter_for(STOCK | {f"{ENTERPRISE_USER}:department": "motto"}).index(RICH, live=True)

    assert rows["name.middleName", 0] == Indexed("", None, "mid")
    assert rows["title", 0] == Indexed("", None, "boß")
    assert rows["emails", 0] == Indexed("work", True, "a@x")
    assert rows["emails", 1] == Indexed("", None, "b@x")
    assert rows["emails", 2] == Indexed("other", None, "")
    assert rows["addresses", 0] == Indexed("home", False, "")
    assert rows["addresses.locality", 0] == Indexed("home", False, "köln")
    assert rows[f"{ENTERPRISE_USER}:manager.value", 0] == Indexed("", None, "42")
    assert len(rows["userType", 0].value_key) == 512
    assert {key for key, _ in rows} == {
        "name.middleName",
        "title",
        "userType",
        "emails",
        "addresses",
        "addresses.locality",
        f"{ENTERPRISE_USER}:manager.value",
    }


def test_index_of_a_person_without_an_account_holds_everything() -> None:
    live = adapter_for(STOCK).index(RICH, live=True)
    rows = adapter_for(STOCK).index(RICH, live=False)

    assert {key: rows[key] for key in rows.keys() - live.keys()} == {
        ("name.givenName", 0): Indexed("", None, "al"),
        ("active", 0): Indexed("", None, "true"),
    }


def test_index_holds_nothing_of_what_columns_of_ours_answer_for() -> None:
    for live in (True, False):
        rows = adapter_for(STOCK).index(RICH | {"groups": [{"value": "1"}]}, live=live)
        assert not {"userName", "externalId", "groups", "id", "meta"} & {key for key, _ in rows}


def test_attribute_whose_column_answers_no_filter_is_in_the_index() -> None:
    adapter = adapter_for({"title": Attr(("motto", "note"), set=None), "nickName": "motto"})

    assert set(adapter.index({"title": "Boss", "nickName": "Al"}, live=True)) == {("title", 0)}


# Attributes without a column that are not kept -----------------------------------------------------------------------


def names(adapter: ResourceAdapter) -> set[str]:
    return {path.key for path in adapter.resource_type.paths()}


def test_schema_shrinks_to_the_map_where_nothing_else_is_kept() -> None:
    adapter = adapter_for(STOCK | {f"{ENTERPRISE_USER}:department": "motto"}, keep_unmapped=False)

    assert names(adapter) == {"userName", "name", "emails", "active", "groups", f"{ENTERPRISE_USER}:department"}
    name = adapter.resource_type.attribute("name")
    assert name is not None
    assert [sub.name for sub in name.sub_attributes] == ["familyName", "givenName"]
    assert adapter.extension_urns == (ENTERPRISE_USER,)


def test_extension_of_which_nothing_is_mapped_is_gone_where_nothing_else_is_kept() -> None:
    adapter = adapter_for(STOCK, keep_unmapped=False)

    assert adapter.extension_urns == ()
    assert len(adapter.resource_type.schemas) == 1


def test_core_attribute_does_not_bring_its_namesake_of_an_extension_along() -> None:
    mine = UserAdapter.extensions[0]
    mine = type(mine)("urn:example:Person", "Person", "", UserAdapter.schema.attributes)
    adapter = adapter_for(
        {"title": "motto", "urn:example:Person:nickName": "note"}, keep_unmapped=False, extensions=(mine,)
    )

    assert names(adapter) == {"userName", "groups", "title", "urn:example:Person:nickName"}


def test_full_schema_is_shown_where_everything_is_kept() -> None:
    adapter = adapter_for(STOCK)

    assert adapter.resource_type is adapter.full_resource_type
    assert adapter.extension_urns == (ENTERPRISE_USER,)
