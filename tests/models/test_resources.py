"""What the database itself refuses, the same on every database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_scim_provider.models import (
    GroupRoleMapping,
    RoleGrant,
    ScimConnection,
    ScimGroup,
    ScimMembership,
    ScimRemoval,
    ScimUser,
    ScimValue,
)
from django_scim_provider.models.resources import KEY_LENGTH
from django_scim_provider.models.values import bounded_key
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def scim_user(connection: ScimConnection, key: str = "alice", **fields: Any) -> ScimUser:
    moment = timezone.now()
    fields = {
        "scope": "/",
        "user_name": key,
        "user_name_key": key,
        "created_at": moment,
        "modified_at": moment,
    } | fields
    return ScimUser.objects.create(connection=connection, **fields)


def scim_group(connection: ScimConnection, name: str = "Staff", **fields: Any) -> ScimGroup:
    moment = timezone.now()
    fields = {"display_name_key": name.lower(), "created_at": moment, "modified_at": moment} | fields
    return ScimGroup.objects.create(connection=connection, display_name=name, **fields)


def refused() -> Any:
    """The database refuses the block, and the transaction of the test goes on."""
    return pytest.raises(IntegrityError)


# People --------------------------------------------------------------------------------------------------------


def test_two_living_people_of_a_scope_cannot_share_a_name(connection: ScimConnection) -> None:
    scim_user(connection)

    with refused(), transaction.atomic():
        scim_user(ConnectionFactory())
    assert ScimUser.objects.count() == 1


def test_tombstones_and_one_living_person_may_share_a_name(connection: ScimConnection) -> None:
    for alive in (None, None, None, True):
        scim_user(connection, alive=alive)

    assert ScimUser.objects.filter(user_name_key="alice").count() == 4
    with refused(), transaction.atomic():
        ScimUser.objects.filter(alive=None).update(alive=True)
    assert ScimUser.objects.filter(alive=True).count() == 1


def test_people_of_two_scopes_may_share_a_name_and_an_account(connection: ScimConnection) -> None:
    user = HostUserFactory()
    ScimUser.objects.all().delete()
    scim_user(connection, scope="/a", user=user)
    scim_user(connection, scope="/b", user=user)

    assert user.scim_users.count() == 2


def test_two_living_people_of_a_scope_cannot_share_an_account(connection: ScimConnection) -> None:
    user = HostUserFactory()
    ScimUser.objects.all().delete()
    scim_user(connection, "alice", user=user)

    with refused(), transaction.atomic():
        scim_user(connection, "bob", user=user)
    scim_user(connection, "carol", user=user, alive=None)
    assert ScimUser.objects.filter(user=user).count() == 2


def test_any_number_of_people_have_no_account(connection: ScimConnection) -> None:
    for key in ("alice", "bob", "carol"):
        scim_user(connection, key, user=None)

    assert ScimUser.objects.filter(user=None, alive=True).count() == 3


def test_ids_on_the_wire_are_unique_in_a_connection_and_told_apart_by_case(connection: ScimConnection) -> None:
    scim_user(connection, scim_id="u-1")
    scim_user(connection, "bob", scim_id="U-1")
    scim_user(ConnectionFactory(), "cy", scope="/other", scim_id="u-1")

    with refused(), transaction.atomic():
        scim_user(connection, "dan", scim_id="u-1", alive=None)


def test_external_ids_need_not_be_unique_and_differ_by_case(connection: ScimConnection) -> None:
    for number, external_id in enumerate(["x", "x", "X", None, None]):
        scim_user(connection, f"user{number}", external_id=external_id)

    assert ScimUser.objects.filter(external_id="x").count() == 2
    assert ScimUser.objects.filter(external_id="X").count() == 1


def test_account_that_is_deleted_leaves_the_person(connection: ScimConnection) -> None:
    user = HostUserFactory()
    ScimUser.objects.all().delete()
    row = scim_user(connection, user=user)
    user.delete()

    row.refresh_from_db()
    assert (row.user, row.alive) == (None, True)


def test_people_print_as_their_name(connection: ScimConnection) -> None:
    assert str(scim_user(connection, "alice", user_name="Alice")) == "Alice"


# Groups and members --------------------------------------------------------------------------------------------


def test_groups_share_a_name_only_where_the_connection_allows_it(connection: ScimConnection) -> None:
    scim_group(connection, unique_key="staff")
    scim_group(ConnectionFactory(), unique_key="staff")
    scim_group(connection, unique_key=None)
    scim_group(connection, unique_key=None)

    with refused(), transaction.atomic():
        scim_group(connection, unique_key="staff")
    assert ScimGroup.objects.count() == 4


@pytest.mark.parametrize("members", ["neither", "both"])
def test_membership_is_of_a_person_or_of_a_group_and_never_of_both(connection: ScimConnection, members: str) -> None:
    group, both = scim_group(connection), members == "both"
    child = scim_group(connection, "Child") if both else None
    person = scim_user(connection) if both else None

    with refused(), transaction.atomic():
        ScimMembership.objects.create(group=group, scim_user=person, child=child)
    assert not ScimMembership.objects.exists()


def test_member_is_in_a_group_once(connection: ScimConnection) -> None:
    group, child, person = scim_group(connection), scim_group(connection, "Child"), scim_user(connection)
    memberships = [
        ScimMembership.objects.create(group=group, scim_user=person),
        ScimMembership.objects.create(group=group, scim_user=scim_user(connection, "bob")),
        ScimMembership.objects.create(group=group, child=child),
        ScimMembership.objects.create(group=group, child=scim_group(connection, "Other")),
        ScimMembership.objects.create(group=child, scim_user=person),
    ]

    for doubled in ({"scim_user": person}, {"child": child}):
        with refused(), transaction.atomic():
            ScimMembership.objects.create(group=group, **doubled)
    assert ScimMembership.objects.count() == len(memberships)
    assert [str(membership) for membership in memberships[:1] + memberships[2:3]] == [
        f"{group.pk}: {person.pk}",
        f"{group.pk}: {child.pk}",
    ]


def test_memberships_go_with_group_and_member(connection: ScimConnection) -> None:
    group, child, person = scim_group(connection), scim_group(connection, "Child"), scim_user(connection)
    ScimMembership.objects.create(group=group, scim_user=person)
    ScimMembership.objects.create(group=group, child=child)
    ScimMembership.objects.create(group=child, scim_user=person)
    child.delete()

    assert [membership.scim_user for membership in group.memberships.all()] == [person]
    person.delete()
    assert not ScimMembership.objects.exists()
    assert str(group) == "Staff"


# Mappings, grants, removals --------------------------------------------------------------------------------------


def test_group_maps_to_a_role_once_and_by_name_as_often_as_it_takes(connection: ScimConnection) -> None:
    group = scim_group(connection)
    common = {"connection": connection, "group_name": "Staff", "group_name_key": "staff", "role": "editor"}
    mapping = GroupRoleMapping.objects.create(group=group, **common)
    GroupRoleMapping.objects.create(group=None, **common)
    GroupRoleMapping.objects.create(group=None, **common)

    with refused(), transaction.atomic():
        GroupRoleMapping.objects.create(group=group, **common)
    assert str(mapping) == "Staff → editor"


def test_role_is_granted_to_a_person_once(connection: ScimConnection) -> None:
    user = HostUserFactory()
    row = scim_user(connection)
    grant = RoleGrant.objects.create(connection=connection, scim_user=row, user=user, role="editor")

    with refused(), transaction.atomic():
        RoleGrant.objects.create(connection=connection, scim_user=row, user=user, role="editor")
    assert str(grant) == f"{row.pk}: editor"
    user.delete()
    assert not RoleGrant.objects.exists()


def test_a_removal_goes_with_the_row_that_it_could_bring_back(connection: ScimConnection) -> None:
    row = scim_user(connection)
    removal = ScimRemoval.objects.create(connection=connection, scim_user=row, at=timezone.now())
    assert str(removal).startswith(f"{row.pk} 20")
    row.delete()
    assert not ScimRemoval.objects.exists()


# The filter index ------------------------------------------------------------------------------------------------


def test_index_has_one_row_for_each_place(connection: ScimConnection) -> None:
    row = scim_user(connection)
    place = {"scim_user": row, "attribute": "emails", "position": 0, "value_key": "a"}
    value = ScimValue.objects.create(**place)

    with refused(), transaction.atomic():
        ScimValue.objects.create(**place | {"value_key": "b"})
    ScimValue.objects.create(**place | {"position": 1})
    ScimValue.objects.create(**place | {"attribute": "phoneNumbers"})
    assert str(value) == "emails[0]"
    row.delete()
    assert not ScimValue.objects.exists()


@pytest.mark.parametrize("length", [0, 1, KEY_LENGTH])
def test_key_that_fits_is_kept_as_it_is(length: int) -> None:
    assert bounded_key("é" * length) == "é" * length


def test_long_key_keeps_its_beginning_and_stays_apart_from_others(connection: ScimConnection) -> None:
    keys = ["é" * 513, "é" * 514, "é" * 512 + "x", "é" * 600]
    bounded = [bounded_key(key) for key in keys]

    assert len(set(bounded)) == len(keys)
    assert all(len(key) == KEY_LENGTH and key.startswith("é" * 400) for key in bounded)
    assert bounded == [bounded_key(key) for key in keys]
    row = scim_user(connection)
    for position, key in enumerate(bounded):
        ScimValue.objects.create(scim_user=row, attribute="emails", position=position, value_key=key)
    assert [row.position for row in ScimValue.objects.filter(value_key=bounded[2])] == [2]
