"""UserAdapter: who is in scope, what is unique, and what each write does to the host's rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.db.models.signals import post_save
from django.utils import timezone

from adapters.lab import Badge, Card, Department, Employee, EmployeeAdapter, Leaver, adapter_for, lab, lab_tables
from django_scim_provider.adapters import Attr, Identifier, Not, UserAdapter
from django_scim_provider.mixins import FREED_DOMAIN
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol.errors import InvalidValue

__all__ = ["lab", "lab_tables"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lab")]

USING = "default"
NOBODY: Any = ScimConnection(name="Acme", tenant="acme", portal="store")


def employee(username: str = "alice", **fields: Any) -> Employee:
    made = Employee.objects.create(username=username, **fields)
    made.saves.clear()
    return made


def fresh(user: Any) -> Any:
    return type(user)._base_manager.get(pk=user.pk)


@pytest.fixture
def adapter() -> EmployeeAdapter:
    return EmployeeAdapter()


class LeaverAdapter(UserAdapter):
    model = Leaver  # type: ignore[assignment]
    attributes = {"userName": "username", "emails": "email", "active": "is_active"}


# Scope ---------------------------------------------------------------------------------------------------------


def test_everybody_whom_the_default_manager_shows_is_in_scope(adapter: EmployeeAdapter) -> None:
    employee("alice"), employee("bob", is_active=False)
    leavers = [Leaver.objects.create(username=name, email=f"{name}@x") for name in ("carol", "dave")]
    leavers[0].soft_delete()

    assert adapter.get_queryset(NOBODY).count() == 2
    assert list(LeaverAdapter().get_queryset(NOBODY)) == leavers[1:]


def test_connections_of_a_portal_share_one_population_whatever_their_tenant(adapter: EmployeeAdapter) -> None:
    assert adapter.scope(NOBODY) == "store/"
    assert adapter.scope(ScimConnection()) == "/"


def test_connections_of_a_tenant_share_one_population_where_there_are_tenants() -> None:
    assert adapter_for({}, multi_tenant=True).scope(NOBODY) == "store/acme"


def test_superusers_are_protected(adapter: EmployeeAdapter) -> None:
    assert adapter.is_protected(Employee(is_superuser=True))
    assert not adapter.is_protected(Employee())
    assert not adapter.is_protected(object())


def test_nobody_verifies_domains_until_the_host_says_so(adapter: EmployeeAdapter) -> None:
    assert list(adapter.verified_domains(NOBODY)) == []


def test_staff_administer_every_tenant_and_others_none(adapter: EmployeeAdapter) -> None:
    class Admin:
        is_staff = True

    assert adapter.administered_tenants(Admin()) is None
    assert adapter.administered_tenants(AnonymousUser()) == ()
    assert adapter.administered_tenants(Employee()) == ()


def test_account_is_live_while_it_is_there(adapter: EmployeeAdapter) -> None:
    assert not adapter.soft_deletes
    assert adapter.live_condition(NOBODY) is None
    assert adapter.is_live(Employee(is_active=False), NOBODY)
    assert not adapter.is_live(None, NOBODY)


def test_soft_deleted_account_is_not_live() -> None:
    adapter = LeaverAdapter()

    assert adapter.soft_deletes
    assert adapter.live_condition(NOBODY) == Q(user__isnull=False, user__deleted_at__isnull=True)
    assert adapter.is_live(Leaver(), NOBODY)
    assert not adapter.is_live(Leaver(deleted_at=timezone.now()), NOBODY)
    assert not adapter.is_live(None, NOBODY)


# Uniqueness ----------------------------------------------------------------------------------------------------


def test_user_name_and_unique_columns_are_what_two_people_cannot_share() -> None:
    adapter = adapter_for({"userName": "email", "nickName": "number", "title": "motto", "displayName": "card__nick"})

    assert adapter.unique_columns == ("email", "number")
    assert EmployeeAdapter().unique_columns == ("username",)
    assert EmployeeAdapter().user_name_columns == {"username"}
    assert EmployeeAdapter().guarded_columns == {"username", "email", "is_active"}


@pytest.mark.parametrize("name", ["alice", "Alice", "ALICE"])
def test_name_is_taken_in_the_spelling_that_is_asked_for_and_in_lower_case(adapter: EmployeeAdapter, name: str) -> None:
    holder = employee("alice")

    assert adapter.taken({"username": name}, USING) == holder
    assert adapter.taken({"username": name}, USING, exclude=holder.pk) is None


@pytest.mark.parametrize("name", ["alice", "aLICE", "ALICE"])
def test_name_is_taken_in_any_spelling_where_rows_are_not_complete(adapter: EmployeeAdapter, name: str) -> None:
    holder = employee("Alice")

    assert adapter.taken({"username": name}, USING, any_case=True) == holder


@pytest.mark.parametrize(
    "columns", [{}, {"username": ""}, {"username": None}, {"email": "alice@x"}, {"username": "bob"}]
)
def test_name_is_free(adapter: EmployeeAdapter, columns: dict[str, Any]) -> None:
    employee("alice", email="alice@x")

    assert adapter.taken(columns, USING, any_case=True) is None


def test_nothing_is_looked_up_where_nothing_unique_is_written(
    adapter: EmployeeAdapter, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        adapter.taken({"first_name": "A"}, USING)


def test_other_unique_columns_are_looked_at_too() -> None:
    adapter = adapter_for({"userName": "username", "nickName": "number"})
    holder = employee("alice", number="7")

    assert adapter.taken({"username": "bob", "number": "7"}, USING) == holder
    assert adapter.taken({"username": "bob", "number": None}, USING) is None


def test_soft_deleted_person_still_holds_what_was_not_freed() -> None:
    leaver = Leaver.objects.create(username="alice", email="a@x")
    Leaver.objects.filter(pk=leaver.pk).update(deleted_at=timezone.now())

    assert LeaverAdapter().taken({"username": "alice"}, USING) == leaver


@pytest.mark.parametrize("name", ["a b", "a/b", "a!b"])
def test_validators_of_the_hosts_field_judge_a_name_only_where_they_are_asked_to(name: str) -> None:
    adapter_for({"userName": "username"}).check_user_name({"username": name})
    strict = adapter_for({"userName": "username"}, validate_user_name=True)
    strict.check_user_name({"username": "a.b@c+d-e_f"})

    with pytest.raises(InvalidValue, match="userName: Enter a valid username"):
        strict.check_user_name({"username": name})


# Creating ------------------------------------------------------------------------------------------------------


def test_new_account_has_a_password_that_nobody_knows(adapter: EmployeeAdapter) -> None:
    user = adapter.create({"username": "alice", "email": "alice@x", "is_active": True}, NOBODY, USING)

    found = fresh(user)
    assert (found.username, found.email, found.is_active) == ("alice", "alice@x", True)
    assert not is_password_usable(found.password)
    assert user.saves == [None]


def test_new_account_gets_its_profile_in_the_same_go(django_assert_num_queries: Any) -> None:
    adapter = adapter_for({"userName": "username", "nickName": "card__nick", "title": "card__title"})
    with django_assert_num_queries(3):
        user = adapter.create({"username": "alice", "card__nick": "Al", "card__title": None}, NOBODY, USING)

    card = Card.objects.get()
    assert (card.user, card.nick, card.title) == (user, "Al", None)
    assert adapter.read_columns(user) == {"username": "alice", "card__nick": "Al", "card__title": None}


class DepartmentAdapter(UserAdapter):
    model = Department  # type: ignore[assignment]
    attributes = {"userName": "name"}


def test_account_of_a_model_without_passwords_is_made_and_suspended_too() -> None:
    adapter = DepartmentAdapter()
    made = adapter.create({"name": "R&D"}, NOBODY, USING)
    adapter.suspend(made, USING)

    assert adapter.end_credentials(made, NOBODY, USING) == {}
    assert Department.objects.get().name == "R&D"


@pytest.fixture
def _profiles_by_signal() -> Iterator[None]:
    def make_card(*, instance: Employee, created: bool, **kwargs: Any) -> None:
        if created:
            Card.objects.create(user_id=instance.pk, title="By signal")

    post_save.connect(make_card, sender=Employee, weak=False)
    yield
    post_save.disconnect(make_card, sender=Employee)


@pytest.mark.usefixtures("_profiles_by_signal")
def test_profile_that_the_hosts_signal_made_is_written_instead_of_a_second() -> None:
    adapter = adapter_for({"userName": "username", "nickName": "card__nick"})
    user = adapter.create({"username": "alice", "card__nick": "Al"}, NOBODY, USING)

    card = Card.objects.get()
    assert (card.user, card.nick, card.title) == (user, "Al", "By signal")


def test_row_behind_a_missing_row_is_made_with_it() -> None:
    adapter = adapter_for({"userName": "username", "nickName": "card__badge__code"})
    adapter.create({"username": "alice", "card__badge__code": "007"}, NOBODY, USING)

    assert Badge.objects.get().card.user.username == "alice"


# Changing ------------------------------------------------------------------------------------------------------


def test_only_what_is_written_is_saved(adapter: EmployeeAdapter) -> None:
    user = employee()
    stale = fresh(user)
    Employee.objects.update(last_name="From elsewhere", updated_at=timezone.now() - timedelta(days=1))
    adapter.update(stale, {"first_name": "Al"}, USING)

    found = fresh(user)
    assert (found.first_name, found.last_name) == ("Al", "From elsewhere")
    assert timezone.now() - found.updated_at < timedelta(minutes=1)
    assert [set(fields) for fields in stale.saves] == [{"first_name", "updated_at"}]


def test_nothing_is_saved_where_nothing_is_written(adapter: EmployeeAdapter, django_assert_num_queries: Any) -> None:
    user = employee()
    with django_assert_num_queries(0):
        adapter.update(user, {}, USING)


def test_missing_profile_is_made_when_something_in_it_is_written() -> None:
    adapter = adapter_for({"nickName": "card__nick"})
    user = employee()
    adapter.update(user, {"card__nick": "Al"}, USING)

    assert Card.objects.get().nick == "Al"
    assert user.saves == []


def test_profile_is_saved_with_the_field_that_is_written() -> None:
    adapter = adapter_for({"nickName": "card__nick", "title": "card__title"})
    card = Card.objects.create(user=employee(), nick="Al", title="Boss")
    user = Employee.objects.get()
    Card.objects.update(title="From elsewhere", seen_at=timezone.now() - timedelta(days=1))
    assert user.card.title == "From elsewhere"
    Card.objects.update(title="Later still")
    adapter.update(user, {"card__nick": "Ally"}, USING)

    card.refresh_from_db()
    assert (card.nick, card.title) == ("Ally", "Later still")
    assert timezone.now() - card.seen_at < timedelta(minutes=1)


def test_keys_of_one_json_column_are_saved_together() -> None:
    adapter = adapter_for({"nickName": "metadata__team", "title": "metadata__cost__center"})
    user = employee(metadata={"mine": 1})
    adapter.update(user, {"metadata__team": "red", "metadata__cost__center": "42"}, USING)

    assert fresh(user).metadata == {"mine": 1, "team": "red", "cost": {"center": "42"}}
    assert len(user.saves) == 1


# Ending and giving back access -----------------------------------------------------------------------------------


def test_every_end_of_credentials_ends_the_sessions_of_that_time(adapter: EmployeeAdapter) -> None:
    user = employee()
    user.set_password("secret")
    user.save()
    hashes = {user.get_session_auth_hash()}
    for _ in range(3):
        ended = adapter.end_credentials(user, NOBODY, USING)
        assert ended == {"sessions": None, "password reset links": None}
        hashes.add(fresh(user).get_session_auth_hash())

    assert len(hashes) == 4
    assert not is_password_usable(fresh(user).password)
    assert user.saves[-1] == {"password", "updated_at"}


def test_host_may_keep_local_passwords() -> None:
    adapter = adapter_for({}, rotate_password=False)
    user = employee()
    before = fresh(user).password

    assert adapter.end_credentials(user, NOBODY, USING) == {}
    assert fresh(user).password == before


@pytest.mark.parametrize(
    ("attributes", "inactive"),
    [
        ({"active": Not("is_remote")}, {"is_active": True, "is_remote": True}),
        ({"active": "is_remote"}, {"is_active": True, "is_remote": False}),
        ({"active": Attr("is_active", set=None)}, {"is_active": True, "is_remote": None}),
        ({}, {"is_active": True, "is_remote": None}),
    ],
)
def test_suspension_writes_the_column_that_active_is_mapped_to(
    attributes: dict[str, Any], inactive: dict[str, Any]
) -> None:
    user = employee()
    adapter_for(attributes).suspend(user, USING)

    found = fresh(user)
    assert {name: getattr(found, name) for name in inactive} == inactive


def test_soft_deletion_frees_the_name_and_shuts_the_account() -> None:
    user = Leaver.objects.create(username="alice", email="alice@x", password="x")
    LeaverAdapter().soft_delete(user, USING)

    found = fresh(user)
    assert found.deleted_at is not None
    assert not found.is_active
    assert found.username.endswith(FREED_DOMAIN)


def test_activation_restores_a_soft_deleted_person() -> None:
    user = Leaver.objects.create(username="alice", email="alice@x")
    LeaverAdapter().soft_delete(user, USING)
    LeaverAdapter().activate(user, USING)

    found = fresh(user)
    assert (found.username, found.email, found.is_active, found.deleted_at) == ("alice", "alice@x", True, None)


def test_deletion_removes_the_row(adapter: EmployeeAdapter) -> None:
    user = employee()
    adapter.delete(user, USING)

    assert not Employee.objects.exists()


def test_procedure_of_the_host_is_a_suspension_until_it_says_otherwise(adapter: EmployeeAdapter) -> None:
    user = employee()
    adapter.deactivate(user, NOBODY, USING)

    assert not fresh(user).is_active


def test_names_of_a_removed_person_are_given_up() -> None:
    adapter = adapter_for({"userName": "username", "nickName": "number", "displayName": "age", "title": "motto"})
    users = [employee(name, number=str(index), motto="mine") for index, name in enumerate(("alice", "bob"))]
    for user in users:
        adapter.free_names(user, USING)

    found = [fresh(user) for user in users]
    assert len({user.username for user in found}) == len({user.number for user in found}) == 2
    assert all(user.username.endswith(f"@{FREED_DOMAIN}") and len(user.number) == 10 for user in found)
    assert {user.motto for user in found} == {"mine"}


# The rest of the contract ------------------------------------------------------------------------------------------


def test_read_only_user_name_is_written_nowhere() -> None:
    adapter = adapter_for({"userName": Identifier("username", set=None), "nickName": "motto"})

    assert adapter.write_columns({"userName": "alice", "nickName": "Al"}) == {"motto": "Al"}
