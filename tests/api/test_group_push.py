"""What a push of groups means for roles, through HTTP alone; what providers say of groups is in ``tests/corpus``."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group

from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def ok(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.content
    return response.json()


def test_what_a_push_means_for_roles(scim: ScimClient, connection: ScimConnection, three: list[str]) -> None:
    """The mapping waits for the group; the role follows the push from then on."""
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
