"""T-WIPE: who is in a group of five after a PATCH, for every shape that clients send, through HTTP to the database.

The invariant behind the table: *nobody leaves a group unless the request names them, or says remove or replace
plainly*. SCIM servers have emptied groups on a remove of one member, on a rename, on an empty list, on a list read
from a replica, on a path in another case.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from group_support import UNKNOWN, fill, in_group, push

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

LETTERS = "abcdefg"
"""Stand-ins for ids: a to e are in the group, f and g are people who are not; x is nobody, y somebody else's."""
PATH = f"{urns.GROUP}:members"


class Case(NamedTuple):
    name: str
    operations: Any
    outcome: str | int
    """Who is in the group afterwards; or the status of the refusal, and nobody has moved."""


def op(verb: str, path: str | None = None, *value: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": verb}
    if path is not None:
        operation["path"] = path
    if value:
        operation["value"] = value[0]
    return operation


def listed(*letters: str, **extra: Any) -> list[dict[str, Any]]:
    return [{"value": f"<{letter}>", **extra} for letter in letters]


def at(*letters: str, sub: str = "", name: str = "members") -> str:
    condition = " or ".join(f'value eq "<{letter}>"' for letter in letters)
    return f"{name}[{condition}]{sub}"


NOT_NAMES: list[Any] = [[], {}, "", [None], [{}], [[]], [""]]
"""Values that name nobody and do not say so plainly."""

CASES = [
    # ---------------------------------------------------------------- add: nobody ever leaves
    Case("add a list", [op("add", "members", listed("f"))], "abcdef"),
    Case("add several", [op("add", "members", listed("f", "g"))], "abcdefg"),
    Case("add those who are there", [op("add", "members", listed("a", "b"))], "abcde"),
    Case("add one who is there and one who is not", [op("add", "members", listed("e", "f"))], "abcdef"),
    Case("add twice in a list", [op("add", "members", listed("f", "f"))], "abcdef"),
    Case("add one object", [op("add", "members", {"value": "<f>"})], "abcdef"),
    Case("add a bare string", [op("add", "members", "<f>")], "abcdef"),
    Case("add a list of strings", [op("add", "members", ["<f>", "<g>"])], "abcdefg"),
    Case("add in capitals", [op("ADD", "members", listed("f"))], "abcdef"),
    Case("add, Entra's capital", [op("Add", "members", [{"$ref": None, "value": "<f>"}])], "abcdef"),
    Case("add at Members", [op("add", "Members", listed("f"))], "abcdef"),
    Case("add at MEMBERS", [op("add", "MEMBERS", listed("f"))], "abcdef"),
    Case("add at the URN", [op("add", PATH, listed("f"))], "abcdef"),
    Case("add at the URN in capitals", [op("add", PATH.upper(), listed("f"))], "abcdef"),
    Case("add with extra keys", [op("add", "members", listed("f", display="F", displayName="F", a=1))], "abcdef"),
    Case(
        "add with type and reference", [op("add", "members", listed("f", **{"type": "User", "$ref": "../f"}))], "abcdef"
    ),
    Case("add with keys in capitals", [op("add", "members", [{"Value": "<f>"}])], "abcdef"),
    Case("add without a path", [op("add", None, {"members": listed("f")})], "abcdef"),
    Case("add without a path, one object", [op("add", None, {"members": {"value": "<f>"}})], "abcdef"),
    Case("add without a path, Members", [op("add", None, {"Members": listed("f")})], "abcdef"),
    Case("add without a path, URN key", [op("add", None, {PATH: listed("f")})], "abcdef"),
    Case("add without a path, URN object", [op("add", None, {urns.GROUP: {"members": listed("f")}})], "abcdef"),
    Case("add with an empty path", [op("add", "", {"members": listed("f")})], "abcdef"),
    Case("add with a null path", [{"op": "add", "path": None, "value": {"members": listed("f")}}], "abcdef"),
    Case("add by filter makes the member", [op("add", at("f"), {"display": "F"})], "abcdef"),
    Case("add by filter to one who is there", [op("add", at("a"), {"display": "A"})], "abcde"),
    Case("add a name to one who is there", [op("add", at("a", sub=".display"), "A")], "abcde"),
    Case("add a name to one who is not", [op("add", at("f", sub=".display"), "F")], "abcde"),
    Case("add nobody: []", [op("add", "members", [])], "abcde"),
    Case("add nobody: null", [op("add", "members", None)], "abcde"),
    Case("add nobody: {}", [op("add", "members", {})], "abcde"),
    Case("add nobody: empty string", [op("add", "members", "")], "abcde"),
    Case("add nobody: [null]", [op("add", "members", [None])], "abcde"),
    Case("add nobody: no value", [op("add", "members")], 400),
    Case("add somebody without an id", [op("add", "members", [{"display": "F"}])], 400),
    Case("add a number", [op("add", "members", 5)], 400),
    Case("add a list of numbers", [op("add", "members", [5])], 400),
    Case("add true", [op("add", "members", True)], 400),
    Case("add at members.value", [op("add", "members.value", "<f>")], 400),
    Case("add a stranger", [op("add", "members", listed("x"))], "abcde"),
    Case("add a neighbour's", [op("add", "members", listed("y"))], "abcde"),
    Case("add a stranger and one who is known", [op("add", "members", listed("x", "f", "y"))], "abcdef"),
    # ---------------------------------------------------------------- remove: those who are named
    Case("remove by list (Entra, JumpCloud)", [op("remove", "members", listed("a"))], "bcde"),
    Case("remove by list, capitals (Entra)", [op("Remove", "members", [{"$ref": None, "value": "<a>"}])], "bcde"),
    Case("remove by list, REMOVE", [op("REMOVE", "members", listed("a"))], "bcde"),
    Case("remove several by list", [op("remove", "members", listed("a", "b"))], "cde"),
    Case("remove all by list", [op("remove", "members", listed(*"abcde"))], ""),
    Case("remove one object", [op("remove", "members", {"value": "<a>"})], "bcde"),
    Case("remove a bare string", [op("remove", "members", "<a>")], "bcde"),
    Case("remove a list of strings", [op("remove", "members", ["<a>", "<c>"])], "bde"),
    Case("remove twice in a list", [op("remove", "members", listed("a", "a"))], "bcde"),
    Case("remove with extra keys", [op("remove", "members", listed("a", display="Z", type="User", more=[1]))], "bcde"),
    Case("remove at Members", [op("remove", "Members", listed("a"))], "bcde"),
    Case("remove at the URN", [op("remove", PATH, listed("a"))], "bcde"),
    Case("remove one who is not there", [op("remove", "members", listed("f"))], "abcde"),
    Case("remove a stranger", [op("remove", "members", listed("x"))], "abcde"),
    Case("remove a neighbour's", [op("remove", "members", listed("y"))], "abcde"),
    Case("remove a stranger and one who is there", [op("remove", "members", listed("x", "a"))], "bcde"),
    Case("remove by filter (Okta)", [op("remove", at("a"))], "bcde"),
    Case("remove by filter, Members", [op("remove", at("a", name="Members"))], "bcde"),
    Case("remove by filter, URN", [op("remove", at("a", name=PATH))], "bcde"),
    Case("remove by filter, operators in capitals", [op("remove", 'members[VALUE EQ "<a>"]')], "bcde"),
    Case("remove by filter with spaces", [op("remove", 'members[ value  eq "<a>" ]')], "bcde"),
    Case("remove by filter without quotes", [op("remove", "members[value eq <a>]")], "bcde"),
    Case("remove by filter with a null value", [op("remove", at("a"), None)], "bcde"),
    Case("remove by filter with a value beside", [op("remove", at("a"), listed("b"))], "bcde"),
    Case("remove by filter, either of two", [op("remove", at("a", "b"))], "cde"),
    Case("remove by filter, one who is not there", [op("remove", at("f"))], "abcde"),
    Case("remove by filter, a stranger", [op("remove", at("x"))], "abcde"),
    Case("remove by filter, nonsense id", [op("remove", 'members[value eq "nonsense"]')], "abcde"),
    Case("remove by filter, no id", [op("remove", 'members[value eq ""]')], "abcde"),
    Case("remove by filter on type", [op("remove", 'members[type eq "User"]')], 400),
    Case("remove by filter on ne", [op("remove", 'members[value ne "<a>"]')], 400),
    Case("remove by filter on pr", [op("remove", "members[value pr]")], 400),
    Case("remove by filter on co", [op("remove", 'members[value co "-"]')], 400),
    Case("remove by filter on not", [op("remove", 'members[not (value eq "<a>")]')], 400),
    Case("remove by filter on and", [op("remove", 'members[value eq "<a>" and type eq "User"]')], 400),
    Case("remove by filter on display", [op("remove", 'members[display eq "A"]')], 400),
    Case("remove by an open filter", [op("remove", 'members[value eq "<a>"')], 400),
    Case("remove by an empty filter", [op("remove", "members[]")], 400),
    Case("remove the name of one", [op("remove", at("a", sub=".display"))], 400),
    Case("remove the id of one", [op("remove", at("a", sub=".value"))], 400),
    Case("remove at members.value", [op("remove", "members.value")], 400),
    Case("remove at members.value with a value", [op("remove", "members.value", "<a>")], 400),
    Case("remove at members.display", [op("remove", "members.display")], 400),
    Case("remove without a path", [op("remove", None, {"members": listed("a")})], 400),
    Case("remove without a path and value", [op("remove")], 400),
    Case("remove somebody without an id", [op("remove", "members", [{"display": "A"}])], 400),
    Case("remove a number", [op("remove", "members", 5)], 400),
    *(Case(f"remove {json.dumps(value)}", [op("remove", "members", value)], 400) for value in NOT_NAMES),
    # ---------------------------------------------------------------- remove: plainly all
    Case("remove all", [op("remove", "members")], ""),
    Case("remove all, Members", [op("Remove", "Members")], ""),
    Case("remove all, URN", [op("remove", PATH)], ""),
    Case("remove all, null (Keycloak)", [op("remove", "members", None)], ""),
    # ---------------------------------------------------------------- replace: the list is the group
    Case("replace by a list (Okta's push now)", [op("replace", "members", listed("a", "f", display="N"))], "af"),
    Case("replace by the same", [op("replace", "members", listed(*"abcde"))], "abcde"),
    Case("replace in capitals", [op("Replace", "Members", listed("f"))], "f"),
    Case("replace at the URN", [op("replace", PATH, listed("f"))], "f"),
    Case("replace by one object", [op("replace", "members", {"value": "<a>"})], "a"),
    Case("replace by a string", [op("replace", "members", "<a>")], "a"),
    Case("replace by a list of strings", [op("replace", "members", ["<a>", "<f>"])], "af"),
    Case("replace by twice the same", [op("replace", "members", listed("a", "a"))], "a"),
    Case("replace by nobody", [op("replace", "members", [])], ""),
    Case("replace by some strangers", [op("replace", "members", listed("x", "a", "y"))], "a"),
    Case("replace by strangers only", [op("replace", "members", listed("x", "y"))], 400),
    Case("replace by a neighbour's", [op("replace", "members", listed("y"))], 400),
    Case("replace without a path", [op("replace", None, {"members": listed("a", "f")})], "af"),
    Case("replace without a path, URN key", [op("replace", None, {PATH: listed("f")})], "f"),
    Case("replace without a path by nobody", [op("replace", None, {"members": []})], ""),
    Case("replace without a path, members null", [op("replace", None, {"members": None})], 400),
    Case("replace without a path, members {}", [op("replace", None, {"members": {}})], 400),
    Case("replace by null", [op("replace", "members", None)], 400),
    *(
        Case(f"replace by {json.dumps(value)}", [op("replace", "members", value)], 400)
        for value in NOT_NAMES
        if value != []
    ),
    Case("replace without a value", [op("replace", "members")], 400),
    Case("replace by somebody without an id", [op("replace", "members", [{"display": "A"}])], 400),
    Case("replace by number", [op("replace", "members", 5)], 400),
    Case("replace by false", [op("replace", "members", False)], 400),
    Case("replace the name of one", [op("replace", at("a", sub=".display"), "A")], "abcde"),
    Case("replace the name of one who is not there", [op("replace", at("f", sub=".display"), "F")], "abcde"),
    Case("replace one by herself", [op("replace", at("a"), {"value": "<a>", "display": "A"})], "abcde"),
    Case("replace one by another", [op("replace", at("a"), {"value": "<f>"})], 400),
    Case("replace the id of one", [op("replace", at("a", sub=".value"), "<f>")], 400),
    Case("replace one by nothing", [op("replace", at("a"), {})], 400),
    Case("replace at members.value", [op("replace", "members.value", "<f>")], 400),
    Case("replace by filter on pr", [op("replace", "members[value pr]", {"display": "A"})], 400),
    # ---------------------------------------------------------------- a rename is no replacement
    Case("rename", [op("replace", "displayName", "New")], "abcde"),
    Case("rename without a path", [op("replace", None, {"displayName": "New"})], "abcde"),
    Case("rename, Okta's id inside", [op("replace", None, {"id": UNKNOWN, "displayName": "New"})], "abcde"),
    Case(
        "rename, authentik's schemas inside",
        [op("replace", None, {"schemas": [urns.GROUP], "externalId": "e", "displayName": "New", "id": UNKNOWN})],
        "abcde",
    ),
    Case("add a name without a path", [op("add", None, {"displayName": "New"})], "abcde"),
    Case("external id", [op("replace", "externalId", "e")], "abcde"),
    Case("external id goes", [op("remove", "externalId")], "abcde"),
    Case("an unknown attribute", [op("replace", "colour", "red")], "abcde"),
    Case("an unknown attribute goes", [op("remove", "colour")], "abcde"),
    Case("an unknown extension goes", [op("remove", "urn:x:y:z")], "abcde"),
    Case("an unknown attribute named alike", [op("remove", "member")], "abcde"),
    Case("an unknown attribute inside", [op("replace", None, {"member": [], "colour": "red"})], "abcde"),
    Case("the core schema goes", [op("remove", urns.GROUP)], 400),
    Case("replace without a path by {}", [op("replace", None, {})], "abcde"),
    Case("replace without a path by a string", [op("replace", None, "members")], 400),
    Case("replace without a path by a list of members", [op("replace", None, listed("a", "b"))], 400),
    Case("no operation", [], "abcde"),
    Case("operations null", None, 400),
    Case("one operation without a list", op("remove", "members", listed("a")), "bcde"),
    # ---------------------------------------------------------------- several, in order
    Case("add then remove", [op("add", "members", listed("f")), op("remove", at("f"))], "abcde"),
    Case("remove then add", [op("remove", at("a")), op("add", "members", listed("a"))], "abcde"),
    Case(
        "add, remove, add", [op("add", "members", "<f>"), op("remove", at("f")), op("add", "members", "<f>")], "abcdef"
    ),
    Case("swap (Okta)", [op("remove", at("a")), op("add", "members", listed("f", display="f@x"))], "bcdef"),
    Case(
        "swap and rename (Okta)",
        [
            op("replace", None, {"id": UNKNOWN, "displayName": "New"}),
            op("remove", at("a")),
            op("remove", at("b")),
            op("add", "members", listed("f", "g")),
        ],
        "cdefg",
    ),
    Case(
        "one add for each member (authentik)",
        [op("add", "members", listed(letter)) for letter in "fg"],
        "abcdefg",
    ),
    Case(
        "members, name and external id (Keycloak)",
        [
            op("replace", "members", listed("a", "g")),
            op("replace", "displayName", ["New"]),
            op("replace", "externalId", ["k"]),
        ],
        "ag",
    ),
    Case("replace then add", [op("replace", "members", listed("a")), op("add", "members", listed("f"))], "af"),
    Case("replace then remove", [op("replace", "members", listed("a", "f")), op("remove", at("a"))], "f"),
    Case("replace then remove by list", [op("replace", "members", listed(*"ab")), op("remove", "members", "<a>")], "b"),
    Case("add then replace", [op("add", "members", listed("f")), op("replace", "members", listed("a"))], "a"),
    Case("replace twice", [op("replace", "members", listed("a")), op("replace", "members", listed("b"))], "b"),
    Case("empty then fill", [op("remove", "members"), op("add", "members", listed("f"))], "f"),
    Case("fill then empty", [op("add", "members", listed("f")), op("remove", "members")], ""),
    Case("empty by replace then fill", [op("replace", "members", []), op("add", "members", listed("a", "g"))], "ag"),
    Case("remove by both forms", [op("remove", at("a")), op("remove", "members", listed("b"))], "cde"),
    Case("remove one twice", [op("remove", at("a")), op("remove", at("a"))], "bcde"),
    Case("remove one, name her after", [op("remove", at("a")), op("replace", at("a", sub=".display"), "A")], "bcde"),
    Case("name one, remove her after", [op("replace", at("a", sub=".display"), "A"), op("remove", at("a"))], "bcde"),
    Case("an error at the end", [op("remove", "members"), op("remove", "members", [])], 400),
    Case("an error at the start", [op("replace", "members", {}), op("remove", "members")], 400),
    Case("an error of another attribute", [op("remove", "members"), op("replace", "displayName", None)], 400),
    Case("an unknown verb after", [op("remove", at("a")), op("delete", "members")], 400),
    Case("all by filter, one by one", [op("remove", at(letter)) for letter in "abcde"], ""),
]


@pytest.fixture
def people(scim: ScimClient, neighbour_scim: ScimClient) -> dict[str, str]:
    """Ids by letter."""
    ids = {letter: scim.create(f"{letter}@example.com")["id"] for letter in LETTERS}
    return ids | {"x": UNKNOWN, "y": neighbour_scim.create("y@example.com")["id"]}


def _named(operations: Any, people: dict[str, str]) -> Any:
    text = json.dumps(operations)
    for letter, scim_id in people.items():
        text = text.replace(f"<{letter}>", scim_id)
    return json.loads(text)


def test_the_table_is_long_enough() -> None:
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)


