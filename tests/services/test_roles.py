"""Roles follow memberships: Django's groups as roles, and what the connection's policies make of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from conftest import person
from django_scim_provider.models import (
    ConnectionGuard,
    GroupRoleMapping,
    RoleGrant,
    ScimConnection,
    ScimGroup,
    ScimUser,
)
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.services import guard, newcomers, role_mappings, roles, users
from django_scim_provider.services.context import Context
from group_support import (
    change,
    grants_of,
    join,
    last_event,
    leave,
    make_group,
    provision,
    remove,
    rename,
    roles_of,
    sql_of,
)

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _named(roles: dict[str, Group]) -> None:
    """The roles reader, writer and owner."""


def save(context: Context, group: str, role: str, priority: int = 0) -> GroupRoleMapping:
    return role_mappings.save_mapping(context, group, role, priority=priority)


def hand(row: ScimUser, *names: str) -> None:
    row.user.groups.add(*Group.objects.filter(name__in=names))


def policy(context: Context, **fields: str) -> None:
    ScimConnection.objects.filter(pk=context.connection.pk).update(**fields)
    context.connection.refresh_from_db()


def consistent() -> bool:
    """Every grant stands for a role that is held."""
    return all(grant.user.groups.filter(name=grant.role).exists() for grant in RoleGrant.objects.all())


# Following memberships ---------------------------------------------------------------------------------------


def test_who_joins_gains_and_who_leaves_loses(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    assert (roles_of(ann), roles_of(bob)) == ({"writer"}, set())
    join(context, staff, bob)
    assert roles_of(bob) == grants_of(bob) == {"writer"}
    leave(context, staff, ann)
    assert roles_of(ann) == grants_of(ann) == set()
    change(context, staff, {"op": "remove", "path": "members"})
    assert roles_of(bob) == set()
    assert not RoleGrant.objects.exists()


def test_a_replaced_list_gives_and_takes(context: Context) -> None:
    ann, bob, cy = provision(context, "ann", "bob", "cy")
    staff = make_group(context, "Staff", ann, bob)
    save(context, "Staff", "writer")
    value = [{"value": str(row.scim_id)} for row in (bob, cy)]
    change(context, staff, {"op": "replace", "path": "members", "value": value})
    assert [roles_of(row) for row in (ann, bob, cy)] == [set(), {"writer"}, {"writer"}]
    assert consistent()


def test_the_roles_of_several_groups_add_up(context: Context) -> None:
    (ann,) = provision(context, "ann")
    one, two = make_group(context, "One", ann), make_group(context, "Two", ann)
    save(context, "One", "reader")
    save(context, "One", "writer")
    save(context, "Two", "writer")
    assert roles_of(ann) == {"reader", "writer"}
    leave(context, one, ann)
    assert roles_of(ann) == {"writer"}
    remove(context, two)
    assert roles_of(ann) == grants_of(ann) == set()


def test_a_group_inside_a_mapped_group_has_its_roles(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    inner = make_group(context, "Inner", ann)
    middle = make_group(context, "Middle", inner)
    outer = make_group(context, "Outer", middle, bob)
    save(context, "Outer", "writer")
    assert (roles_of(ann), roles_of(bob)) == ({"writer"}, {"writer"})
    leave(context, outer, middle)
    assert (roles_of(ann), roles_of(bob)) == (set(), {"writer"})
    join(context, outer, middle)
    (cy,) = provision(context, "cy")
    join(context, inner, cy)
    assert roles_of(ann) == roles_of(cy) == {"writer"}
    remove(context, middle)
    assert roles_of(ann) == roles_of(cy) == set()
    assert roles_of(bob) == {"writer"}
    assert consistent()


def test_a_deleted_person_loses_what_scim_gave_and_nothing_else(context: Context) -> None:
    (ann,) = provision(context, "ann")
    hand(ann, "reader")
    make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    users.delete_user(context, str(ann.scim_id))
    assert roles_of(ann) == {"reader"}
    assert not RoleGrant.objects.exists()


def test_a_deleted_person_without_roles_costs_nothing(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    users.delete_user(context, str(bob.scim_id))
    assert roles_of(ann) == {"writer"}


def test_an_inactive_person_keeps_roles_until_the_group_says_otherwise(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    users.modify_user(context, str(ann.scim_id), {"Operations": [{"op": "replace", "path": "active", "value": False}]})
    assert roles_of(ann) == {"writer"}
    leave(context, staff, ann)
    assert roles_of(ann) == set()


def test_people_without_an_account_are_passed_over(context: Context) -> None:
    policy(context, on_create="ignore")
    (ann,) = provision(context, "ann")
    assert ann.user_id is None
    make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    assert not RoleGrant.objects.exists()


def test_an_account_that_comes_later_gets_the_roles(context: Context) -> None:
    """Accepted without an account, put into a group, then created: the groups' roles are there at once."""
    policy(context, on_create="ignore")
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    policy(context, on_create="create")
    for active in (False, True):
        users.modify_user(
            context, str(ann.scim_id), {"Operations": [{"op": "replace", "path": "active", "value": active}]}
        )
    ann.refresh_from_db()
    assert ann.user_id is not None
    assert roles_of(ann) == grants_of(ann) == {"writer"}


