"""What the host saves by itself is noted; what it does not concern is not looked at; nothing of it breaks the host."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.signals import user_logged_in
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.db.models.signals import post_save, pre_delete
from django.test import RequestFactory, override_settings

from api.helpers import dump, has_column, soft_deletes, statements
from django_scim_provider import receivers
from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser, ScimValue
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.services import host_users, search, sync
from django_scim_provider.services.context import Context, own_write
from django_scim_provider.services.transactions import now
from factories import ConnectionFactory, HostUserFactory
from services.people import (
    ALICE,
    BOB,
    NAME_COLUMN,
    User,
    activity,
    configured,
    everything,
    find,
    host,
    policies,
    post,
    row,
    show,
)

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

FAMILY = "full_name" if has_column("full_name") else "last_name"


class Verifying(UserAdapter):
    attributes = get_user_adapter().attributes

    def verified_domains(self, connection: ScimConnection) -> list[str]:
        return ["verified.example"]


class Broken(UserAdapter):
    """An adapter with a bug."""

    attributes = get_user_adapter().attributes

    def is_live(self, user: Any, connection: ScimConnection) -> bool:
        raise ZeroDivisionError


@pytest.fixture
def connection(connection: ScimConnection) -> ScimConnection:
    """A connection that adopts nobody by itself."""
    ScimConnection.objects.update(existing_accounts="never")
    connection.refresh_from_db()
    return connection


@pytest.fixture
def adopting(db: None) -> Context:
    return Context(ConnectionFactory(existing_accounts="adopt"))


def rows() -> dict[Any, ScimUser]:
    return {found.user_id: found for found in ScimUser.objects.filter(alive=True)}


# A user is saved ------------------------------------------------------------------------------------------------------


def test_what_the_host_saves_is_noted(context: Context) -> None:
    scim_id = post(context, title="Boss")
    user = host(scim_id)
    setattr(user, NAME_COLUMN, BOB)
    setattr(user, FAMILY, "Married")
    user.save()

    found = row(scim_id)
    assert (found.user_name, found.user_name_key, found.attributes["title"]) == (BOB, BOB, "Boss")
    assert "Married" in str(found.attributes["name"])
    assert found.modified_at > found.created_at
    assert find(context, f'userName eq "{BOB}" and title eq "boss"') == [scim_id]
    assert find(context, f'userName eq "{ALICE}"') == []
    assert show(context, scim_id)["userName"] == BOB


@pytest.mark.parametrize("active", [True, False])
def test_activity_follows_the_host(context: Context, active: bool) -> None:
    scim_id = post(context, active=not active)
    user = host(scim_id)
    for column, value in activity(active).items():
        setattr(user, column, value)
    user.save(update_fields=activity(active))

    assert row(scim_id).attributes["active"] is active
    assert show(context, scim_id)["active"] is active


def test_save_that_changes_nothing_writes_nothing_and_takes_few_statements(adopting: Context) -> None:
    user = HostUserFactory()
    before = dump(events=False)
    few = statements(user.save)

    ours = [statement for statement in few if "scim_provider" in statement]
    assert len(ours) <= 3, "\n".join(few)
    assert all(statement.startswith("SELECT") for statement in ours)
    after = dump(events=False)
    assert {name: rows for name, rows in after.items() if "scim" in name} == {
        name: rows for name, rows in before.items() if "scim" in name
    }


def test_save_of_somebody_whom_nobody_manages_takes_two_statements(context: Context) -> None:
    policies(context, existing_accounts="never")
    user = HostUserFactory()

    assert len([statement for statement in statements(user.save) if "scim_provider" in statement]) == 2


@pytest.mark.parametrize("fields", [["last_login"], ["password"], ["last_login", "password"], []])
def test_save_of_fields_that_no_adapter_reads_is_not_looked_at(adopting: Context, fields: list[str]) -> None:
    user = HostUserFactory()

    assert not [statement for statement in statements(lambda: user.save(update_fields=fields)) if "scim" in statement]


def test_sign_in_is_not_looked_at(adopting: Context) -> None:
    user = HostUserFactory()

    def sign_in() -> None:
        user_logged_in.send(User, request=RequestFactory().get("/"), user=user)

    assert not [statement for statement in statements(sign_in) if "scim" in statement]


def test_save_of_a_field_that_an_adapter_reads_is_noted_and_others_in_memory_are_not(context: Context) -> None:
    scim_id = post(context)
    user = host(scim_id)
    setattr(user, FAMILY, "Married")
    setattr(user, NAME_COLUMN, BOB)
    user.save(update_fields=[FAMILY])

    assert "Married" in str(row(scim_id).attributes["name"])
    assert row(scim_id).user_name == ALICE


def test_value_that_the_database_works_out_is_noted_as_it_became(context: Context) -> None:
    scim_id = post(context)
    user = host(scim_id)
    setattr(user, FAMILY, Concat(F(FAMILY), Value(" Jr.")))
    user.save()

    assert "User Jr." in str(row(scim_id).attributes["name"])
    assert "User Jr." in str(show(context, scim_id)["name"])


def test_instance_that_was_read_in_part_is_noted_as_a_whole(context: Context) -> None:
    scim_id = post(context)
    user = User._base_manager.only("pk", FAMILY).get(pk=host(scim_id).pk)
    setattr(user, FAMILY, "Married")
    user.save()

    assert "Married" in str(row(scim_id).attributes["name"])
    assert row(scim_id).attributes["userName"] == ALICE


def test_raw_save_is_passed_over(adopting: Context) -> None:
    user = HostUserFactory()
    before = rows()[user.pk].attributes
    setattr(user, FAMILY, "From a fixture")
    stranger = HostUserFactory(name="stranger")
    ScimUser.objects.filter(user=stranger).delete()
    for saved in (user, stranger):
        for restored in serializers.deserialize("json", serializers.serialize("json", [saved])):
            restored.save()

    assert User._base_manager.filter(pk=user.pk).values_list(FAMILY, flat=True).get() == "From a fixture"
    assert rows().keys() == {user.pk}
    assert rows()[user.pk].attributes == before


def test_save_of_our_own_is_passed_over(adopting: Context) -> None:
    user = HostUserFactory()
    setattr(user, FAMILY, "Ours")
    with own_write():
        user.save()
        HostUserFactory(name="ours")

    assert "Ours" not in str(rows()[user.pk].attributes)
    assert rows().keys() == {user.pk}


def test_save_in_bulk_is_not_seen_until_scim_sync_runs(adopting: Context) -> None:
    ScimConnection.objects.exclude(pk=adopting.connection.pk).delete()
    User.objects.bulk_create([User(**{NAME_COLUMN: BOB, "password": "!"})])
    assert rows() == {}

    call_command("scim_sync", verbosity=0)
    assert [found.user_name for found in rows().values()] == [BOB]


def test_update_is_not_seen_until_scim_sync_runs(adopting: Context) -> None:
    user = HostUserFactory(name="alice")
    User._base_manager.filter(pk=user.pk).update(**{NAME_COLUMN: BOB})
    assert rows()[user.pk].user_name == ALICE

    call_command("scim_sync", verbosity=0)
    assert rows()[user.pk].user_name == BOB


@pytest.mark.parametrize("name", [BOB, "al\u200bice"])
def test_rename_that_cannot_be_had_is_left_out_and_the_rest_is_noted(context: Context, name: str) -> None:
    scim_id, other = post(context), post(context, BOB)
    host(other).delete()
    user = host(scim_id)
    setattr(user, NAME_COLUMN, name)
    setattr(user, FAMILY, "Married")
    user.save()

    found = row(scim_id)
    assert (found.user_name, "Married" in str(found.attributes["name"])) == (ALICE, True)
    assert row(other).user_name == BOB


# Who is adopted -------------------------------------------------------------------------------------------------------


def test_new_user_is_adopted_at_once_and_in_full(adopting: Context) -> None:
    user = HostUserFactory(name="alice")

    found = rows()[user.pk]
    assert (found.connection, found.origin, found.user_name) == (adopting.connection, "adopted", ALICE)
    assert find(adopting, f'userName eq "{ALICE}"') == [str(found.scim_id)]
    assert find(adopting, f'emails.value eq "{ALICE}"') == [str(found.scim_id)]


@pytest.mark.parametrize(("policy", "enabled"), [("never", True), ("adopt", False), ("verified", True)])
def test_new_user_is_adopted_by_nobody_whose_policy_does_not_say_so(policy: str, enabled: bool) -> None:
    ConnectionFactory(existing_accounts=policy, enabled=enabled)
    HostUserFactory()

    assert rows() == {}


def test_new_user_on_a_verified_domain_is_adopted() -> None:
    with configured(ADAPTERS={"User": f"{__name__}.Verifying"}):
        connection = ConnectionFactory(existing_accounts="verified")
        HostUserFactory(name="alice@other.example")
        user = HostUserFactory(name="alice@verified.example")

        assert {pk: found.connection for pk, found in rows().items()} == {user.pk: connection}


def test_first_connection_of_a_scope_whose_policy_says_so_adopts() -> None:
    never = ConnectionFactory(existing_accounts="never")
    with configured(ADAPTERS={"User": f"{__name__}.Verifying"}):
        verified = ConnectionFactory(existing_accounts="verified")
        first, second = (ConnectionFactory(existing_accounts="adopt") for _ in range(2))
        off = HostUserFactory(name="alice@other.example")
        on = HostUserFactory(name="bob@verified.example")

        assert {pk: found.connection for pk, found in rows().items()} == {off.pk: first, on.pk: verified}
    assert not never.scim_users.exists()
    assert not second.scim_users.exists()


def test_user_of_two_portals_is_adopted_in_each() -> None:
    with configured(PORTALS={"store": {}, "desk": {}}):
        plain = ConnectionFactory(existing_accounts="adopt")
        store = ConnectionFactory(existing_accounts="adopt", portal="store")
        ConnectionFactory(existing_accounts="never", portal="desk")
        user = HostUserFactory(name="alice")
        assert {found.connection for found in user.scim_users.all()} == {plain, store}

        setattr(user, NAME_COLUMN, BOB)
        user.save()
        assert set(user.scim_users.values_list("scope", "user_name")) == {("/", BOB), ("store/", BOB)}


def test_person_who_is_managed_stays_with_their_connection(context: Context) -> None:
    policies(context, existing_accounts="never")
    scim_id = post(context)
    ConnectionFactory(existing_accounts="adopt")
    host(scim_id).save()

    assert rows()[host(scim_id).pk].connection == context.connection


def test_person_whom_scim_deleted_does_not_come_back_by_being_saved(adopting: Context) -> None:
    scim_id = post(adopting)
    users_before = host(scim_id)
    ScimUser.objects.update(alive=None)
    user = User._base_manager.get(pk=users_before.pk)
    for column, value in activity(False).items():
        setattr(user, column, value)
    user.save()
    assert rows() == {}

    for column, value in activity(True).items():
        setattr(user, column, value)
    user.save()
    assert rows().keys() == {user.pk}


@pytest.mark.parametrize("name", [" alice@example.com", "al\u200bice@example.com"])
def test_user_with_a_name_that_scim_cannot_carry_is_not_adopted(adopting: Context, name: str) -> None:
    HostUserFactory(name=name)

    assert rows() == {}


def test_user_whose_name_differs_only_in_width_from_a_managed_one_is_not_adopted(adopting: Context) -> None:
    policies(adopting, on_create="ignore")
    post(adopting)
    user = HostUserFactory(name="ａlice@example.com")

    assert user.pk not in rows()
    assert User._base_manager.filter(pk=user.pk).exists()


# Users who go ---------------------------------------------------------------------------------------------------------


def test_person_whom_the_host_deletes_stays_inactive_and_shows_what_was_last_known(context: Context) -> None:
    scim_id = post(context, title="Boss")
    group = ScimGroup.objects.create(
        connection=context.connection, display_name="A", created_at=now(), modified_at=now()
    )
    ScimMembership.objects.create(group=group, scim_user=row(scim_id))
    user = host(scim_id)
    User._base_manager.filter(pk=user.pk).update(**{FAMILY: "Unseen"})
    user.delete()

    found, shown = row(scim_id), show(context, scim_id)
    assert (found.user, found.alive) == (None, True)
    assert (shown["active"], shown["title"], shown["userName"]) == (False, "Boss", ALICE)
    assert "Unseen" in str(shown["name"])
    assert shown["groups"][0]["value"] == str(group.scim_id)
    for condition in (f'userName eq "{ALICE}"', "active eq false", 'title eq "boss"', f'emails.value eq "{ALICE}"'):
        assert find(context, condition) == [scim_id], condition
    assert find(context, "active eq true") == []


def test_people_whom_the_host_deletes_in_bulk_stay_inactive(context: Context) -> None:
    ids = [post(context, f"user{number}@example.com") for number in range(3)]
    User._base_manager.all().delete()

    assert find(context, "active eq false") == ids
    assert not ScimUser.objects.exclude(user=None).exists()


def test_deletion_of_our_own_is_passed_over(context: Context) -> None:
    scim_id = post(context)
    before = row(scim_id).attributes
    with own_write():
        host(scim_id).delete()

    assert row(scim_id).attributes == before


def test_deletion_of_somebody_whom_nobody_manages_is_none_of_our_business(context: Context) -> None:
    policies(context, existing_accounts="never")
    user = HostUserFactory()
    before = dump()
    user.delete()

    assert {name: rows for name, rows in dump().items() if "scim" in name} == {
        name: rows for name, rows in before.items() if "scim" in name
    }


def test_person_whom_the_host_soft_deleted_and_deletes_for_good_is_still_shown(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context, title="Boss")
    user = host(scim_id)
    user.soft_delete()
    user.delete()

    shown = show(context, scim_id)
    assert (shown["active"], shown["userName"], shown["title"]) == (False, ALICE, "Boss")


# What goes wrong ------------------------------------------------------------------------------------------------------


@contextmanager
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.ERROR, "django_scim_provider"):
        yield
    assert "could not be carried over to SCIM; scim_sync will do it" in caplog.text


@pytest.mark.parametrize("error", [DatabaseError, ZeroDivisionError, KeyError, AttributeError])
def test_failure_of_ours_never_breaks_the_hosts_save(
    adopting: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[Exception]
) -> None:
    user = HostUserFactory()

    def fail(*args: Any) -> None:
        ScimValue.objects.all().delete()
        raise error

    for name in ("saved", "deleted"):
        monkeypatch.setattr(host_users, name, fail)
    setattr(user, FAMILY, "Saved")
    with logged(caplog), transaction.atomic():
        user.save()
        other = HostUserFactory()

    assert User._base_manager.filter(**{FAMILY: "Saved"}).get() == user
    assert ScimValue.objects.exists(), "what was half written is taken back"
    caplog.clear()
    with logged(caplog):
        other.delete()
    assert User._base_manager.get() == user


def test_bug_in_the_hosts_adapter_never_breaks_the_hosts_save(
    adopting: Context, caplog: pytest.LogCaptureFixture
) -> None:
    user = HostUserFactory()
    with configured(ADAPTERS={"User": f"{__name__}.Broken"}), logged(caplog):
        setattr(user, FAMILY, "Saved")
        user.save()

    assert User._base_manager.get().pk == user.pk
    assert getattr(User._base_manager.get(), FAMILY) == "Saved"


def test_two_who_adopt_at_the_same_time_do_not_break_a_save(
    adopting: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process made the row between the look and the insert."""
    monkeypatch.setattr(sync, "_taken", lambda *args: set())
    policies(adopting, on_create="ignore")
    post(adopting)
    with logged(caplog):
        user = HostUserFactory(name="alice")

    assert User._base_manager.get() == user
    assert ScimUser.objects.count() == 1


