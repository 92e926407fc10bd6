"""People and groups over the console: who is managed, found and shown with what belongs to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from conftest import ScimClient
from console.caller import Caller, error
from django_scim_provider.models import GroupRoleMapping, ScimConnection, ScimGroup, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import listings, role_mappings
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_support import make_group, many_people, provision, push

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(connection: ScimConnection) -> str:
    return f"/connections/{connection.pk}"


def names(caller: Caller, path: str, **params: Any) -> list[str]:
    found = caller.get(path, **params).json()["results"]
    return [one.get("user_name") or one["display_name"] for one in found]


@pytest.mark.hosts
def test_who_is_managed_since_when_and_how(root: Caller, path: str, scim: ScimClient) -> None:
    alice = scim.create("alice@example.com", name={"givenName": "Alice", "familyName": "Doe"}, externalId="00u1")
    bob = scim.create("bob@example.com", active=False)
    scim.delete(f"/Users/{scim.create('carol@example.com')['id']}")
    listed = root.get(f"{path}/people").json()
    assert listed["count"] == 2
    active, inactive = listed["results"]
    assert active.pop("created_at") <= active.pop("modified_at")
    assert isinstance(active.pop("roles"), list)
    assert active == {
        "id": alice["id"],
        "user_name": "alice@example.com",
        "external_id": "00u1",
        "name": "Alice Doe",
        "active": True,
        "origin": "created",
        "groups": [],
    }
    assert (inactive["id"], inactive["active"], inactive["external_id"]) == (bob["id"], False, None)
    assert root.get(f"/connections/{ConnectionFactory().pk}/people").json()["count"] == 0
    # The host's own side may be gone; the person is managed all the same.
    get_user_model()._base_manager.filter(email="alice@example.com").delete()
    assert names(root, f"{path}/people") == ["alice@example.com", "bob@example.com"]
    assert root.get(f"{path}/people").json()["results"][0]["roles"] == []


@pytest.mark.hosts
def test_people_and_groups_have_what_belongs_to_them(
    root: Caller, path: str, scim: ScimClient, context: Context
) -> None:
    alice, bob = (scim.create(f"{name}@example.com")["id"] for name in ("alice", "bob"))
    writers = push(scim, "Writers", alice, bob)["id"]
    everybody = push(scim, "All staff", writers, alice)["id"]
    roles = context.adapter.roles
    keys = [role.key for role in roles.choices(context.connection) if not roles.is_privileged(role.key)]
    for key in keys[-1:]:
        role_mappings.save_mapping(context, "Writers", key, priority=1)
    labels = {role.key: role.label for role in roles.choices(context.connection)}
    given = [{"key": key, "label": labels[key]} for key in keys[-1:]]

    people = root.get(f"{path}/people").json()["results"]
    direct, indirect = ({"id": everybody, "display_name": "All staff", "kind": kind} for kind in ("direct", "indirect"))
    member = {"id": writers, "display_name": "Writers", "kind": "direct"}
    assert [one["groups"] for one in people] == [[member, direct], [member, indirect]]
    assert all(role in one["roles"] for one in people for role in given)

    groups = root.get(f"{path}/groups").json()["results"]
    told = [(one["id"], one["display_name"], one["people"], one["groups"], one["roles"]) for one in groups]
    assert told == [(everybody, "All staff", 1, 1, []), (writers, "Writers", 2, 0, given)]


def test_people_and_groups_are_searched(root: Caller, path: str, scim: ScimClient) -> None:
    ann = scim.create("ann.lee@example.com", externalId="00u7")["id"]
    scim.create("bob@example.com")
    staff = push(scim, "Staff", externalId="00g7")["id"]
    push(scim, "Writers")
    for text in ("ANN", "lee%40example", "00u7", ann, "%20ann%20"):
        assert names(root, f"{path}/people", search=text) == ["ann.lee@example.com"], text
    for text in ("staf", "00g7", staff):
        assert names(root, f"{path}/groups", search=text) == ["Staff"], text
    for name, everything in (("people", 2), ("groups", 2)):
        assert names(root, f"{path}/{name}", search="nobody") == []
        assert len(names(root, f"{path}/{name}", search="")) == everything
        refused = root.get(f"{path}/{name}", search="%00")
        assert (error(refused), refused.json()["fields"].keys()) == ((400, "validation"), {"search"})


def test_what_is_named_after_nothing_is_called_as_well_as_can_be(
    root: Caller, path: str, scim: ScimClient, context: Context
) -> None:
    scim.create("alice@example.com", displayName="Alice in Wonderland", name={"givenName": "Alice"})
    scim.create("bob@example.com", name={"formatted": "Bob the Builder"})
    scim.post("/Users", {"schemas": [urns.USER], "userName": "carol@example.com"})
    assert [one["name"] for one in root.get(f"{path}/people").json()["results"]] == [
        "Alice in Wonderland",
        "Bob the Builder",
        "",
    ]
    # A role that the application has no more.
    group = ScimGroup.objects.get(scim_id=push(scim, "Staff")["id"])
    GroupRoleMapping.objects.create(connection=context.connection, group=group, group_name="Staff", role="gone")
    (listed,) = root.get(f"{path}/groups").json()["results"]
    assert listed["roles"] == [{"key": "gone", "label": "gone"}]


def test_who_is_gone_meanwhile_is_left_out(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    staff, gone = make_group(context, "Staff", ann), make_group(context, "Gone")
    people, groups = [bob.pk, ann.pk], [gone.pk, staff.pk]
    assert [one.row.pk for one in listings.listed_people(context, people)] == people
    assert [one.row.pk for one in listings.listed_groups(context, groups)] == groups
    ScimUser.objects.filter(pk=bob.pk).update(alive=None)
    gone.delete()
    assert [one.row.pk for one in listings.listed_people(context, people)] == [ann.pk]
    assert [one.row.pk for one in listings.listed_groups(context, groups)] == [staff.pk]
    assert listings.listed_people(context, []) == listings.listed_groups(context, []) == []


def test_a_page_costs_the_same_however_many_are_on_it(
    root: Caller, path: str, context: Context, issue_token: Callable[..., str]
) -> None:
    scim = ScimClient(issue_token(context.connection))

    def make(number: int) -> None:
        person = scim.create(f"p{number}@example.com")["id"]
        inner = push(scim, f"Inner {number}", person)["id"]
        push(scim, f"Outer {number}", inner)

    def cost(name: str) -> int:
        with CaptureQueriesContext(database) as queries:
            assert root.get(f"{path}/{name}", limit=100).json()["results"]
        return len(queries)

    make(0)
    once = [cost("people"), cost("groups")]
    for number in range(1, 6):
        make(number)
    many_people(context.connection, 20)
    assert [cost("people"), cost("groups")] == once
    page = root.get(f"{path}/people", limit=5, offset=5).json()
    assert (page["count"], len(page["results"])) == (26, 5)
    assert "offset=10" in page["next"]
