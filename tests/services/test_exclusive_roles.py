"""Roles of which a person has one at a time: a column of the user, or of what makes them a member of a tenant."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.test import override_settings

from django_scim_provider.adapters import ChoiceRoles
from django_scim_provider.models import GroupRoleMapping, RoleGrant, ScimConnection, ScimUser
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.services import role_mappings, roles, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_hosts import on_teams_host
from group_support import grants_of, join, leave, make_group, provision

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts, on_teams_host]


def save(context: Context, group: str, role: str, priority: int = 0) -> GroupRoleMapping:
    return role_mappings.save_mapping(context, group, role, priority=priority)


def role_of(row: ScimUser) -> str:
    row.user.refresh_from_db()
    return str(row.user.role)


def hand(row: ScimUser, role: str) -> None:
    type(row.user).objects.filter(pk=row.user_id).update(role=role)


def policy(context: Context, **fields: str) -> None:
    ScimConnection.objects.filter(pk=context.connection.pk).update(**fields)
    context.connection.refresh_from_db()


# A column of the user ----------------------------------------------------------------------------------------


def test_the_highest_priority_wins(context: Context) -> None:
    (ann,) = provision(context, "ann")
    guests, admins = make_group(context, "Guests", ann), make_group(context, "Admins", ann)
    save(context, "Admins", "admin", priority=1)
    save(context, "Guests", "guest", priority=5)
    assert role_of(ann) == "guest"
    save(context, "Guests", "guest", priority=0)
    assert role_of(ann) == "admin"
    leave(context, admins, ann)
    assert role_of(ann) == "guest"
    leave(context, guests, ann)
    assert (role_of(ann), grants_of(ann)) == ("", set())


def test_of_equal_priorities_the_older_group_wins(context: Context) -> None:
    (ann,) = provision(context, "ann")
    make_group(context, "One", ann)
    make_group(context, "Two", ann)
    save(context, "Two", "admin")
    save(context, "One", "member")
    assert (role_of(ann), grants_of(ann)) == ("member", {"member"})


def test_a_group_mapped_to_two_roles_is_no_riddle(context: Context) -> None:
    (ann,) = provision(context, "ann")
    make_group(context, "One", ann)
    save(context, "One", "guest")
    save(context, "One", "member")
    before = role_of(ann)
    assert roles.recompute_all(context) == 0
    assert role_of(ann) == before


def test_a_lower_role_by_hand_is_raised_and_a_higher_one_stays(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    hand(ann, "guest")
    hand(bob, "admin")
    staff = make_group(context, "Staff", ann, bob)
    save(context, "Staff", "member")
    assert (role_of(ann), role_of(bob)) == ("member", "admin")
    assert (grants_of(ann), grants_of(bob)) == ({"member"}, set())
    leave(context, staff, ann, bob)
    assert (role_of(ann), role_of(bob)) == ("", "admin")


def test_the_same_role_by_hand_stays_by_hand(context: Context) -> None:
    (ann,) = provision(context, "ann")
    hand(ann, "member")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "member")
    assert grants_of(ann) == set()
    leave(context, staff, ann)
    assert role_of(ann) == "member"


def test_a_role_raised_by_hand_outlives_ours(context: Context) -> None:
    """We gave member, an administrator made her admin: no later change of groups takes that back."""
    (ann,) = provision(context, "ann")
    staff, other = make_group(context, "Staff", ann), make_group(context, "Other")
    save(context, "Staff", "member")
    save(context, "Other", "guest")
    hand(ann, "admin")
    join(context, other, ann)
    assert role_of(ann) == "admin"
    leave(context, staff, ann)
    assert role_of(ann) == "admin"
    leave(context, other, ann)
    assert (role_of(ann), grants_of(ann)) == ("admin", set())


def test_a_role_raised_by_hand_above_the_default_stays(context: Context) -> None:
    policy(context, default_role="guest")
    (ann,) = provision(context, "ann")
    assert role_of(ann) == "guest"
    hand(ann, "admin")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "member")
    assert role_of(ann) == "admin"
    leave(context, staff, ann)
    assert role_of(ann) == "admin"
    assert roles.recompute_all(context) == 0


def test_a_role_raised_by_hand_stays_when_the_person_leaves_scim(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    make_group(context, "Staff", ann, bob)
    save(context, "Staff", "member")
    hand(ann, "admin")
    for row in (ann, bob):
        users.delete_user(context, str(row.scim_id))
    assert (role_of(ann), role_of(bob)) == ("admin", "")
    assert not RoleGrant.objects.exists()


def test_the_default_role_gives_way_and_the_unmapped_one_follows(context: Context) -> None:
    policy(context, default_role="guest", unmapped_role="member")
    (ann,) = provision(context, "ann")
    assert role_of(ann) == "guest"
    assert roles.recompute_all(context) == 0
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "admin")
    assert (role_of(ann), grants_of(ann)) == ("admin", {"admin"})
    leave(context, staff, ann)
    assert (role_of(ann), grants_of(ann)) == ("member", {"member"})
    assert roles.recompute_all(context) == 0


def test_the_default_role_alone_returns_to_nothing(context: Context) -> None:
    policy(context, default_role="guest")
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff", ann)
    save(context, "Staff", "admin")
    leave(context, staff, ann)
    assert (role_of(ann), grants_of(ann)) == ("", set())


def test_first_provisioning_only(context: Context) -> None:
    policy(context, role_mapping="first", default_role="guest")
    (ann,) = provision(context, "ann")
    staff, crew = make_group(context, "Staff", ann), make_group(context, "Crew")
    save(context, "Crew", "admin", priority=9)
    told = role_mappings.preview(context, "Staff", "member")
    assert [(change.gains, change.loses) for change in told] == [({"member"}, {"guest"})]
    save(context, "Staff", "member")
    assert (role_of(ann), grants_of(ann)) == ("member", {"member"})
    join(context, crew, ann)
    leave(context, staff, ann)
    assert role_of(ann) == "member"


def test_privileged_roles_are_out_of_reach(context: Context) -> None:
    for ask in (role_mappings.save_mapping, role_mappings.preview):
        with pytest.raises(InvalidValue, match="privileged"):
            ask(context, "Staff", "owner")
    ann, bob = provision(context, "ann", "bob")
    staff = make_group(context, "Staff", ann)
    # Written past the service, or from before the application called the role privileged.
    GroupRoleMapping.objects.create(
        connection=context.connection, group=staff, group_name="Staff", group_name_key="staff", role="owner", priority=9
    )
    policy(context, default_role="owner", unmapped_role="owner")
    save(context, "Staff", "member")
    assert role_of(ann) == "member"
    (cy,) = provision(context, "cy")
    assert roles.recompute_all(context) == 0
    assert (role_of(bob), role_of(cy)) == ("", "")


def test_an_owner_is_demoted_by_no_group(context: Context) -> None:
    """T26: whether the order knows the privileged role or not."""
    ann, bob = provision(context, "ann", "bob")
    hand(ann, "owner")
    staff = make_group(context, "Staff", ann, bob)
    save(context, "Staff", "admin")
    assert (role_of(ann), role_of(bob)) == ("owner", "admin")
    leave(context, staff, ann)
    assert role_of(ann) == "owner"


@pytest.mark.parametrize("privileged", [(), ("owner",)])
def test_a_role_outside_the_order_stays(
    context: Context, monkeypatch: pytest.MonkeyPatch, privileged: tuple[str, ...]
) -> None:
    backend = ChoiceRoles("role", order=["guest", "member"], privileged=privileged)
    monkeypatch.setattr(type(context.adapter), "roles", backend)
    assert [role.key for role in backend.choices(context.connection)] == ["guest", "member"]
    ann, bob = provision(context, "ann", "bob")
    hand(ann, "owner")
    hand(bob, "admin")
    make_group(context, "Staff", ann, bob)
    save(context, "Staff", "member")
    assert (role_of(ann), role_of(bob)) == ("owner", "admin")


def test_a_choice_that_everybody_has_to_begin_with_is_given_once(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where "nothing" is one of the roles, to be mapped to it changes nobody who has no other."""
    monkeypatch.setattr(type(context.adapter), "roles", ChoiceRoles("role", empty="guest"))
    ann, bob = provision(context, "ann", "bob")
    for row in (ann, bob):
        hand(row, "guest")
    staff, crew = make_group(context, "Staff", ann, bob), make_group(context, "Crew", bob)
    assert role_mappings.preview(context, "Staff", "guest") == []
    save(context, "Staff", "guest")
    save(context, "Crew", "member", priority=3)
    assert (role_of(ann), role_of(bob)) == ("guest", "member")
    leave(context, crew, bob)
    assert role_of(bob) == "guest"
    assert roles.recompute_all(context) == 0
    leave(context, staff, ann, bob)
    assert (role_of(ann), role_of(bob)) == ("guest", "guest")
    assert not RoleGrant.objects.exists()


