"""Any sequence of operations leaves what an oracle of plain dictionaries has: two connections, one site, the host between.

The long form is told how far to go by SCIM_EXAMPLES; an example has 50 steps there.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.helpers import VENDOR
from conftest import ScimClient, person
from django_scim_provider.models import GroupRoleMapping, ScimGroup, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import invariants, role_mappings, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory
from group_support import group_body, roles_of

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
SOAK = bool(os.environ.get("SCIM_SOAK"))
SHORT, LONG = ("20", "20000") if VENDOR == "sqlite" else ("5", "2000")
EXAMPLES = int(os.environ.get("SCIM_EXAMPLES", LONG if SOAK else SHORT))
STEPS = 50 if SOAK else 30
COUNTS: Counter[str] = Counter()

NAMES = ["ann", "Ann", "ANN", "bob", "cy", "Bob", "zoë", "ZOË", "dan"]
GROUPS = ["Staff", "staff", "Board", "Ops"]
ROLES = ["reader", "writer"]
who = st.integers(0, 63)
"""Chooses among what there is by then."""


def key(name: str) -> str:
    return name.lower()


def pick(things: Any, number: int) -> Any:
    ordered = list(things)
    return ordered[number % len(ordered)]


class Site(RuleBasedStateMachine):
    """People and groups by id, as each connection must show them."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()
        cache.clear()
        self.contexts = [Context(ConnectionFactory(existing_accounts=policy)) for policy in ("adopt", "never")]
        self.tokens: list[list[Any]] = [[tokens.issue(context)] for context in self.contexts]
        self.people: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.mappings: list[dict[str, Any]] = []
        self.by_hand: dict[str, set[str]] = {}
        self.seen: dict[str, Any] = {}
        for name in ROLES:
            Group.objects.create(name=name)
        self.serial = 0

    def teardown(self) -> None:
        assert list(invariants.check()) == []
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)
        COUNTS["examples"] += 1

    # Asking ------------------------------------------------------------------------------------------------

    def scim(self, number: int) -> ScimClient:
        return ScimClient(self.tokens[number][-1].text)

    def send(self, number: int, method: str, path: str, body: Any = None) -> Any:
        COUNTS["requests"] += 1
        return self.scim(number).request(method, path, body)

    def taken(self, name: str, besides: str | None = None) -> bool:
        return any(key(one["userName"]) == key(name) for scim_id, one in self.people.items() if scim_id != besides)

    def named(self, number: int, name: str, besides: str | None = None) -> bool:
        mine = (scim_id for scim_id, group in self.groups.items() if group["connection"] == number)
        return any(key(self.groups[scim_id]["name"]) == key(name) for scim_id in mine if scim_id != besides)

    # People ------------------------------------------------------------------------------------------------

    @initialize(number=st.integers(0, 1), role=st.sampled_from(ROLES))
    def begin(self, number: int, role: str) -> None:
        """With something to change: most sequences are too short to make it first."""
        for name in ("ann", "bob"):
            self.create(number, name, "x", active=True)
        self.push(number, "Staff", [0])
        self.map(number, "Staff", role)

    @rule(
        number=st.integers(0, 1),
        name=st.sampled_from(NAMES),
        title=st.sampled_from(["", "x", "y"]),
        active=st.booleans(),
    )
    def create(self, number: int, name: str, title: str, active: bool) -> None:
        user_name = f"{name}@example.com"
        body = person(user_name, active=active, **({"title": title} if title else {}))
        response = self.send(number, "POST", "/Users", body)
        if self.taken(user_name):
            assert response.status_code == 409, response.content
            return
        assert response.status_code == 201, response.content
        scim_id = response.json()["id"]
        assert scim_id not in self.seen, "ids are never used again"
        self.people[scim_id] = {
            "connection": number,
            "userName": user_name,
            "title": title,
            "active": active,
            "given": "Test",
        }
        self.by_hand[scim_id] = set()
        self.shows(scim_id, response)

    @precondition(lambda self: self.people)
    @rule(
        one=who,
        name=st.sampled_from(NAMES),
        title=st.sampled_from(["", "x", "z"]),
        active=st.booleans(),
        given=st.sampled_from(["Test", "Tess"]),
    )
    def replace(self, one: int, name: str, title: str, active: bool, given: str) -> None:
        scim_id = pick(self.people, one)
        user_name = f"{name}@example.com"
        more = {"title": title} if title else {}
        body = person(user_name, active=active, **more) | {"name": {"givenName": given, "familyName": "User"}}
        self.changed(
            scim_id, "PUT", body, user_name, {"userName": user_name, "title": title, "active": active, "given": given}
        )

    @precondition(lambda self: self.people)
    @rule(one=who, changes=st.fixed_dictionaries({}, optional={
        "userName": st.sampled_from(NAMES).map(lambda name: f"{name}@example.com"), "title": st.sampled_from(["x", "z"]),
        "active": st.booleans(), "given": st.sampled_from(["Test", "Tess"])}))  # fmt: skip
    def modify(self, one: int, changes: dict[str, Any]) -> None:
        scim_id = pick(self.people, one)
        value = {("name.givenName" if name == "given" else name): new for name, new in changes.items()}
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": path, "value": new} for path, new in value.items()]}  # fmt: skip
        if changes:
            self.changed(scim_id, "PATCH", body, changes.get("userName"), changes)

    def changed(self, scim_id: str, method: str, body: Any, user_name: str | None, changes: dict[str, Any]) -> None:
        response = self.send(self.people[scim_id]["connection"], method, f"/Users/{scim_id}", body)
        if user_name is not None and self.taken(user_name, besides=scim_id):
            assert response.status_code == 409, response.content
        else:
            assert response.status_code == 200, response.content
            self.people[scim_id] |= changes
            self.shows(scim_id, response)

    @precondition(lambda self: self.people)
    @rule(one=who)
    def delete(self, one: int) -> None:
        scim_id = pick(self.people, one)
        number = self.people.pop(scim_id)["connection"]
        assert self.send(number, "DELETE", f"/Users/{scim_id}").status_code == 204
        assert self.send(number, "GET", f"/Users/{scim_id}").status_code == 404
        for group in self.groups.values():
            if scim_id in group["members"]:
                group["members"].discard(scim_id)
                group["version"] += 1

    @precondition(lambda self: self.people)
    @rule(one=who)
    def read(self, one: int) -> None:
        scim_id = pick(self.people, one)
        number = self.people[scim_id]["connection"]
        self.shows(scim_id, self.send(number, "GET", f"/Users/{scim_id}"))
        assert self.send(1 - number, "GET", f"/Users/{scim_id}").status_code == 404

    def shows(self, scim_id: str, response: Any) -> None:
        """The body is the oracle's; the version changes with the body, and with nothing else."""
        body, wanted = response.json(), self.people[scim_id]
        shown = {"userName": body["userName"], "title": body.get("title", ""), "active": body["active"], "given": body["name"]["givenName"]}  # fmt: skip
        assert shown == {name: wanted[name] for name in shown}
        groups = {group["value"] for group in body.get("groups", ())}
        assert groups == {group_id for group_id, group in self.groups.items() if scim_id in group["members"]}
        tag = body["meta"].pop("version")
        assert response.headers["ETag"] == tag
        before, self.seen[scim_id] = self.seen.get(scim_id), (body, tag)
        if before is not None:
            assert (before[0] == body) == (before[1] == tag), (before, body, tag)

    @rule(number=st.integers(0, 1), name=st.sampled_from(NAMES))
    def find(self, number: int, name: str) -> None:
        found = {one["id"] for one in self.scim(number).find(f'userName eq "{name}@example.com"')}
        mine = {scim_id: one for scim_id, one in self.people.items() if one["connection"] == number}
        assert found == {scim_id for scim_id, one in mine.items() if key(one["userName"]) == key(f"{name}@example.com")}
        active = {one["id"] for one in self.scim(number).find("active eq true", count=200)}
        assert active == {scim_id for scim_id, one in mine.items() if one["active"]}

    # Groups and roles --------------------------------------------------------------------------------------

    def some(self, number: int, picks: list[int]) -> set[str]:
        mine = [scim_id for scim_id, one in self.people.items() if one["connection"] == number]
        return {pick(mine, one) for one in picks} if mine else set()

    @rule(number=st.integers(0, 1), name=st.sampled_from(GROUPS), picks=st.lists(who, max_size=4))
    def push(self, number: int, name: str, picks: list[int]) -> None:
        members = self.some(number, picks)
        response = self.send(number, "POST", "/Groups", group_body(name, *members))
        if self.named(number, name):
            assert response.status_code == 409
            return
        assert response.status_code == 201, response.content
        scim_id = response.json()["id"]
        self.groups[scim_id] = {"connection": number, "name": name, "members": members, "version": 1}
        self.bind(scim_id)

    @precondition(lambda self: self.groups)
    @rule(one=who, op=st.sampled_from(["add", "remove", "replace"]), picks=st.lists(who, min_size=1, max_size=4))
    def move(self, one: int, op: str, picks: list[int]) -> None:
        scim_id = pick(self.groups, one)
        group = self.groups[scim_id]
        moved = self.some(group["connection"], picks)
        if not moved:
            return
        operation = {"op": op, "path": "members", "value": [{"value": member} for member in moved]}
        body = {"schemas": [urns.PATCH_OP], "Operations": [operation]}
        assert self.send(group["connection"], "PATCH", f"/Groups/{scim_id}", body).status_code == 200
        before = set(group["members"])
        group["members"] = {"add": before | moved, "remove": before - moved, "replace": moved}[op]
        group["version"] += group["members"] != before

    @precondition(lambda self: self.groups)
    @rule(one=who, name=st.sampled_from(GROUPS))
    def rename(self, one: int, name: str) -> None:
        scim_id = pick(self.groups, one)
        group = self.groups[scim_id]
        body = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": name}]}
        response = self.send(group["connection"], "PATCH", f"/Groups/{scim_id}", body)
        if self.named(group["connection"], name, besides=scim_id):
            assert response.status_code == 409
            return
        assert response.status_code == 200
        group["version"] += group["name"] != name
        group["name"] = name
        self.bind(scim_id)

    @precondition(lambda self: self.groups)
    @rule(one=who)
    def drop(self, one: int) -> None:
        scim_id = pick(self.groups, one)
        group = self.groups.pop(scim_id)
        assert self.send(group["connection"], "DELETE", f"/Groups/{scim_id}").status_code == 204
        for mapping in self.mappings:
            if mapping["group"] == scim_id:
                mapping |= {"group": None, "key": key(group["name"])}

    @rule(number=st.integers(0, 1), name=st.sampled_from(GROUPS), role=st.sampled_from(ROLES))
    def map(self, number: int, name: str, role: str) -> None:
        role_mappings.save_mapping(self.contexts[number], name, role)
        mine = (scim_id for scim_id, group in self.groups.items() if group["connection"] == number)
        group = next((scim_id for scim_id in mine if key(self.groups[scim_id]["name"]) == key(name)), None)
        mapping = {"connection": number, "group": group, "key": None if group else key(name), "role": role}
        if mapping not in self.mappings:
            self.mappings.append(mapping)

    @precondition(lambda self: self.mappings)
    @rule(one=who)
    def unmap(self, one: int) -> None:
        mapping = self.mappings.pop(one % len(self.mappings))
        connection = self.contexts[mapping["connection"]].connection
        rows = GroupRoleMapping.objects.filter(connection=connection, role=mapping["role"])
        if mapping["group"]:
            row = rows.get(group__scim_id=mapping["group"])
        else:
            row = rows.get(group=None, group_name_key=mapping["key"])
        role_mappings.delete_mapping(self.contexts[mapping["connection"]], row)

    def bind(self, scim_id: str) -> None:
        """Mappings that waited for the name are the group's from now on."""
        group = self.groups[scim_id]
        for mapping in list(self.mappings):
            waits = mapping["connection"] == group["connection"] and mapping["key"] == key(group["name"])
            if waits and mapping["group"] is None:
                self.mappings.remove(mapping)
                bound = {**mapping, "group": scim_id, "key": None}
                if bound not in self.mappings:
                    self.mappings.append(bound)

    def wanted_roles(self, scim_id: str) -> set[str]:
        inside = {group_id for group_id, group in self.groups.items() if scim_id in group["members"]}
        return {mapping["role"] for mapping in self.mappings if mapping["group"] in inside} | self.by_hand[scim_id]

    # The host and the tokens -------------------------------------------------------------------------------

    @rule()
    def sign_up(self) -> None:
        """Whom the application makes belongs to the connection whose policy says so."""
        self.serial += 1
        user = HostUserFactory(name=f"host{self.serial}")
        scim_id = str(ScimUser.objects.get(user=user).scim_id)
        self.people[scim_id] = {
            "connection": 0,
            "userName": user.username,
            "title": "",
            "active": True,
            "given": "Given",
        }
        self.by_hand[scim_id] = set()

    @precondition(lambda self: self.people)
    @rule(one=who, active=st.booleans(), given=st.sampled_from(["Given", "Tess", "Test"]), quietly=st.booleans())
    def edit(self, one: int, active: bool, given: str, quietly: bool) -> None:
        """By ``save()``, or past every signal."""
        scim_id = pick(self.people, one)
        user = ScimUser.objects.get(scim_id=scim_id).user
        user.is_active, user.first_name = active, given
        if quietly:
            get_user_model().objects.filter(pk=user.pk).update(is_active=active, first_name=given)
        else:
            user.save()
        self.people[scim_id] |= {"active": active, "given": given}

    @precondition(lambda self: self.people)
    @rule(one=who, role=st.sampled_from(ROLES))
    def promote(self, one: int, role: str) -> None:
        scim_id = pick(self.people, one)
        if role not in self.wanted_roles(scim_id):
            ScimUser.objects.get(scim_id=scim_id).user.groups.add(Group.objects.get(name=role))
            self.by_hand[scim_id].add(role)

    @rule(number=st.integers(0, 1), revoke=st.booleans())
    def rotate(self, number: int, revoke: bool) -> None:
        context, old = self.contexts[number], self.tokens[number][-1]
        if revoke:
            self.tokens[number].append(tokens.rotate(context, old.token))
            assert ScimClient(old.text).get("/Users").status_code == 401
        else:
            self.tokens[number].append(tokens.issue(context))
            assert ScimClient(old.text).get("/Users").status_code == 200

    # Always ------------------------------------------------------------------------------------------------

    @invariant()
    def memberships_versions_and_roles_are_those_of_the_oracle(self) -> None:
        COUNTS["steps"] += 1
        rows = ScimGroup.objects.values_list("scim_id", "display_name", "version", "memberships__scim_user__scim_id")
        found: dict[str, Any] = {}
        for scim_id, name, version, member in rows:
            found.setdefault(str(scim_id), (name, version, set()))[2].update([str(member)] if member else ())
        assert found == {
            scim_id: (group["name"], group["version"], group["members"]) for scim_id, group in self.groups.items()
        }
        people = ScimUser.objects.filter(alive=True)
        assert {str(row.scim_id): roles_of(row) for row in people} == {
            scim_id: self.wanted_roles(scim_id) for scim_id in self.people
        }


@pytest.mark.timeout(36000)
def test_any_sequence_of_operations_leaves_what_the_oracle_has(capsys: pytest.CaptureFixture[str]) -> None:
    COUNTS.clear()
    run_state_machine_as_test(
        Site,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=not SOAK,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with capsys.disabled():
        print(f"\nstateful model on {VENDOR}: {dict(COUNTS)}")  # noqa: T201
    assert COUNTS["examples"] >= EXAMPLES
