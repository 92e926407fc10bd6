"""PATCH requests that are refused, and those that only some dialects or schemas take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    PayloadTooLarge,
    ScimError,
)
from django_scim_provider.protocol.patch import (
    MISSING,
    Operation,
    Patched,
    PatchPath,
    apply_operations,
    parse_operations,
)
from django_scim_provider.protocol.schemas import Attribute, BoundPath, ResourceType, Schema
from django_scim_provider.protocol.tolerance import LENIENT, STRICT, Tolerance
from django_scim_provider.protocol.validation import MAX_VALUES

U, E, P = urns.USER, urns.ENTERPRISE_USER, urns.PATCH_OP
USER = ResourceType("User", "/Users", "", core_schemas.USER, (core_schemas.ENTERPRISE_USER,))
GROUP = ResourceType("Group", "/Groups", "", core_schemas.GROUP)
WORK = {"value": "a@work", "type": "work", "primary": True}
HOME = {"value": "a@home", "type": "home"}
DOCUMENT: dict[str, Any] = {
    "userName": "alice",
    "title": "Dr",
    "name": {"givenName": "Alice", "familyName": "Archer"},
    "emails": [WORK, HOME],
    E: {"department": "R&D", "manager": {"value": "m1"}},
}

X = "urn:example:schemas:Extra"
WIDGET = ResourceType(
    "Widget",
    "/Widgets",
    "",
    Schema(
        "urn:example:schemas:Widget",
        "Widget",
        "",
        (
            Attribute("serial", mutability="immutable"),
            Attribute("labels", multi_valued=True, mutability="immutable"),
            Attribute("tags", multi_valued=True),
            Attribute("codes", type="integer", multi_valued=True),
            Attribute("owner", type="complex", sub_attributes=(
                Attribute("name", required=True), Attribute("since", mutability="immutable"), Attribute("type"),
            )),
            Attribute("readings", type="complex", multi_valued=True, sub_attributes=(
                Attribute("value", type="decimal"),
                Attribute("at", type="dateTime"),
                Attribute("unit", required=True),
                Attribute("by", mutability="immutable"),
            )),
            Attribute("secret", mutability="writeOnly", returned="never"),
            Attribute("odd", type="complex", multi_valued=True, sub_attributes=(
                Attribute("value", multi_valued=True), Attribute("type", type="integer"),
            )),
        ),
    ),
    (Schema(X, "Extra", "", (Attribute("level", required=True), Attribute("state", mutability="readOnly"))),),
)  # fmt: skip


def op(verb: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": verb}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


def patch(
    operations: Any,
    document: dict[str, Any] = DOCUMENT,
    resource_type: ResourceType = USER,
    tolerance: Tolerance = LENIENT,
) -> Patched:
    parsed = parse_operations({"schemas": [P], "Operations": operations}, resource_type, tolerance=tolerance)
    return apply_operations(document, parsed.operations, resource_type, tolerance=tolerance)


class TestMessage:
    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"schemas": [P]},
            {"Operations": None},
            {"Operations": "replace"},
            {"Operations": 5},
            {"Operations": [None]},
            {"Operations": ["replace"]},
            {"Operations": [[]]},
            {"Operations": [{}]},
            {"Operations": [{"value": {"title": "T"}}]},
            {"Operations": [{"op": None, "path": "title"}]},
            {"Operations": [{"op": "", "path": "title"}]},
            {"Operations": [{"op": 5, "path": "title"}]},
            {"Operations": [{"op": ["add"], "path": "title"}]},
            {"Operations": [{"op": "move", "path": "title"}]},
            {"Operations": [{"op": "test", "path": "title"}]},
            {"Operations": [{"operation": "add", "path": "title", "value": "T"}]},
            {"Operations": [{"op": "replace"}]},
            {"Operations": [{"op": "add", "value": None}]},
            {"Operations": [{"op": "add", "value": "T"}]},
            {"Operations": [{"op": "add", "value": []}]},
            {"Operations": [{"op": "add", "value": [{"title": "T"}, {"title": "U"}]}]},
            {"Operations": [{"op": "add", "path": "", "value": 5}]},
        ],
    )
    def test_another_structure_is_invalid_syntax(self, body: dict[str, Any]) -> None:
        with pytest.raises(InvalidSyntax):
            parse_operations(body, USER)

    def test_members_are_read_in_any_case(self) -> None:
        body = {"SCHEMAS": [P], "operations": [{"OP": "Add", "Path": "title", "VALUE": "T"}]}
        assert parse_operations(body, USER, tolerance=STRICT).operations[0].value == "T"

    def test_schemas_do_not_matter_where_tolerated(self) -> None:
        for schemas in (None, [], ["urn:x"], P, 5):
            assert parse_operations({"schemas": schemas, "Operations": []}, USER) == ((), ())

    @pytest.mark.parametrize("schemas", [None, [], ["urn:x"], P, [5]])
    def test_strict_wants_the_patch_schema(self, schemas: object) -> None:
        with pytest.raises(InvalidSyntax, match="PatchOp"):
            parse_operations({"schemas": schemas, "Operations": [op("remove", "title")]}, USER, tolerance=STRICT)

    @pytest.mark.parametrize("operations", [[], op("remove", "title")])
    def test_strict_wants_a_list_of_one_or_more(self, operations: Any) -> None:
        patch(operations)
        with pytest.raises(InvalidSyntax, match="one or more"):
            patch(operations, tolerance=STRICT)

    def test_the_number_of_operations_is_limited(self) -> None:
        body = {"Operations": [op("add", "title", "T")] * 3}
        assert len(parse_operations(body, USER, max_operations=3).operations) == 3
        with pytest.raises(PayloadTooLarge, match="at most 2") as caught:
            parse_operations(body, USER, max_operations=2)
        assert caught.value.status == 413
        with pytest.raises(PayloadTooLarge, match="at most 1000"):
            parse_operations({"Operations": [op("add", "title", "T")] * 1001}, USER)

    def test_attributes_without_a_path_count_as_operations(self) -> None:
        value = {f'emails[type eq "{number}"].value': "x" for number in range(6)}
        assert len(parse_operations({"Operations": [op("add", None, value)]}, USER, max_operations=6).operations) == 6
        with pytest.raises(PayloadTooLarge):
            parse_operations({"Operations": [op("add", None, value)]}, USER, max_operations=5)
        with pytest.raises(PayloadTooLarge):  # before what follows is even looked at
            parse_operations({"Operations": [op("add", None, {**value, "emails[": 1})]}, USER, max_operations=5)

    def test_operations_are_spread_over_the_attributes(self) -> None:
        parsed = parse_operations({"Operations": [op("add", None, {"title": "T", E: {"department": "D"}})]}, USER)
        assert [operation.path and operation.path.path.key for operation in parsed.operations] == [
            "title",
            f"{E}:department",
        ]


REFUSED: list[tuple[Any, type[ScimError], str]] = [
    # what only the server assigns
    (op("replace", "id", "1"), Mutability, "id is assigned by the server"),
    (op("remove", "id"), Mutability, "id"),
    (op("add", "meta", {"version": "1"}), Mutability, "meta"),
    (op("replace", "meta.location", "/x"), Mutability, "meta.location"),
    (op("replace", "schemas", [U]), Mutability, "schemas"),
    (op("add", "schemas", [E]), Mutability, "schemas"),
    (op("remove", "schemas"), Mutability, "schemas"),
    (op("add", "groups", [{"value": "g1"}]), Mutability, "groups"),
    (op("remove", "groups"), Mutability, "groups"),
    (op("remove", 'groups[value eq "g1"]'), Mutability, "groups"),
    (op("replace", 'groups[value eq "g1"].display', "x"), Mutability, "groups.display"),
    (op("replace", f"{U}:id", "1"), Mutability, "id"),
    (op("replace", f"{E}:manager.displayName", "Boss"), Mutability, "manager.displayName"),
    # what is required
    (op("remove", "userName"), Mutability, "userName is required and cannot be removed"),
    (op("replace", "userName", ""), InvalidValue, "userName is required and cannot be empty"),
    (op("replace", "userName", None), InvalidValue, "userName is required"),
    (op("add", "userName", None), InvalidValue, "userName is required"),
    (op("replace", None, {"userName": ""}), InvalidValue, "userName is required"),
    (op("replace", "userName", []), InvalidValue, "userName is required"),
    # values
    (op("replace", "userName", 5), InvalidValue, "userName must be a string"),
    (op("replace", "userName", "a\0b"), InvalidValue, "control characters"),
    (op("replace", "active", 1), InvalidValue, "active must be true or false"),
    (op("replace", "active", "1"), InvalidValue, "active"),
    (op("replace", "active", "no"), InvalidValue, "active"),
    (op("replace", "active", [True, False]), InvalidValue, "active"),
    (op("replace", "name", "Alice Archer"), InvalidValue, "name must be an object"),
    (op("replace", "name", 5), InvalidValue, "name"),
    (op("replace", "name", {"givenName": 5}), InvalidValue, "name.givenName"),
    (op("replace", "name.givenName", {"x": 1}), InvalidValue, "name.givenName"),
    (op("replace", None, {"name": "Alice"}), InvalidValue, "name"),
    (op("add", "emails", 5), InvalidValue, "emails"),
    (op("add", "emails", [5]), InvalidValue, "emails"),
    (op("add", "emails", [{"value": 5}]), InvalidValue, "emails.value"),
    (op("add", "emails", [{"value": "a", "primary": True}, {"value": "b", "primary": True}]), InvalidValue, "primary"),
    (op("replace", 'emails[type eq "work"].value', 5), InvalidValue, "emails.value"),
    (op("replace", 'emails[type eq "work"].primary', "x"), InvalidValue, "emails.primary"),
    (op("replace", 'emails[type eq "work"]', 5), InvalidValue, "emails"),
    (op("remove", "emails", []), InvalidValue, "names none of emails"),
    (op("remove", "emails", {}), InvalidValue, "names none of emails"),
    (op("remove", "emails", ""), InvalidValue, "names none of emails"),
    (op("remove", "emails", [{}]), InvalidValue, "names none of emails"),
    (op("remove", "emails", 5), InvalidValue, "emails"),
    (op("replace", f"{E}:manager", 5), InvalidValue, "manager"),
    (op("replace", E, "x"), InvalidValue, E),
    (op("replace", None, {E: 5}), InvalidValue, E),
    (op("add", "emails"), InvalidValue, "add needs a value"),
    (op("replace", "title"), InvalidValue, "replace needs a value"),
    # paths
    (op("remove"), NoTarget, "needs a path"),
    (op("remove", ""), NoTarget, "needs a path"),
    (op("remove", None, {"title": None}), NoTarget, "needs a path"),
    (op("remove", U), NoTarget, "as a whole"),
    (op("replace", U, None), NoTarget, "as a whole"),
    ({"op": "add", "path": 5, "value": 1}, InvalidPath, "must be a string"),
    ({"op": "add", "path": ["title"], "value": 1}, InvalidPath, "must be a string"),
    (op("replace", "emails[", 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work"', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work"]]', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work"]value', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work"].', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work].value', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[emails[type eq "work"]]', 1), InvalidPath, "must look like"),
    (op("replace", '[type eq "work"]', 1), InvalidPath, "must look like"),
    (op("replace", 'emails[type eq "work"].value.x', 1), InvalidPath, "must look like"),
    (op("replace", None, {"emails[": 1}), InvalidPath, "must look like"),
    (op("replace", 'title[value eq "x"]', 1), InvalidPath, "title has a single value"),
    (op("replace", 'name[givenName eq "x"]', {}), InvalidFilter, "name has a single value"),
    (op("replace", f'{E}:manager[value eq "x"].value', "y"), InvalidFilter, "manager has a single value"),
    (op("replace", 'emails.value[type eq "x"]', 1), InvalidPath, "must follow the name"),
    (op("replace", f'{E}[type eq "x"]', 1), InvalidPath, "must follow the name"),
    # filters
    (op("replace", "emails[].value", "x"), InvalidFilter, "."),
    (op("replace", "emails[nonsense].value", "x"), InvalidFilter, "."),
    (op("replace", 'emails[colour eq "red"].value', "x"), InvalidFilter, "colour"),
    (op("remove", 'emails[colour eq "red"]'), InvalidFilter, "colour"),
    (op("replace", 'emails[primary eq "maybe"].value', "x"), InvalidFilter, "."),
    (op("replace", 'emails[userName eq "x"].value', "x"), InvalidFilter, "."),
    (op("replace", 'emails[type eq "a" or type eq "b"].value', "x"), NoTarget, "how a new one should look"),
    (op("replace", 'emails[type co "zzz"].value', "x"), NoTarget, "how a new one"),
]


@pytest.mark.parametrize(("operation", "error", "detail"), REFUSED, ids=[str(case[0]) for case in REFUSED])
def test_a_patch_is_refused(operation: Any, error: type[ScimError], detail: str) -> None:
    with pytest.raises(ScimError, match=detail) as caught:
        patch([operation])
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "path", ["x" * 5000, f"emails[{'(' * 5000}]", "emails[" + 'type eq "x" or ' * 500 + "value pr]"]
)
def test_huge_paths_are_answered(path: str) -> None:
    try:
        assert patch([op("replace", path, "x")]).changed == frozenset()
    except (InvalidFilter, InvalidPath) as error:
        assert len(error.detail) < 300  # noqa: PT017


def test_the_number_of_values_stays_limited() -> None:
    emails = [{"value": str(number)} for number in range(MAX_VALUES)]
    document = {"userName": "a", "emails": emails}
    assert patch([op("add", "emails", [{"value": "5", "type": "x"}])], document).changed == {"emails"}
    with pytest.raises(InvalidValue, match="emails would have more than 1000 values"):
        patch([op("add", "emails", [{"value": "x"}])], document)
    with pytest.raises(InvalidValue, match="emails"):
        patch([op("add", 'emails[type eq "x"].value', "x")], document)


def test_a_list_that_is_too_long_already_can_still_shrink() -> None:
    emails = [{"value": str(number)} for number in range(MAX_VALUES + 5)]
    document = {"userName": "a", "emails": emails}
    assert len(patch([op("remove", 'emails[value eq "3"]')], document).document["emails"]) == MAX_VALUES + 4


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", 'emails[value eq "5"].display', "x"),
        op("replace", 'emails[not (value eq "5") and value eq "6" or value pr].display', "x"),
        op("replace", "emails.display", "x"),
        op("add", "emails", [{"value": "5", "display": "x"}]),
    ],
    ids=["filter", "terms", "part", "add"],
)
def test_a_request_cannot_take_more_than_a_few_seconds(operation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    document = {"userName": "a", "emails": [{"value": str(number)} for number in range(40)]}
    assert patch([operation] * 1000, document).changed == {"emails"}
    monkeypatch.setattr("django_scim_provider.protocol.patch.MAX_EFFORT", 10_000)
    assert patch([operation] * 5, document).changed == {"emails"}
    with pytest.raises(PayloadTooLarge, match="Send fewer"):
        patch([operation] * 1000, document)


class TestHandMadeOperations:
    """What services may build themselves."""

    def test_an_operation_on_the_resource_itself(self) -> None:
        patched = apply_operations(DOCUMENT, [Operation("replace", None, {"active": "False", "x": 1})], USER)
        assert patched.changed == {"active"}

    @pytest.mark.parametrize("name", ["title", "name", "emails"])
    def test_an_assignment_without_a_value(self, name: str) -> None:
        path = USER.bind(None, name)
        assert path is not None
        with pytest.raises(InvalidValue):
            apply_operations(DOCUMENT, [Operation("add", PatchPath(path), MISSING)], USER)

    def test_operations_have_no_value_unless_given(self) -> None:
        assert Operation("remove", PatchPath(BoundPath(None, core_schemas.NAME))).value is MISSING


class TestStrict:
    """The interoperability profile (P5, P11 to P13): the same requests, treated otherwise."""

    @pytest.mark.parametrize(
        ("operation", "error"),
        [
            (op("replace", None, {"title": "T"}), InvalidSyntax),
            (op("replace", "shoeSize", 46), InvalidSyntax),
            (op("replace", "name", {"nick": "N"}), InvalidSyntax),
            (op("add", "emails", [{"value": "a", "ok": True}]), InvalidSyntax),
            (op("replace", "active", "False"), InvalidValue),
            (op("replace", "title", ["T"]), InvalidValue),
            (op("replace", E, [{"department": "D"}]), InvalidValue),
            (op("add", "emails", {"value": "x"}), InvalidValue),
            (op("add", f"{E}:manager", "u2"), InvalidValue),
            (op("add", f"{E}.manager", {"value": "u2"}), InvalidSyntax),
            (op("add", "manager", {"value": "u2"}), InvalidSyntax),
            (op("replace", 'emails[type eq "other"].value', "x"), NoTarget),
            (op("remove", 'emails[type eq "other"]'), NoTarget),
            (op("remove", 'emails[type eq "other"].value'), NoTarget),
            (op("remove", "emails", [HOME]), InvalidValue),
            (op("replace", "emails[type eq work].value", "x"), InvalidFilter),
            (op("replace", 'emails[type eq "home"]', {"value": "x"}), InvalidPath),
            (op("add", 'emails[type eq "home"]', {"value": "x"}), InvalidPath),
            (op("replace", "emails[value pr].display", "x"), InvalidFilter),
            (op("remove", "emails[value pr]"), InvalidFilter),
        ],
        ids=str,
    )
    def test_a_deviation_is_refused(self, operation: Any, error: type[ScimError]) -> None:
        patch([operation])
        with pytest.raises(ScimError) as caught:
            patch([operation], tolerance=STRICT)
        assert type(caught.value) is error

    @pytest.mark.parametrize(
        ("operation", "changes"),
        [
            (op("replace", "title", ""), {"title": ""}),
            (op("add", "name", {"givenName": "G"}), {"name": {"givenName": "G", "familyName": "Archer"}}),
            (op("replace", "name", {"givenName": "G"}), {"name": {"givenName": "G"}}),
            (op("replace", E, {"department": "D"}), {E: {"department": "D", "manager": {"value": "m1"}}}),
            (op("replace", 'emails[type eq "home"].value', "x"), {"emails": [WORK, {**HOME, "value": "x"}]}),
            (op("remove", 'emails[type eq "home"]'), {"emails": [WORK]}),
            (op("remove", 'emails[type eq "home"].value'), {"emails": [WORK]}),
            (op("add", "emails", [{"value": "x"}]), {"emails": [WORK, HOME, {"value": "x"}]}),
            (op("replace", "emails.type", "x"), {"emails": [{**WORK, "type": "x"}, {**HOME, "type": "x"}]}),
            (op("Replace", f"{U}:NAME.givenname", "G"), {"name": {"givenName": "G", "familyName": "Archer"}}),
            (op("replace", f"{E}:manager", {"value": "u2"}), {E: {"department": "R&D", "manager": {"value": "u2"}}}),
            (op("replace", "password", "s3cret"), {}),
        ],
        ids=str,
    )
    def test_what_the_standard_has_is_accepted(self, operation: Any, changes: dict[str, Any]) -> None:
        assert patch([operation], tolerance=STRICT).document == {**DOCUMENT, **changes}

    def test_replace_of_a_complex_attribute_with_nothing_unassigns_it(self) -> None:
        assert "name" not in patch([op("replace", "name", {})], tolerance=STRICT).document

    @pytest.mark.parametrize("name", ["name.givenName", f"{U}:title", 'emails[type eq "work"].value'])
    def test_path_less_values_may_be_allowed_without_dotted_keys(self, name: str) -> None:
        tolerance = replace(STRICT, pathless_patch=True)
        with pytest.raises(InvalidSyntax, match="no attribute"):
            patch([op("replace", None, {name: "x"})], tolerance=tolerance)
        with pytest.raises(InvalidSyntax, match="no attribute"):
            patch([op("replace", None, {E: {"manager.value": "x"}})], tolerance=tolerance)
        patched = patch([op("replace", None, {"title": "T", E: {"department": "D"}})], tolerance=tolerance)
        assert patched.changed == {"title", f"{E}:department"}


WIDGETS: list[tuple[dict[str, Any], Any, Any]] = [
    # immutable attributes
    ({}, op("add", "serial", "1"), {"serial": "1"}),
    ({}, op("replace", "serial", "1"), {"serial": "1"}),
    ({"serial": "1"}, op("replace", "serial", "1"), {"serial": "1"}),
    ({"serial": "1"}, op("replace", "serial", "2"), Mutability),
    ({"serial": "1"}, op("add", "serial", "2"), Mutability),
    ({"serial": "1"}, op("remove", "serial"), Mutability),
    ({"serial": "1"}, op("replace", "serial", None), Mutability),
    ({}, op("remove", "serial"), {}),
    ({}, op("add", "labels", ["a", "b"]), {"labels": ["a", "b"]}),
    ({"labels": ["a"]}, op("add", "labels", ["a"]), {"labels": ["a"]}),
    ({"labels": ["a"]}, op("add", "labels", ["b"]), Mutability),
    ({"labels": ["a"]}, op("remove", "labels"), Mutability),
    # immutable and required sub-attributes
    ({}, op("add", "owner", {"name": "n", "since": "s"}), {"owner": {"name": "n", "since": "s"}}),
    ({"owner": {"name": "n"}}, op("add", "owner.since", "s"), {"owner": {"name": "n", "since": "s"}}),
    ({"owner": {"name": "n", "since": "s"}}, op("add", "owner.since", "s"), {"owner": {"name": "n", "since": "s"}}),
    ({"owner": {"name": "n", "since": "s"}}, op("add", "owner.since", "t"), Mutability),
    ({"owner": {"name": "n", "since": "s"}}, op("remove", "owner.since"), Mutability),
    ({"owner": {"name": "n", "since": "s"}}, op("add", "owner", {"since": "t"}), Mutability),
    ({"owner": {"name": "n", "since": "s"}}, op("remove", "owner"), {}),
    ({"owner": {"name": "n"}}, op("remove", "owner.name"), Mutability),
    ({"owner": {"name": "n"}}, op("replace", "owner.name", ""), InvalidValue),
    ({"owner": {"name": "n", "type": "t"}}, op("replace", "owner", {"name": None}), {"owner": {"type": "t"}}),
    ({"readings": [{"unit": "m"}]}, op("remove", "readings.unit"), Mutability),
    ({"readings": [{"unit": "m"}]}, op("replace", 'readings[unit eq "m"].unit', None), InvalidValue),
    ({"readings": [{"unit": "m", "by": "x"}]}, op("replace", 'readings[unit eq "m"].by', "y"), Mutability),
    ({"readings": [{"unit": "m"}]}, op("replace", "readings.by", "y"), {"readings": [{"unit": "m", "by": "y"}]}),
    (
        {"readings": [{"value": 1, "unit": "m", "by": "x"}]},
        op("add", "readings", [{"value": 1, "unit": "km", "by": "y"}]),
        {"readings": [{"value": 1, "unit": "km", "by": "x"}]},
    ),
    # an extension with required and readOnly attributes
    ({X: {"level": "1", "state": "ok"}}, op("remove", X), Mutability),
    (
        {X: {"level": "1", "state": "ok"}},
        op("add", X, {"level": "2", "state": "x"}),
        {X: {"level": "2", "state": "ok"}},
    ),
    ({}, op("remove", X), {}),
    # elements made from typed filters
    (
        {},
        op("add", 'readings[at eq "2020-01-01T00:00:00Z" and value eq 1.5].unit', "m"),
        {"readings": [{"at": "2020-01-01T00:00:00Z", "value": 1.5, "unit": "m"}]},
    ),
    # simple values
    ({}, op("add", "tags", "a"), {"tags": ["a"]}),
    ({"tags": ["a"]}, op("add", "tags", ["b", "A"]), {"tags": ["A", "b"]}),
    ({"tags": ["a", "b"]}, op("replace", "tags", ["c", "c"]), {"tags": ["c"]}),
    ({"tags": ["a", "b"]}, op("remove", "tags", ["B"]), {"tags": ["a"]}),
    ({"tags": ["a", "b"]}, op("remove", "tags"), {}),
    ({"tags": ["a", "b"]}, op("remove", 'tags[value eq "b"]'), {"tags": ["a"]}),
    ({"tags": ["a", "b"]}, op("remove", 'tags[value sw "b" or value eq "a"]'), {}),
    ({"tags": ["a", "b"]}, op("replace", 'tags[value eq "b"]', "c"), {"tags": ["a", "c"]}),
    ({"tags": ["a", "b"]}, op("replace", 'tags[value eq "b"]', None), {"tags": ["a"]}),
    ({"tags": ["a", "b"]}, op("replace", 'tags[value eq "b"]', "a"), {"tags": ["a"]}),
    ({"tags": ["a"]}, op("add", 'tags[value eq "b"]', "b"), {"tags": ["a", "b"]}),
    ({"tags": ["a"]}, op("replace", "tags", [{"value": "a"}]), InvalidValue),
    ({"codes": [1, 2]}, op("add", "codes", [2, 3]), {"codes": [1, 2, 3]}),
    ({"codes": [1, 2]}, op("remove", "codes[value gt 1]"), {"codes": [1]}),
    # values and types that are no strings
    (
        {"odd": [{"value": ["a", "b"], "type": 1}]},
        op("add", "odd", [{"value": ["a", "b"], "type": 1}]),
        {"odd": [{"value": ["a", "b"], "type": 1}]},
    ),
    (
        {"odd": [{"value": ["a", "b"], "type": 1}]},
        op("add", "odd", [{"value": ["a", "b"], "type": 2}]),
        {"odd": [{"value": ["a", "b"], "type": 1}, {"value": ["a", "b"], "type": 2}]},
    ),
    ({"odd": [{"value": ["a", "b"], "type": 1}]}, op("remove", "odd", [{"value": ["a", "b"]}]), {}),
    # writeOnly
    ({}, op("add", "secret", "s"), {"secret": "s"}),
    ({"readings": [{"unit": "m"}]}, op("remove", 'readings[unit eq "m"]'), {}),
]


@pytest.mark.parametrize(
    ("document", "operation", "outcome"), WIDGETS, ids=[f"{case[0]} {case[1]}" for case in WIDGETS]
)
def test_other_schemas(document: dict[str, Any], operation: Any, outcome: Any) -> None:
    if isinstance(outcome, dict):
        assert patch([operation], document, WIDGET).document == outcome
        return
    with pytest.raises(ScimError) as caught:
        patch([operation], document, WIDGET)
    assert type(caught.value) is outcome


def test_a_group_whose_members_are_loaded() -> None:
    members = [{"value": "1", "display": "One", "type": "User"}, {"value": "2"}]
    group = {"displayName": "G", "members": members}
    added = patch([op("add", "members", [{"value": "1", "display": "Other"}, {"value": "3"}])], group, GROUP)
    assert added.document["members"] == [*members, {"value": "3"}]
    removed = patch([op("remove", "members", [{"value": "1"}, {"value": "9"}])], group, GROUP)
    assert removed.document["members"] == [{"value": "2"}]
    with pytest.raises(Mutability, match=r"members\.display cannot be changed"):
        patch([op("replace", 'members[value eq "1"].display', "Other")], group, GROUP)
