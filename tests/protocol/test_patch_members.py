"""PATCH of a group whose members are not loaded: the exact resulting set for every shape (T-WIPE)."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.errors import (
    BadRequest,
    InvalidFilter,
    InvalidPath,
    InvalidValue,
    Mutability,
    NoTarget,
)
from django_scim_provider.protocol.patch import Delta, Patched, apply_operations, parse_operations
from django_scim_provider.protocol.schemas import ResourceType
from django_scim_provider.protocol.tolerance import LENIENT, STRICT, Tolerance

G, P = urns.GROUP, urns.PATCH_OP
GROUP = ResourceType("Group", "/Groups", "", core_schemas.GROUP)
DOCUMENT = {"displayName": "Staff", "externalId": "e1"}
FIVE = frozenset("abcde")
NOBODY: frozenset[str] = frozenset()


def op(verb: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": verb}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


def patch(operations: Any, tolerance: Tolerance = LENIENT, deferred: tuple[str, ...] = ("members",)) -> Patched:
    body = {"schemas": [P], "Operations": operations}
    before = deepcopy(body)
    parsed = parse_operations(body, GROUP, tolerance=tolerance)
    patched = apply_operations(DOCUMENT, parsed.operations, GROUP, tolerance=tolerance, deferred=deferred)
    assert body == before
    assert "members" not in patched.document
    assert "members" not in patched.changed
    return patched


def result(delta: Delta, current: frozenset[str] = FIVE) -> frozenset[str]:
    """The set that a delta makes of the current one, as the adapter will."""
    added = [element["value"] for element in delta.add]
    assert len(set(added)) == len(added)
    assert set(added).isdisjoint(delta.remove)
    assert not (delta.replace and delta.remove)
    return frozenset(added) if delta.replace else (current - set(delta.remove)) | set(added)


def members(*values: str) -> list[dict[str, str]]:
    return [{"value": value} for value in values]


class Case(NamedTuple):
    """Operations on a group of five, and who is in it afterwards; or the error, and nobody has moved."""

    name: str
    operations: Any
    outcome: frozenset[str] | type[BadRequest]


def remain(*values: str) -> frozenset[str]:
    return frozenset(values)


URN_PATH = f"{G}:members"

CASES = [
    # ---------------------------------------------------------------- add
    Case("add one", op("add", "members", members("x")), FIVE | {"x"}),
    Case("add two", op("add", "members", members("x", "y")), FIVE | {"x", "y"}),
    Case("add who is there", op("add", "members", members("a")), FIVE),
    Case("add one of each", op("add", "members", members("a", "x")), FIVE | {"x"}),
    Case("add an object", op("add", "members", {"value": "x"}), FIVE | {"x"}),
    Case("add a string", op("add", "members", "x"), FIVE | {"x"}),
    Case("add strings", op("add", "members", ["x", "y"]), FIVE | {"x", "y"}),
    Case("add repeated", op("add", "members", members("x", "x")), FIVE | {"x"}),
    Case("add in another case is somebody else", op("add", "members", members("A")), FIVE | {"A"}),
    Case("add with a null reference (entra)", op("Add", "members", [{"$ref": None, "value": "x"}]), FIVE | {"x"}),
    Case("add with a display (okta)", op("add", "members", [{"value": "x", "display": "X"}]), FIVE | {"x"}),
    Case("add with unknown parts", op("add", "members", [{"value": "x", "displayName": "X", "k": 1}]), FIVE | {"x"}),
    Case("add with a type", op("add", "members", [{"value": "x", "type": "User"}]), FIVE | {"x"}),
    Case("add nobody", op("add", "members", []), FIVE),
    Case("add null", op("add", "members", None), FIVE),
    Case("add an empty object", op("add", "members", {}), FIVE),
    Case("add empty objects", op("add", "members", [{}, None, ""]), FIVE),
    Case("add an empty string", op("add", "members", ""), FIVE),
    Case("add without a value", op("add", "members"), InvalidValue),
    Case("add an element without a value", op("add", "members", [{"display": "X"}]), InvalidValue),
    Case("add an element with an empty value", op("add", "members", [{"value": ""}]), FIVE),
    Case("add an element with a number", op("add", "members", [{"value": 5}]), InvalidValue),
    Case("add a number", op("add", "members", 5), InvalidValue),
    Case("add numbers", op("add", "members", [5]), InvalidValue),
    Case("add true", op("add", "members", True), InvalidValue),
    Case("add nested lists", op("add", "members", [["x"]]), FIVE | {"x"}),
    Case("add nested lists of two", op("add", "members", [["x", "y"]]), InvalidValue),
    Case("add at the urn", op("add", URN_PATH, members("x")), FIVE | {"x"}),
    Case("add at the urn in upper case", op("add", URN_PATH.upper(), members("x")), FIVE | {"x"}),
    Case("add in capitals", op("ADD", "MEMBERS", members("x")), FIVE | {"x"}),
    Case("add without a path", op("add", None, {"members": members("x")}), FIVE | {"x"}),
    Case("add without a path in capitals", op("Add", None, {"Members": members("x")}), FIVE | {"x"}),
    Case("add without a path at the urn", op("add", None, {URN_PATH: members("x")}), FIVE | {"x"}),
    Case("add without a path in the schema", op("add", None, {G: {"members": members("x")}}), FIVE | {"x"}),
    Case("add without a path, nobody", op("add", None, {"members": []}), FIVE),
    Case("add without a path, null", op("add", None, {"members": None}), FIVE),
    Case("add without a path, something else", op("add", None, {"displayName": "N"}), FIVE),
    Case("add by filter", op("add", 'members[value eq "x"]', {"value": "x", "display": "X"}), FIVE | {"x"}),
    Case("add by filter who is there", op("add", 'members[value eq "a"]', {"display": "A"}), FIVE),
    Case("add by filter somebody else", op("add", 'members[value eq "x"]', {"value": "y"}), Mutability),
    Case("add by filter nothing", op("add", 'members[value eq "x"]', {}), InvalidValue),
    Case("add by filter null", op("add", 'members[value eq "x"]', None), InvalidValue),
    # ---------------------------------------------------------------- remove
    Case("remove without a value", op("remove", "members"), NOBODY),
    Case("remove with null (keycloak)", op("remove", "members", None), NOBODY),
    Case("remove in capitals", op("Remove", "Members"), NOBODY),
    Case("remove at the urn", op("remove", URN_PATH), NOBODY),
    Case("remove with an empty list", op("remove", "members", []), InvalidValue),
    Case("remove with an empty object", op("remove", "members", {}), InvalidValue),
    Case("remove with an empty string", op("remove", "members", ""), InvalidValue),
    Case("remove with a list of nothing", op("remove", "members", [{}]), InvalidValue),
    Case("remove with a list of null", op("remove", "members", [None]), InvalidValue),
    Case("remove with a list of an empty string", op("remove", "members", [""]), InvalidValue),
    Case("remove with a list of an empty list", op("remove", "members", [[]]), InvalidValue),
    Case("remove with a null value", op("remove", "members", [{"value": None}]), InvalidValue),
    Case("remove with only a null reference", op("remove", "members", [{"$ref": None}]), InvalidValue),
    Case("remove with only a reference", op("remove", "members", [{"$ref": "../Users/a"}]), InvalidValue),
    Case("remove with only a display", op("remove", "members", [{"display": "A"}]), InvalidValue),
    Case("remove with only unknown parts", op("remove", "members", [{"id": "a"}]), InvalidValue),
    Case("remove with a number", op("remove", "members", 5), InvalidValue),
    Case("remove with false", op("remove", "members", False), InvalidValue),
    Case("remove with zero", op("remove", "members", 0), InvalidValue),
    Case("remove with a number inside", op("remove", "members", [{"value": 5}]), InvalidValue),
    Case("remove listed (entra)", op("Remove", "members", [{"$ref": None, "value": "a"}]), FIVE - {"a"}),
    Case("remove listed (jumpcloud)", op("remove", "members", members("a", "b")), FIVE - {"a", "b"}),
    Case("remove listed at the urn", op("remove", URN_PATH, members("a")), FIVE - {"a"}),
    Case("remove a listed string", op("remove", "members", ["a"]), FIVE - {"a"}),
    Case("remove a string", op("remove", "members", "a"), FIVE - {"a"}),
    Case("remove an object", op("remove", "members", {"value": "a"}), FIVE - {"a"}),
    Case("remove an object in capitals", op("remove", "members", {"VALUE": "a", "Display": "A"}), FIVE - {"a"}),
    Case("remove a stranger", op("remove", "members", members("x")), FIVE),
    Case("remove a stranger and a member", op("remove", "members", members("x", "a")), FIVE - {"a"}),
    Case("remove in another case is somebody else", op("remove", "members", members("A")), FIVE),
    Case("remove all, one by one", op("remove", "members", members(*FIVE)), NOBODY),
    Case("remove by filter (okta)", op("remove", 'members[value eq "a"]'), FIVE - {"a"}),
    Case("remove by filter in capitals", op("Remove", 'Members[Value EQ "a"]'), FIVE - {"a"}),
    Case("remove by filter at the urn", op("remove", f'{URN_PATH}[value eq "a"]'), FIVE - {"a"}),
    Case("remove by filter, unquoted", op("remove", "members[value eq a]"), FIVE - {"a"}),
    Case("remove by filter with parentheses", op("remove", 'members[(value eq "a")]'), FIVE - {"a"}),
    Case("remove by filter of several", op("remove", 'members[value eq "a" or value eq "b"]'), FIVE - {"a", "b"}),
    Case("remove by filter of three", op("remove", 'members[value eq "a" or (value eq "b" or value eq "c")]'),
         remain("d", "e")),
    Case("remove by filter a stranger", op("remove", 'members[value eq "x"]'), FIVE),
    Case("remove by filter with a value", op("remove", 'members[value eq "a"]', members("b", "c")), FIVE - {"a"}),
    Case("remove by filter with an empty value", op("remove", 'members[value eq "a"]', []), FIVE - {"a"}),
    Case("remove by filter with brackets in it", op("remove", r'members[value eq "]\"["]'), FIVE),
    Case("remove by an empty filter", op("remove", "members[]"), InvalidFilter),
    Case("remove by everybody's filter", op("remove", "members[value pr]"), InvalidFilter),
    Case("remove by inequality", op("remove", 'members[value ne "a"]'), InvalidFilter),
    Case("remove by beginning", op("remove", 'members[value sw ""]'), InvalidFilter),
    Case("remove by negation", op("remove", 'members[not (value eq "a")]'), InvalidFilter),
    Case("remove by and", op("remove", 'members[value eq "a" and type eq "User"]'), InvalidFilter),
    Case("remove by or with something else", op("remove", 'members[value eq "a" or type eq "User"]'), InvalidFilter),
    Case("remove by display", op("remove", 'members[display eq "A"]'), InvalidFilter),
    Case("remove by type", op("remove", 'members[type eq "User"]'), InvalidFilter),
    Case("remove by null", op("remove", "members[value eq null]"), InvalidFilter),
    Case("remove by an unknown attribute", op("remove", 'members[id eq "a"]'), InvalidFilter),
    Case("remove by a broken filter", op("remove", 'members[value eq "a"'), InvalidPath),
    Case("remove without a path", op("remove"), NoTarget),
    Case("remove without a path but with members", op("remove", None, {"members": members("a")}), NoTarget),
    Case("remove of a part", op("remove", 'members[value eq "a"].display'), Mutability),
    Case("remove of the value", op("remove", 'members[value eq "a"].value'), Mutability),
    Case("remove of a part of everybody", op("remove", "members.display"), InvalidPath),
    Case("remove of the value of everybody", op("remove", "members.value"), InvalidPath),
    Case("remove of an unknown part", op("remove", 'members[value eq "a"].displayName'), FIVE),
    # ---------------------------------------------------------------- replace
    Case("replace all", op("replace", "members", members("a", "x")), remain("a", "x")),
    Case("replace all with the same", op("replace", "members", members(*"abcde")), FIVE),
    Case("replace in capitals", op("Replace", "MEMBERS", members("x")), remain("x")),
    Case("replace at the urn", op("replace", URN_PATH, members("x")), remain("x")),
    Case("replace with one object", op("replace", "members", {"value": "x"}), remain("x")),
    Case("replace with a string", op("replace", "members", "x"), remain("x")),
    Case("replace with strings", op("replace", "members", ["x", "y"]), remain("x", "y")),
    Case("replace with nobody", op("replace", "members", []), NOBODY),
    Case("replace without a value", op("replace", "members"), InvalidValue),
    Case("replace with null", op("replace", "members", None), InvalidValue),
    Case("replace with an empty object", op("replace", "members", {}), InvalidValue),
    Case("replace with an empty string", op("replace", "members", ""), InvalidValue),
    Case("replace with a list of nothing", op("replace", "members", [{}]), InvalidValue),
    Case("replace with a list of null", op("replace", "members", [None]), InvalidValue),
    Case("replace with an empty value", op("replace", "members", [{"value": ""}]), InvalidValue),
    Case("replace with only displays", op("replace", "members", [{"display": "A"}]), InvalidValue),
    Case("replace with numbers", op("replace", "members", [5]), InvalidValue),
    Case("replace with false", op("replace", "members", False), InvalidValue),
    Case("replace without a path", op("replace", None, {"members": members("x")}), remain("x")),
    Case("replace without a path at the urn", op("replace", None, {URN_PATH: members("x")}), remain("x")),
    Case("replace without a path, nobody", op("replace", None, {"members": []}), NOBODY),
    Case("replace without a path, null", op("replace", None, {"members": None}), InvalidValue),
    Case("replace without a path, empty object", op("replace", None, {"members": {}}), InvalidValue),
    Case("rename (entra)", op("Replace", "displayName", "N"), FIVE),
    Case("rename (okta)", op("replace", None, {"id": "g1", "displayName": "N"}), FIVE),
    Case("rename (authentik)",
         op("replace", None, {"schemas": [G], "id": "g1", "externalId": "e2", "displayName": "N"}), FIVE),
    Case("replace the schema's attributes without members", op("replace", G, {"displayName": "N"}), FIVE),
    Case("replace nothing", op("replace", None, {}), FIVE),
    Case("replace of unknown attributes", op("replace", None, {"member": [], "memberz": None}), FIVE),
    Case("replace of a part", op("replace", 'members[value eq "a"].display', "A"), FIVE),
    Case("replace of a stranger's part", op("replace", 'members[value eq "x"].display', "X"), FIVE),
    Case("replace of the same value", op("replace", 'members[value eq "a"].value', "a"), FIVE),
    Case("replace of the value", op("replace", 'members[value eq "a"].value', "b"), Mutability),
    Case("replace of the value with nothing", op("replace", 'members[value eq "a"].value', ""), Mutability),
    Case("replace of a part with null", op("replace", 'members[value eq "a"].display', None), Mutability),
    Case("replace of a member", op("replace", 'members[value eq "a"]', {"value": "a", "display": "A"}), FIVE),
    Case("replace of a member with another", op("replace", 'members[value eq "a"]', {"value": "b"}), Mutability),
    Case("replace of a member with null", op("replace", 'members[value eq "a"]', None), InvalidValue),
    Case("replace of a member with nothing", op("replace", 'members[value eq "a"]', {}), InvalidValue),
    Case("replace of a part of everybody", op("replace", "members.display", "A"), InvalidPath),
    Case("replace of an unknown part", op("replace", 'members[value eq "a"].displayName', "A"), FIVE),
    Case("replace of members of an unknown type", op("replace", "member", []), FIVE),
    # ---------------------------------------------------------------- in order
    Case("okta's delta",
         [op("remove", 'members[value eq "a"]'), op("add", "members", [{"value": "x", "display": "X"}])],
         FIVE - {"a"} | {"x"}),
    Case("authentik's one by one", [op("add", "members", members("x")), op("add", "members", members("y")),
                                    op("remove", "members", members("a"))], FIVE - {"a"} | {"x", "y"}),
    Case("keycloak's push", [op("replace", "members", members("a", "b")), op("replace", "displayName", "N"),
                             op("replace", "externalId", "e2")], remain("a", "b")),
    Case("rfc: remove all, then add", [op("remove", "members"), op("add", "members", members("x", "y"))],
         remain("x", "y")),
    Case("add then remove", [op("add", "members", members("x")), op("remove", 'members[value eq "x"]')], FIVE),
    Case("remove then add", [op("remove", 'members[value eq "a"]'), op("add", "members", members("a"))], FIVE),
    Case("add a member, then remove it", [op("add", "members", members("a")), op("remove", "members", members("a"))],
         FIVE - {"a"}),
    Case("add then remove all", [op("add", "members", members("x")), op("remove", "members")], NOBODY),
    Case("add then replace", [op("add", "members", members("x")), op("replace", "members", members("y"))], remain("y")),
    Case("replace then add", [op("replace", "members", members("x")), op("add", "members", members("y"))],
         remain("x", "y")),
    Case("replace then remove", [op("replace", "members", members("x", "y")), op("remove", "members", members("x"))],
         remain("y")),
    Case("replace then remove a former member",
         [op("replace", "members", members("x")), op("remove", "members", members("a"))], remain("x")),
    Case("replace then remove, then add again",
         [op("replace", "members", members("x")), op("remove", 'members[value eq "x"]'), op("add", "members", "x")],
         remain("x")),
    Case("remove all, then remove", [op("remove", "members"), op("remove", 'members[value eq "a"]')], NOBODY),
    Case("replace twice", [op("replace", "members", members("x")), op("replace", "members", members("y"))],
         remain("y")),
    Case("fifty at once", [op("add", "members", members(f"m{number}")) for number in range(50)],
         FIVE | {f"m{number}" for number in range(50)}),
    Case("remove, then rename", [op("remove", "members", members("a")), op("replace", None, {"displayName": "N"})],
         FIVE - {"a"}),
    Case("the last operation is refused", [op("remove", "members"), op("add", "members", [5])], InvalidValue),
    Case("the first operation is refused", [op("remove", "members", []), op("add", "members", "x")], InvalidValue),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_who_is_in_the_group_afterwards(case: Case) -> None:
    operations = case.operations if isinstance(case.operations, list) else [case.operations]
    if not isinstance(case.outcome, frozenset):
        with pytest.raises(BadRequest) as caught:
            patch(operations)
        assert type(caught.value) is case.outcome
        return
    delta = patch(operations).deltas.get("members", Delta())
    assert result(delta) == case.outcome
    assert result(delta, result(delta)) == case.outcome, "the same PATCH again moves somebody"
    assert delta.remove_all is (case.outcome == NOBODY and delta.replace)


def test_the_table_is_as_long_as_promised() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_nobody_leaves_unless_named_or_all_are_plainly_removed(case: Case) -> None:
    """The invariant of T-WIPE, judged by the request's own text."""
    operations = case.operations if isinstance(case.operations, list) else [case.operations]
    plainly = any(
        (operation["op"].lower() == "remove" and operation.get("value") is None)
        or (operation["op"].lower() == "replace" and "value" in operation)
        for operation in operations
    )
    named = {
        value
        for value in FIVE
        for operation in operations
        if f'"{value}"' in str(operation) or f"'{value}'" in str(operation)
    }
    named |= {value for value in FIVE if f"eq {value}]" in str(operations)}
    try:
        left = FIVE - result(patch(operations).deltas.get("members", Delta()))
    except BadRequest:
        return
    assert left <= named or plainly


