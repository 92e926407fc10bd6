"""``scim_sync --roles``: what groups and mappings say, after somebody changed roles by other means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from django_scim_provider.adapters import GroupRoles, UserAdapter
from django_scim_provider.models import ScimConnection, ScimMembership
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from group_support import make_group, provision, roles_of

pytestmark = pytest.mark.django_db
Manage = Callable[..., Any]


def test_roles_are_worked_out_when_asked_for(connection: ScimConnection, manage: Manage) -> None:
    context = Context(connection)
    (ann,) = provision(context, "ann")
    Group.objects.create(name="writer")
    make_group(context, "Staff", ann)
    role_mappings.save_mapping(context, "Staff", "writer")
    ann.user.groups.clear()

    assert "roles" not in manage("scim_sync", "--json").json[0]
    assert roles_of(ann) == set()
    assert manage("scim_sync", "--roles", "--json").json[0]["roles"] == 1
    assert roles_of(ann) == {"writer"}
    assert "roles changed for 0 people" in manage("scim_sync", "--roles").out


def test_the_last_holder_of_a_protected_role_stays(
    connection: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UserAdapter, "roles", GroupRoles(protected=["owner"]))
    context = Context(connection)
    (ann,) = provision(context, "ann")
    Group.objects.create(name="owner")
    role_mappings.save_mapping(context, "Staff", "owner")
    make_group(context, "Staff", ann)
    ScimMembership.objects.all().delete()
    manage("scim_sync", "--roles", fails="last active holder")
    assert roles_of(ann) == {"owner"}