def test_the_hosts_save_runs(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    saved = []
    monkeypatch.setattr(
        type(ann.user), "save", lambda self, **kwargs: saved.append((self.pk, self.role, kwargs["update_fields"]))
    )
    save(context, "Staff", "member")
    assert saved == [(ann.user_id, "member", ["role"])]


# A field of a membership row ---------------------------------------------------------------------------------


@pytest.fixture
def tenants(settings: object) -> Iterator[tuple[Context, Context]]:
    """Connections of two organizations over one table of users."""
    organization = apps.get_model("teams.Organization")
    for slug in ("acme", "umbrella"):
        organization.objects.create(slug=slug)
    adapters = {"User": "hosts.teams.scim.MemberAdapter", "Group": "django_scim_provider.adapters.GroupAdapter"}
    with override_settings(SCIM_PROVIDER={"ADAPTERS": adapters}):
        yield tuple(Context(ConnectionFactory(tenant=slug)) for slug in ("acme", "umbrella"))  # type: ignore[misc]


def level(row: ScimUser, tenant: str) -> str | None:
    memberships = apps.get_model("teams.Membership").objects
    return memberships.filter(user=row.user_id, organization__slug=tenant).values_list("level", flat=True).first()


def put_into(row: ScimUser, tenant: str, value: str = "viewer") -> None:
    organization = apps.get_model("teams.Organization").objects.get(slug=tenant)
    apps.get_model("teams.Membership").objects.create(user=row.user, organization=organization, level=value)


def test_a_role_on_a_membership_row_is_the_tenants_own(tenants: tuple[Context, Context]) -> None:
    acme, umbrella = tenants
    (ann,) = provision(acme, "ann")
    put_into(ann, "acme")
    put_into(ann, "umbrella", "editor")
    staff = make_group(acme, "Staff", ann)
    assert [role.key for role in acme.adapter.roles.choices(acme.connection)] == ["viewer", "editor", "manager"]
    save(acme, "Staff", "editor")
    assert (level(ann, "acme"), level(ann, "umbrella")) == ("editor", "editor")
    leave(acme, staff, ann)
    # Back to the field's default; the other organization's is its own affair.
    assert (level(ann, "acme"), level(ann, "umbrella")) == ("viewer", "editor")
    held = umbrella.adapter.roles.held([ann.user_id], umbrella.connection, "default")
    assert held == {ann.user_id: frozenset({"editor"})}
    assert acme.adapter.roles.held([ann.user_id], acme.connection, "default") == {}


def test_the_default_of_the_field_is_nobodys_role(tenants: tuple[Context, Context]) -> None:
    acme, _ = tenants
    (ann,) = provision(acme, "ann")
    put_into(ann, "acme")
    make_group(acme, "Staff", ann)
    assert role_mappings.preview(acme, "Staff", "viewer") == []
    save(acme, "Staff", "viewer")
    assert grants_of(ann) == set()
    with pytest.raises(InvalidValue, match="privileged"):
        save(acme, "Staff", "manager")


def test_who_is_no_member_gets_the_role_once_they_are(tenants: tuple[Context, Context]) -> None:
    acme, _ = tenants
    (ann,) = provision(acme, "ann")
    make_group(acme, "Staff", ann)
    save(acme, "Staff", "editor")
    assert level(ann, "acme") is None
    put_into(ann, "acme")
    roles.recompute_all(acme)
    assert level(ann, "acme") == "editor"


def test_a_manager_by_hand_stays(tenants: tuple[Context, Context]) -> None:
    acme, _ = tenants
    (ann,) = provision(acme, "ann")
    put_into(ann, "acme", "manager")
    staff = make_group(acme, "Staff", ann)
    save(acme, "Staff", "editor")
    leave(acme, staff, ann)
    assert level(ann, "acme") == "manager"
