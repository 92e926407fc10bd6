"""From a client's body to a canonical document."""

from __future__ import annotations

import contextlib
import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.errors import BadRequest, InvalidSyntax, InvalidValue
from django_scim_provider.protocol.schemas import Attribute, BoundPath, ResourceType, Schema
from django_scim_provider.protocol.tolerance import LENIENT, STRICT, Tolerance
from django_scim_provider.protocol.validation import MAX_STRING_LENGTH, MAX_VALUES, clean_resource, clean_value, require

U, E, G = urns.USER, urns.ENTERPRISE_USER, urns.GROUP
USER = ResourceType("User", "/Users", "", core_schemas.USER, (core_schemas.ENTERPRISE_USER,))
GROUP = ResourceType("Group", "/Groups", "", core_schemas.GROUP)
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
            Attribute("size", type="integer"),
            Attribute("weight", type="decimal"),
            Attribute("made", type="dateTime"),
            Attribute("blob", type="binary"),
            Attribute("home", type="reference"),
            Attribute("tags", multi_valued=True),
            Attribute("codes", type="integer", multi_valued=True),
            Attribute("owner", type="complex", sub_attributes=(Attribute("name", required=True), Attribute("note"))),
            Attribute("parts", type="complex", multi_valued=True, sub_attributes=(
                Attribute("value", required=True), Attribute("labels", multi_valued=True),
            )),
        ),
    ),
    (
        Schema(X, "Extra", "", (Attribute("level", required=True), Attribute("size"))),
        Schema(f"{X}:Other", "Other", "", (Attribute("shade", required=True), Attribute("level"))),
    ),
    frozenset({X}),
)  # fmt: skip
DIGITS = replace(LENIENT, boolean_digits=True)


def path(text: str, resource_type: ResourceType = USER) -> BoundPath:
    urn, _, name = text.rpartition(":")
    bound = resource_type.bind(urn or None, *name.split("."))
    assert bound is not None
    return bound


def document(
    body: dict[str, Any], resource_type: ResourceType = USER, tolerance: Tolerance = LENIENT
) -> dict[str, Any]:
    before = deepcopy(body)
    cleaned = clean_resource(body, resource_type, tolerance=tolerance)
    assert body == before
    return cleaned.document


