"""Many writers on one group at once: what is left is what somebody working alone would have left."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from api.helpers import VENDOR, together
from conftest import ScimClient
from django_scim_provider.models import RoleGrant, ScimConnection, ScimGroup, ScimMembership
from django_scim_provider.protocol import urns
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from django_scim_provider.services.nesting import Nesting
from group_support import group_body, in_group, provision, push

pytest_plugins = ("group_fixtures",)
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has one writer at a time: there is no race to lose"),
]

SOAK = bool(os.environ.get("SCIM_SOAK"))
THREADS = 32 if SOAK else 8
OPERATIONS = 64 if SOAK else 12
"""For each thread; 2,048 in all in the long form."""


@pytest.fixture
def clients(connection: ScimConnection, issue_token: Callable[..., str]) -> list[ScimClient]:
    """A client for each thread, all of one identity provider."""
    token = issue_token(connection)
    return [ScimClient(token) for _ in range(THREADS)]


def patch(client: ScimClient, group: str, *operations: dict[str, Any]) -> int:
    body = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    response = client.request("PATCH", f"/Groups/{group}", body, QUERY_STRING="excludedAttributes=members")
    assert response.status_code < 300, response.content
    return response.status_code


def add(*ids: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": scim_id} for scim_id in ids]}


def remove(*ids: str) -> dict[str, Any]:
    if len(ids) == 1:
        return {"op": "remove", "path": f'members[value eq "{ids[0]}"]'}
    return {"op": "remove", "path": "members", "value": [{"value": scim_id} for scim_id in ids]}


def everybody(context: Context, count: int) -> list[str]:
    return [str(row.scim_id) for row in provision(context, *(f"p{number}" for number in range(count)))]


def every_grant_has_its_membership() -> bool:
    """Each grant stands for a mapping of a group that its person is in, and for a role that they hold."""
    for grant in RoleGrant.objects.select_related("scim_user", "user"):
        groups = ScimGroup.objects.filter(memberships__scim_user=grant.scim_user, mappings__role=grant.role)
        assert groups.exists(), f"{grant} has no membership"
        assert grant.user.groups.filter(name=grant.role).exists(), f"{grant} is not held"
    return True


def every_membership_has_its_grant() -> bool:
    rows = ScimMembership.objects.filter(group__mappings__isnull=False, scim_user__user__isnull=False)
    for scim_user, role in rows.values_list("scim_user", "group__mappings__role"):
        assert RoleGrant.objects.filter(scim_user=scim_user, role=role).exists()
    return True


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mapped", [False, True], ids=["members", "members and roles"])
def test_the_final_set_is_that_of_the_oracle(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient], mapped: bool
) -> None:
    """Each thread has people of its own, so that the order between threads does not matter for the result."""
    context = Context(connection)
    ids = everybody(context, THREADS * 3)
    group = push(scim, "Staff")["id"]
    if mapped:
        Group.objects.create(name="writer")
        role_mappings.save_mapping(context, "Staff", "writer")
    oracle: set[str] = set()

    def job(number: int) -> Callable[[], set[str]]:
        dice, mine = random.Random(number), ids[number * 3 : number * 3 + 3]

        def run() -> set[str]:
            inside: set[str] = set()
            for _ in range(OPERATIONS):
                chosen = dice.sample(mine, dice.randint(1, 3))
                if dice.random() < 0.55:
                    patch(clients[number], group, add(*chosen))
                    inside |= set(chosen)
                else:
                    patch(clients[number], group, remove(*chosen))
                    inside -= set(chosen)
            return inside

        return run

    for inside in together(job(number) for number in range(THREADS)):
        oracle |= inside
    assert in_group(group) == oracle
    assert every_grant_has_its_membership()
    if mapped:
        assert every_membership_has_its_grant()
        assert RoleGrant.objects.count() == len(oracle)


def test_everybody_adds_the_same_people(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient]
) -> None:
    ids = everybody(Context(connection), 6)
    group = push(scim, "Staff")["id"]

    def job(client: ScimClient, number: int) -> Callable[[], int]:
        mine = ids[number % 6 :] + ids[: number % 6]
        return lambda: patch(client, group, add(*mine))

    together(job(client, number) for number, client in enumerate(clients))
    assert in_group(group) == set(ids)
    assert ScimMembership.objects.count() == 6


def test_one_name_makes_one_group(clients: list[ScimClient]) -> None:
    answers = together(lambda client=client: client.post("/Groups", group_body("Staff")) for client in clients)
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * (THREADS - 1)]
    assert ScimGroup.objects.count() == 1


def test_two_renames_to_one_name(scim: ScimClient, clients: list[ScimClient]) -> None:
    groups = [push(scim, f"Group {number}")["id"] for number in range(THREADS)]
    rename = {"op": "replace", "path": "displayName", "value": "Staff"}
    answers = together(
        lambda client=client, group=group: client.patch(f"/Groups/{group}", rename).status_code
        for client, group in zip(clients, groups, strict=True)
    )
    assert sorted(answers) == [200, *[409] * (THREADS - 1)]


def test_groups_deleted_and_mapped_at_once_leave_no_grant_behind(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient]
) -> None:
    """Four deletions, two mappings made, one removed, and people who come and go, at the same moment."""
    context = Context(connection)
    ids = everybody(context, 8)
    for name in ("reader", "writer", "owner"):
        Group.objects.create(name=name)
    for attempt in range(20 if SOAK else 3):
        doomed = [push(scim, f"Doomed {attempt} {number}", *ids)["id"] for number in range(4)]
        kept = push(scim, f"Kept {attempt}", *ids[:4])["id"]
        for number in range(4):
            role_mappings.save_mapping(context, f"Doomed {attempt} {number}", "writer")
        old = role_mappings.save_mapping(context, f"Kept {attempt}", "reader")
        jobs: list[Callable[[], Any]] = [
            *(
                lambda client=client, group=group: client.delete(f"/Groups/{group}").status_code
                for client, group in zip(clients, doomed, strict=False)
            ),
            lambda name=f"Kept {attempt}": role_mappings.save_mapping(Context(connection), name, "owner"),
            lambda name=f"Doomed {attempt} 0": role_mappings.save_mapping(Context(connection), name, "reader"),
            lambda old=old: role_mappings.delete_mapping(Context(connection), old),
            lambda kept=kept: patch(clients[-1], kept, add(*ids[4:]), remove(*ids[:2])),
        ]
        random.Random(attempt).shuffle(jobs)
        answers = together(jobs)
        assert {answer for answer in answers if isinstance(answer, int)} <= {200, 204}
        assert in_group(kept) == set(ids[2:])
        assert every_grant_has_its_membership()
        assert every_membership_has_its_grant()
        scim.delete(f"/Groups/{kept}")
        assert not RoleGrant.objects.exists()


def test_people_deleted_while_they_are_added(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient]
) -> None:
    context = Context(connection)
    Group.objects.create(name="writer")
    group = push(scim, "Staff")["id"]
    role_mappings.save_mapping(context, "Staff", "writer")
    for attempt in range(20 if SOAK else 3):
        ids = [str(row.scim_id) for row in provision(context, *(f"a{attempt}-{number}" for number in range(4)))]
        adding = [lambda client=client, ids=ids: patch(client, group, add(*ids)) for client in clients[:4]]
        deleting = [
            lambda client=client, scim_id=scim_id: client.delete(f"/Users/{scim_id}").status_code
            for client, scim_id in zip(clients[4:], ids, strict=False)
        ]
        assert set(together([*adding, *deleting])) <= {200, 204}
        assert in_group(group) == set()
        assert not RoleGrant.objects.exists()
        assert not get_user_model().objects.filter(groups__isnull=False).exists()


def test_people_changed_while_they_are_added(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient]
) -> None:
    """Who changes a person locks the host's row, then ours; who adds them points at ours, then at the host's."""
    context = Context(connection)
    ids = everybody(context, 3)
    Group.objects.create(name="writer")
    group = push(scim, "Staff")["id"]
    role_mappings.save_mapping(context, "Staff", "writer")

    def change(client: ScimClient, seed: int) -> Callable[[], int]:
        def run() -> int:
            for number in range(OPERATIONS):
                scim_id = ids[(seed + number) % 3]
                operation = {
                    "op": "replace",
                    "value": {"title": f"{seed}.{number}", "name": {"familyName": f"N{number}"}},
                }
                response = client.patch(f"/Users/{scim_id}", operation)
                assert response.status_code == 200, response.content
            return 200

        return run

    def move(client: ScimClient) -> Callable[[], int]:
        def run() -> int:
            for _ in range(OPERATIONS):
                patch(client, group, add(*ids))
                patch(client, group, remove(*ids))
            return 200

        return run

    half = THREADS // 2
    jobs = [change(client, seed) for seed, client in enumerate(clients[:half])]
    assert set(together([*jobs, *(move(client) for client in clients[half:])])) == {200}
    assert in_group(group) == set()
    assert not RoleGrant.objects.exists()


def test_groups_put_into_each_other_at_once_make_no_cycle(
    connection: ScimConnection, scim: ScimClient, clients: list[ScimClient]
) -> None:
    """Every request was let in when no group was nested yet."""
    for attempt in range(20 if SOAK else 3):
        names = [f"Ring {attempt} {number}" for number in range(THREADS)]
        ring = [push(scim, name)["id"] for name in names]
        ScimConnection.objects.filter(pk=connection.pk).update(has_nested_groups=False)

        def job(client: ScimClient, number: int, ring: list[str] = ring) -> Callable[[], int]:
            operation = add(ring[(number + 1) % THREADS])
            return lambda: client.patch(f"/Groups/{ring[number]}", operation).status_code

        answers = together(job(client, number) for number, client in enumerate(clients))
        assert sorted(answers) == [*[200] * (THREADS - 1), 400]
    connection.refresh_from_db()
    tree = Nesting.load(Context(connection))
    assert not [pk for pk in list(tree.parents) if pk in tree.descendants([pk])]