# By hand -----------------------------------------------------------------------------------------------------


def test_a_role_given_by_hand_is_never_taken(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    hand(ann, "writer", "owner")
    staff = make_group(context, "Staff", ann, bob)
    save(context, "Staff", "writer")
    assert grants_of(ann) == set()
    leave(context, staff, ann, bob)
    assert roles_of(ann) == {"writer", "owner"}
    assert roles_of(bob) == set()


def test_a_role_taken_by_hand_is_given_again_at_the_next_change(context: Context) -> None:
    """In sync means in sync; that the grant is still noted breaks nothing."""
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    other = make_group(context, "Other")
    save(context, "Staff", "writer")
    ann.user.groups.clear()
    join(context, other, ann)
    assert roles_of(ann) == grants_of(ann) == {"writer"}
    ann.user.groups.clear()
    leave(context, staff, ann)
    assert roles_of(ann) == grants_of(ann) == set()


def test_a_role_given_by_hand_after_ours_was_taken_by_hand_goes_with_the_group(context: Context) -> None:
    """Who gave it cannot be told any longer: our note stands."""
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    ann.user.groups.clear()
    hand(ann, "writer")
    leave(context, staff, ann)
    assert roles_of(ann) == set()


def test_a_role_that_the_host_deleted_breaks_nothing(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    Group.objects.filter(name="writer").delete()
    join(context, staff, bob)
    leave(context, staff, ann)
    assert roles_of(ann) == roles_of(bob) == set()


# Policies ----------------------------------------------------------------------------------------------------


def test_the_default_role_comes_with_the_account_and_stays(context: Context) -> None:
    policy(context, default_role="reader")
    assert not ConnectionGuard.objects.get().has_roles
    ann, bob = provision(context, "ann", "bob")
    assert roles_of(ann) == grants_of(ann) == {"reader"}
    assert ConnectionGuard.objects.get().has_roles
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    assert roles_of(ann) == {"reader", "writer"}
    leave(context, staff, ann)
    assert roles_of(ann) == {"reader"}
    assert roles.recompute_all(context) == 0
    users.delete_user(context, str(bob.scim_id))
    assert roles_of(bob) == set()


def test_the_default_role_comes_with_each_account_of_many(context: Context) -> None:
    policy(context, default_role="reader")
    made = newcomers.create_users(context, [person("ann@example.com"), person("bob@example.com", active=False)])
    assert made is not None
    for one in made:
        row = ScimUser.objects.get(scim_id=one.id)
        assert roles_of(row) == grants_of(row) == {"reader"}
    assert ConnectionGuard.objects.get().has_roles


def test_no_default_role_without_an_account(context: Context) -> None:
    policy(context, default_role="reader", on_create="ignore")
    (ann,) = provision(context, "ann")
    assert not RoleGrant.objects.exists()
    assert grants_of(ann) == set()


def test_the_role_when_nothing_maps(context: Context) -> None:
    policy(context, unmapped_role="reader")
    (ann,) = provision(context, "ann")
    assert roles_of(ann) == {"reader"}
    staff, other = make_group(context, "Staff", ann), make_group(context, "Other", ann)
    save(context, "Staff", "writer")
    assert roles_of(ann) == {"writer"}
    leave(context, staff, ann)
    assert roles_of(ann) == {"reader"}
    leave(context, other, ann)
    assert roles_of(ann) == {"reader"}
    assert roles.recompute_all(context) == 0


def test_the_role_when_nothing_maps_reaches_those_who_were_there_before(context: Context) -> None:
    """No mapping and no grant exists yet, still a change of membership must look."""
    ann, bob = provision(context, "ann", "bob")
    policy(context, unmapped_role="reader")
    staff = make_group(context, "Staff", ann)
    assert (roles_of(ann), roles_of(bob)) == ({"reader"}, set())
    assert roles.recompute_all(context) == 1
    assert roles_of(bob) == {"reader"}
    policy(context, unmapped_role="")
    leave(context, staff, ann)
    assert roles_of(ann) == set()
    assert roles.recompute_all(context) == 1
    assert roles_of(bob) == set()


def test_default_and_unmapped_role_together(context: Context) -> None:
    """The default role until a group has a say; working everybody out again changes nothing."""
    policy(context, default_role="reader", unmapped_role="owner")
    (ann,) = provision(context, "ann")
    assert roles_of(ann) == {"reader"}
    assert roles.recompute_all(context) == 0
    staff = make_group(context, "Staff", ann)
    assert roles_of(ann) == {"reader", "owner"}
    save(context, "Staff", "writer")
    assert roles_of(ann) == {"reader", "writer"}
    assert roles.recompute_all(context) == 0
    leave(context, staff, ann)
    assert roles.recompute_all(context) == 0


def test_first_provisioning_only(context: Context) -> None:
    policy(context, role_mapping="first", default_role="reader")
    ann, bob = provision(context, "ann", "bob")
    staff, crew = make_group(context, "Staff", ann), make_group(context, "Crew")
    save(context, "Staff", "writer")
    save(context, "Crew", "owner")
    assert roles_of(ann) == {"reader", "writer"}
    join(context, crew, ann, bob)
    assert roles_of(ann) == {"reader", "writer"}
    assert roles_of(bob) == {"reader", "owner"}
    leave(context, staff, ann)
    leave(context, crew, bob)
    assert roles_of(ann) == {"reader", "writer"}
    assert roles_of(bob) == {"reader", "owner"}
    assert roles.recompute_all(context) == 0


def test_first_provisioning_only_waits_for_a_group_that_maps(context: Context) -> None:
    policy(context, role_mapping="first", unmapped_role="reader")
    (ann,) = provision(context, "ann")
    staff, crew = make_group(context, "Staff", ann), make_group(context, "Crew")
    save(context, "Crew", "writer")
    assert roles_of(ann) == {"reader"}
    join(context, crew, ann)
    assert roles_of(ann) == {"writer"}
    leave(context, crew, ann)
    leave(context, staff, ann)
    assert roles_of(ann) == {"writer"}


def test_roles_work_out_anew(context: Context) -> None:
    """What ``scim_sync --roles`` does after somebody wrote to the tables by other means."""
    ann, bob = provision(context, "ann", "bob")
    make_group(context, "Staff", ann, bob)
    save(context, "Staff", "writer")
    ann.user.groups.clear()
    hand(bob, "owner")
    assert roles.recompute_all(context) == 1
    assert (roles_of(ann), roles_of(bob)) == ({"writer"}, {"writer", "owner"})
    assert roles.recompute_all(context) == 0


def test_nothing_is_asked_where_roles_are_not_used(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff")
    tables = [RoleGrant._meta.db_table, GroupRoleMapping._meta.db_table]
    statements = sql_of(lambda: join(context, staff, ann)) + sql_of(lambda: remove(context, staff))
    asked = [sql for sql in statements if any(table in sql for table in tables) and not sql.startswith("UPDATE")]
    assert not asked


# Mappings ----------------------------------------------------------------------------------------------------


def test_a_mapping_may_wait_for_its_group(context: Context) -> None:
    (ann,) = provision(context, "ann")
    mapping = save(context, "STAFF", "writer")
    assert mapping.group is None
    make_group(context, "Staff", ann)
    mapping.refresh_from_db()
    assert mapping.group == ScimGroup.objects.get()
    assert roles_of(ann) == {"writer"}
    event = last_event()
    assert event.action == "create"


def test_a_mapping_is_recorded(context: Context) -> None:
    save(context, "Staff", "writer")
    event = last_event()
    assert (event.action, event.label, event.changed) == ("configure", "Staff → writer", ["role mapping"])


def test_a_mapping_follows_its_group_across_renames(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann)
    mapping = save(context, "Staff", "writer")
    rename(context, staff, "Crew")
    join(context, staff, bob)
    assert roles_of(ann) == roles_of(bob) == {"writer"}
    mapping.refresh_from_db()
    assert (mapping.group_id, mapping.group_name, mapping.group_name_key) == (staff.pk, "Crew", "crew")
    # The old name means nothing any more.
    other = make_group(context, "Staff")
    (cy,) = provision(context, "cy")
    join(context, other, cy)
    assert roles_of(cy) == set()


def test_a_group_renamed_to_a_name_that_a_mapping_waits_for_is_mapped(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    save(context, "Crew", "writer")
    save(context, "Staff", "reader")
    assert roles_of(ann) == {"reader"}
    rename(context, staff, "Crew")
    assert roles_of(ann) == {"reader", "writer"}


def test_a_waiting_mapping_to_the_role_that_the_group_has_is_one_too_many(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    save(context, "Crew", "writer", priority=5)
    kept = save(context, "Staff", "writer")
    rename(context, staff, "Crew")
    assert list(GroupRoleMapping.objects.all()) == [kept]
    assert save(context, "Crew", "writer", priority=7).pk == kept.pk
    assert roles_of(ann) == {"writer"}


def test_a_mapping_saved_again_is_the_same_one(context: Context) -> None:
    first = save(context, "Staff", "writer")
    again = save(context, "STAFF", "writer", priority=3)
    assert again.pk == first.pk
    assert (again.priority, again.group_name) == (3, "STAFF")
    group = make_group(context, "Staff")
    bound = save(context, "Staff", "writer", priority=4)
    assert (bound.pk, bound.group) == (first.pk, group)
    assert GroupRoleMapping.objects.count() == 1


def test_groups_of_equal_name_are_mapped_one_at_a_time(context: Context) -> None:
    policy(context, equal_group_names="allow")
    ann, bob = provision(context, "ann", "bob")
    one, two = make_group(context, "Staff", ann), make_group(context, "Other", bob)
    save(context, "Staff", "writer")
    save(context, "Other", "writer")
    rename(context, two, "Staff")
    # Both are bound to the role under one name; the name means the older group.
    assert save(context, "Staff", "writer", priority=2).group == one
    assert roles_of(ann) == roles_of(bob) == {"writer"}
    remove(context, one)
    remove(context, two)
    # Both mappings wait for the name now; the next group has room for one.
    make_group(context, "Staff", ann)
    assert GroupRoleMapping.objects.count() == 1
    assert (roles_of(ann), roles_of(bob)) == ({"writer"}, set())


def test_a_deleted_mapping_takes_its_role_along(context: Context) -> None:
    (ann,) = provision(context, "ann")
    hand(ann, "owner")
    make_group(context, "Staff", ann)
    mapping, other = save(context, "Staff", "writer"), save(context, "Staff", "reader")
    role_mappings.delete_mapping(context, mapping)
    assert roles_of(ann) == {"owner", "reader"}
    assert list(GroupRoleMapping.objects.all()) == [other]
    assert last_event().action == "configure"


def test_a_waiting_mapping_is_deleted(context: Context) -> None:
    role_mappings.delete_mapping(context, save(context, "Staff", "writer"))
    assert not GroupRoleMapping.objects.exists()


def test_a_mapping_whose_group_came_after_it_was_shown_is_deleted_with_its_role(context: Context) -> None:
    (ann,) = provision(context, "ann")
    stale = save(context, "Staff", "writer")
    make_group(context, "Staff", ann)
    assert roles_of(ann) == {"writer"}
    role_mappings.delete_mapping(context, stale)
    assert roles_of(ann) == set()
    assert not RoleGrant.objects.exists()


def test_a_group_that_comes_again_finds_its_mapping(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    mapping = save(context, "Staff", "writer")
    remove(context, staff)
    assert roles_of(ann) == set()
    mapping.refresh_from_db()
    assert mapping.group is None
    make_group(context, "Staff", ann)
    assert roles_of(ann) == {"writer"}


def test_another_connection_does_not_inherit_a_mapping(context: Context, neighbour: ScimConnection) -> None:
    """T27: names are labels; a second identity provider cannot help itself by choosing one."""
    staff = make_group(context, "Staff")
    save(context, "Staff", "owner")
    remove(context, staff)
    other = Context(neighbour)
    (eve,) = provision(other, "eve")
    make_group(other, "Staff", eve)
    assert roles_of(eve) == set()
    save(other, "Staff", "reader")
    assert roles_of(eve) == {"reader"}
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    assert (roles_of(ann), roles_of(eve)) == ({"owner"}, {"reader"})
    assert [grant.connection for grant in RoleGrant.objects.filter(scim_user=eve)] == [neighbour]


def test_a_role_that_does_not_exist_is_refused(context: Context) -> None:
    for ask in (role_mappings.save_mapping, role_mappings.preview):
        with pytest.raises(InvalidValue, match="no role emperor"):
            ask(context, "Staff", "emperor")
    assert not GroupRoleMapping.objects.exists()
    assert not ConnectionGuard.objects.get().has_roles


# Preview -----------------------------------------------------------------------------------------------------


def _told(changes: list[Any]) -> dict[Any, tuple[frozenset[str], frozenset[str]]]:
    return {change.scim_user: (change.gains, change.loses) for change in changes}


@pytest.mark.parametrize("rule", ["sync", "first"])
def test_a_preview_says_what_will_happen(context: Context, rule: str) -> None:
    policy(context, role_mapping=rule, unmapped_role="reader")
    rows = provision(context, "ann", "bob", "cy", "dot")
    ann, bob, cy, dot = rows
    hand(cy, "owner")
    inner = make_group(context, "Inner", dot)
    make_group(context, "Staff", ann, bob, cy, inner)
    make_group(context, "Crew", bob)
    save(context, "Crew", "writer")
    before = {row.pk: roles_of(row) for row in rows}
    rights = list(RoleGrant.objects.order_by("pk").values_list())
    told = _told(role_mappings.preview(context, "staff", "owner"))
    assert {row.pk: roles_of(row) for row in rows} == before
    assert list(RoleGrant.objects.order_by("pk").values_list()) == rights
    save(context, "Staff", "owner")
    after = {row.pk: roles_of(row) for row in rows}
    happened = {
        pk: (frozenset(after[pk] - before[pk]), frozenset(before[pk] - after[pk]))
        for pk in before
        if after[pk] != before[pk]
    }
    assert told == happened
    assert len(told) == (4 if rule == "sync" else 3)
    assert _told(role_mappings.preview(context, "Staff", "owner")) == {}


def test_a_preview_of_a_group_still_to_come_is_empty(context: Context) -> None:
    assert role_mappings.preview(context, "Staff", "writer") == []


def test_a_preview_leaves_out_notes_that_only_we_keep(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    mapping = save(context, "Staff", "writer")
    ann.user.groups.clear()
    GroupRoleMapping.objects.filter(pk=mapping.pk).delete()
    hand(ann, "reader")
    assert role_mappings.preview(context, "Staff", "reader") == []
    assert staff.pk


# Whom it concerns --------------------------------------------------------------------------------------------


def test_a_person_gone_from_the_host_is_passed_over(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann, bob)
    save(context, "Staff", "writer")
    get_user_model().objects.get(pk=ann.user_id).delete()
    assert not RoleGrant.objects.filter(scim_user=ann).exists()
    leave(context, staff, ann, bob)
    assert not RoleGrant.objects.exists()


def test_a_person_who_returns_has_no_roles_from_before(context: Context) -> None:
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    save(context, "Staff", "writer")
    users.delete_user(context, str(ann.scim_id))
    again = users.create_user(context, person("ann@example.com"))
    row = ScimUser.objects.get(scim_id=again.id)
    assert roles_of(row) == grants_of(row) == set()


def test_a_connection_made_without_our_service_gets_its_guard(context: Context) -> None:
    ConnectionGuard.objects.all().delete()
    locked = guard.lock(context)
    assert (locked.has_roles, locked.has_nested_groups) == (False, False)
    assert guard.lock(context) == locked
