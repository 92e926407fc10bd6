"""Groups and the roles they give, over the console."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from conftest import ScimClient
from console.caller import Caller, error
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.adapters.roles import GroupRoles
from django_scim_provider.models import GroupRoleMapping, ScimConnection, ScimEvent
from django_scim_provider.protocol import urns

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not isinstance(get_user_adapter().roles, GroupRoles), reason="for hosts with Django's groups"),
]


@pytest.fixture
def path(connection: ScimConnection) -> str:
    Group.objects.create(name="editors")
    Group.objects.create(name="authors")
    return f"/connections/{connection.pk}"


def push(scim: ScimClient, name: str, *people: str) -> str:
    members = [{"value": scim.create(f"{person}@example.com")["id"]} for person in people]
    group = scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": name, "members": members})
    pushed: str = group.json()["id"]
    return pushed


def test_a_mapping_is_looked_at_made_listed_and_removed(
    root: Caller, scim: ScimClient, path: str, connection: ScimConnection
) -> None:
    group = push(scim, "Staff", "ann", "bob")
    assert [(found["id"], found["display_name"]) for found in root.get(f"{path}/groups").json()["results"]] == [
        (group, "Staff")
    ]
    roles = root.get(f"{path}/roles").json()
    assert roles["is_exclusive"] is False
    assert {"key": "editors", "label": "editors"} in roles["roles"]

    wanted = {"group_name": "staff", "role": "editors"}
    gained = {"role": "editors", "count": 2, "people": ["ann@example.com", "bob@example.com"]}
    before = ScimEvent.objects.count()
    assert root.post(f"{path}/mappings/preview", wanted).json() == {"is_pushed": True, "gains": [gained], "loses": []}
    assert not GroupRoleMapping.objects.exists()
    made = root.post(f"{path}/mappings", wanted)
    mapping = GroupRoleMapping.objects.get()
    assert made.status_code == 201
    assert made.json() == {"id": mapping.pk, "group_name": "staff", "group": group, "role": "editors", "priority": 0}
    assert Group.objects.get(name="editors").user_set.count() == 2
    assert root.get(f"{path}/mappings").json()["results"] == [made.json()]

    again = root.post(f"{path}/mappings", wanted | {"group_name": "STAFF", "priority": 7})
    assert error(again) == (409, "conflict")
    assert GroupRoleMapping.objects.get().priority == 0
    removal = root.get(f"{path}/mappings/{mapping.pk}/preview").json()
    assert removal == {"is_pushed": True, "gains": [], "loses": [gained]}
    assert root.request("DELETE", f"{path}/mappings/{mapping.pk}").status_code == 204
    assert Group.objects.get(name="editors").user_set.count() == 0
    events = ScimEvent.objects.order_by("pk")[before:]
    ours = [(event.action, event.label, event.actor.pk) for event in events if event.actor]
    assert ours == [("configure", "staff → editors", root.user.pk)] * 2


def test_a_group_that_is_still_to_come_can_be_mapped_once(root: Caller, scim: ScimClient, path: str) -> None:
    wanted = {"group_name": "Later", "role": "authors", "priority": 3}
    preview = root.post(f"{path}/mappings/preview", wanted).json()
    assert preview == {"is_pushed": False, "gains": [], "loses": []}
    made = root.post(f"{path}/mappings", wanted).json()
    assert (made["group"], made["priority"]) == (None, 3)
    assert error(root.post(f"{path}/mappings", wanted)) == (409, "conflict")
    removal = root.get(f"{path}/mappings/{made['id']}/preview").json()
    assert removal == {"is_pushed": False, "gains": [], "loses": []}
    group = push(scim, "later", "ann")
    assert root.get(f"{path}/mappings").json()["results"][0]["group"] == group
    assert error(root.post(f"{path}/mappings", wanted)) == (409, "conflict")


def test_the_priority_of_a_mapping_can_be_changed(root: Caller, scim: ScimClient, path: str) -> None:
    push(scim, "Staff", "ann")
    wanted = {"group_name": "Staff", "role": "editors"}
    made = root.post(f"{path}/mappings", wanted).json()
    root.post(f"{path}/mappings", wanted | {"role": "authors", "priority": 5})
    before = ScimEvent.objects.count()
    address = f"{path}/mappings/{made['id']}"
    for _twice in range(2):
        changed = root.request("PATCH", address, {"priority": 7})
        assert changed.status_code == 200
        assert changed.json() == made | {"priority": 7}
    assert [found["role"] for found in root.get(f"{path}/mappings").json()["results"]] == ["editors", "authors"]
    assert ScimEvent.objects.count() == before + 1
    for body in ({}, {"priority": -1}, {"priority": 32768}, {"priority": 7, "role": "authors"}):
        assert error(root.request("PATCH", address, body)) == (400, "validation")
    GroupRoleMapping.objects.filter(pk=made["id"]).delete()
    assert error(root.request("PATCH", address, {"priority": 7})) == (404, "not_found")


def test_what_cannot_be_mapped_is_refused(root: Caller, path: str) -> None:
    wrong: list[tuple[dict[str, Any], str | None]] = [
        ({"group_name": ""}, "group_name"),
        ({"group_name": "x" * 256}, "group_name"),
        ({"priority": -1}, "priority"),
        ({"priority": 32768}, "priority"),
        ({"group": "x"}, "group"),
        ({"role": "superuser"}, None),
    ]
    for suffix in ("/mappings", "/mappings/preview"):
        for fields, name in wrong:
            response = root.post(f"{path}{suffix}", {"group_name": "Staff", "role": "editors", **fields})
            assert error(response) == (400, "validation")
            assert response.json().get("fields", {}).keys() == ({name} if name else set())
    assert not GroupRoleMapping.objects.exists()
