"""Whole conversations about groups, as identity providers lead them (wire behaviour 1.4, 2.3, 4, 10 and 11)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimGroup
from django_scim_provider.protocol import urns
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from group_support import in_group

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def talk(scim: ScimClient, connection: ScimConnection, provider: str) -> ScimClient:
    ScimConnection.objects.filter(pk=connection.pk).update(provider=provider)
    return scim


def ok(response: Any, *statuses: int) -> Any:
    assert response.status_code in (statuses or (200,)), response.content
    return response.json() if response.content else None


def test_okta_pushes_a_group(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    ann, bob, cy = three
    okta = talk(scim, connection, "okta")

    # Find: nobody has the name yet.
    found = ok(okta.get("/Groups", filter='displayName eq "Test SCIMv2"', startIndex=1, count=100))
    assert (found["totalResults"], found["Resources"]) == (0, [])

    # Create, empty.
    made = ok(okta.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Test SCIMv2", "members": []}), 201)
    path = f"/Groups/{made['id']}"
    assert made["members"] == []

    # Add members; the rename comes with every change.
    rename = {"op": "replace", "value": {"id": made["id"], "displayName": "Test SCIMv2"}}
    add = {
        "op": "add",
        "path": "members",
        "value": [{"value": ann, "display": "ann@example.com"}, {"value": bob, "display": "bob@example.com"}],
    }
    shown = ok(okta.patch(path, rename, add))
    assert {member["value"]: member["display"] for member in shown["members"]} == {
        ann: "ann@example.com",
        bob: "bob@example.com",
    }

    # Rename, with the id inside the value.
    shown = ok(okta.patch(path, {"op": "replace", "value": {"id": made["id"], "displayName": "Test GroupPush"}}))
    assert shown["displayName"] == "Test GroupPush"
    assert in_group(made["id"]) == {ann, bob}

    # Remove one and add another, removals first.
    ok(
        okta.patch(
            path,
            {"op": "replace", "value": {"id": made["id"], "displayName": "Test GroupPush"}},
            {"op": "remove", "path": f'members[value eq "{ann}"]'},
            {"op": "add", "path": "members", "value": [{"value": cy, "display": "cy@example.com"}]},
        )
    )
    assert in_group(made["id"]) == {bob, cy}

    # Push now.
    everybody = [{"value": scim_id, "display": "x"} for scim_id in three]
    ok(okta.patch(path, {"op": "replace", "path": "members", "value": everybody}))
    assert in_group(made["id"]) == set(three)

    # The wizard's application puts the whole group instead.
    body = {"schemas": [urns.GROUP], "displayName": "Test GroupPush", "members": everybody[:1]}
    assert ok(okta.put(path, body))["id"] == made["id"]
    assert in_group(made["id"]) == {ann}

    # Link an existing group, then delete it in the target.
    found = ok(okta.get("/Groups", filter='displayName eq "Test GroupPush"', startIndex=1, count=100))
    assert [item["id"] for item in found["Resources"]] == [made["id"]]
    assert okta.delete(path).status_code == 204
    assert [okta.get(f"/Users/{scim_id}").status_code for scim_id in three] == [200] * 3
    assert not ScimGroup.objects.exists()


def test_okta_imports_groups(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    okta = talk(scim, connection, "okta")
    for number in range(3):
        ok(okta.post("/Groups", {"displayName": f"Group {number}", "members": [{"value": three[number]}]}), 201)
    first = ok(okta.get("/Groups", startIndex=1, count=2))
    second = ok(okta.get("/Groups", startIndex=3, count=2))
    assert (first["totalResults"], len(first["Resources"]), len(second["Resources"])) == (3, 2, 1)


@pytest.mark.parametrize("mode", ["legacy", "aadOptscim062020"])
def test_entra_provisions_a_group(scim: ScimClient, connection: ScimConnection, three: list[str], mode: str) -> None:
    ann, bob, cy = three
    entra = talk(scim, connection, "entra")
    capital = mode == "legacy"

    def verb(name: str) -> str:
        return name.capitalize() if capital else name

    # Match, by name and by the object's id, with parameters in either order.
    for query in (
        {"excludedAttributes": "members", "filter": 'displayName eq "Sales"'},
        {"filter": 'externalId eq "8aa1a0c0-0000"', "excludedAttributes": "members"},
    ):
        assert ok(entra.get("/Groups", **query))["Resources"] == []

    # Create.
    body = {
        "schemas": [urns.GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-0000",
        "displayName": "Sales",
        "meta": {"resourceType": "Group"},
    }
    made = ok(entra.post("/Groups", body), 201)
    path = f"/Groups/{made['id']}"

    # Get, without members.
    assert "members" not in ok(entra.get(path, excludedAttributes="members"))

    # Rename.
    ok(entra.patch(path, {"op": verb("replace"), "path": "displayName", "value": "Sales EMEA"}), 200, 204)

    # Add members.
    value = [{"$ref": None, "value": scim_id} for scim_id in three]
    ok(entra.patch(path, {"op": verb("add"), "path": "members", "value": value}), 200, 204)
    assert in_group(made["id"]) == set(three)

    # Is somebody a member?
    found = ok(entra.get("/Groups", filter=f'id eq "{made["id"]}" and members eq "{ann}"', attributes="id"))
    assert [item["id"] for item in found["Resources"]] == [made["id"]]

    # Remove one: the others stay.
    if capital:
        remove = {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": bob}]}
    else:
        remove = {"op": "remove", "path": f'members[value eq "{bob}"]'}
    ok(entra.patch(path, remove), 200, 204)
    assert in_group(made["id"]) == {ann, cy}
    found = ok(entra.get("/Groups", filter=f'id eq "{made["id"]}" and members eq "{bob}"', attributes="id"))
    assert found["Resources"] == []

    # A member disabled and enabled again is a member still.
    for active in ("False", "True"):
        ok(entra.patch(f"/Users/{ann}", {"op": verb("replace"), "path": "active", "value": active}))
    assert in_group(made["id"]) == {ann, cy}

    # Delete.
    assert entra.delete(path).status_code == 204
    assert entra.get(path).status_code == 404


def test_authentik_keeps_a_group_in_step(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    client = talk(scim, connection, "authentik")
    body = {"schemas": [urns.GROUP], "displayName": "Staff", "externalId": "pk-1"}
    made = ok(client.post("/Groups", body), 201)
    path = f"/Groups/{made['id']}"
    assert client.post("/Groups", body).status_code == 409
    assert ok(client.get("/Groups", filter="displayName eq Staff"))["Resources"][0]["id"] == made["id"]
    for scim_id in three:
        ok(client.patch(path, {"op": "add", "path": "members", "value": [{"value": scim_id}]}))
    value = {"schemas": [urns.GROUP], "externalId": "pk-1", "displayName": "Staff 2", "id": made["id"]}
    ok(client.patch(path, {"op": "replace", "value": value}))
    current = {member["value"] for member in ok(client.get(path))["members"]}
    assert current == set(three)
    ok(client.patch(path, {"op": "remove", "path": "members", "value": [{"value": three[0]}]}))
    assert in_group(made["id"]) == set(three[1:])


def test_keycloak_replaces_the_list_each_time(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    client = talk(scim, connection, "keycloak")
    made = ok(client.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Staff", "externalId": "kc"}), 201)
    path = f"/Groups/{made['id']}"

    def sync(*members: str) -> None:
        change = {"op": "remove", "path": "members", "value": None}
        if members:
            change = {"op": "replace", "path": "members", "value": [{"value": scim_id} for scim_id in members]}
        ok(
            client.patch(
                path,
                change,
                {"op": "replace", "path": "displayName", "value": ["Staff"]},
                {"op": "replace", "path": "externalId", "value": ["kc"]},
            )
        )

    sync(*three)
    assert in_group(made["id"]) == set(three)
    sync(three[1])
    assert in_group(made["id"]) == {three[1]}
    sync()
    assert in_group(made["id"]) == set()
    # With PUT the members are left out where there are none: they stay, rather than vanish by a silence.
    sync(three[0])
    ok(client.put(path, {"schemas": [urns.GROUP], "id": made["id"], "displayName": "Staff", "externalId": "kc"}))
    assert in_group(made["id"]) == {three[0]}


def test_jumpcloud_tries_itself_out(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    """Its activation makes a group, changes it and deletes it."""
    client = talk(scim, connection, "jumpcloud")
    made = ok(client.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Test", "members": []}), 201)
    assert isinstance(made["id"], str)
    path = f"/Groups/{made['id']}"
    ok(client.patch(path, {"op": "add", "path": "members", "value": [{"value": three[0]}]}))
    ok(client.patch(path, {"op": "replace", "path": "displayName", "value": "Test 2"}))
    ok(client.patch(path, {"op": "remove", "path": "members", "value": [{"value": three[0]}]}))
    assert in_group(made["id"]) == set()
    assert client.delete(path).status_code == 204


def test_what_a_push_means_for_roles(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    """The mapping waits for the group; the role follows the push from then on, through HTTP alone."""
    context, role = Context(connection), "member"
    backend = context.adapter.roles
    # A Django group, where these are the roles; one of the choices on the host that has a column.
    Group.objects.create(name=role)
    role_mappings.save_mapping(context, "Staff", role)

    def holders() -> set[str]:
        rows = context.connection.scim_users.filter(scim_id__in=three).values_list("user_id", "scim_id")
        names = {user: str(scim_id) for user, scim_id in rows}
        held = backend.held(list(names), connection, "default")
        return {names[user] for user, roles in held.items() if role in roles}

    made = ok(scim.post("/Groups", {"displayName": "Staff", "members": [{"value": three[0]}]}), 201)
    path = f"/Groups/{made['id']}"
    assert holders() == {three[0]}
    ok(scim.patch(path, {"op": "replace", "value": {"displayName": "Crew"}}))
    ok(scim.patch(path, {"op": "add", "path": "members", "value": [{"value": three[1]}]}))
    assert holders() == set(three[:2])
    ok(scim.put(path, {"displayName": "Crew", "members": [{"value": three[2]}]}))
    assert holders() == {three[2]}
    scim.delete(path)
    assert holders() == set()
