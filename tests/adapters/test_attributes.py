"""What one entry of an attribute map makes of columns and of documents; no database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from django_scim_provider.adapters import Attr, Boolean, Identifier, Not, PrimaryValue, UserAdapter, full_name
from django_scim_provider.protocol.filters import Compare
from django_scim_provider.protocol.paths import split_path
from django_scim_provider.protocol.schemas import BoundPath


def bound(text: str) -> BoundPath:
    parts = split_path(text)
    found = UserAdapter().full_resource_type.bind(*parts) if parts else None
    assert found is not None
    return found


ACTIVE, EMAILS, NAME, DISPLAY, TITLE = map(bound, ["active", "emails", "name", "displayName", "title"])


# Attr ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "value"), [("Boss", "Boss"), ("", None), (None, None), (0, 0), (False, False)])
def test_column_is_the_value_and_empty_is_unassigned(column: object, value: object) -> None:
    assert Attr("title").from_host(TITLE, (column,)) == value


def test_value_of_several_columns_is_what_get_makes_of_them() -> None:
    attr = Attr(("grade", "job"), get=lambda grade, job: f"{grade} {job}", set=lambda value: value.split(" "))

    assert attr.from_host(TITLE, ("Senior", "Engineer")) == "Senior Engineer"
    assert attr.to_host(TITLE, {"title": "Junior Chef"}) == ["Junior", "Chef"]


def test_get_is_not_asked_when_no_column_has_a_value() -> None:
    def fail(*columns: object) -> None:
        raise AssertionError

    assert Attr(("a", "b"), get=fail).from_host(TITLE, (None, None)) is None


def test_value_that_get_makes_empty_is_unassigned() -> None:
    assert Attr("title", get=str.strip).from_host(TITLE, ("  ",)) is None


@pytest.mark.parametrize(("document", "columns"), [({"title": "boss"}, ("BOSS",)), ({}, ("NOBODY",))])
def test_set_gets_the_value_or_none(document: dict[str, Any], columns: tuple[str]) -> None:
    attr = Attr("title", set=lambda value: "NOBODY" if value is None else value.upper())

    assert attr.to_host(TITLE, document) == columns


def test_attribute_without_set_asks_for_nothing() -> None:
    attr = Attr("title", set=None)

    assert not attr.writes
    assert attr.to_host(TITLE, {"title": "Boss"}) == ()


@pytest.mark.parametrize(
    ("mapped", "stored", "agree"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("", None, True),
        (None, "", True),
        (None, None, True),
        (None, "a", False),
        ("a", None, False),
        (False, None, True),
        (True, False, False),
    ],
)
def test_plain_column_agrees_to_the_letter_and_takes_empty_for_unassigned(
    mapped: object, stored: object, agree: bool
) -> None:
    assert Attr("title").agrees((mapped,), (stored,)) is agree


def test_several_columns_agree_when_each_does() -> None:
    attr = Attr(("a", "b"))

    assert attr.agrees(("x", None), ("x", ""))
    assert not attr.agrees(("x", None), ("x", "y"))


@pytest.mark.parametrize(
    ("attr", "lookup"),
    [
        (Attr("title"), "title"),
        (Attr(("title",)), "title"),
        (Attr(("grade", "job")), None),
        (Attr(("grade", "job"), lookup="job"), "job"),
        (Attr("title", lookup="search_title"), "search_title"),
    ],
)
def test_only_column_answers_filters_unless_another_is_named(attr: Attr, lookup: str | None) -> None:
    assert attr.lookup == lookup


def test_attribute_without_a_column_for_filters_has_no_condition() -> None:
    attr = Attr(("grade", "job"))

    assert attr.condition(Compare(TITLE, "eq", "x"), "user__") is None
    assert attr.present("user__") is None


@pytest.mark.parametrize(
    ("operator", "lookup"),
    [
        ("eq", "iexact"), ("co", "icontains"), ("sw", "istartswith"), ("ew", "iendswith"),
        ("gt", "gt"), ("ge", "gte"), ("lt", "lt"), ("le", "lte"),
    ],
)  # fmt: skip
def test_comparison_becomes_a_look_up_that_no_empty_column_meets(operator: Any, lookup: str) -> None:
    condition = Attr("job").condition(Compare(TITLE, operator, "x"), "user__")

    assert condition == Q((f"user__job__{lookup}", "x")) & ~Q(("user__job", ""))


def test_attribute_that_is_case_exact_is_compared_exactly() -> None:
    condition = Attr("ext").condition(Compare(bound("externalId"), "co", "x"), "")

    assert condition == Q(("ext__contains", "x")) & ~Q(("ext", ""))


# Booleans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "value"), [(True, True), (False, False), (None, None)])
def test_boolean_column_is_the_value(column: object, value: object) -> None:
    assert Boolean("is_active").from_host(ACTIVE, (column,)) is value


@pytest.mark.parametrize(("document", "column"), [({"active": True}, True), ({"active": False}, False), ({}, True)])
def test_unassigned_boolean_is_written_as_true(document: dict[str, Any], column: bool) -> None:
    assert Boolean("is_active").to_host(ACTIVE, document) == (column,)
    assert Not("is_locked").to_host(ACTIVE, document) == (not column,)


@pytest.mark.parametrize(("column", "value"), [(True, False), (False, True), (None, None)])
def test_not_says_the_opposite_of_its_column(column: object, value: object) -> None:
    assert Not("is_locked").from_host(ACTIVE, (column,)) is value


@pytest.mark.parametrize("value", [True, False])
def test_not_is_filtered_by_the_opposite(value: bool) -> None:
    condition = Not("is_locked").condition(Compare(ACTIVE, "eq", value), "user__")

    assert condition == Q(("user__is_locked", not value))


@pytest.mark.parametrize("attr", [Boolean("flag"), Not("flag")])
def test_boolean_is_present_where_the_column_has_a_value(attr: Attr) -> None:
    assert attr.present("user__") == Q(("user__flag__isnull", False))


# Identifiers and addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored", "agree"),
    [
        ("Alice", "alice", True),
        ("ALICE@EXAMPLE.COM", "alice@example.com", True),
        ("Jose\u0301", "Jos\u00e9", True),
        ("ａlice", "alice", True),
        ("jose", "josé", False),
        ("straße", "strasse", False),
        ("alice", "alice2", False),
        ("", None, True),
        (None, "", True),
        ("alice", None, False),
    ],
)
def test_identifier_agrees_with_a_host_that_changes_case(sent: object, stored: object, agree: bool) -> None:
    assert Identifier("username").agrees((sent,), (stored,)) is agree


@pytest.mark.parametrize(
    ("sent", "written"), [("ａlice", "alice"), ("Jose\u0301", "Jos\u00e9"), ("ﬁona", "fiona"), ("Alice", "Alice")]
)
def test_identifier_is_written_as_the_login_form_normalizes_it(sent: str, written: str) -> None:
    assert Identifier("username").to_host(bound("userName"), {"userName": sent}) == (written,)


def test_identifier_may_be_only_shown() -> None:
    attr = Identifier("username", set=None)

    assert not attr.writes
    assert attr.from_host(bound("userName"), ("alice",)) == "alice"


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([{"value": "a", "type": "home"}, {"value": "b", "primary": True}], "b"),
        ([{"value": "a"}, {"value": "b", "type": "work"}], "a"),
        ([{"value": "a", "primary": False}, {"value": "b"}], "a"),
        ([{"value": "a"}], "a"),
        ([{"type": "work"}], None),
        ([], None),
        (None, None),
    ],
)
def test_primary_value_is_written_else_the_first(values: Any, written: object) -> None:
    document = {} if values is None else {"emails": values}

    assert PrimaryValue("email").to_host(EMAILS, document) == (written,)


def test_column_of_an_address_is_shown_as_the_primary_one() -> None:
    assert PrimaryValue("email").from_host(EMAILS, ("a@x",)) == [{"value": "a@x", "type": "work", "primary": True}]
    assert PrimaryValue("email", type="home").from_host(EMAILS, ("a@x",))[0]["type"] == "home"
    assert PrimaryValue("email").from_host(EMAILS, ("",)) is None
    assert PrimaryValue("email").from_host(EMAILS, (None,)) is None


def test_address_may_be_only_shown() -> None:
    attr = PrimaryValue("email", writes=False)

    assert not attr.writes
    assert attr.to_host(EMAILS, {"emails": [{"value": "a"}]}) == ()


# One column for the whole name ---------------------------------------------------------------------------------------

MARRIED = {"name": {"givenName": "Ann", "familyName": "Married", "formatted": "Ann Maiden"}, "displayName": "Annie"}


@pytest.mark.parametrize(
    ("document", "written", "display_first"),
    [
        (MARRIED, "Ann Married", "Annie"),
        ({"name": MARRIED["name"]}, "Ann Married", "Ann Married"),
        ({"name": {"givenName": "Ann"}}, "Ann", "Ann"),
        ({"name": {"familyName": "Married"}, "displayName": ""}, "Married", "Married"),
        ({"name": {"formatted": "Dr. Ann"}, "displayName": "Annie"}, "Dr. Ann", "Annie"),
        ({"name": {"formatted": "Dr. Ann"}}, "Dr. Ann", "Dr. Ann"),
        ({"displayName": "Annie"}, "Annie", "Annie"),
        ({"name": {"givenName": "", "familyName": ""}, "displayName": "Annie"}, "Annie", "Annie"),
        ({"name": {"middleName": "B."}}, None, None),
        ({"name": None}, None, None),
        ({}, None, None),
    ],
)
def test_joined_name_wins_over_a_stale_formatted_one(
    document: dict[str, Any], written: str | None, display_first: str | None
) -> None:
    for entries, expected in (
        (full_name("full_name"), written),
        (full_name("full_name", display_name_first=True), display_first),
    ):
        assert entries["name"].to_host(NAME, document) == (expected,)
        assert entries["displayName"].to_host(DISPLAY, document) == (expected,)


def test_column_of_the_whole_name_is_shown_formatted_and_as_display_name() -> None:
    entries = full_name("full_name")

    assert entries["name"].from_host(NAME, ("Ann B.",)) == {"formatted": "Ann B."}
    assert entries["displayName"].from_host(DISPLAY, ("Ann B.",)) == "Ann B."
    assert entries["name"].from_host(NAME, ("",)) is None
    assert entries["displayName"].from_host(DISPLAY, ("",)) is None


def test_column_of_the_whole_name_answers_no_filter() -> None:
    assert {entry.lookup for entry in full_name("full_name").values()} == {None}
