"""What groups cost, in queries: constant in the number of members (docs: budgets)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connections

from conftest import ScimClient
from django_scim_provider.conf import app_settings
from django_scim_provider.models import (
    ConnectionGuard,
    RoleGrant,
    ScimConnection,
    ScimGroup,
    ScimMembership,
    ScimUser,
)
from django_scim_provider.protocol import urns
from django_scim_provider.services import role_mappings, roles
from django_scim_provider.services.context import Context
from django_scim_provider.services.member_rows import PIECE
from group_support import fill, group_body, in_group, many_people, provision, push, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "budgets.rst"
BUDGETS = {name: int(number) for name, number in re.findall(r"   \* - (.+)\n     - (\d+)\n", PAGE.read_text())}
"""The table of groups."""
VENDOR = connections["default"].vendor
HELD = 1 if VENDOR == "mysql" else 0
"""MariaDB and MySQL: accounts are locked before a role points at them."""
TABLE = ScimMembership._meta.db_table
MANY = 100_000 if os.environ.get("SCIM_SOAK") else 20_000
SIZES = [10, pytest.param(MANY, marks=pytest.mark.slow)]


@pytest.fixture
def warm(scim: ScimClient) -> None:
    """What is written once a minute has been written."""
    scim.get("/Users", count=0)


@pytest.fixture
def newcomer(connection: ScimConnection) -> ScimUser:
    return provision(Context(connection), "newcomer")[0]


def patch(scim: ScimClient, group: ScimGroup, *operations: dict[str, Any], body: bool = True) -> list[str]:
    """The statements of a PATCH."""
    message = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    query = "" if body else "excludedAttributes=members"
    answers: list[Any] = []
    path = f"/Groups/{group.scim_id}"
    statements = sql_of(lambda: answers.append(scim.request("PATCH", path, message, QUERY_STRING=query)))
    assert answers[0].status_code in (200, 204), answers[0].content
    return statements


def adding(row: ScimUser) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": str(row.scim_id)}]}


def removing(row: ScimUser) -> dict[str, Any]:
    return {"op": "remove", "path": f'members[value eq "{row.scim_id}"]'}


@pytest.mark.parametrize("size", SIZES)
def test_what_a_group_costs(scim: ScimClient, connection: ScimConnection, newcomer: ScimUser, size: int) -> None:
    """One test for all of it, since a large group is long in the making."""
    push(scim, "Large")
    group = ScimGroup.objects.get()
    fill(group, many_people(connection, size))
    scim.get("/Users", count=0)  # what is written once a minute has been written
    # Whether there are too many members to show, and the members.
    path, in_answer = f"/Groups/{group.scim_id}", 2 if size <= app_settings.GROUP_BODY_LIMIT else 1
    answers: list[Any] = []

    # Reading.
    statements = sql_of(lambda: answers.append(scim.get(path)))
    named = "GET of a group" if size <= PIECE else "GET of a group of more than 2,000"
    assert len(statements) <= BUDGETS[named], statements
    assert len(answers[0].json()["members"]) == size
    statements = sql_of(lambda: answers.append(scim.get(path, excludedAttributes="members")))
    assert len(statements) <= BUDGETS["GET of a group without members"], statements
    assert "members" not in answers[1].json()
    statements = sql_of(lambda: scim.get("/Groups", filter='displayName eq "large"', excludedAttributes="members"))
    assert len(statements) <= BUDGETS["Filter displayName eq, without members"], statements

    # Members come and go, no role mapped.
    for operation in (adding(newcomer), removing(newcomer)):
        statements = patch(scim, group, operation)
        assert len(statements) <= BUDGETS["Members come or go"] + in_answer, statements
    for operation in (adding(newcomer), removing(newcomer)):
        statements = patch(scim, group, operation, body=False)
        assert len(statements) <= BUDGETS["Members come or go"], statements
    assert group.memberships.count() == size

    # An addition reads no member list and deletes nothing.
    statements = patch(scim, group, adding(newcomer), body=False)
    assert not [sql for sql in statements if "DELETE" in sql]
    touching = [sql for sql in statements if TABLE in sql]
    assert [sql.split()[0] for sql in touching] == ["SELECT", "INSERT"]
    assert str(newcomer.pk) in re.split(r" IN \(| = ANY\(", touching[0])[1]
    patch(scim, group, removing(newcomer))

    # A new name does not touch the members.
    statements = patch(scim, group, {"op": "replace", "path": "displayName", "value": "Larger"}, body=False)
    assert len(statements) <= BUDGETS["Rename of a group"], statements
    assert not [sql for sql in statements if TABLE in sql]

    # Members come and go, and a role with them; the mapping waits for nobody else.
    Group.objects.create(name="writer")
    role_mappings.save_mapping(Context(connection), "Larger", "writer")
    come, go = BUDGETS["Members come, a role with them"], BUDGETS["Members go, a role with them"]
    for operation, granted, budget in ((adding(newcomer), 1, come), (removing(newcomer), 0, go)):
        statements = patch(scim, group, operation, body=False)
        assert len(statements) <= budget + HELD, statements
        assert RoleGrant.objects.filter(scim_user=newcomer).count() == granted
    most = BUDGETS["Members come, a role with them"] + HELD + in_answer
    assert len(patch(scim, group, adding(newcomer))) <= most


def test_a_page_of_groups(scim: ScimClient, connection: ScimConnection, warm: None) -> None:
    pks = many_people(connection, 30)
    for number in range(30):
        push(scim, f"Group {number}")
    for group in ScimGroup.objects.all():
        fill(group, pks[:3])
    statements = sql_of(lambda: scim.get("/Groups", count=100))
    assert len(statements) <= BUDGETS["Page of groups"], statements


def test_many_members_cost_as_much_as_one(scim: ScimClient, connection: ScimConnection, warm: None) -> None:
    push(scim, "Staff")
    group = ScimGroup.objects.get()
    rows = ScimUser.objects.filter(pk__in=many_people(connection, 900))
    ids = [str(scim_id) for scim_id in rows.values_list("scim_id", flat=True)]
    add = {"op": "add", "path": "members", "value": [{"value": scim_id} for scim_id in ids]}
    # SQLite binds 999 values in one statement.
    assert len(patch(scim, group, add, body=False)) <= BUDGETS["Members come or go"] + (3 if VENDOR == "sqlite" else 0)
    assert len(in_group(group.scim_id)) == 900
    remove = {"op": "remove", "path": "members", "value": [{"value": scim_id} for scim_id in ids]}
    assert len(patch(scim, group, remove, body=False)) <= BUDGETS["Members come or go"]
    assert not in_group(group.scim_id)


def test_creating_and_deleting_an_empty_group(scim: ScimClient, warm: None) -> None:
    answers: list[Any] = []
    statements = sql_of(lambda: answers.append(scim.post("/Groups", group_body("Staff"))))
    assert len(statements) <= 8, statements
    statements = sql_of(lambda: scim.delete(f"/Groups/{answers[0].json()['id']}"))
    assert len(statements) <= 9, statements


def test_a_person_in_nested_groups_costs_one_query_more(
    scim: ScimClient, connection: ScimConnection, warm: None
) -> None:
    (row,) = provision(Context(connection), "ann")
    inner = push(scim, "Inner", str(row.scim_id))["id"]
    flat = sql_of(lambda: scim.get(f"/Users/{row.scim_id}"))
    push(scim, "Outer", inner)
    nested = sql_of(lambda: scim.get(f"/Users/{row.scim_id}"))
    assert (len(flat), len(nested)) == (3, 4)
    found = sql_of(lambda: scim.get("/Users", filter=f'groups.value eq "{inner}"'))
    assert len(found) <= 4 + 1 + 2, found


@pytest.mark.slow
def test_replacing_and_emptying_a_large_group(scim: ScimClient, connection: ScimConnection, warm: None) -> None:
    """Statements grow with the number of those who leave, in batches of thousands."""
    push(scim, "Large")
    group = ScimGroup.objects.get()
    pks = many_people(connection, 20_000)
    fill(group, pks)
    keep = ScimUser.objects.get(pk=pks[0])
    replace = {"op": "replace", "path": "members", "value": [{"value": str(keep.scim_id)}]}
    assert len(patch(scim, group, replace, body=False)) <= 8 + 4
    assert in_group(group.scim_id) == {str(keep.scim_id)}


@pytest.mark.slow
def test_roles_of_a_large_group_are_worked_out_in_batches(
    connection: ScimConnection, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of grants by few statements; none of them names more people than a database can bind."""
    monkeypatch.setattr("django_scim_provider.services.membership.CHUNK", 100)
    Group.objects.create(name="writer")
    rows = provision(context, *(f"p{number}" for number in range(250)))
    group = ScimGroup.objects.create(
        connection=connection,
        display_name="Large",
        display_name_key="large",
        unique_key="large",
        created_at=rows[0].created_at,
        modified_at=rows[0].created_at,
    )
    fill(group, [row.pk for row in rows])
    statements = sql_of(lambda: role_mappings.save_mapping(context, "Large", "writer"))
    assert RoleGrant.objects.count() == 250
    assert len(statements) < 40
    assert roles.recompute_all(context) == 0
    assert ConnectionGuard.objects.get(connection=connection).has_roles


def test_nothing_is_written_by_reads(scim: ScimClient, warm: None) -> None:
    push(scim, "Staff")

    def read() -> None:
        for path in ("/Groups", "/Roles", "/ResourceTypes"):
            assert scim.get(path).status_code == 200

    assert not [sql for sql in sql_of(read) if sql.startswith(("INSERT", "UPDATE", "DELETE"))]