class TestDelta:
    def test_elements_are_canonical(self) -> None:
        delta = patch([op("add", "members", [{"VALUE": "x", "$ref": None, "Display": "X", "k": 1}])]).deltas["members"]
        assert delta == Delta(add=({"value": "x", "display": "X"},))

    def test_the_parts_of_repeated_elements_are_joined(self) -> None:
        added = [{"value": "x", "display": "X"}, {"value": "x", "type": "User"}, {"value": "x", "display": "Y"}]
        assert patch([op("add", "members", added)]).deltas["members"].add == (
            {"value": "x", "display": "Y", "type": "User"},
        )
        one_by_one = [op("add", "members", element) for element in added]
        assert patch(one_by_one).deltas["members"].add == ({"value": "x", "display": "Y", "type": "User"},)

    def test_order_is_kept(self) -> None:
        delta = patch([op("remove", "members", members("c", "a")), op("add", "members", members("z", "y"))]).deltas[
            "members"
        ]
        assert delta == Delta(add=({"value": "z"}, {"value": "y"}), remove=("c", "a"))

    def test_a_display_of_a_member_is_an_update(self) -> None:
        operations = [
            op("replace", 'members[value eq "a"].display', "A"),
            op("add", 'members[value eq "b" or value eq "c"].display', "BC"),
            op("replace", 'members[value eq "a"]', {"value": "a", "type": "User"}),
        ]
        assert patch(operations).deltas["members"] == Delta(
            update={"a": {"display": "A", "type": "User"}, "b": {"display": "BC"}, "c": {"display": "BC"}}
        )

    def test_an_update_of_somebody_just_added_goes_with_the_addition(self) -> None:
        operations = [op("add", "members", "x"), op("replace", 'members[value eq "x"].display', "X")]
        assert patch(operations).deltas["members"] == Delta(add=({"value": "x", "display": "X"},))

    def test_an_update_of_somebody_just_removed_is_nothing(self) -> None:
        operations = [op("remove", 'members[value eq "a"]'), op("replace", 'members[value eq "a"].display', "A")]
        assert patch(operations).deltas["members"] == Delta(remove=("a",))

    def test_an_update_of_nobody_after_a_replacement_is_nothing(self) -> None:
        operations = [op("replace", "members", []), op("replace", 'members[value eq "a"].display', "A")]
        assert patch(operations).deltas["members"] == Delta(replace=True)

    def test_removal_and_replacement_take_updates_away(self) -> None:
        update = op("replace", 'members[value eq "a"].display', "A")
        assert patch([update, op("remove", 'members[value eq "a"]')]).deltas["members"] == Delta(remove=("a",))
        assert patch([update, op("remove", "members")]).deltas["members"] == Delta(replace=True)

    @pytest.mark.parametrize(
        "operations",
        [
            [],
            [op("add", "members", [])],
            [op("replace", "displayName", "N")],
            [op("replace", 'members[value eq "a"].value', "a")],
        ],
    )
    def test_what_asks_for_nothing_has_no_delta(self, operations: list[Any]) -> None:
        assert patch(operations).deltas == {}

    def test_an_empty_delta_is_false(self) -> None:
        assert not Delta()
        assert Delta(replace=True)
        assert Delta(remove=("a",))

    def test_the_rest_of_the_group_changes_beside_it(self) -> None:
        patched = patch([op("replace", None, {"displayName": "N", "members": members("x")})])
        assert patched.document == {**DOCUMENT, "displayName": "N"}
        assert patched.changed == {"displayName"}
        assert patched.deltas == {"members": Delta(replace=True, add=({"value": "x"},))}

    def test_attributes_that_are_not_deferred_are_in_the_document(self) -> None:
        parsed = parse_operations({"Operations": [op("add", "members", "x")]}, GROUP)
        assert apply_operations(DOCUMENT, parsed.operations, GROUP).document["members"] == [{"value": "x"}]

    def test_ten_thousand_members(self) -> None:
        many = members(*map(str, range(10_000)))
        assert len(patch([op("add", "members", many)]).deltas["members"].add) == 10_000
        assert len(patch([op("remove", "members", many)]).deltas["members"].remove) == 10_000