class TestRecordedBodies:
    """What identity providers send (idp-wire-behaviour.md)."""

    def test_okta_creates_a_user(self) -> None:
        body = {
            "schemas": [U],
            "userName": "test.user@okta.local",
            "name": {"givenName": "Test", "familyName": "User"},
            "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
            "displayName": "Test User",
            "locale": "en-US",
            "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }
        assert clean_resource(body, USER) == (
            {
                "userName": "test.user@okta.local",
                "name": {"givenName": "Test", "familyName": "User"},
                "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
                "displayName": "Test User",
                "locale": "en-US",
                "externalId": "00ujl29u0le5T6Aj10h7",
                "active": True,
            },
            (),
        )

    def test_entra_creates_a_user(self) -> None:
        body = {
            "schemas": [U, E],
            "externalId": "0a21f0f2",
            "userName": "Test_User",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": "a@b.c"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "g f", "familyName": "f", "givenName": "g"},
            "roles": [],
            "addresses": None,
            "phoneNumbers": None,
            "title": None,
            "department": None,
            "manager": None,
        }
        assert document(body) == {
            "externalId": "0a21f0f2",
            "userName": "Test_User",
            "active": True,
            "emails": [{"primary": True, "type": "work", "value": "a@b.c"}],
            "name": {"formatted": "g f", "familyName": "f", "givenName": "g"},
        }

    def test_the_entra_validator_sends_a_role_with_a_string_primary(self) -> None:
        assert document({"userName": "a", "roles": [{"primary": "True", "type": "Role", "value": "Admin"}]}) == {
            "userName": "a",
            "roles": [{"primary": True, "type": "Role", "value": "Admin"}],
        }

    def test_entra_creates_a_group_with_a_legacy_schema(self) -> None:
        legacy = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
        body = {"schemas": [G, legacy], "externalId": "8aa1", "displayName": "X", "meta": {"resourceType": "Group"}}
        assert clean_resource(body, GROUP) == ({"externalId": "8aa1", "displayName": "X"}, (legacy,))
        with pytest.raises(InvalidSyntax, match="does not support"):
            clean_resource(body, GROUP, tolerance=STRICT)

    def test_onelogin_sends_what_its_template_holds(self) -> None:
        body = {
            "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
            "userName": "a",
            "active": "1",
            "emails": {"value": "a@b.c", "primary": "true"},
            "phoneNumbers": [{"type": "work", "value": ""}],
            "title": "",
            "groups": "staff",
            E: {"manager": {"managerId": "7", "displayName": "Boss"}, "department": ""},
        }
        assert clean_resource(body, USER, tolerance=DIGITS) == (
            {"userName": "a", "active": True, "emails": [{"value": "a@b.c", "primary": True}]},
            (
                f"{E}:manager.managerId",
                "urn:scim:schemas:core:2.0",
                "urn:scim:schemas:extension:enterprise:2.0",
            ),
        )

    def test_jumpcloud_replaces_a_user_with_null_emails(self) -> None:
        assert document({"schemas": [U], "id": "1", "userName": "a", "emails": None, "addresses": []}) == {
            "userName": "a"
        }

    def test_authentik_and_keycloak_bodies_are_read(self) -> None:
        body = {
            "schemas": [U, "urn:ietf:params:scim:schemas:extension:slack:profile:2.0:User"],
            "emails": [{"primary": True, "type": "other", "value": "a@b.c"}],
            "roles": [{"value": "x"}],
            "userName": ["a"],
            "active": "true",
        }
        assert document(body) == {
            "emails": [{"primary": True, "type": "other", "value": "a@b.c"}],
            "roles": [{"value": "x"}],
            "userName": "a",
            "active": True,
        }

    def test_a_group_keeps_its_members_as_sent(self) -> None:
        body = {"displayName": "X", "members": [{"value": "1", "$ref": None, "display": "One", "extra": 1}]}
        assert clean_resource(body, GROUP) == (
            {"displayName": "X", "members": [{"value": "1", "display": "One"}]},
            ("members.extra",),
        )


class TestNames:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"USERNAME": "a"}, {"userName": "a"}),
            ({"Name": {"GIVENNAME": "G"}}, {"name": {"givenName": "G"}}),
            ({E.upper(): {"Department": "D"}}, {E: {"department": "D"}}),
            ({f"{E}:department": "D"}, {E: {"department": "D"}}),
            ({f"{E}:manager.value": "7"}, {E: {"manager": {"value": "7"}}}),
            ({f"{E}.department": "D"}, {E: {"department": "D"}}),
            ({f"{U}:userName": "a"}, {"userName": "a"}),
            ({f"{U}:name.givenName": "G"}, {"name": {"givenName": "G"}}),
            ({U: {"userName": "a", "name": {"givenName": "G"}}}, {"userName": "a", "name": {"givenName": "G"}}),
            ({"name.givenName": "G"}, {"name": {"givenName": "G"}}),
            ({"name.givenName": "G", "name": {"familyName": "F"}}, {"name": {"givenName": "G", "familyName": "F"}}),
            ({"name": {"givenName": "G"}, "name.givenName": "G"}, {"name": {"givenName": "G"}}),
            ({E: {"manager.value": "7"}}, {E: {"manager": {"value": "7"}}}),
            ({"department": "D"}, {E: {"department": "D"}}),
            ({"department": None, E: {"department": "D"}}, {E: {"department": "D"}}),
            ({"manager": "7"}, {E: {"manager": {"value": "7"}}}),
            ({"externalId": "x"}, {"externalId": "x"}),
            ({E: None}, {}),
            ({E: []}, {}),
            ({E: ""}, {}),
            ({E: {}}, {}),
            ({E: [{"department": "D"}]}, {E: {"department": "D"}}),
            ({" userName ": "a"}, {"userName": "a"}),
        ],
    )
    def test_names_are_read_in_every_spelling(self, body: dict[str, Any], expected: dict[str, Any]) -> None:
        assert clean_resource(body, USER) == (expected, ())

    @pytest.mark.parametrize(
        "body",
        [
            {"id": "1"},
            {"ID": {"x": 1}},
            {"meta": {"created": "now"}},
            {"meta.location": "/x"},
            {"schemas": [U]},
            {"groups": [{"value": "1"}]},
            {"groups": "staff"},
            {f"{U}:id": "1"},
            {E: {"manager": {"displayName": "Boss"}}},
            {f"{E}:manager.displayName": "Boss"},
        ],
    )
    def test_what_the_server_assigns_is_dropped(self, body: dict[str, Any]) -> None:
        assert clean_resource(body, USER) == ({}, ())

    @pytest.mark.parametrize("tolerance", [LENIENT, STRICT])
    @pytest.mark.parametrize(
        "name",
        ["password", "PASSWORD", f"{U}:password", f"{U}:Password", f"{E}:password", "password.value", " password"],
    )
    def test_the_password_is_dropped_and_not_repeated(self, name: str, tolerance: Tolerance) -> None:
        body = {"schemas": [U], name: "s3cret-s3cret"}
        assert clean_resource(body, USER, tolerance=tolerance) == ({}, ())

    @pytest.mark.parametrize("body", [{U: {"password": "s3cret"}}, {E: {"Password": "s3cret"}}])
    def test_the_password_is_dropped_inside_a_schema(self, body: dict[str, Any]) -> None:
        assert clean_resource(body, USER) == ({}, ())

    @pytest.mark.parametrize(
        ("body", "ignored"),
        [
            ({"shoeSize": 46}, "shoeSize"),
            ({"urn:x:y": {"a": 1}}, "urn:x:y"),
            ({"name": {"nick": "N"}}, "name.nick"),
            ({"name.nick": "N"}, "name.nick"),
            ({E: {"shoeSize": 46}}, f"{E}:shoeSize"),
            ({f"{E}:shoeSize": 46}, f"{E}:shoeSize"),
            ({f"{E}:": 46}, f"{E}:"),
            ({f"{E}x": 46}, f"{E}x"),
            ({"emails": [{"value": "a@b.c", "verified": True}]}, "emails.verified"),
            ({"emails.value": "a@b.c"}, "emails.value"),
            ({"userName.": "a"}, "userName."),
            ({"a" * 2000: 1}, "a" * 100),
            ({"a\nb\u202e": 1}, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"),
            ({'x[value eq "secret"]': 1}, "x"),
            ({'x[value eq "a].secret"].part': 1}, "x.part"),
            ({'x[value eq "secret': 1}, "x"),
            ({"x[" * 300: 1}, "x"),
        ],
    )
    def test_unknown_names_are_left_out_and_reported(self, body: dict[str, Any], ignored: str) -> None:
        cleaned = clean_resource(body, USER)
        assert cleaned.ignored == (ignored,)
        assert not cleaned.document or cleaned.document == {"emails": [{"value": "a@b.c"}]}
        with pytest.raises(InvalidSyntax, match="There is no attribute"):
            clean_resource({"schemas": [U], **body}, USER, tolerance=STRICT)

    def test_a_plain_unknown_name_is_told_to_the_client_and_others_are_not(self) -> None:
        with pytest.raises(InvalidSyntax, match='"shoeSize"'):
            clean_resource({"schemas": [U], "shoeSize": 1}, USER, tolerance=STRICT)
        with pytest.raises(InvalidSyntax, match=r"attribute\. /Schemas"):
            clean_resource({"schemas": [U], "<script>": 1}, USER, tolerance=STRICT)

    def test_the_report_is_sorted_and_has_an_end(self) -> None:
        ignored = clean_resource({f"x{number:03}": 1 for number in range(200, 0, -1)}, USER).ignored
        assert ignored == tuple(f"x{number:03}" for number in range(1, 51))

    @pytest.mark.parametrize(
        "name", ["name.givenName", f"{E}:department", f"{U}:userName", "department", f"{E}.department"]
    )
    def test_strict_reads_plain_names_and_objects_only(self, name: str) -> None:
        with pytest.raises(InvalidSyntax):
            clean_resource({"schemas": [U], name: "x"}, USER, tolerance=STRICT)
        assert document({"schemas": [U], E: {"department": "x"}}, tolerance=STRICT) == {E: {"department": "x"}}

    def test_strict_reads_no_dotted_names_inside_an_extension(self) -> None:
        with pytest.raises(InvalidSyntax):
            clean_resource({"schemas": [U], E: {"manager.value": "7"}}, USER, tolerance=STRICT)

    @pytest.mark.parametrize(
        "body",
        [
            {"userName": "a", f"{U}:userName": "b"},
            {"name": {"givenName": "a"}, "name.givenName": "b"},
            {"department": "a", E: {"department": "b"}},
            {"emails": "a@b.c", f"{U}:emails": "d@e.f"},
        ],
    )
    def test_two_values_for_one_attribute_are_refused(self, body: dict[str, Any]) -> None:
        with pytest.raises(InvalidSyntax, match="more than once"):
            clean_resource(body, USER)

    def test_a_bare_name_that_two_extensions_have_means_neither(self) -> None:
        assert clean_resource({"level": "1"}, WIDGET) == ({}, ("level",))

    def test_a_urn_that_begins_with_another_is_told_apart(self) -> None:
        assert document({f"{X}:Other:shade": "red", f"{X}:level": "1"}, WIDGET) == {
            f"{X}:Other": {"shade": "red"},
            X: {"level": "1"},
        }

    def test_an_extension_is_no_attribute_of_another(self) -> None:
        assert clean_resource({X: {"Other": {"shade": "red"}}}, WIDGET) == ({}, (f"{X}:Other",))

    @pytest.mark.parametrize("value", ["x", 1, [1], [{}, {}], True])
    def test_the_value_of_an_extension_must_be_an_object(self, value: object) -> None:
        with pytest.raises(InvalidValue, match=E):
            clean_resource({E: value}, USER)


class TestSchemas:
    @pytest.mark.parametrize(
        "schemas", [None, [], U, [U], ["urn:x"], [E], [U.lower(), E.upper()], {"a": 1}, 5, [5, None], "urn:x"]
    )
    def test_anything_passes_where_tolerated(self, schemas: object) -> None:
        assert document({"schemas": schemas, "userName": "a"}) == {"userName": "a"}

    def test_unknown_schemas_are_reported(self) -> None:
        assert clean_resource({"Schemas": ["urn:x", U, 5, "urn:x:password"]}, USER).ignored == ("urn:x",)

    @pytest.mark.parametrize(
        ("schemas", "detail"),
        [
            (None, "must be a list"),
            (U, "must be a list"),
            ([U, 5], "must be a list"),
            ([], "must contain"),
            ([E], "must contain"),
            ([U, "urn:x"], "does not support"),
        ],
    )
    def test_strict_wants_known_schemas_with_the_core_one(self, schemas: object, detail: str) -> None:
        with pytest.raises(InvalidSyntax, match=detail):
            clean_resource({"schemas": schemas}, USER, tolerance=STRICT)

    def test_strict_reads_urns_in_any_case(self) -> None:
        assert document({"schemas": [U.upper(), E]}, tolerance=STRICT) == {}


NOT_STRINGS = [5, 0.5, True, False, {"a": 1}, ["a", "b"], [["a", "b"]]]


class TestTypes:
    @pytest.mark.parametrize("value", NOT_STRINGS)
    @pytest.mark.parametrize("name", ["userName", "title", "profileUrl", "externalId"])
    def test_a_string_is_a_string(self, name: str, value: object) -> None:
        with pytest.raises(InvalidValue, match=name):
            clean_resource({name: value}, USER)

    @pytest.mark.parametrize(
        "value", ["x", " x ", "Zoë", "a\tb\r\nc", "\N{ZERO WIDTH JOINER}", "٥", "\N{NO-BREAK SPACE}"]
    )
    def test_strings_are_kept_as_sent(self, value: str) -> None:
        assert clean_value(value, path("title")) == value

    @pytest.mark.parametrize("char", ["\0", "\x01", "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\x85", "\x9f", "\ud800"])
    @pytest.mark.parametrize("name", ["title", "userName", "displayName", "name.givenName", "emails", "profileUrl"])
    def test_control_characters_are_refused(self, name: str, char: str) -> None:
        with pytest.raises(InvalidValue, match="control characters"):
            clean_value(f"a{char}b", path(name))

    @pytest.mark.parametrize(
        "char", [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)), "\u200e", "\u200f"]
    )
    def test_names_may_not_change_the_direction_of_writing(self, char: str) -> None:
        for name in ("userName", "displayName"):
            with pytest.raises(InvalidValue, match=f"{name} holds characters that change the direction"):
                clean_value(f"a{char}b", path(name))
        assert clean_value(f"a{char}b", path("title")) == f"a{char}b"

    @pytest.mark.parametrize("name", ["title", "name.givenName", "emails", f"{E}:department"])
    def test_strings_have_a_longest_length(self, name: str) -> None:
        assert clean_value("x" * MAX_STRING_LENGTH, path(name))
        with pytest.raises(InvalidValue, match=r"longer than 65536"):
            clean_value("x" * (MAX_STRING_LENGTH + 1), path(name))

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (True, True),
            (False, False),
            ("true", True),
            ("False", False),
            ("TRUE", True),
            ([False], False),
            (["False"], False),
        ],
    )
    def test_booleans(self, value: object, expected: bool) -> None:
        assert clean_value(value, path("active")) is expected

    @pytest.mark.parametrize("value", [1, 0, 1.0, "1", "0", "yes", "", " true", {"a": 1}, [True, False], "t"])
    def test_what_is_no_boolean(self, value: object) -> None:
        if value == "":
            assert clean_value(value, path("active")) is None
            return
        with pytest.raises(InvalidValue, match="active"):
            clean_value(value, path("active"))

    @pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("true", True)])
    def test_digits_are_booleans_where_tolerated(self, value: str, expected: bool) -> None:
        assert clean_value(value, path("active"), tolerance=DIGITS) is expected

    @pytest.mark.parametrize("value", ["true", "False", "1", 1, "", [True]])
    def test_strict_knows_only_json_booleans(self, value: object) -> None:
        with pytest.raises(InvalidValue):
            clean_value(value, path("active"), tolerance=STRICT)

    @pytest.mark.parametrize("value", [0, 5, -5, 2**63 - 1, -(2**63)])
    def test_integers(self, value: int) -> None:
        assert clean_value(value, path("size", WIDGET)) == value

    @pytest.mark.parametrize("value", [5.0, 2**63, -(2**63) - 1, True, "5", {"a": 1}, [1, 2]])
    def test_what_is_no_integer(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="size"):
            clean_value(value, path("size", WIDGET))

    @pytest.mark.parametrize("value", [0, 5, -0.5, 1e300])
    def test_decimals(self, value: float) -> None:
        assert clean_value(value, path("weight", WIDGET)) == value

    @pytest.mark.parametrize("value", [True, "5", float("inf"), float("nan")])
    def test_what_is_no_decimal(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="weight must be a number"):
            clean_value(value, path("weight", WIDGET))

    @pytest.mark.parametrize(
        "value",
        [
            "2011-05-13T04:42:34Z",
            "2011-05-13T04:42:34",
            "2011-05-13T04:42:34.123Z",
            "2011-05-13T04:42:34.1234567Z",
            "2011-05-13T04:42:34+02:00",
        ],
    )
    def test_dates_are_kept_as_sent(self, value: str) -> None:
        assert clean_value(value, path("made", WIDGET)) == value

    @pytest.mark.parametrize(
        "value",
        [
            "2011-05-13",
            "2011-02-30T00:00:00Z",
            "20110513T044234Z",
            "2011-05-13 04:42:34",
            "now",
            5,
            "٢٠١١-05-13T04:42:34Z",
        ],
    )
    def test_what_is_no_date(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="made"):
            clean_value(value, path("made", WIDGET))

    @pytest.mark.parametrize("value", ["AAAA", "AA==", "AA", "+/+/", "-_-_", "AAA="])
    def test_base64_is_kept_as_sent(self, value: str) -> None:
        assert clean_value(value, path("blob", WIDGET)) == value

    @pytest.mark.parametrize("value", ["A", "AA AA", "A\nAA", "A===", "é", "+_aa", "=", "AA=", 5, "AAAA=", "AAAAA=="])
    def test_what_is_no_base64(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="blob"):
            clean_value(value, path("blob", WIDGET))

    def test_references_are_strings(self) -> None:
        assert clean_value("../Users/1", path("home", WIDGET)) == "../Users/1"

    @pytest.mark.parametrize("value", ["purple", "WORK", "x"])
    def test_canonical_values_are_suggestions(self, value: str) -> None:
        assert document(
            {"emails": [{"value": "a@b.c", "type": value}]}, tolerance=replace(STRICT, unknown_schemas=True)
        ) == {"emails": [{"value": "a@b.c", "type": value}]}


