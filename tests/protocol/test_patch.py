"""PATCH of a user: every shape that identity providers send, with exact results."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import pytest

from django_scim_provider.protocol import core_schemas, urns
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.protocol.patch import Patched, apply_operations, parse_operations
from django_scim_provider.protocol.schemas import ResourceType
from django_scim_provider.protocol.tolerance import LENIENT, Tolerance
from django_scim_provider.protocol.validation import clean_resource, require

U, E, P = urns.USER, urns.ENTERPRISE_USER, urns.PATCH_OP
USER = ResourceType("User", "/Users", "", core_schemas.USER, (core_schemas.ENTERPRISE_USER,))

NAME = {"givenName": "Alice", "familyName": "Archer", "formatted": "Alice Archer"}
WORK = {"value": "alice@work.example", "type": "work", "primary": True}
HOME = {"value": "alice@home.example", "type": "home"}
OFFICE = {"type": "work", "streetAddress": "1 Main St", "locality": "Town"}
ADMIN = {"value": "admin", "display": "Admin", "primary": True}
PHONE = {"value": "+1", "type": "work"}
MANAGER = {"value": "m1", "$ref": "../Users/m1"}
DOCUMENT: dict[str, Any] = {
    "userName": "alice",
    "externalId": "ext-1",
    "displayName": "Alice A",
    "active": True,
    "title": "Dr",
    "name": NAME,
    "emails": [WORK, HOME],
    "phoneNumbers": [PHONE],
    "addresses": [OFFICE],
    "roles": [ADMIN],
    E: {"department": "R&D", "employeeNumber": "7", "manager": MANAGER},
}


class Case(NamedTuple):
    """Operations, and what they change: canonical key to new value, ``None`` for unassigned."""

    name: str
    operations: Any
    changes: dict[str, Any]
    ignored: tuple[str, ...] = ()


def op(verb: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": verb}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


def without(element: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: part for name, part in element.items() if name not in names}


def patch(
    operations: Any, document: dict[str, Any] = DOCUMENT, *, tolerance: Tolerance = LENIENT, schemas: Any = (P,)
) -> Patched:
    body = {"schemas": list(schemas), "Operations": operations}
    before, body_before = deepcopy(document), deepcopy(body)
    parsed = parse_operations(body, USER, tolerance=tolerance)
    patched = apply_operations(document, parsed.operations, USER, tolerance=tolerance)
    assert (document, body) == (before, body_before), "the input was changed"
    return patched


def expected(changes: dict[str, Any], document: dict[str, Any] = DOCUMENT) -> dict[str, Any]:
    result = deepcopy(document)
    for key, value in changes.items():
        urn, _, name = key.rpartition(":")
        container = result.setdefault(urn, {}) if urn else result
        if value is None:
            container.pop(name, None)
        else:
            container[name] = value
        if urn and not container:
            del result[urn]
    return result


JSON_ROLE = '{"id":"18","value":"25","displayName":"Role1234"}'

OKTA = [
    Case("okta deactivates", [op("replace", None, {"active": False})], {"active": False}),
    Case("okta reactivates", [op("replace", None, {"active": True})], {}),
    Case("okta syncs the password", [op("replace", None, {"password": "s3cret"})], {}),
    Case("okta wraps a scalar in a list", [op("replace", None, {"active": [False]})], {"active": False}),
    Case("okta sends its id", [op("replace", None, {"id": "abf4", "displayName": "New"})], {"displayName": "New"}),
    Case("okta clears with an empty string", [op("replace", None, {"title": ""})], {"title": None}),
    Case(
        "okta pushes a profile",
        [
            op(
                "replace",
                None,
                {"name": {"givenName": "A"}, "emails": [{"value": "n@x", "type": "work", "primary": True}]},
            )
        ],
        {"name": {**NAME, "givenName": "A"}, "emails": [{"value": "n@x", "type": "work", "primary": True}]},
    ),
    Case("okta sends read-only groups", [op("replace", None, {"groups": [], "active": False})], {"active": False}),
]

ENTRA_LEGACY = [
    Case("entra replaces displayName", [op("Replace", "displayName", "Pvlo")], {"displayName": "Pvlo"}),
    Case(
        "entra replaces the work address",
        [op("Replace", 'emails[type eq "work"].value', "a@b.c")],
        {"emails": [{**WORK, "value": "a@b.c"}, HOME]},
    ),
    Case("entra replaces a name part", [op("Replace", "name.givenName", "G")], {"name": {**NAME, "givenName": "G"}}),
    Case("entra replaces externalId", [op("Replace", "externalId", "Eqpj")], {"externalId": "Eqpj"}),
    Case("entra adds a nickname", [op("Add", "nickName", "Babs")], {"nickName": "Babs"}),
    Case(
        "entra replaces an extension attribute",
        [op("Replace", f"{E}:employeeNumber", "Eqpj")],
        {f"{E}:employeeNumber": "Eqpj"},
    ),
    Case("entra sets the manager by string", [op("Add", f"{E}:manager", "u2")], {f"{E}:manager": {"value": "u2"}}),
    Case(
        "entra sets the manager by object",
        [op("Add", f"{E}:manager", {"value": "u2"})],
        {f"{E}:manager": {"value": "u2"}},
    ),
    Case(
        "entra sets the manager by list and bare name",
        [op("Add", "manager", [{"$ref": "http://x/Users/u2", "value": "u2"}])],
        {f"{E}:manager": {"$ref": "http://x/Users/u2", "value": "u2"}},
    ),
    Case("entra sets manager.value", [op("Add", f"{E}:manager.value", "u2")], {f"{E}:manager": {"value": "u2"}}),
    Case("entra's old dotted manager", [op("Add", f"{E}.manager", "u2")], {f"{E}:manager": {"value": "u2"}}),
    Case("entra sets the same manager", [op("Add", f"{E}:manager", "m1")], {}),
    Case("entra clears the manager by string", [op("Replace", f"{E}:manager", "")], {f"{E}:manager": None}),
    Case("entra clears the manager by object", [op("Replace", f"{E}:manager", {"value": ""})], {f"{E}:manager": None}),
    Case("entra clears manager.value", [op("Replace", f"{E}:manager.value", "")], {f"{E}:manager": None}),
    Case("entra removes the manager", [op("Remove", f"{E}:manager")], {f"{E}:manager": None}),
    Case("entra deactivates with a string", [op("Replace", "active", "False")], {"active": False}),
    Case("entra activates with a string", [op("Replace", "active", "True")], {}),
    Case(
        "entra adds a role as JSON in a string",
        [op("Add", "roles", [{"value": JSON_ROLE}])],
        {"roles": [ADMIN, {"value": JSON_ROLE}]},
    ),
    Case(
        "entra makes a missing fax number",
        [op("Add", 'phoneNumbers[type eq "fax"].value', "+9")],
        {"phoneNumbers": [PHONE, {"type": "fax", "value": "+9"}]},
    ),
    Case(
        "entra makes a missing address in parts",
        [
            op("Add", 'addresses[type eq "home"].formatted', "F"),
            op("Add", 'addresses[type eq "home"].streetAddress', "S"),
            op("Add", 'addresses[type eq "home"].postalCode', "P"),
        ],
        {"addresses": [OFFICE, {"type": "home", "formatted": "F", "streetAddress": "S", "postalCode": "P"}]},
    ),
    Case(
        "the entra validator updates a role found by a string primary",
        [op("Replace", 'roles[primary eq "True"].display', "D"), op("Replace", 'roles[primary eq "True"].value', "V")],
        {"roles": [{**ADMIN, "display": "D", "value": "V"}]},
    ),
    Case("entra removes an attribute", [op("Remove", "title")], {"title": None}),
    Case(
        "entra clears a value by filter",
        [op("Remove", 'phoneNumbers[type eq "work"].value')],
        {"phoneNumbers": None},
    ),
    Case(
        "entra updates many attributes one by one",
        [
            op("Replace", "displayName", "D"),
            op("Replace", "name.givenName", "G"),
            op("Replace", "name.familyName", "F"),
            op("Replace", 'emails[type eq "home"].value', "h@x"),
            op("Replace", f"{E}:department", "Sales"),
            op("Replace", "active", "False"),
        ],
        {
            "displayName": "D",
            "name": {**NAME, "givenName": "G", "familyName": "F"},
            "emails": [WORK, {**HOME, "value": "h@x"}],
            f"{E}:department": "Sales",
            "active": False,
        },
    ),
]

ENTRA_COMPLIANT = [
    Case(
        "entra collapses everything without a filter",
        [
            op("replace", 'emails[type eq "work"].value', "x@y.z"),
            op(
                "replace",
                None,
                {"displayName": "B", "name.givenName": "K", "name.familyName": "U", f"{E}:employeeNumber": "A"},
            ),
        ],
        {
            "emails": [{**WORK, "value": "x@y.z"}, HOME],
            "displayName": "B",
            "name": {**NAME, "givenName": "K", "familyName": "U"},
            f"{E}:employeeNumber": "A",
        },
    ),
    Case("entra deactivates with a boolean", [op("replace", "active", False)], {"active": False}),
    Case(
        "entra finds the primary address",
        [op("replace", "emails[primary eq true].value", "n@x")],
        {"emails": [{**WORK, "value": "n@x"}, HOME]},
    ),
    Case(
        "entra sends an extension as an object",
        [op("add", None, {E: {"department": "D", "costCenter": "C"}})],
        {f"{E}:department": "D", f"{E}:costCenter": "C"},
    ),
    Case(
        "entra sends a filtered key",
        [op("replace", None, {'emails[type eq "work"].value': "n@x", "title": "T"})],
        {"emails": [{**WORK, "value": "n@x"}, HOME], "title": "T"},
    ),
    Case(
        "entra sets the manager without a path",
        [op("replace", None, {f"{E}:manager": "u2"})],
        {f"{E}:manager": {"value": "u2"}},
    ),
    Case(
        "entra makes a missing role by its primary",
        [op("replace", 'entitlements[primary eq "True"].value', "E1")],
        {"entitlements": [{"primary": True, "value": "E1"}]},
    ),
]

OTHERS = [
    Case(
        "jumpcloud replaces a name part", [op("replace", "name.familyName", "F")], {"name": {**NAME, "familyName": "F"}}
    ),
    Case("jumpcloud deactivates", [op("replace", "active", False)], {"active": False}),
    Case(
        "jumpcloud replaces its phone numbers",
        [op("replace", "phoneNumbers", [{"value": "tel:+1-5", "type": "work", "primary": True}])],
        {"phoneNumbers": [{"value": "tel:+1-5", "type": "work", "primary": True}]},
    ),
    Case("jumpcloud nulls its emails", [op("replace", None, {"emails": None})], {"emails": None}),
    Case(
        "authentik sends schemas and id in the value",
        [
            op(
                "replace",
                None,
                {"schemas": [U], "id": "9", "externalId": "e2", "displayName": "N", "meta": {"version": "1"}},
            )
        ],
        {"externalId": "e2", "displayName": "N"},
    ),
    Case("keycloak deactivates with a lower-case string", [op("replace", "active", "false")], {"active": False}),
    Case("keycloak wraps its value in a list", [op("replace", "userName", ["bob"])], {"userName": "bob"}),
    Case(
        "keycloak wraps the whole value in a list", [op("replace", None, [{"displayName": "N"}])], {"displayName": "N"}
    ),
    Case("ping prefixes paths with the core urn", [op("replace", f"{U}:displayName", "N")], {"displayName": "N"}),
    Case(
        "ping prefixes sub-attributes and filters",
        [op("replace", f"{U}:name.givenName", "G"), op("replace", f'{U}:emails[type Eq "work"].value', "n@x")],
        {"name": {**NAME, "givenName": "G"}, "emails": [{**WORK, "value": "n@x"}, HOME]},
    ),
    Case(
        "ping prefixes keys",
        [op("replace", None, {f"{U}:title": "T", f"{U}:userName": "bob"})],
        {"title": "T", "userName": "bob"},
    ),
    Case(
        "a core schema object",
        [op("replace", None, {U: {"title": "T", "name.givenName": "G"}})],
        {"title": "T", "name": {**NAME, "givenName": "G"}},
    ),
    Case("a core schema as the path", [op("add", U, {"title": "T"})], {"title": "T"}),
    Case(
        "onelogin sends one object for a list",
        [op("replace", "emails", {"value": "n@x"})],
        {"emails": [{"value": "n@x"}]},
    ),
    Case("onelogin sends one operation instead of a list", op("replace", "title", "T"), {"title": "T"}),
    Case(
        "unquoted filter value",
        [op("replace", "emails[type eq work].value", "n@x")],
        {"emails": [{**WORK, "value": "n@x"}, HOME]},
    ),
]

SINGLE = [
    Case("add to an unset attribute", [op("add", "nickName", "N")], {"nickName": "N"}),
    Case("add replaces a set attribute", [op("add", "title", "T")], {"title": "T"}),
    Case("replace of an unset attribute adds", [op("replace", "nickName", "N")], {"nickName": "N"}),
    Case("replace with the same value", [op("replace", "title", "Dr")], {}),
    Case("replace with null unassigns", [op("replace", "title", None)], {"title": None}),
    Case("replace with an empty list unassigns", [op("replace", "title", [])], {"title": None}),
    Case("replace with an empty string unassigns", [op("replace", "title", "")], {"title": None}),
    Case("add of null unassigns", [op("add", "title", None)], {"title": None}),
    Case("remove unassigns", [op("remove", "title")], {"title": None}),
    Case("remove with a value", [op("remove", "title", "anything")], {"title": None}),
    Case("remove with null", [op("remove", "title", None)], {"title": None}),
    Case("remove of what is not set", [op("remove", "nickName")], {}),
    Case(
        "names in any case",
        [op("REPLACE", "TITLE", "T"), op("rEpLaCe", "Name.GivenName", "G")],
        {"title": "T", "name": {**NAME, "givenName": "G"}},
    ),
    Case("spaces around a path", [op("replace", " title ", "T")], {"title": "T"}),
    Case("an empty path is none", [op("replace", "", {"title": "T"})], {"title": "T"}),
    Case("a null path is none", [{"op": "replace", "path": None, "value": {"title": "T"}}], {"title": "T"}),
    Case("later operations win", [op("replace", "title", "A"), op("replace", "title", "B")], {"title": "B"}),
    Case("there and back is no change", [op("replace", "title", "A"), op("replace", "title", "Dr")], {}),
    Case("remove then add", [op("remove", "title"), op("add", "title", "B")], {"title": "B"}),
    Case("userName in another case", [op("replace", "userName", "ALICE")], {"userName": "ALICE"}),
    Case("externalId", [op("remove", "externalId")], {"externalId": None}),
]

COMPLEX = [
    Case("add merges", [op("add", "name", {"givenName": "G", "middleName": "M"})],
         {"name": {**NAME, "givenName": "G", "middleName": "M"}}),
    Case("replace merges", [op("replace", "name", {"givenName": "G"})], {"name": {**NAME, "givenName": "G"}}),
    Case("a null part is unassigned", [op("replace", "name", {"givenName": None})],
         {"name": without(NAME, "givenName")}),
    Case("an empty part is unassigned", [op("replace", "name", {"givenName": ""})],
         {"name": without(NAME, "givenName")}),
    Case("an empty object says nothing", [op("replace", "name", {})], {}),
    Case("null unassigns the whole", [op("replace", "name", None)], {"name": None}),
    Case("remove of the whole", [op("remove", "name")], {"name": None}),
    Case("remove of a part", [op("remove", "name.formatted")], {"name": without(NAME, "formatted")}),
    Case("remove of every part", [op("remove", f"name.{part}") for part in NAME], {"name": None}),
    Case("remove of a part that is not set", [op("remove", "name.middleName")], {}),
    Case("path-less replace merges one level deep", [op("replace", None, {"name": {"familyName": "F"}})],
         {"name": {**NAME, "familyName": "F"}}),
    Case("path-less add merges one level deep", [op("add", None, {"name": {"familyName": "F"}})],
         {"name": {**NAME, "familyName": "F"}}),
    Case("a part in a list", [op("replace", "name.givenName", ["G"])], {"name": {**NAME, "givenName": "G"}}),
    Case("a new manager leaves the old reference behind", [op("replace", f"{E}:manager", {"value": "u2"})],
         {f"{E}:manager": {"value": "u2"}}),
    Case("the same manager keeps the reference", [op("replace", f"{E}:manager", {"value": "m1"})], {}),
    Case("a manager's read-only name is dropped",
         [op("replace", f"{E}:manager", {"value": "m1", "displayName": "B"})], {}),
    Case("a manager's read-only name is dropped as a key",
         [op("replace", None, {f"{E}:manager.displayName": "B"})], {}),
    Case("a reference alone is removed", [op("remove", f"{E}:manager.$ref")], {f"{E}:manager": {"value": "m1"}}),
]  # fmt: skip

EXTENSION = [
    Case("one attribute", [op("remove", f"{E}:department")], {f"{E}:department": None}),
    Case("the last attribute takes the object away",
         [op("remove", f"{E}:{name}") for name in ("department", "employeeNumber", "manager")],
         {f"{E}:department": None, f"{E}:employeeNumber": None, f"{E}:manager": None}),
    Case("remove of the whole extension", [op("remove", E)],
         {f"{E}:department": None, f"{E}:employeeNumber": None, f"{E}:manager": None}),
    Case("replace of the whole extension with null", [op("replace", E, None)],
         {f"{E}:department": None, f"{E}:employeeNumber": None, f"{E}:manager": None}),
    Case("a null extension in a value", [op("replace", None, {E: None})],
         {f"{E}:department": None, f"{E}:employeeNumber": None, f"{E}:manager": None}),
    Case("an empty extension says nothing", [op("replace", None, {E: {}})], {}),
    Case("replace of the extension merges", [op("replace", E, {"department": "D"})], {f"{E}:department": "D"}),
    Case("add to the extension merges", [op("add", E, {"costCenter": "C"})], {f"{E}:costCenter": "C"}),
    Case("an extension in a list", [op("add", E, [{"costCenter": "C"}])], {f"{E}:costCenter": "C"}),
    Case("an extension in upper case", [op("add", E.upper(), {"COSTCENTER": "C"})], {f"{E}:costCenter": "C"}),
    Case("dotted names inside the extension", [op("add", None, {E: {"manager.value": "u2"}})],
         {f"{E}:manager": {"value": "u2"}}),
    Case("bare names", [op("replace", "department", "D"), op("replace", None, {"costCenter": "C"})],
         {f"{E}:department": "D", f"{E}:costCenter": "C"}),
    Case("null inside the extension", [op("replace", E, {"department": None})], {f"{E}:department": None}),
]  # fmt: skip

NEW = {"value": "new@x", "type": "other"}
MULTI = [
    Case("add appends", [op("add", "emails", [NEW])], {"emails": [WORK, HOME, NEW]}),
    Case("add of one object appends", [op("add", "emails", NEW)], {"emails": [WORK, HOME, NEW]}),
    Case("add of a string appends", [op("add", "emails", "new@x")], {"emails": [WORK, HOME, {"value": "new@x"}]}),
    Case("add to nothing", [op("add", "ims", [NEW])], {"ims": [NEW]}),
    Case("add of what is there", [op("add", "emails", [HOME])], {}),
    Case("add of the same value without its type", [op("add", "emails", [{"value": "alice@home.example"}])], {}),
    Case("add of the same value and type updates", [op("add", "emails", [{**HOME, "display": "H"}])],
         {"emails": [WORK, {**HOME, "display": "H"}]}),
    Case("add of the same value in another case updates",
         [op("add", "emails", [{**HOME, "value": "ALICE@home.example"}])],
         {"emails": [WORK, {**HOME, "value": "ALICE@home.example"}]}),
    Case("add of the same value with another type appends", [op("add", "emails", [{**HOME, "type": "other"}])],
         {"emails": [WORK, HOME, {**HOME, "type": "other"}]}),
    Case("add tells case in exact values", [op("add", "photos", [{"value": "a"}, {"value": "A"}])],
         {"photos": [{"value": "a"}, {"value": "A"}]}),
    Case("add of an equal address", [op("add", "addresses", [dict(reversed(OFFICE.items()))])], {}),
    Case("add of a second work address", [op("add", "addresses", [{"type": "work", "locality": "City"}])],
         {"addresses": [OFFICE, {"type": "work", "locality": "City"}]}),
    Case("add of a primary demotes the others", [op("add", "emails", [{**NEW, "primary": True}])],
         {"emails": [{**WORK, "primary": False}, HOME, {**NEW, "primary": True}]}),
    Case("add may move the primary", [op("add", "emails", [{**HOME, "primary": "True"}])],
         {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]}),
    Case("add of nothing", [op("add", "emails", [])], {}),
    Case("add of null", [op("add", "emails", None)], {}),
    Case("path-less add appends", [op("add", None, {"emails": [NEW], "nickname": "B"})],
         {"emails": [WORK, HOME, NEW], "nickName": "B"}),
    Case("replace replaces all", [op("replace", "emails", [NEW])], {"emails": [NEW]}),
    Case("replace with nothing", [op("replace", "emails", [])], {"emails": None}),
    Case("replace with null", [op("replace", "emails", None)], {"emails": None}),
    Case("replace with empty values", [op("replace", "emails", [{"type": "work", "value": ""}])], {"emails": None}),
    Case("path-less replace replaces all", [op("replace", None, {"emails": [NEW]})], {"emails": [NEW]}),
    Case("replace collapses repetitions", [op("replace", "emails", [NEW, NEW])], {"emails": [NEW]}),
    Case("remove removes all", [op("remove", "emails")], {"emails": None}),
    Case("remove with null removes all", [op("remove", "emails", None)], {"emails": None}),
    Case("remove of listed values", [op("remove", "emails", [{"value": "alice@home.example"}])], {"emails": [WORK]}),
    Case("remove of a listed string", [op("remove", "emails", "alice@HOME.example")], {"emails": [WORK]}),
    Case("remove of a value with its type", [op("remove", "emails", [HOME])], {"emails": [WORK]}),
    Case("remove of a value with another type", [op("remove", "emails", [{**HOME, "type": "work"}])], {}),
    Case("remove of an unknown value", [op("remove", "emails", [{"value": "nobody@x"}])], {}),
    Case("remove of a listed address", [op("remove", "addresses", [OFFICE])], {"addresses": None}),
    Case("remove of another address", [op("remove", "addresses", [{"type": "work"}])], {}),
    Case("remove of every listed value", [op("remove", "roles", [{"value": "admin"}, {"value": "x"}])],
         {"roles": None}),
    Case("a part of every element", [op("replace", "emails.type", "other")],
         {"emails": [{**WORK, "type": "other"}, {**HOME, "type": "other"}]}),
    Case("a part of no element", [op("add", "ims.value", "x")], {"ims": [{"value": "x"}]}),
    Case("a part of no element is not cleared", [op("replace", "ims.value", None)], {}),
    Case("the same value for every element",
         [op("replace", "roles.value", "x"), op("add", "roles.value", "x")],
         {"roles": [{**ADMIN, "value": "x"}]}),
    Case("one primary where all are set", [op("replace", "emails.primary", True)],
         {"emails": [WORK, {**HOME, "primary": False}]}),
    Case("remove of a part everywhere", [op("remove", "emails.type")],
         {"emails": [without(WORK, "type"), without(HOME, "type")]}),
]  # fmt: skip

FILTERED = [
    Case("replace with an object merges", [op("replace", 'emails[type eq "home"]', {"value": "n@x", "display": "D"})],
         {"emails": [WORK, {**HOME, "value": "n@x", "display": "D"}]}),
    Case("add with an object merges", [op("add", 'addresses[type eq "work"]', {"postalCode": "9"})],
         {"addresses": [{**OFFICE, "postalCode": "9"}]}),
    Case("replace with a string", [op("replace", 'emails[type eq "home"]', "n@x")],
         {"emails": [WORK, {**HOME, "value": "n@x"}]}),
    Case("replace with a list of one", [op("replace", 'emails[type eq "home"]', [{"value": "n@x"}])],
         {"emails": [WORK, {**HOME, "value": "n@x"}]}),
    Case("replace with null removes", [op("replace", 'emails[type eq "home"]', None)], {"emails": [WORK]}),
    Case("replace with an empty object says nothing", [op("replace", 'emails[type eq "home"]', {})], {}),
    Case("replace of the value with an empty string removes", [op("replace", 'emails[type eq "home"].value', "")],
         {"emails": [WORK]}),
    Case("replace of a part", [op("replace", 'addresses[type eq "work"].streetAddress', "1010 Broadway Ave")],
         {"addresses": [{**OFFICE, "streetAddress": "1010 Broadway Ave"}]}),
    Case("replace of several elements", [op("replace", "emails[value pr].display", "D")],
         {"emails": [{**WORK, "display": "D"}, {**HOME, "display": "D"}]}),
    Case("a new primary demotes the others", [op("replace", 'emails[type eq "home"].primary', True)],
         {"emails": [{**WORK, "primary": False}, {**HOME, "primary": True}]}),
    Case("the first of several new primaries", [op("replace", "emails[value pr].primary", "true")],
         {"emails": [WORK, {**HOME, "primary": False}]}),
    Case("a primary is taken back", [op("replace", "emails[primary eq true].primary", False)],
         {"emails": [{**WORK, "primary": False}, HOME]}),
    Case("remove of an element", [op("remove", 'emails[type eq "home"]')], {"emails": [WORK]}),
    Case("remove of an element with a value", [op("remove", 'emails[type eq "home"]', [WORK])], {"emails": [WORK]}),
    Case("remove by two conditions", [op("remove", 'emails[type eq "work" and value ew "example"]')],
         {"emails": [HOME]}),
    Case("remove of the last element", [op("remove", 'addresses[type eq "work"]')], {"addresses": None}),
    Case("remove of every element", [op("remove", "emails[value pr]")], {"emails": None}),
    Case("remove of a part of an element", [op("remove", "roles[primary eq true].display")],
         {"roles": [without(ADMIN, "display")]}),
    Case("remove of the value", [op("remove", 'emails[type eq "home"].value')], {"emails": [WORK]}),
    Case("remove of the only content", [op("remove", 'addresses[type eq "work"].streetAddress'),
                                        op("remove", 'addresses[type eq "work"].locality')], {"addresses": None}),
    Case("remove of what is not there", [op("remove", 'emails[type eq "other"]')], {}),
    Case("remove of a part of what is not there", [op("remove", 'emails[type eq "other"].value')], {}),
    Case("brackets and quotes in the value", [op("add", r'emails[value eq "a]b\"[c.d"].display', "D")],
         {"emails": [WORK, HOME, {"value": 'a]b"[c.d', "display": "D"}]}),
    Case("a filter in another case", [op("replace", 'EMAILS[TYPE EQ "WORK"].VALUE', "n@x")],
         {"emails": [{**WORK, "value": "n@x"}, HOME]}),
    Case("an element is made", [op("add", 'emails[type eq "other"].value', "n@x")],
         {"emails": [WORK, HOME, {"type": "other", "value": "n@x"}]}),
    Case("an element is made from an object", [op("replace", 'emails[type eq "other"]', {"value": "n@x"})],
         {"emails": [WORK, HOME, {"type": "other", "value": "n@x"}]}),
    Case("an element is made from a string", [op("replace", 'emails[type eq "other"]', "n@x")],
         {"emails": [WORK, HOME, {"type": "other", "value": "n@x"}]}),
    Case("an element is made from two conditions", [op("add", 'ims[type eq "xmpp" and primary eq "true"].value', "x")],
         {"ims": [{"type": "xmpp", "primary": True, "value": "x"}]}),
    Case("an element made as primary demotes the others",
         [op("add", 'emails[type eq "other" and primary eq true].value', "n@x")],
         {"emails": [{**WORK, "primary": False}, HOME, {"type": "other", "primary": True, "value": "n@x"}]}),
    Case("an element is made though a condition says not",
         [op("add", 'ims[type eq "x" and not (primary eq true)].value', "v")],
         {"ims": [{"type": "x", "value": "v"}]}),
    Case("an element is made of what a condition leaves open",
         [op("add", 'emails[type ne "work" and type ne "home"].value', "v")],
         {"emails": [WORK, HOME, {"value": "v"}]}),
    Case("an element is made when the value completes it", [op("add", 'ims[type eq "x" and value pr].value', "v")],
         {"ims": [{"type": "x", "value": "v"}]}),
    Case("a role is built up part by part",
         [op("add", 'entitlements[primary eq "True"].type', "T"),
          op("add", 'entitlements[primary eq "True"].display', "D"),
          op("add", 'entitlements[primary eq "True"].value', "V")],
         {"entitlements": [{"primary": True, "type": "T", "display": "D", "value": "V"}]}),
    Case("nothing is made of nothing", [op("replace", 'emails[type eq "other"].value', "")], {}),
    Case("nothing is made of null", [op("replace", 'emails[type eq "other"]', None)], {}),
    Case("a value is renamed", [op("replace", 'emails[value eq "alice@home.example"].value', "n@x")],
         {"emails": [WORK, {**HOME, "value": "n@x"}]}),
    Case("a town is renamed", [op("replace", 'addresses[locality eq "Town"].locality', "City")],
         {"addresses": [{**OFFICE, "locality": "City"}]}),
    Case("an element becomes another type", [op("replace", 'emails[type eq "home"].type', "other")],
         {"emails": [WORK, {**HOME, "type": "other"}]}),
    Case("an element becomes equal to another", [op("add", "emails", [{**HOME, "type": "other"}]),
                                                 op("remove", 'emails[type eq "home"].type'),
                                                 op("remove", 'emails[type eq "other"].type')],
         {"emails": [WORK, without(HOME, "type")]}),
]  # fmt: skip

IGNORED = [
    Case("unknown path", [op("replace", "shoeSize", 46), op("replace", "title", "T")], {"title": "T"}, ("shoeSize",)),
    Case("unknown sub-attribute", [op("replace", "name.nick", "N")], {}, ("name.nick",)),
    Case("unknown part of an element",
         [op("replace", 'emails[type eq "work"].verified', True)], {}, ("emails.verified",)),
    Case("unknown attribute with a filter", [op("add", 'pets[name eq "Rex"].age', 3)], {}, ("pets.age",)),
    Case("unknown extension", [op("add", "urn:x:y:User:z", 1)], {}, ("urn:x:y:User:z",)),
    Case("unknown extension attribute", [op("add", f"{E}:shoeSize", 1)], {}, (f"{E}:shoeSize",)),
    Case("unknown keys",
         [op("replace", None, {"shoeSize": 46, "name.nick": "N", E: {"x": 1}, "urn:x": {}, "title": "T"})],
         {"title": "T"}, ("name.nick", "shoeSize", f"{E}:x", "urn:x")),
    Case("unknown parts of values",
         [op("replace", "name", {"nick": "N", "givenName": "G"}), op("add", "emails", [{"value": "n@x", "ok": 1}])],
         {"name": {**NAME, "givenName": "G"}, "emails": [WORK, HOME, {"value": "n@x"}]}, ("emails.ok", "name.nick")),
    Case("a schema in a schema", [op("replace", None, {U: {"2.0": {"title": "T"}}})], {}, (f"{U}:2.0",)),
    Case("the password, in every spelling",
         [op("replace", "password", "s3cret"), op("add", f"{U}:Password", "s3cret"),
          op("replace", None, {"PASSWORD": "s3cret", f"{U}:password": "s3cret"})], {}),
    Case("no operations", [], {}),
]  # fmt: skip

CASES = OKTA + ENTRA_LEGACY + ENTRA_COMPLIANT + OTHERS + SINGLE + COMPLEX + EXTENSION + MULTI + FILTERED + IGNORED


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_patch_changes_exactly_this(case: Case) -> None:
    patched = patch(case.operations)
    assert patched.document == expected(case.changes)
    assert patched.changed == case.changes.keys()
    assert patched.deltas == {}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_same_patch_again_changes_nothing(case: Case) -> None:
    once = patch(case.operations)
    twice = patch(case.operations, once.document)
    assert twice.document == once.document
    assert twice.changed == frozenset()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_a_patch_leaves_is_canonical(case: Case) -> None:
    patched = patch(case.operations)
    require(patched.document, USER)
    assert clean_resource(patched.document, USER) == (patched.document, ())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_unknown_names_are_reported(case: Case) -> None:
    assert parse_operations({"Operations": case.operations}, USER).ignored == case.ignored


def test_the_table_is_as_long_as_promised() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 150


def test_a_patch_of_an_empty_document_builds_it() -> None:
    patched = patch([op("add", None, {"userName": "a", E: {"department": "D"}})], {})
    assert patched.document == {"userName": "a", E: {"department": "D"}}
    assert patched.changed == {"userName", f"{E}:department"}


def test_an_error_in_a_later_operation_leaves_everything_as_it_was() -> None:
    with pytest.raises(InvalidValue, match="active must be true or false"):
        patch([op("replace", "title", "T"), op("remove", "emails"), op("replace", "active", "maybe")])
