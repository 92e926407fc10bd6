"""Which attributes a response shows."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.protocol.schemas import ID, Attribute, ResourceType, Schema

U, E, G = urns.USER, urns.ENTERPRISE_USER, urns.GROUP
USER = ResourceType("User", "/Users", "", core_schemas.USER, (core_schemas.ENTERPRISE_USER,))
GROUP = ResourceType("Group", "/Groups", "", core_schemas.GROUP)
MINIMUM = {"schemas": [U, E], "id": "1"}
DOCUMENT: dict[str, Any] = {
    **MINIMUM,
    "externalId": "e1",
    "meta": {"resourceType": "User", "location": "https://x/Users/1", "version": 'W/"1"'},
    "userName": "alice",
    "name": {"givenName": "Alice", "familyName": "Archer"},
    "active": True,
    "emails": [{"value": "a@b.c", "type": "work", "primary": True}, {"value": "d@e.f"}],
    "groups": [{"value": "g1", "display": "Staff"}],
    E: {"department": "R&D", "manager": {"value": "m1", "$ref": "../Users/m1"}},
}


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


def show(attributes: str = "", excluded: str = "", document: dict[str, Any] = DOCUMENT, of: ResourceType = USER) -> Any:
    before = deepcopy(document)
    result = Projection.parse(*map(_names, (attributes, excluded)), of).apply(document)
    assert document == before
    return result


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in DOCUMENT.items() if name not in names}


class TestDefault:
    def test_everything_is_shown_as_it_is(self) -> None:
        projection = Projection.parse((), (), USER)
        assert projection.apply(DOCUMENT) is DOCUMENT
        assert projection.wants("groups")
        assert projection.wants("anything")

    def test_names_and_their_absence_are_told_apart(self) -> None:
        everything = Projection.parse((), (), USER)
        assert Projection.parse(["nonsense"], (), USER) != everything
        assert Projection.parse((), ["userName"], USER) != everything
        assert Projection.parse((), ["nonsense"], USER) == everything


class TestAttributes:
    @pytest.mark.parametrize(
        ("attributes", "shown"),
        [
            ("userName", {"userName": "alice"}),
            ("USERNAME", {"userName": "alice"}),
            (f"{U}:userName", {"userName": "alice"}),
            ("id", {}),
            ("schemas", {}),
            ("id,userName", {"userName": "alice"}),
            ("meta", {"meta": DOCUMENT["meta"]}),
            ("meta.location", {"meta": {"location": "https://x/Users/1"}}),
            ("externalId,active", {"externalId": "e1", "active": True}),
            ("name", {"name": DOCUMENT["name"]}),
            ("name.givenName", {"name": {"givenName": "Alice"}}),
            ("name.givenName,NAME.familyname", {"name": DOCUMENT["name"]}),
            ("name,name.givenName", {"name": DOCUMENT["name"]}),
            ("name.middleName", {}),
            ("emails", {"emails": DOCUMENT["emails"]}),
            ("emails.value", {"emails": [{"value": "a@b.c"}, {"value": "d@e.f"}]}),
            ("emails.type", {"emails": [{"type": "work"}]}),
            ("emails.display", {}),
            ('emails[type eq "work"]', {"emails": DOCUMENT["emails"]}),
            ('emails[type eq "work"].value', {"emails": [{"value": "a@b.c"}, {"value": "d@e.f"}]}),
            ('emails[type eq "wo', {"emails": DOCUMENT["emails"]}),
            ("groups", {"groups": DOCUMENT["groups"]}),
            (f"{E}", {E: DOCUMENT[E]}),
            (f"{E.upper()}", {E: DOCUMENT[E]}),
            (f"{E}:department", {E: {"department": "R&D"}}),
            (f"{E}:manager", {E: {"manager": {"value": "m1", "$ref": "../Users/m1"}}}),
            (f"{E}:manager.value", {E: {"manager": {"value": "m1"}}}),
            (f"{E}:costCenter", {}),
            ("manager", {E: {"manager": {"value": "m1", "$ref": "../Users/m1"}}}),
            ("manager.value,department", {E: {"department": "R&D", "manager": {"value": "m1"}}}),
            (f"{U}", without("schemas", "id", E)),
            ("nonsense", {}),
            ("password", {}),
            ("urn:x:y", {}),
            ("nonsense,userName", {"userName": "alice"}),
            (",; [ ]", {}),
        ],
    )
    def test_what_is_asked_for_is_shown_with_the_minimum(self, attributes: str, shown: dict[str, Any]) -> None:
        assert show(attributes) == {**MINIMUM, **shown}

    def test_an_empty_list_stays_one(self) -> None:
        group = {"schemas": [G], "id": "1", "displayName": "G", "members": []}
        assert show("members.value", document=group, of=GROUP) == {"schemas": [G], "id": "1", "members": []}


class TestExcluded:
    @pytest.mark.parametrize(
        ("excluded", "shown"),
        [
            ("groups", without("groups")),
            ("GROUPS", without("groups")),
            ("meta,externalId", without("meta", "externalId")),
            ("id,schemas", DOCUMENT),
            ("nonsense", DOCUMENT),
            (E, without(E)),
            (f"{E}:department", {**DOCUMENT, E: {"manager": DOCUMENT[E]["manager"]}}),
            (f"{E}:department,manager", without(E)),
            (f"{E}:manager.value", {**DOCUMENT, E: {"department": "R&D", "manager": {"$ref": "../Users/m1"}}}),
            ("name.givenName", {**DOCUMENT, "name": {"familyName": "Archer"}}),
            ("name.givenName,name.familyName", without("name")),
            ("emails.value", {**DOCUMENT, "emails": [{"type": "work", "primary": True}]}),
            (U, {**MINIMUM, E: DOCUMENT[E]}),
        ],
    )
    def test_what_is_excluded_is_left_out_but_for_the_minimum(self, excluded: str, shown: dict[str, Any]) -> None:
        assert show(excluded=excluded) == shown

    def test_members_need_not_be_loaded(self) -> None:
        projection = Projection.parse((), ["members"], GROUP)
        assert not projection.wants("members")
        assert projection.wants("displayName")

    def test_both_together(self) -> None:
        assert show("name,userName", "name.givenName") == {
            **MINIMUM,
            "userName": "alice",
            "name": {"familyName": "Archer"},
        }
        assert show("userName,name", "userName") == {**MINIMUM, "name": DOCUMENT["name"]}


class TestWants:
    @pytest.mark.parametrize(
        ("attributes", "wanted", "unwanted"),
        [
            ("userName", ("userName", "id", "schemas"), ("groups", "emails", "meta", E, f"{E}:manager", "nonsense")),
            ("groups.value", ("groups",), ("emails",)),
            (f"{E}:manager", (E, f"{E}:manager"), (f"{E}:department",)),
            (E, (E, f"{E}:manager", f"{E}:department"), ("userName",)),
        ],
    )
    def test_what_is_shown_must_be_loaded(self, attributes: str, wanted: Any, unwanted: Any) -> None:
        projection = Projection.parse([attributes], (), USER)
        assert [projection.wants(key) for key in (*wanted, *unwanted)] == [True] * len(wanted) + [False] * len(unwanted)


X = "urn:example:schemas:Extra"
WIDGET = ResourceType(
    "Widget",
    "/Widgets",
    "",
    Schema("urn:example:schemas:Widget", "Widget", "", (
        Attribute("name", returned="always"),
        Attribute("colour"),
        Attribute("secret", returned="never"),
        Attribute("history", returned="request"),
        Attribute("badge", type="complex", returned="always", sub_attributes=(Attribute("code"), Attribute("text"))),
        Attribute("owner", type="complex", sub_attributes=(
            Attribute("id", returned="always"), Attribute("name"), Attribute("pin", returned="never"),
            Attribute("notes", returned="request"),
        )),
        Attribute("parts", type="complex", multi_valued=True, sub_attributes=(
            Attribute("value"), Attribute("key", returned="never"),
        )),
        Attribute("tags", multi_valued=True),
        replace(ID, description="listed for old clients"),
    )),
    (Schema(X, "Extra", "", (Attribute("token", returned="never"), Attribute("level", returned="always"))),),
)  # fmt: skip
WIDGET_DOCUMENT: dict[str, Any] = {
    "schemas": [X],
    "id": "1",
    "name": "N",
    "colour": "red",
    "secret": "s",
    "history": "h",
    "badge": {"code": "c", "text": "t"},
    "owner": {"id": "o", "name": "O", "pin": "p", "notes": "n"},
    "parts": [{"value": "v", "key": "k"}, {"key": "k"}],
    "tags": ["a", "b"],
    X: {"token": "t", "level": "l"},
}
ALWAYS = {"schemas": [X], "id": "1", "name": "N", "badge": {"code": "c", "text": "t"}, X: {"level": "l"}}


class TestReturned:
    """RFC 7643 section 7."""

    @pytest.mark.parametrize(
        ("attributes", "excluded", "shown"),
        [
            (
                "",
                "",
                {"colour": "red", "owner": {"id": "o", "name": "O"}, "parts": [{"value": "v"}], "tags": ["a", "b"]},
            ),
            ("secret", "", {}),
            (f"{X}:token", "", {}),
            (X, "", {}),
            ("history", "", {"history": "h"}),
            ("owner", "", {"owner": {"id": "o", "name": "O"}}),
            ("owner.name", "", {"owner": {"id": "o", "name": "O"}}),
            ("owner.notes", "", {"owner": {"id": "o", "notes": "n"}}),
            ("owner,owner.notes", "", {"owner": {"id": "o", "name": "O", "notes": "n"}}),
            ("owner.pin", "", {}),
            ("parts.key", "", {}),
            ("parts", "", {"parts": [{"value": "v"}]}),
            ("tags", "", {"tags": ["a", "b"]}),
            ("badge.code", "", {}),
            ("", "name,badge,badge.code,colour,owner.id,parts,tags", {"owner": {"id": "o", "name": "O"}}),
            ("", f"{X},colour,parts,tags,owner", {}),
            ("", f"{X}:level,colour,parts,tags,owner", {}),
            ("name", "name", {}),
        ],
    )
    def test_always_never_and_on_request(self, attributes: str, excluded: str, shown: dict[str, Any]) -> None:
        assert show(attributes, excluded, WIDGET_DOCUMENT, WIDGET) == {**ALWAYS, **shown}

    def test_a_default_projection_loads_nothing_that_it_hides(self) -> None:
        projection = Projection.parse((), (), WIDGET)
        assert not projection.wants("secret")
        assert not projection.wants("history")
        assert not projection.wants(f"{X}:token")


def test_equal_questions_are_equal_and_can_be_kept() -> None:
    one, other = (Projection.parse(names, (), USER) for names in (["userName", "Name"], ["name", f"{U}:USERNAME"]))
    assert one == other
    assert len({one, other, Projection.parse((), (), USER)}) == 2


@given(st.lists(st.text(max_size=12) | st.sampled_from(["name.", ".", "emails[", E, f"{E}:", f"{E}.", "meta.version"])))
def test_any_names_show_at_least_the_minimum(names: list[str]) -> None:
    assert MINIMUM.items() <= Projection.parse(names, (), USER).apply(DOCUMENT).items()
    assert MINIMUM.items() <= Projection.parse((), names, USER).apply(DOCUMENT).items()


@given(st.sets(st.sampled_from(["userName", "name", "name.givenName", "emails", "meta", E, f"{E}:manager"])))
def test_what_is_asked_for_and_what_is_excluded_make_the_whole(names: set[str]) -> None:
    """Of whole attributes; of sub-attributes too where the attribute itself is not named."""
    asked, rest = (
        Projection.parse(names or ["x"], (), USER).apply(DOCUMENT),
        Projection.parse((), names, USER).apply(DOCUMENT),
    )
    for name, value in DOCUMENT.items():
        if name in names or name in ("schemas", "id"):
            assert asked[name] == value
        elif isinstance(value, dict):
            assert {**asked.get(name, {}), **rest.get(name, {})} == value
        else:
            assert name not in asked
            assert rest[name] == value