class TestComplex:
    @pytest.mark.parametrize("value", ["John Doe", 5, True, [{"givenName": "a"}, {"givenName": "b"}], ["John"]])
    def test_an_object_is_an_object(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="name must be"):
            clean_resource({"name": value}, USER)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("7", {"value": "7"}),
            ({"value": "7"}, {"value": "7"}),
            ({"VALUE": "7"}, {"value": "7"}),
            ([{"value": "7", "$ref": "../Users/7"}], {"value": "7", "$ref": "../Users/7"}),
            ({"value": "7", "displayName": "Boss"}, {"value": "7"}),
            (["7"], {"value": "7"}),
            ("", None),
            ([""], None),
            ({"value": ""}, None),
            ({"value": None, "$ref": None}, None),
            ({"value": "", "$ref": "../Users/7"}, None),
            ({"$ref": "../Users/7"}, {"$ref": "../Users/7"}),
            ({"displayName": "Boss"}, None),
            (None, None),
            ([], None),
            ({}, None),
        ],
    )
    def test_the_manager_in_every_shape(self, value: object, expected: object) -> None:
        assert clean_value(value, path(f"{E}:manager")) == expected
        assert document({E: {"manager": value}}) == ({E: {"manager": expected}} if expected else {})

    @pytest.mark.parametrize("value", ["7", [{"value": "7"}], [], 5])
    def test_strict_takes_an_object_for_an_object(self, value: object) -> None:
        if value == []:
            assert clean_value(value, path(f"{E}:manager"), tolerance=STRICT) is None
            return
        with pytest.raises(InvalidValue, match="manager"):
            clean_value(value, path(f"{E}:manager"), tolerance=STRICT)

    def test_a_value_that_is_wrong_inside_is_named_in_full(self) -> None:
        with pytest.raises(InvalidValue, match=r"^name\.givenName must be a string\.$"):
            clean_resource({"name": {"givenName": 5}}, USER)

    @pytest.mark.parametrize("value", [None, [], {}, "", {"givenName": ""}, {"givenName": None, "familyName": []}])
    def test_what_assigns_nothing_is_left_out(self, value: object) -> None:
        assert document({"name": value}) == {}