# Wiring ---------------------------------------------------------------------------------------------------------------


def connected(signal: Any) -> int:
    return len(signal.receivers)


def test_connecting_again_does_not_listen_twice() -> None:
    before = connected(post_save), connected(pre_delete)
    receivers.connect()

    assert (connected(post_save), connected(pre_delete)) == before


@pytest.mark.parametrize(
    "settings",
    [
        {"ADAPTERS": {"User": "nowhere.Adapter"}},
        {"PORTALS": 5},
        {"ADAPTERS": 5},
        {"PORTALS": {"store": {"ADAPTERS": {"User": f"{__name__}.Nothing"}}}},
        {"PORTALS": {"store": {"ADAPTERS": {"User": f"{__name__}.Scoped"}}}},
        [],
        5,
    ],
    ids=str,
)
def test_broken_setting_is_logged_and_stops_nothing(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(SCIM_PROVIDER=settings):
        receivers.connect()

    assert not settings or "SCIM does not follow changes to users" in caplog.text


class Scoped(UserAdapter):
    attributes = get_user_adapter().attributes
    scope_models = ("nowhere.Model",)


# Rows beside the user's -----------------------------------------------------------------------------------------------


@pytest.fixture
def profile_model() -> Any:
    if not hasattr(User, "profile"):
        pytest.skip("this host has no profile")
    return User.profile.related.related_model


def test_profile_that_is_saved_is_noted(context: Context, profile_model: Any) -> None:
    scim_id = post(context, nickName="Al")
    profile = profile_model.objects.get(user=host(scim_id))
    profile.nick, profile.department = "Ally", "R&D"
    profile.save()

    shown = search.get_user(context, scim_id, everything(context))
    assert shown["nickName"] == row(scim_id).attributes["nickName"] == "Ally"
    assert "R&D" in str(row(scim_id).attributes)
    assert row(scim_id).modified_at > row(scim_id).created_at


def test_profile_of_somebody_who_is_not_managed_yet_lets_them_be_adopted(adopting: Context, profile_model: Any) -> None:
    [user] = User.objects.bulk_create([User(username=ALICE, password="!")])
    profile_model.objects.create(user=user, nick="Al")

    assert rows()[user.pk].attributes["nickName"] == "Al"


def test_profile_saved_raw_or_by_us_is_passed_over(context: Context, profile_model: Any) -> None:
    scim_id = post(context, nickName="Al")
    profile = profile_model.objects.get(user=host(scim_id))
    before = ScimUser.objects.values().get()
    profile.nick = "Ally"
    for restored in serializers.deserialize("json", serializers.serialize("json", [profile])):
        restored.save()
    with own_write():
        profile.save()

    assert ScimUser.objects.values().get() == before
    assert show(context, scim_id)["nickName"] == "Ally"


def test_profile_that_is_loaded_before_its_user_does_not_break_the_loading(
    context: Context, profile_model: Any, django_assert_num_queries: Any
) -> None:
    profile = profile_model(pk=1, user_id="5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11", nick="Al")

    with django_assert_num_queries(0):
        receivers.related_changed(instance=profile, using="default", raw=True, attribute="user")


def test_refreshing_many_profiles_takes_as_many_statements_as_few(context: Context, profile_model: Any) -> None:
    numbers = []
    for more in (2, 8):
        for number in range(more):
            post(context, f"{more}-{number}@example.com", nickName="Al")
        numbers.append(len(statements(lambda: sync.refresh_all(context))))

    assert numbers[0] == numbers[1]


def test_related_row_without_a_user_is_none_of_our_business(context: Context) -> None:
    class Orphan:
        user = None

    assert statements(lambda: receivers.related_changed(instance=Orphan(), using="default", attribute="user")) == []
    assert statements(lambda: receivers.related_changed(instance=object(), using="default", attribute="user")) == []


def test_filter_on_a_profile_finds_what_its_save_changed(context: Context, profile_model: Any) -> None:
    scim_id = post(context, nickName="Al")
    profile = profile_model.objects.get(user=host(scim_id))
    profile.nick = "Ally"
    profile.save()

    page = search.list_users(context, ListQuery(filter='nickName eq "ally"'), everything(context))
    assert [resource["id"] for resource in page.resources] == [scim_id]