def test_who_is_in_the_group_afterwards(scim: ScimClient, people: dict[str, str]) -> None:
    """The whole table in one test: each case starts from the five."""
    group = push(scim, "Staff", *(people[letter] for letter in "abcde"))["id"]
    row = ScimGroup.objects.get()
    everybody = {people[letter] for letter in "abcde"}
    five = list(ScimUser.objects.filter(scim_id__in=everybody).values_list("pk", flat=True))
    wrong = []
    for case in CASES:
        ScimMembership.objects.all().delete()
        fill(row, five)
        version = ScimGroup.objects.get(scim_id=group).version
        body = {"schemas": [urns.PATCH_OP], "Operations": _named(case.operations, people)}
        response = scim.request("PATCH", f"/Groups/{group}", body)
        refused = isinstance(case.outcome, int)
        wanted = everybody if refused else {people[letter] for letter in str(case.outcome)}
        found = in_group(group)
        status = case.outcome if refused else 200
        if response.status_code != status or found != wanted:
            letters = "".join(sorted(letter for letter, scim_id in people.items() if scim_id in found))
            wrong.append((case.name, response.status_code, letters, response.content[:200]))
            continue
        if refused:
            assert ScimGroup.objects.get(scim_id=group).version == version, case.name
        else:
            assert {member["value"] for member in response.json()["members"]} == wanted, case.name
        _check_invariant(case, everybody - found, people)
    assert not wrong