class TestMultiValued:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ([{"value": "a@b.c"}], [{"value": "a@b.c"}]),
            ({"value": "a@b.c"}, [{"value": "a@b.c"}]),
            ("a@b.c", [{"value": "a@b.c"}]),
            (["a@b.c", "d@e.f"], [{"value": "a@b.c"}, {"value": "d@e.f"}]),
            ([["a@b.c"]], [{"value": "a@b.c"}]),
            ([{"value": "a"}, {"VALUE": "a"}], [{"value": "a"}]),
            ([{"value": "a", "type": "work"}, {"type": "work", "value": "a"}], [{"value": "a", "type": "work"}]),
            ([{"value": "a", "type": "work"}, {"value": "a"}], [{"value": "a", "type": "work"}, {"value": "a"}]),
            ([{"value": "a", "type": "work"}, {"value": "b", "type": "work"}],) * 2,
            ([{}, None, "", {"value": None}, {"value": "a"}], [{"value": "a"}]),
            ([{"value": "", "type": "work", "primary": True}], None),
            ([{"type": "work"}], [{"type": "work"}]),
            ([{"value": "a", "primary": "TRUE"}], [{"value": "a", "primary": True}]),
            ([{"value": "a", "primary": True}, {"value": "b", "primary": False}],) * 2,
            ([], None),
            ({}, None),
            (None, None),
            ("", None),
        ],
    )
    def test_emails_in_every_shape(self, value: object, expected: object) -> None:
        assert clean_value(value, path("emails")) == expected

    @pytest.mark.parametrize("value", [5, True, [5], [True], [["a", "b"]], [{"value": 5}], 0, False])
    def test_what_is_no_list_of_emails(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="emails"):
            clean_value(value, path("emails"))

    @pytest.mark.parametrize("value", [{"value": "a"}, "a", ["a"], "", 5])
    def test_strict_takes_a_list_for_a_list(self, value: object) -> None:
        with pytest.raises(InvalidValue, match="emails"):
            clean_value(value, path("emails"), tolerance=STRICT)

    def test_strict_keeps_empty_strings(self) -> None:
        assert clean_value([{"value": "", "type": "work"}], path("emails"), tolerance=STRICT) == [
            {"value": "", "type": "work"}
        ]

    def test_one_value_may_be_primary(self) -> None:
        with pytest.raises(InvalidValue, match="emails has more than one primary"):
            clean_value([{"value": "a", "primary": True}, {"value": "b", "primary": "true"}], path("emails"))

    def test_an_address_that_says_only_what_it_would_be_is_left_out(self) -> None:
        assert clean_value([{"type": "work", "streetAddress": "", "primary": False}], path("addresses")) is None

    def test_the_number_of_values_is_limited(self) -> None:
        values = [f"a{number}@b.c" for number in range(MAX_VALUES)]
        assert len(clean_value(values, path("emails"))) == MAX_VALUES
        with pytest.raises(InvalidValue, match="emails has more than 1000 values"):
            clean_value([*values, "x@b.c"], path("emails"))

    def test_the_number_of_members_is_not(self) -> None:
        members = [{"value": str(number)} for number in range(MAX_VALUES + 1)]
        assert clean_value(members, path("members", GROUP)) == members

    def test_simple_values(self) -> None:
        assert clean_value(["a", "b", "a", "", None], path("tags", WIDGET)) == ["a", "b"]
        assert clean_value("a", path("tags", WIDGET)) == ["a"]
        assert clean_value(5, path("codes", WIDGET)) == [5]
        with pytest.raises(InvalidValue, match="codes"):
            clean_value(["5"], path("codes", WIDGET))

    def test_a_sub_attribute_may_have_several_values(self) -> None:
        parts = [{"value": "a", "labels": ["x", "y", "x"]}, {"value": "a", "labels": ["x", "y"]}]
        assert clean_value(parts, path("parts", WIDGET)) == [{"value": "a", "labels": ["x", "y"]}]