class TestOtherLists:
    """A deferred list whose sub-attributes may be cleared."""

    TEAM = ResourceType("Team", "/Teams", "", core_schemas.USER)

    def delta(self, *operations: Any) -> Delta:
        parsed = parse_operations({"Operations": list(operations)}, self.TEAM)
        return apply_operations({}, parsed.operations, self.TEAM, deferred={"roles"}).deltas["roles"]

    def test_a_part_may_be_cleared(self) -> None:
        assert self.delta(op("remove", 'roles[value eq "a"].display')) == Delta(update={"a": {"display": None}})

    def test_a_part_of_somebody_just_added_may_be_cleared(self) -> None:
        added = op("add", "roles", {"value": "a", "display": "A"})
        assert self.delta(added, op("remove", 'roles[value eq "a"].display')) == Delta(add=({"value": "a"},))

    def test_an_addition_by_filter_has_no_empty_parts(self) -> None:
        assert self.delta(op("add", 'roles[value eq "a"]', {"display": "", "type": "t"})) == Delta(
            add=({"value": "a", "type": "t"},)
        )


class TestStrict:
    @pytest.mark.parametrize(
        ("operation", "error"),
        [
            (op("remove", "members", members("a")), InvalidValue),
            (op("remove", "members", []), InvalidValue),
            (op("add", "members", {"value": "x"}), InvalidValue),
            (op("add", "members", ["x"]), InvalidValue),
            (op("remove", "members[value eq a]"), InvalidFilter),
            (op("remove", 'members[value eq "a" or value eq "b"]'), InvalidFilter),
            (op("replace", 'members[value eq "a"]', {"display": "A"}), InvalidPath),
            (op("add", 'members[value eq "a"]', {"display": "A"}), InvalidPath),
        ],
        ids=str,
    )
    def test_a_deviation_is_refused(self, operation: Any, error: type[BadRequest]) -> None:
        with pytest.raises(BadRequest) as caught:
            patch([operation], STRICT)
        assert type(caught.value) is error

    @pytest.mark.parametrize(
        ("operation", "outcome"),
        [
            (op("remove", "members"), NOBODY),
            (op("remove", "members", None), NOBODY),
            (op("remove", 'members[value eq "a"]'), FIVE - {"a"}),
            (op("remove", 'members[value eq "x"]'), FIVE),
            (op("add", "members", members("x")), FIVE | {"x"}),
            (op("replace", "members", members("x")), remain("x")),
            (op("replace", "members", []), NOBODY),
            (op("replace", 'members[value eq "a"].display', "A"), FIVE),
        ],
        # A frozenset has no fixed order, and workers must agree on the names.
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_what_the_standard_has_is_accepted(self, operation: Any, outcome: frozenset[str]) -> None:
        assert result(patch([operation], STRICT).deltas["members"]) == outcome


VALUES = st.lists(st.sampled_from("abcdexyz").map(lambda value: {"value": value}), min_size=1, max_size=3)
OPERATIONS = st.one_of(
    VALUES.map(lambda values: op("add", "members", values)),
    VALUES.map(lambda values: op("remove", "members", values)),
    VALUES.map(lambda values: op("replace", "members", values)),
    st.sampled_from("abcxyz").map(lambda value: op("remove", f'members[value eq "{value}"]')),
    st.just(op("remove", "members")),
    st.just(op("replace", "members", [])),
    st.just(op("replace", "displayName", "N")),
)


def one_by_one(operations: list[Any]) -> frozenset[str]:
    """What the operations do to the set itself, by the plainest reading of RFC 7644."""
    current = set(FIVE)
    for operation in operations:
        values = {element["value"] for element in operation.get("value", ()) if isinstance(element, dict)}
        path = operation["path"]
        if path == "displayName":
            continue
        if "[" in path:
            current.discard(path.split('"')[1])
        elif operation["op"] == "add":
            current |= values
        elif operation["op"] == "replace":
            current = values
        else:
            current = current - values if "value" in operation else set()
    return frozenset(current)


@given(st.lists(OPERATIONS, max_size=8))
def test_a_delta_does_what_the_operations_do_one_by_one(operations: list[Any]) -> None:
    assert result(patch(operations).deltas.get("members", Delta())) == one_by_one(operations)
