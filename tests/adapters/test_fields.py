"""HostPath: from the user model to a column, and what the column can hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models

from adapters.lab import Badge, Card, Department, Employee, Home, lab, lab_tables
from django_scim_provider.adapters.fields import HostPath, PathError
from django_scim_provider.protocol.errors import InvalidValue

__all__ = ["lab", "lab_tables"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lab")]


@pytest.fixture
def alice() -> Employee:
    return Employee.objects.create(username="alice", metadata={"team": "red", "cost": {"center": "42"}})


@pytest.fixture
def card(alice: Employee) -> Card:
    return Card.objects.create(user=alice, nick="Al")


def fresh(user: Employee) -> Employee:
    return Employee.objects.get(pk=user.pk)


# Where a path leads --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nonsense", "Employee has no field 'nonsense'"),
        ("card__nonsense", "Card has no field 'nonsense'"),
        ("card", "'card' of Employee is a relation, not a column"),
        ("card__badge", "'badge' of Card is a relation, not a column"),
        ("username__length", "'username' of Employee is not a JSON field, so 'length' leads nowhere"),
        ("card__nick__x", "'nick' of Card is not a JSON field, so 'x' leads nowhere"),
        ("", "Employee has no field ''"),
    ],
)
def test_path_that_leads_nowhere_says_where_it_breaks(path: str, message: str) -> None:
    with pytest.raises(PathError, match=message):
        _ = HostPath(Employee, path).field


@pytest.mark.parametrize(
    ("path", "field", "json_key", "writable", "stored_in"),
    [
        ("username", Employee._meta.get_field("username"), False, True, "username"),
        ("metadata", Employee._meta.get_field("metadata"), False, True, "metadata"),
        ("metadata__team", Employee._meta.get_field("metadata"), True, True, "metadata"),
        ("metadata__cost__center", Employee._meta.get_field("metadata"), True, True, "metadata"),
        ("card__nick", Card._meta.get_field("nick"), False, True, "card__nick"),
        ("card__badge__code", Badge._meta.get_field("code"), False, True, "card__badge__code"),
        ("home__city", Home._meta.get_field("city"), False, True, "home__city"),
        ("department__name", Department._meta.get_field("name"), False, False, "department__name"),
        ("department", Employee._meta.get_field("department"), False, True, "department"),
    ],
)
def test_path_leads_to_a_column(
    path: str, field: models.Field[Any, Any], json_key: bool, writable: bool, stored_in: str
) -> None:
    found = HostPath(Employee, path)

    assert found.field is field
    assert (found.is_json_key, found.is_writable, found.stored_in) == (json_key, writable, stored_in)


def test_column_that_many_users_share_is_not_writable() -> None:
    assert not HostPath(User, "groups__name").is_writable


# Reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("username", "alice"),
        ("card__nick", "Al"),
        ("metadata__team", "red"),
        ("metadata__cost__center", "42"),
        ("metadata__cost", {"center": "42"}),
        ("metadata__nonsense", None),
        ("metadata__team__nonsense", None),
        ("extra__team", None),
        ("card__badge__code", None),
        ("department__name", None),
        ("home__city", None),
    ],
)
@pytest.mark.usefixtures("card")
def test_column_is_read(alice: Employee, path: str, value: object) -> None:
    assert HostPath(Employee, path).read(fresh(alice)) == value


@pytest.mark.parametrize("document", [[], ["team"], "team", 5, None])
def test_key_in_a_json_column_that_holds_no_object_is_unassigned(alice: Employee, document: object) -> None:
    alice.extra = document

    assert HostPath(Employee, "extra__team").read(alice) is None
    assert HostPath(Employee, "extra__team__name").read(alice) is None


def test_missing_profile_is_read_as_unassigned(alice: Employee) -> None:
    assert HostPath(Employee, "card__nick").read(alice) is None


# Writing ---------------------------------------------------------------------------------------------------------


def test_plain_column_is_assigned_and_not_saved(alice: Employee) -> None:
    owner, name = HostPath(Employee, "email").write(alice, "a@example.com")

    assert (owner, name, alice.email) == (alice, "email", "a@example.com")
    assert fresh(alice).email == ""


def test_column_of_a_profile_is_assigned_on_the_profile(alice: Employee, card: Card) -> None:
    user = fresh(alice)
    owner, name = HostPath(Employee, "card__nick").write(user, "Ally")

    assert (owner, name, user.card.nick) == (card, "nick", "Ally")
    card.refresh_from_db()
    assert card.nick == "Al"


def test_missing_profile_is_made_and_found_again_from_the_user(alice: Employee) -> None:
    owner, _ = HostPath(Employee, "card__nick").write(alice, "Ally")
    same, _ = HostPath(Employee, "card__title").write(alice, "Boss")

    assert owner is same is alice.card
    assert owner._state.adding
    owner.save()
    assert fresh(alice).card.nick == "Ally"


def test_missing_row_behind_a_missing_row_is_made(alice: Employee) -> None:
    badge, _ = HostPath(Employee, "card__badge__code").write(alice, "007")

    assert isinstance(badge, Badge)
    assert alice.card.badge is badge


@pytest.mark.parametrize(
    ("path", "value", "document"),
    [
        ("metadata__team", "blue", {"team": "blue", "cost": {"center": "42"}}),
        ("metadata__team", None, {"cost": {"center": "42"}}),
        ("metadata__room", "1", {"team": "red", "cost": {"center": "42"}, "room": "1"}),
        ("metadata__room", None, {"team": "red", "cost": {"center": "42"}}),
        ("metadata__cost__center", "43", {"team": "red", "cost": {"center": "43"}}),
        ("metadata__cost__place", "X", {"team": "red", "cost": {"center": "42", "place": "X"}}),
        ("metadata__cost__center", None, {"team": "red", "cost": {}}),
        ("metadata__new__inner", "x", {"team": "red", "cost": {"center": "42"}, "new": {"inner": "x"}}),
        ("metadata__team__name", "x", {"team": {"name": "x"}, "cost": {"center": "42"}}),
    ],
)
def test_key_in_a_json_column_is_written_and_the_others_stay(
    alice: Employee, path: str, value: object, document: dict[str, Any]
) -> None:
    before = alice.metadata
    copy = {**before, "cost": dict(before["cost"])}
    owner, name = HostPath(Employee, path).write(alice, value)
    owner.save(update_fields=[name])

    assert name == "metadata"
    assert fresh(alice).metadata == document
    assert before == copy, "the document that was read is not changed in place"


@pytest.mark.parametrize("document", [None, {}, [], ["x"], "text", 5])
def test_key_is_written_where_the_json_column_holds_no_object(alice: Employee, document: object) -> None:
    alice.extra = document
    HostPath(Employee, "extra__team").write(alice, "red")

    assert alice.extra == {"team": "red"}


# Cleaning --------------------------------------------------------------------------------------------------------


def clean(path: str, value: object) -> object:
    return HostPath(Employee, path).clean(value, "label")


@pytest.mark.parametrize(
    ("path", "value", "cleaned"),
    [
        # Unassigned: NULL, or "" where NULL is not allowed, or the default.
        ("first_name", None, ""),
        ("note", None, ""),
        ("motto", None, None),
        ("number", None, None),
        ("age", None, None),
        ("level", None, 3),
        ("is_active", None, True),
        ("is_remote", None, None),
        ("metadata", None, {}),
        ("card__nick", None, ""),
        ("card__title", None, None),
        ("metadata__team", None, None),
        # Values, in the column's type.
        ("first_name", "x" * 20, "x" * 20),
        ("first_name", "😀" * 20, "😀" * 20),
        ("note", "x" * 100_000, "x" * 100_000),
        ("motto", "", ""),
        ("age", "42", 42),
        ("salary", "1234.56", Decimal("1234.56")),
        ("birthday", "2000-02-29", date(2000, 2, 29)),
        ("is_active", False, False),
        ("metadata", {"a": [1]}, {"a": [1]}),
        ("metadata__team", "x" * 1000, "x" * 1000),
        ("metadata__team", {"a": 1}, {"a": 1}),
        ("email", "no address at all", "no address at all"),
        ("username", "a b/c#!", "a b/c#!"),
    ],
)
def test_value_is_put_into_the_columns_form(path: str, value: object, cleaned: object) -> None:
    assert clean(path, value) == cleaned
    assert type(clean(path, value)) is type(cleaned)


@pytest.mark.parametrize(
    ("path", "value", "detail"),
    [
        ("first_name", "x" * 21, "label may have at most 20 characters here."),
        ("card__nick", "x" * 21, "label may have at most 20 characters here."),
        ("username", "x" * 151, "label may have at most 150 characters here."),
        ("size", None, "label is needed here and cannot be cleared."),
        ("age", "forty", "The value of label does not fit."),
        ("age", 10**30, "The value of label does not fit."),
        ("age", str(-(10**30)), "The value of label does not fit."),
        ("level", 10**30, "The value of label does not fit."),
        ("size", -1, "The value of label does not fit."),
        ("salary", "many", "The value of label does not fit."),
        ("salary", "12345.67", "The value of label does not fit."),
        ("salary", "1.234", "The value of label does not fit."),
        ("salary", "NaN", "The value of label does not fit."),
        ("birthday", "2001-02-29", "The value of label does not fit."),
        ("birthday", "soon", "The value of label does not fit."),
        ("is_active", "perhaps", "The value of label does not fit."),
    ],
)
def test_value_that_the_column_cannot_hold_is_refused(path: str, value: object, detail: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        clean(path, value)
    assert caught.value.detail == detail


def test_default_that_is_made_anew_is_not_shared() -> None:
    assert clean("metadata", None) is not clean("metadata", None)