class TestRequire:
    def test_a_user_needs_a_user_name(self) -> None:
        require({"userName": "a"}, USER)
        with pytest.raises(InvalidValue, match=r"^userName is missing\.$"):
            require({"displayName": "A"}, USER)

    def test_an_empty_user_name_is_none(self) -> None:
        with pytest.raises(InvalidValue, match="userName is missing"):
            require(document({"userName": ""}), USER)

    @pytest.mark.parametrize(
        ("widget", "missing"),
        [
            ({X: {"level": "1"}}, None),
            ({}, f"{X}:level"),
            ({X: {"size": "1"}}, f"{X}:level"),
            ({X: {"level": "1"}, f"{X}:Other": {"level": "1"}}, f"{X}:Other:shade"),
            ({X: {"level": "1"}, "owner": {"note": "n"}}, "owner.name"),
            ({X: {"level": "1"}, "owner": {"name": "n"}}, None),
            ({X: {"level": "1"}, "parts": [{"value": "a"}, {"labels": ["x"]}]}, "parts.value"),
            ({X: {"level": "1"}, "tags": ["a"]}, None),
        ],
    )
    def test_extensions_and_sub_attributes(self, widget: dict[str, Any], missing: str | None) -> None:
        if missing is None:
            require(widget, WIDGET)
            return
        with pytest.raises(InvalidValue, match=rf"^{missing} is missing\.$"):
            require(widget, WIDGET)

    def test_a_required_extension_is_missed_when_nothing_in_it_is_required(self) -> None:
        resource_type = replace(USER, required_extensions=frozenset({E}))
        require({"userName": "a", E: {"department": "d"}}, resource_type)
        with pytest.raises(InvalidValue, match=f"{E} is missing"):
            require({"userName": "a"}, resource_type)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["", "true", "a@b.c"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "type", "primary", "givenName", "Manager", "department", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "userName",
        "name",
        "emails",
        "Members",
        "active",
        "schemas",
        E,
        U,
        f"{E}:manager",
        "name.givenName",
        "manager",
        "id",
        "?",
        "",
    ]
) | st.text(max_size=4)


@given(
    st.dictionaries(NAMES, JSON, max_size=5), st.sampled_from([LENIENT, STRICT, DIGITS]), st.sampled_from([USER, GROUP])
)
def test_any_body_is_cleaned_or_refused(
    body: dict[str, Any], tolerance: Tolerance, resource_type: ResourceType
) -> None:
    before = repr(body)
    with contextlib.suppress(BadRequest):
        cleaned = clean_resource(body, resource_type, tolerance=tolerance)
        json.dumps(cleaned.document, allow_nan=False)
        again = clean_resource(
            {"schemas": [resource_type.schema.id], **cleaned.document}, resource_type, tolerance=tolerance
        )
        assert again == (cleaned.document, ())
    assert repr(body) == before