def _check_invariant(case: Case, left: set[str], people: dict[str, str]) -> None:
    """Nobody leaves unless the request names them, or says remove or replace plainly."""
    operations = case.operations if isinstance(case.operations, list) else [case.operations]
    text = json.dumps(_named([step for step in operations if step["op"].lower() == "remove"], people)) if left else ""
    plainly = any(_is_plain(operation) for operation in operations if operation)
    assert plainly or all(scim_id in text for scim_id in left), case.name


def _is_plain(operation: dict[str, Any]) -> bool:
    verb, path = operation["op"].lower(), str(operation.get("path") or "").lower()
    value = operation.get("value")
    if not path:
        inside = {name.lower(): item for name, item in value.items()} if isinstance(value, dict) else {}
        return verb == "replace" and bool(inside.keys() & {"members", PATH.lower()})
    if path not in ("members", PATH.lower()):
        return False
    return verb == "replace" or (verb == "remove" and value is None)


STRICT = [
    Case("remove by filter", [op("remove", at("a"))], "bcde"),
    Case("remove by list", [op("remove", "members", listed("a"))], 400),
    Case("add a list", [op("add", "members", listed("f"))], "abcdef"),
    Case("add a string", [op("add", "members", "<f>")], 400),
    Case("add one object", [op("add", "members", {"value": "<f>"})], 400),
    Case("without a path", [op("replace", None, {"members": []})], 400),
    Case("no operation", [], 400),
    Case("remove all", [op("remove", "members")], ""),
    Case("extra keys", [op("add", "members", listed("f", colour="red"))], 400),
]


@pytest.mark.parametrize("case", STRICT, ids=lambda case: case.name)
def test_the_strict_dialect_takes_the_profile_at_its_word(
    scim: ScimClient, connection: ScimConnection, people: dict[str, str], case: Case
) -> None:
    group = push(scim, "Staff", *(people[letter] for letter in "abcde"))["id"]
    ScimConnection.objects.filter(pk=connection.pk).update(provider="strict")
    response = scim.patch(f"/Groups/{group}", *_named(case.operations, people))
    wanted = "abcde" if isinstance(case.outcome, int) else case.outcome
    assert response.status_code == (case.outcome if isinstance(case.outcome, int) else 200), response.content
    assert in_group(group) == {people[letter] for letter in wanted}
