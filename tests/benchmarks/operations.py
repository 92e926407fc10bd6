"""What is measured: for each operation the request that a server gets, and what its answer has to say."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from typing import Any, NamedTuple
from urllib.parse import quote

from . import population
from .servers import Request, Server

RUN = secrets.token_hex(3)
"""In the names of what is made, so that a database can be measured again."""
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PAGE = 100
ALL = frozenset(population.SERVERS)
WITHOUT_SCIM2 = ALL - {"scim2"}

Check = Callable[[Any], None]
Prepared = tuple[Request, Check]


class Operation(NamedTuple):
    name: str
    prepare: Callable[[Server, int, int], Prepared]
    """For a server, the number of people and the number of the round: what to send, and what to make of the answer."""
    is_read: bool = True
    servers: Collection[str] = ALL
    """Those that can do it."""
    is_flat: bool = False
    """Whether its time may not grow with the number of people."""
    is_large: bool = False
    """Whether few rounds are enough."""


def _same(found: Any, wanted: Any) -> None:
    assert found == wanted, f"{found!r:.500} instead of {wanted!r:.500}"


def told(resource: dict[str, Any]) -> dict[str, Any]:
    """What all servers say of a person, ids and times left out."""
    return {
        "userName": resource["userName"],
        "externalId": resource["externalId"],
        "givenName": resource["name"]["givenName"],
        "familyName": resource["name"]["familyName"],
        "emails": [email["value"] for email in resource["emails"]],
        "active": resource["active"],
        "groups": sorted(group["display"] for group in resource.get("groups", ())),
    }


_groups: dict[int, dict[int, list[str]]] = {}


def _groups_of(number: int, users: int) -> list[str]:
    if users not in _groups:
        theirs: dict[int, list[str]] = {}
        for name, members in population.memberships(users).items():
            for member in members:
                theirs.setdefault(member, []).append(name)
        _groups[users] = theirs
    return sorted(_groups[users].get(number, ()))


def expected(number: int, users: int) -> dict[str, Any]:
    """What is told of somebody whom nobody has changed."""
    name = population.user_name(number)
    return {
        "userName": name,
        "externalId": population.external_id(number),
        "givenName": "Given",
        "familyName": f"Family{number}",
        "emails": [name.lower()],
        "active": True,
        "groups": _groups_of(number, users),
    }


def _read(turn: int, users: int) -> int:
    """Somebody who is only read, the same one for every server: every other one of the sample."""
    people = population.sampled(users)[::2]
    return people[turn * 7 % len(people)]


def _written(server: Server, turn: int, users: int) -> int:
    """Somebody who is written by one server only."""
    people = population.sampled(users)[1::2][population.SERVERS.index(server.name) :: len(population.SERVERS)]
    return people[turn % len(people)]


def body(name: str, number: int = 0, **more: Any) -> dict[str, Any]:
    """A person as an identity provider sends them."""
    return {
        "schemas": [USER],
        "userName": name,
        "externalId": f"ext-{name}",
        "name": {"givenName": "Given", "familyName": f"Family{number}"},
        "emails": [{"value": name.lower(), "type": "work", "primary": True}],
        "active": True,
    } | more


def _patch(**operation: Any) -> dict[str, Any]:
    return {"schemas": [PATCH], "Operations": [operation]}


# Reads -----------------------------------------------------------------------------------------------------


def get(server: Server, users: int, turn: int) -> Prepared:
    number = _read(turn, users)
    request = Request("GET", f"/Users/{server.person(number)}")
    return request, lambda answer: _same(told(answer), expected(number, users))


def _found(text: str, users: int, number: int | None) -> Prepared:
    def check(answer: Any) -> None:
        _same(answer["totalResults"], 0 if number is None else 1)
        _same([told(resource) for resource in answer["Resources"]], [] if number is None else [expected(number, users)])

    return Request("GET", f"/Users?filter={quote(text)}"), check


def user_name_hit(server: Server, users: int, turn: int) -> Prepared:
    number = _read(turn, users)
    return _found(f'userName eq "{population.user_name(number)}"', users, number)


def user_name_miss(server: Server, users: int, turn: int) -> Prepared:
    return _found(f'userName eq "nobody.{turn}@example.com"', users, None)


def user_name_other_case(server: Server, users: int, turn: int) -> Prepared:
    number = _read(turn, users)
    return _found(f'userName eq "{population.user_name(number).upper()}"', users, number)


def external_id(server: Server, users: int, turn: int) -> Prepared:
    number = _read(turn, users)
    return _found(f'externalId eq "{population.external_id(number)}"', users, number)


def work_address(server: Server, users: int, turn: int) -> Prepared:
    number = _read(turn, users)
    return _found(f'emails[type eq "work" and value co "n.{number:07}@"]', users, number)


def _page(path: str, first: int, total: int) -> Prepared:
    def check(answer: Any) -> None:
        names = [resource["userName"] for resource in answer["Resources"]]
        _same(names, [population.user_name(number) for number in range(first, first + PAGE)])
        assert answer["totalResults"] >= total or answer["totalResults"] == -1

    return Request("GET", path), check


def first_page(server: Server, users: int, turn: int) -> Prepared:
    return _page(f"/Users?startIndex=1&count={PAGE}", 0, users)


def _deep(users: int) -> int:
    return users * 9 // 10 // PAGE * PAGE


def deep_page(server: Server, users: int, turn: int) -> Prepared:
    return _page(f"/Users?startIndex={_deep(users) + 1}&count={PAGE}", _deep(users), users)


_cursors: dict[tuple[str, int], str] = {}


def cursor_page(server: Server, users: int, turn: int) -> Prepared:
    """The package by its own cursors, walked to once; the others after a key."""
    key = server.name, users
    if key not in _cursors:
        _cursors[key] = _walk(server, users)
    name = "cursor" if server.is_package else "after"
    return _page(f"/Users?{name}={_cursors[key]}&count={PAGE}", _deep(users), users)


def _walk(server: Server, users: int) -> str:
    if not server.is_package:
        answer = server.send(Request("GET", f"/Users?startIndex={_deep(users)}&count=1")).json()
        return str(answer["Resources"][0]["id"])
    cursor = ""
    for _ in range(_deep(users) // PAGE):
        cursor = server.send(Request("GET", f"/Users?cursor={cursor}&count={PAGE}")).json()["nextCursor"]
    return cursor


def group(server: Server, users: int, turn: int) -> Prepared:
    def check(answer: Any) -> None:
        _same((answer["displayName"], len(answer["members"])), (population.EVERYBODY, users + population.BEYOND))

    return Request("GET", f"/Groups/{server.group(population.EVERYBODY)}"), check


def group_without_members(server: Server, users: int, turn: int) -> Prepared:
    def check(answer: Any) -> None:
        (resource,) = answer["Resources"]
        _same(resource["displayName"], population.EVERYBODY)
        assert server.name == "scim2" or "members" not in resource

    text = quote(f'displayName eq "{population.EVERYBODY}"')
    return Request("GET", f"/Groups?filter={text}&excludedAttributes=members"), check


# Writes ----------------------------------------------------------------------------------------------------


def _answered(sent: dict[str, Any], groups: list[str] | None) -> Check:
    def check(answer: Any) -> None:
        found = told(answer)
        shown = found.pop("groups") if groups is None else None
        wanted = told(sent | {"groups": [{"display": name} for name in groups or ()]})
        if shown is not None:
            wanted.pop("groups")
        _same(found, wanted)

    return check


def create(server: Server, users: int, turn: int) -> Prepared:
    sent = body(f"new.{RUN}.{server.name}.{turn}@example.com")
    return Request("POST", "/Users", sent, 201), _answered(sent, [])


def put(server: Server, users: int, turn: int) -> Prepared:
    number = _written(server, turn, users)
    sent = body(population.user_name(number), turn + number, externalId=population.external_id(number))
    sent["name"]["familyName"] = f"Changed{RUN}{turn}"
    return Request("PUT", f"/Users/{server.person(number)}", sent), _answered(sent, _groups_of(number, users))


def _activity(*, active: bool) -> Callable[[Server, int, int], Prepared]:
    def prepare(server: Server, users: int, turn: int) -> Prepared:
        operation = _patch(op="replace", path="active", value=active)
        request = Request("PATCH", f"/Users/{server.person(_written(server, turn, users))}", operation)
        return request, lambda answer: _same(answer["active"], active)

    return prepare


def _membership(server: Server, users: int, operation: dict[str, Any]) -> Prepared:
    # More members than are sent back after a change, except by django-scim2, which sends all of them.
    many = users + population.BEYOND > 1000 and server.name != "scim2"
    path = f"/Groups/{server.group(population.EVERYBODY)}"
    return Request("PATCH", path, _patch(**operation), 204 if many else 200), lambda answer: None


def _outsider(server: Server, users: int, turn: int) -> str:
    theirs = population.outsiders(users)[population.SERVERS.index(server.name) :: len(population.SERVERS)]
    return server.person(theirs[turn % len(theirs)])


def add_member(server: Server, users: int, turn: int) -> Prepared:
    return _membership(
        server, users, {"op": "add", "path": "members", "value": [{"value": _outsider(server, users, turn)}]}
    )


def remove_member(server: Server, users: int, turn: int) -> Prepared:
    member = _outsider(server, users, turn)
    if server.name == "scim2":
        return _membership(server, users, {"op": "remove", "path": "members", "value": [{"value": member}]})
    return _membership(server, users, {"op": "remove", "path": f'members[value eq "{member}"]'})


def replace_members(server: Server, users: int, turn: int) -> Prepared:
    numbers = population.replacing(users, other=turn % 2 == 1)
    members = [{"value": server.person(number)} for number in numbers]
    path = f"/Groups/{server.group(f'Replaced {server.name}')}"
    request = Request("PATCH", path, _patch(op="replace", path="members", value=members))
    return request, lambda answer: _same(len(answer["members"]), len(members))


def create_group(server: Server, users: int, turn: int) -> Prepared:
    members = [{"value": server.person(number)} for number in population.replacing(users, other=False)]
    sent = {"schemas": [GROUP], "displayName": f"New {RUN} {server.name} {turn}", "members": members}
    return Request("POST", "/Groups", sent, 201), lambda answer: _same(len(answer["members"]), len(members))


def _bulk(count: int) -> Callable[[Server, int, int], Prepared]:
    def prepare(server: Server, users: int, turn: int) -> Prepared:
        names = [f"bulk.{RUN}.{server.name}.{count}.{turn}.{number}@example.com" for number in range(count)]
        operations = [{"method": "POST", "path": "/Users", "bulkId": name, "data": body(name)} for name in names]
        request = Request("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
        return request, lambda answer: _same([one["status"] for one in answer["Operations"]], ["201"] * count)

    return prepare


BLOCKS: tuple[tuple[Operation, ...], ...] = (
    (Operation("GET a person", get, is_flat=True),),
    (Operation("userName eq, found", user_name_hit, is_flat=True),),
    (Operation("userName eq, nobody", user_name_miss, is_flat=True),),
    (Operation("userName eq, other case", user_name_other_case, is_flat=True, servers=WITHOUT_SCIM2),),
    (Operation("externalId eq", external_id, is_flat=True),),
    (Operation("first page of 100", first_page, is_flat=True),),
    (Operation("page of 100 by cursor", cursor_page, is_flat=True, servers=WITHOUT_SCIM2),),
    (Operation("deep page of 100", deep_page),),
    (Operation("work address co", work_address, servers=WITHOUT_SCIM2),),
    (Operation("GET the large group", group, is_large=True),),
    (Operation("find the large group", group_without_members),),
    (Operation("PUT a person", put, is_read=False, is_flat=True),),
    (
        Operation("PATCH active, out", _activity(active=False), is_read=False, is_flat=True),
        Operation("PATCH active, in", _activity(active=True), is_read=False, is_flat=True),
    ),
    (
        Operation("add 1 member", add_member, is_read=False, is_flat=True),
        Operation("remove 1 member", remove_member, is_read=False, is_flat=True),
    ),
    (Operation("replace 1,000 members", replace_members, is_read=False, servers=WITHOUT_SCIM2, is_large=True),),
    (Operation("POST a group of 1,000", create_group, is_read=False, servers=WITHOUT_SCIM2, is_large=True),),
    (Operation("POST a person", create, is_read=False, is_flat=True),),
    (Operation("bulk of 100 people", _bulk(100), is_read=False, servers=WITHOUT_SCIM2, is_large=True),),
    (Operation("bulk of 1,000 people", _bulk(1000), is_read=False, servers=WITHOUT_SCIM2, is_large=True),),
)
"""In this order; those in one block by turns, the second undoing what the first did."""
