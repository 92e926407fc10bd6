"""Role backends by themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from django_scim_provider.adapters import ChoiceRoles, GroupRoles, Role, RoleBackend
from django_scim_provider.adapters.roles import MembershipFieldRoles
from django_scim_provider.models import ScimConnection
from factories import HostUserFactory

pytestmark = pytest.mark.django_db

NOBODY = ScimConnection()


def test_a_backend_says_what_it_can(db: None) -> None:
    backend = RoleBackend()
    assert not backend.exclusive
    assert not backend.is_privileged("anything")
    assert backend.unassigned(NOBODY) == frozenset()
    for call in (
        lambda: backend.choices(NOBODY),
        lambda: backend.held([1], NOBODY, "default"),
        lambda: backend.give("x", [1], NOBODY, "default"),
        lambda: backend.take("x", [1], NOBODY, "default"),
    ):
        with pytest.raises(NotImplementedError):
            call()


def test_djangos_groups_are_roles() -> None:
    ann, bob = HostUserFactory(), HostUserFactory()
    for name in ("writer", "reader"):
        Group.objects.create(name=name)
    backend = GroupRoles()
    assert backend.choices(NOBODY) == [Role("reader", "reader"), Role("writer", "writer")]
    backend.give("writer", [ann.pk, bob.pk], NOBODY, "default")
    backend.give("reader", [ann.pk], NOBODY, "default")
    backend.give("writer", [ann.pk], NOBODY, "default")
    assert backend.held([ann.pk, bob.pk], NOBODY, "default") == {
        ann.pk: frozenset({"reader", "writer"}),
        bob.pk: frozenset({"writer"}),
    }
    backend.take("writer", [ann.pk, bob.pk], NOBODY, "default")
    assert backend.held([ann.pk, bob.pk], NOBODY, "default") == {ann.pk: frozenset({"reader"})}
    for change in (backend.give, backend.take):
        change("vanished", [ann.pk], NOBODY, "default")
    assert not Group.objects.filter(name="vanished").exists()


def test_any_text_column_may_hold_the_role() -> None:
    """Without choices the order names the roles."""
    user = HostUserFactory()
    backend = ChoiceRoles("last_name", order=["low", "high"], privileged=["root"])
    assert backend.choices(NOBODY) == [Role("low", "low"), Role("high", "high")]
    assert backend.is_privileged("root")
    backend.give("high", [user.pk], NOBODY, "default")
    assert backend.held([user.pk], NOBODY, "default") == {user.pk: frozenset({"high"})}
    backend.take("high", [user.pk], NOBODY, "default")
    assert backend.held([user.pk], NOBODY, "default") == {}
    user.refresh_from_db()
    assert user.last_name == ""


@pytest.mark.hosts
@pytest.mark.skipif(
    get_user_model()._meta.label != "profile_user.Account", reason="for the host that has profiles (hosts.profile_user)"
)
def test_a_column_of_a_profile_may_hold_the_role() -> None:
    ann, bob = HostUserFactory(), HostUserFactory()
    get_user_model()._meta.get_field("profile").related_model.objects.create(user=bob, nick="B")
    backend = ChoiceRoles("profile__job_title", order=["low", "high"])
    assert backend.unassigned(NOBODY) == frozenset()
    assert backend.held([ann.pk, bob.pk], NOBODY, "default") == {}
    backend.give("high", [ann.pk, bob.pk], NOBODY, "default")
    assert backend.held([ann.pk, bob.pk], NOBODY, "default") == {pk: frozenset({"high"}) for pk in (ann.pk, bob.pk)}
    backend.take("high", [ann.pk], NOBODY, "default")
    ann.refresh_from_db()
    bob.refresh_from_db()
    assert (ann.profile.job_title, bob.profile.job_title, bob.profile.nick) == (None, "high", "B")


def test_a_membership_without_tenants() -> None:
    """The model may be any that points at a user; here the admin's log entries stand in for it."""
    user = HostUserFactory()
    backend = MembershipFieldRoles("admin.LogEntry", "object_repr", order=["low"], empty="none")
    entry = backend.model._base_manager.create(user=user, action_flag=1, object_repr="none")
    assert backend.held([user.pk], NOBODY, "default") == {}
    backend.give("low", [user.pk], NOBODY, "default")
    assert backend.held([user.pk], NOBODY, "default") == {user.pk: frozenset({"low"})}
    backend.take("low", [user.pk], NOBODY, "default")
    entry.refresh_from_db()
    assert entry.object_repr == "none"
    assert backend.unassigned(NOBODY) == frozenset({"none"})


def test_a_role_that_counts_as_none_is_shown_where_it_is_one_of_the_choices() -> None:
    ann, bob, cat = (HostUserFactory() for _ in range(3))
    backend = MembershipFieldRoles("admin.LogEntry", "object_repr", order=["guest", "low"], empty="guest")
    for user, role in ((ann, "guest"), (bob, "low")):
        backend.model._base_manager.create(user=user, action_flag=1, object_repr=role)
    users = [ann.pk, bob.pk, cat.pk]
    assert backend.held(users, NOBODY, "default") == {bob.pk: frozenset({"low"})}
    assert backend.shown(users, NOBODY, "default") == {ann.pk: frozenset({"guest"}), bob.pk: frozenset({"low"})}
    nameless = MembershipFieldRoles("admin.LogEntry", "object_repr", order=["low"], empty="guest")
    assert nameless.shown(users, NOBODY, "default") == {bob.pk: frozenset({"low"})}


class Ranks(RoleBackend):
    """The smallest backend of a host's own: a role is a suffix of the e-mail."""

    def choices(self, connection: ScimConnection) -> list[Role]:
        return [Role("vip", "Important")]

    def held(self, users: Any, connection: ScimConnection, using: str) -> dict[Any, frozenset[str]]:
        rows = get_user_model().objects.using(using).filter(pk__in=users, email__endswith=".vip")
        return {pk: frozenset({"vip"}) for pk in rows.values_list("pk", flat=True)}

    def give(self, role: str, users: Any, connection: ScimConnection, using: str) -> None:
        for user in get_user_model().objects.using(using).filter(pk__in=users):
            user.email += ".vip"
            user.save()

    def take(self, role: str, users: Any, connection: ScimConnection, using: str) -> None:
        for user in get_user_model().objects.using(using).filter(pk__in=users):
            user.email = user.email.removesuffix(".vip")
            user.save()


def test_a_backend_of_the_hosts_own(connection: ScimConnection) -> None:
    user = HostUserFactory()
    backend = Ranks()
    backend.give("vip", [user.pk], connection, "default")
    assert backend.held([user.pk], connection, "default") == {user.pk: frozenset({"vip"})}
    assert backend.shown([user.pk], connection, "default") == {user.pk: frozenset({"vip"})}
    backend.take("vip", [user.pk], connection, "default")
    assert backend.held([user.pk], connection, "default") == {}
