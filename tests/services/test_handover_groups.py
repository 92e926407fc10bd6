"""A handover takes groups along with all that follows from them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from conftest import ScimClient
from django_scim_provider.models import ConnectionGuard, ScimConnection
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from django_scim_provider.services.handover import hand_over
from group_support import grants_of, join, leave, make_group, provision, roles_of

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _named(roles: dict[str, Group]) -> None:
    """The roles reader, writer and owner."""


@pytest.fixture
def taker(neighbour: ScimConnection) -> Context:
    return Context(neighbour)


def test_roles_follow_groups_after_a_handover(context: Context, taker: Context) -> None:
    """The new identity provider takes somebody out of the group: the role goes, whoever gave it."""
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann)
    role_mappings.save_mapping(context, "Staff", "writer")
    moved = hand_over(context, taker)
    assert moved == (2, 1, 1, 1)
    assert roles_of(ann) == grants_of(ann) == {"writer"}
    fresh = Context(ScimConnection.objects.get(pk=taker.connection.pk))
    leave(fresh, staff, ann)
    join(fresh, staff, bob)
    assert (roles_of(ann), grants_of(ann)) == (set(), set())
    assert roles_of(bob) == grants_of(bob) == {"writer"}


def test_nesting_goes_along(context: Context, taker: Context, neighbour_scim: ScimClient) -> None:
    (ann,) = provision(context, "ann")
    inner = make_group(context, "Inner", ann)
    outer = make_group(context, "Outer", inner)
    hand_over(context, taker)
    shown = neighbour_scim.get(f"/Users/{ann.scim_id}").json()
    assert {item["display"]: item["type"] for item in shown["groups"]} == {"Inner": "direct", "Outer": "indirect"}
    with pytest.raises(InvalidValue, match="member of itself"):
        join(Context(ScimConnection.objects.get(pk=taker.connection.pk)), inner, outer)


def test_mappings_that_wait_with_the_taker_take_effect(context: Context, taker: Context) -> None:
    """The new connection was prepared before the handover."""
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    make_group(context, "Other", ann)
    mapping = role_mappings.save_mapping(taker, "STAFF", "writer")
    hand_over(context, taker)
    mapping.refresh_from_db()
    assert mapping.group is not None
    assert roles_of(ann) == grants_of(ann) == {"writer"}


def test_the_guards_of_both_are_taken_first(context: Context, taker: Context) -> None:
    hand_over(context, taker)
    assert not ConnectionGuard.objects.filter(has_roles=True).exists()
    assert not ConnectionGuard.objects.filter(has_nested_groups=True).exists()
