"""Writing people: our row, the index of values and the host's row after each verb."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.db import transaction
from django.db.models import Manager
from django.db.models.signals import post_save
from django.test import override_settings

from api.helpers import VENDOR, dump, has_column, soft_deletes, statements
from conftest import person
from django_scim_provider import signals
from django_scim_provider.adapters import Attr, UserAdapter, get_user_adapter
from django_scim_provider.mixins import FREED_DOMAIN
from django_scim_provider.models import ScimEvent, ScimGroup, ScimMembership, ScimUser, ScimValue
from django_scim_provider.protocol.errors import Forbidden, InvalidValue, NotFound, Uniqueness
from django_scim_provider.services import guard, rows, sync, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.rows import index_of
from django_scim_provider.services.transactions import now
from factories import ConnectionFactory, HostUserFactory
from services.people import (
    ALICE,
    BOB,
    NAME_COLUMN,
    User,
    activity,
    configured,
    find,
    host,
    is_active,
    listening,
    name_of,
    patch,
    policies,
    post,
    put,
    row,
    show,
    update,
)

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def values(scim_id: str) -> set[tuple[str, int, str]]:
    rows = ScimValue.objects.filter(scim_user=row(scim_id))
    return set(rows.values_list("attribute", "position", "value_key"))


def indexed_anew(context: Context, scim_id: str) -> set[tuple[str, int, str]]:
    """What the index of values has to hold, so that filters find what is shown."""
    index = index_of(context, row(scim_id), host(scim_id))
    return {(attribute, position, value.value_key) for (attribute, position), value in index.items()}


def last_event() -> ScimEvent:
    return ScimEvent.objects.latest("pk")


# Creating ---------------------------------------------------------------------------------------------------


def test_new_person_is_a_row_of_ours_and_a_row_of_the_hosts(context: Context) -> None:
    scim_id = post(context, "Alice@Example.com", externalId="X1", title="Boss")

    found, user = row(scim_id), host(scim_id)
    assert (found.user_name, found.user_name_key, found.external_id) == ("Alice@Example.com", ALICE, "X1")
    assert (found.connection, found.scope, found.origin, found.alive) == (context.connection, "/", "created", True)
    assert found.created_at == found.modified_at
    assert found.attributes["title"] == "Boss"
    assert "schemas" not in found.attributes
    assert name_of(user).lower() == ALICE
    assert is_active(user)
    assert not is_password_usable(user.password)
    assert values(scim_id) == indexed_anew(context, scim_id)


def test_person_who_is_created_inactive_has_an_account_that_is_inactive(context: Context) -> None:
    scim_id = post(context, active=False)

    assert not is_active(host(scim_id))
    assert show(context, scim_id)["active"] is False


def test_person_of_whom_activity_is_not_said_is_active(context: Context) -> None:
    body = {name: value for name, value in person(ALICE).items() if name != "active"}
    scim_id = users.create_user(context, body).id

    assert is_active(host(scim_id))
    assert show(context, scim_id)["active"] is True


def test_password_is_dropped(context: Context) -> None:
    scim_id = post(context, password="hunter2")

    assert not host(scim_id).check_password("hunter2")
    assert "hunter2" not in repr(dump())


@pytest.mark.parametrize("name", [ALICE, "ALICE@example.com", "ａlice@example.com"])
def test_name_of_somebody_living_is_refused_in_every_spelling(context: Context, name: str) -> None:
    post(context)
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        post(context, name)
    assert dump(events=False) == before


def test_name_of_another_connections_person_is_refused(context: Context) -> None:
    post(context)

    with pytest.raises(Uniqueness):
        post(Context(ConnectionFactory()))
    assert ScimUser.objects.count() == User._base_manager.count() == 1


@pytest.mark.parametrize("policy", ["adopt", "never", "verified"])
@pytest.mark.parametrize("name", [ALICE, "Alice@Example.com", "ALICE@EXAMPLE.COM"])
def test_account_that_nobody_manages_is_never_linked_by_its_name(context: Context, policy: str, name: str) -> None:
    policies(context, existing_accounts="never")
    user = HostUserFactory(name="alice")
    policies(context, existing_accounts=policy)
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        post(context, name)
    assert dump(events=False) == before
    assert not user.scim_users.exists()


def test_value_that_is_too_long_for_the_host_leaves_nothing(context: Context) -> None:
    before = dump(events=False)

    with pytest.raises(InvalidValue, match="at most"):
        post(context, name={"givenName": "x" * 151, "familyName": "y" * 151})
    assert dump(events=False) == before


def test_key_that_grows_by_folding_is_refused_on_every_database(context: Context) -> None:
    with pytest.raises(InvalidValue):
        post(context, "İ" * 130)
    assert not ScimUser.objects.exists()


def test_connection_that_ignores_new_people_shows_and_finds_what_was_sent(context: Context) -> None:
    policies(context, on_create="ignore")
    scim_id = post(context, "Alice@Example.com", externalId="X1", title="Boss")

    assert host(scim_id) is None
    assert not User._base_manager.exists()
    shown = show(context, scim_id)
    assert (shown["userName"], shown["title"], shown["active"]) == ("Alice@Example.com", "Boss", True)
    for condition in (
        f'userName eq "{ALICE}"',
        'externalId eq "X1"',
        'title eq "boss"',
        'name.givenName eq "test"',
        "active eq true",
        f'emails[value eq "{ALICE}"]',
    ):
        assert find(context, condition) == [scim_id], condition
    assert find(context, "active eq false") == []
    with pytest.raises(Uniqueness):
        post(context)


def test_person_who_is_ignored_can_be_changed_and_deleted(context: Context) -> None:
    policies(context, on_create="ignore")
    scim_id = post(context)
    assert patch(context, scim_id, active=False, title="Chef")["active"] is False
    assert find(context, 'active eq false and title eq "chef"') == [scim_id]
    assert patch(context, scim_id, active=True)["active"] is True
    assert find(context, "active eq true") == [scim_id]
    put(context, scim_id, BOB)
    users.delete_user(context, scim_id)

    assert not User._base_manager.exists()
    assert (row(scim_id).user_name_key, row(scim_id).alive) == (BOB, None)


# Changing ---------------------------------------------------------------------------------------------------


def test_replacing_clears_what_is_left_out_and_keeps_activity(context: Context) -> None:
    scim_id = post(context, active=False, title="Boss", externalId="X1", nickName="Al")
    body = {"schemas": [], "userName": ALICE}
    users.replace_user(context, scim_id, body)

    shown, found = show(context, scim_id), row(scim_id)
    assert shown["active"] is False
    assert not {"title", "externalId", "nickName", "name"} & shown.keys()
    assert found.external_id is None
    assert not is_active(host(scim_id))
    assert values(scim_id) == indexed_anew(context, scim_id)


def test_replacing_with_what_was_just_read_changes_nothing(context: Context) -> None:
    scim_id = post(context, title="Boss", externalId="X1")
    before = dump(events=False)
    users.replace_user(context, scim_id, show(context, scim_id))

    assert dump(events=False) == before
    assert (last_event().action, last_event().changed) == ("replace", [])


@pytest.mark.parametrize("active", [True, False])
def test_write_that_changes_nothing_saves_nothing(context: Context, active: bool) -> None:
    scim_id = post(context, title="Boss", active=active)
    before = dump(events=False)
    saved: list[Any] = []

    def note(**kwargs: Any) -> None:
        saved.append(kwargs)

    post_save.connect(note, sender=User)
    try:
        with listening(signals.user_updated, signals.user_deactivated, signals.user_reactivated) as told:
            patch(context, scim_id, title="Boss", active=active)
            patch(context, scim_id, "add", title="Boss")
            put(context, scim_id, title="Boss", active=active)
            patch(context, scim_id, "remove", nickName=None)
    finally:
        post_save.disconnect(note, sender=User)

    assert dump(events=False) == before
    assert (saved, told) == ([], [])
    assert ScimEvent.objects.filter(changed=[]).count() == 4


def test_change_of_a_kept_attribute_leaves_the_hosts_row_alone(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), last_login=now())
    users_before = list(User._base_manager.values())
    patch(context, scim_id, userType="Contractor")

    assert list(User._base_manager.values()) == users_before
    assert find(context, 'userType eq "contractor"') == [scim_id]


def test_change_of_one_attribute_touches_no_column_of_another(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), is_superuser=False, **({"email": "new@example.com"} if has_column("username") else {}))
    before = name_of(host(scim_id)), host(scim_id).email
    patch(context, scim_id, **{"name.givenName": "Alicia"})

    assert (name_of(host(scim_id)), host(scim_id).email) == before
    assert show(context, scim_id)["name"]["givenName"] == "Alicia"


def test_index_follows_every_change(context: Context) -> None:
    home, work = {"value": "home@x", "type": "home"}, {"value": ALICE, "type": "work", "primary": True}
    scim_id = post(context, emails=[work, home], title="Boss", nickName="Al")
    for change in (
        {"emails": [home]},
        {"emails": [home, work, {"value": "third@x"}]},
        {"emails": [work], "title": "Chef"},
        {"title": None, "nickName": "Ally"},
        {"phoneNumbers": [{"value": "1"}, {"value": "2"}], "emails": []},
        {"phoneNumbers": [{"value": "2"}]},
        {"active": False},
        {"active": True},
    ):
        patch(context, scim_id, **change)
        assert values(scim_id) == indexed_anew(context, scim_id), change
    assert find(context, 'phoneNumbers.value eq "2"') == [scim_id]
    assert find(context, 'phoneNumbers.value eq "1"') == []


def test_renamed_person_is_found_by_the_new_name_and_the_old_one_is_free(context: Context) -> None:
    scim_id = post(context)
    patch(context, scim_id, userName=BOB)

    assert name_of(host(scim_id)) == BOB
    assert (find(context, f'userName eq "{BOB}"'), find(context, f'userName eq "{ALICE}"')) == ([scim_id], [])
    assert post(context) != scim_id


def test_change_of_case_in_a_name_is_kept(context: Context) -> None:
    scim_id = post(context)
    patch(context, scim_id, userName="ALICE@example.com")

    assert show(context, scim_id)["userName"] == row(scim_id).user_name == "ALICE@example.com"
    assert row(scim_id).user_name_key == ALICE


@pytest.mark.parametrize("name", [BOB, "BOB@EXAMPLE.COM"])
@pytest.mark.parametrize("holder", ["managed", "a stranger"])
def test_rename_to_a_name_that_is_taken_changes_nothing(context: Context, name: str, holder: str) -> None:
    scim_id = post(context)
    policies(context, existing_accounts="never")
    if holder == "managed":
        post(context, BOB)
    else:
        HostUserFactory(name="BoB" if has_column("username") else "bob")
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        patch(context, scim_id, userName=name, title="Boss", active=False)
    assert dump(events=False) == before


@pytest.mark.parametrize("name", ["al\u200bice@example.com", " alice@example.com", "İ" * 130, "x" * 255])
def test_rename_to_a_name_that_no_user_may_have_changes_nothing(context: Context, name: str) -> None:
    scim_id = post(context)
    before = dump(events=False)

    with pytest.raises(InvalidValue):
        patch(context, scim_id, userName=name)
    assert dump(events=False) == before


def test_external_id_too_long_for_its_column_changes_nothing(context: Context) -> None:
    scim_id = post(context, externalId="x" * 255)
    before = dump(events=False)

    for write in (
        lambda: patch(context, scim_id, externalId="x" * 256),
        lambda: put(context, scim_id, externalId="x" * 256),
        lambda: post(context, BOB, externalId="x" * 256),
    ):
        with pytest.raises(InvalidValue, match="at most 255"):
            write()
    assert dump(events=False) == before


def test_taking_activity_away_from_somebody_inactive_lets_nobody_in(context: Context) -> None:
    scim_id = post(context, active=False)
    shown = patch(context, scim_id, "remove", active=None)

    assert "active" not in shown
    assert "active" not in show(context, scim_id)
    assert not is_active(host(scim_id))
    assert patch(context, scim_id, active=True)["active"] is True
    assert is_active(host(scim_id))


def test_two_people_cannot_swap_names_by_a_write_each(context: Context) -> None:
    alice, bob = post(context), post(context, BOB)

    for scim_id, name in ((alice, BOB), (bob, ALICE)):
        with pytest.raises(Uniqueness):
            patch(context, scim_id, userName=name)
    assert (name_of(host(alice)), name_of(host(bob))) == (ALICE, BOB)


@pytest.mark.parametrize("scim_id", ["00000000-0000-0000-0000-000000000000", "1", "", "x", "1" * 32])
def test_person_who_does_not_exist_cannot_be_written(context: Context, scim_id: str) -> None:
    for write in (
        lambda: put(context, scim_id),
        lambda: patch(context, scim_id, title="Boss"),
        lambda: users.delete_user(context, scim_id),
    ):
        with pytest.raises(NotFound):
            write()


def test_person_of_another_connection_cannot_be_written(context: Context) -> None:
    scim_id, other = post(context), Context(ConnectionFactory())
    before = dump(events=False)

    for write in (
        lambda: put(other, scim_id),
        lambda: patch(other, scim_id, active=False),
        lambda: users.delete_user(other, scim_id),
    ):
        with pytest.raises(NotFound):
            write()
    assert dump(events=False) == before


def test_plain_change_takes_few_statements(context: Context) -> None:
    scim_id = post(context, title="Boss")
    few = statements(lambda: patch(context, scim_id, userType="Chef"))

    assert len(few) <= 8, "\n".join(few)


# The host changed something behind our back -----------------------------------------------------------------


def test_name_that_the_host_gave_is_found_in_a_column_of_whatever_kind(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: BOB})
    assert find(context, f'userName eq "{BOB}"') == [scim_id]
    monkeypatch.setattr(rows, "_PLAIN", frozenset())
    assert find(context, f'userName eq "{BOB}"') == [scim_id]
    assert find(context, 'userName eq "carol@example.com"') == []


class TwoColumnsAdapter(UserAdapter):
    attributes = {
        "userName": Attr(
            ("first_name", "last_name"),
            get=lambda first, last: f"{first}.{last}",
            set=lambda name: tuple((name or ".").split(".", 1)),
        ),
        "active": "is_active",
    }


@pytest.mark.skipif(not has_column("last_name"), reason="this host has one column for the name")
def test_name_that_the_host_gave_is_found_in_two_columns(context: Context) -> None:
    with override_settings(SCIM_PROVIDER={"ADAPTERS": {"User": f"{__name__}.TwoColumnsAdapter"}}):
        fresh = Context(context.connection)
        scim_id = post(fresh, "ann.lee")
        update(host(scim_id), first_name="ann", last_name="kim")
        assert find(fresh, 'userName eq "ann.kim"') == [scim_id]
        assert find(fresh, 'userName eq "ann.lee"') == []


class OwnManager(Manager[Any]):
    """As a host may have one for its base manager."""


def test_account_is_locked_through_the_hosts_own_manager(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    scim_id = post(context)
    manager = OwnManager()
    manager.model, manager.name = User, "own"
    monkeypatch.setattr(User._meta, "base_manager", manager)
    patch(context, scim_id, active=False)
    assert not is_active(host(scim_id))


def test_person_whom_the_host_gave_an_impossible_name_can_still_be_deactivated(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: "al\u200bice@example.com"})
    patch(context, scim_id, active=False)

    assert not is_active(host(scim_id))
    assert row(scim_id).user_name_key == ALICE


def test_name_that_the_host_gave_is_taken_down_with_the_next_change(context: Context) -> None:
    scim_id = post(context)
    update(host(scim_id), **{NAME_COLUMN: BOB})
    patch(context, scim_id, title="Boss")

    assert (row(scim_id).user_name, row(scim_id).user_name_key) == (BOB, BOB)
    assert find(context, 'userName sw "bob"') == [scim_id]
    assert values(scim_id) == indexed_anew(context, scim_id)


def test_person_whom_the_host_renamed_to_a_managed_name_can_still_be_deactivated(context: Context) -> None:
    if not has_column("username") or VENDOR == "mysql":
        pytest.skip("this host's column takes the two names for one")
    scim_id, other = post(context), post(context, BOB)
    update(host(scim_id), username="BOB@example.com")
    patch(context, scim_id, active=False)

    assert not is_active(host(scim_id))
    assert find(context, f'userName eq "{BOB}"') == [other]


def test_account_that_the_host_deleted_is_made_anew_on_reactivation_under_the_same_id(context: Context) -> None:
    scim_id = post(context, title="Boss")
    old = host(scim_id)
    host(scim_id).delete()
    assert show(context, scim_id)["active"] is False
    patch(context, scim_id, title="Chef")
    assert host(scim_id) is None

    shown = patch(context, scim_id, active=True)
    assert shown["active"] is True
    assert shown["id"] == scim_id
    assert host(scim_id).pk != old.pk
    assert is_active(host(scim_id))
    assert values(scim_id) == indexed_anew(context, scim_id)


def test_account_is_not_made_anew_where_somebody_else_has_the_name_by_now(context: Context) -> None:
    scim_id = post(context)
    host(scim_id).delete()
    policies(context, existing_accounts="never")
    HostUserFactory(name="alice")
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        patch(context, scim_id, active=True)
    assert dump(events=False) == before


def test_account_is_not_made_anew_where_the_policy_creates_none(context: Context) -> None:
    scim_id = post(context)
    host(scim_id).delete()
    policies(context, on_create="ignore")
    patch(context, scim_id, active=True)

    assert host(scim_id) is None
    assert show(context, scim_id)["active"] is True


def test_account_that_comes_between_the_two_locks_is_the_one_that_is_written(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deactivation was written to our row alone, and the new account stayed active."""
    scim_id = post(context)
    account = host(scim_id)
    ScimUser.objects.filter(scim_id=scim_id).update(user=None)
    lock_guard = guard.lock

    def lock_guard_late(context: Context) -> Any:
        ScimUser.objects.filter(scim_id=scim_id).update(user=account)
        return lock_guard(context)

    monkeypatch.setattr(guard, "lock", lock_guard_late)
    assert patch(context, scim_id, active=False)["active"] is False

    assert not is_active(host(scim_id))


def test_account_that_goes_between_the_two_locks_is_not_written(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    scim_id = post(context)
    account = host(scim_id)
    lock_own = rows._lock_own

    def lock_own_late(context: Context, scim_id: Any) -> ScimUser | None:
        ScimUser.objects.filter(scim_id=scim_id).update(user=None)
        return lock_own(context, scim_id)

    monkeypatch.setattr(rows, "_lock_own", lock_own_late)
    patch(context, scim_id, title="Boss", **{"name.familyName": "New"})

    assert "New" not in str(vars(User._base_manager.get(pk=account.pk)))
    assert show(context, scim_id)["name"]["familyName"] == "New"


# Deleting and coming back -----------------------------------------------------------------------------------


def test_deleted_person_is_gone_for_good_and_remembered(context: Context) -> None:
    scim_id = post(context, title="Boss")
    group = ScimGroup.objects.create(
        connection=context.connection, display_name="A", created_at=now(), modified_at=now()
    )
    ScimMembership.objects.create(group=group, scim_user=row(scim_id))
    users.delete_user(context, scim_id)

    found = row(scim_id)
    assert (found.alive, found.attributes["title"], found.attributes["active"]) == (None, "Boss", False)
    assert values(scim_id) == set()
    assert not group.memberships.exists()
    assert find(context) == find(context, f'userName eq "{ALICE}"') == []
    for again in (show, users.delete_user, patch):
        with pytest.raises(NotFound):
            again(context, scim_id)


def test_new_person_of_a_deleted_persons_name_gets_an_account_of_their_own(context: Context) -> None:
    first = post(context)
    old = host(first)
    users.delete_user(context, first)
    second = post(context, "Alice@example.com")

    assert second != first
    assert host(second).pk != old.pk
    assert name_of(host(second)).lower() == ALICE
    assert is_active(host(second))
    old = User._base_manager.get(pk=old.pk)
    assert name_of(old).endswith(f"@{FREED_DOMAIN}")
    assert not is_active(old)
    assert show(context, second)["userName"] == "Alice@example.com"


def test_name_goes_round_any_number_of_times(context: Context) -> None:
    ids = []
    for _ in range(4):
        ids.append(post(context))
        users.delete_user(context, ids[-1])

    assert len(set(ids)) == len({row(scim_id).user_id for scim_id in ids}) == 4
    assert User._base_manager.count() == 4
    assert ScimUser.objects.filter(user_name_key=ALICE, alive=None).count() == 4


def test_deleted_persons_account_that_the_host_lets_in_again_keeps_its_name(context: Context) -> None:
    scim_id = post(context)
    user = host(scim_id)
    users.delete_user(context, scim_id)
    if soft_deletes():
        user.refresh_from_db()
        user.restore()
    update(user, **activity(True))
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        post(context)
    assert dump(events=False) == before


def test_deleted_persons_account_that_became_protected_keeps_its_name(context: Context) -> None:
    if soft_deletes():
        pytest.skip("the name of a soft-deleted account is free already")
    scim_id = post(context)
    users.delete_user(context, scim_id)
    update(host(scim_id), is_superuser=True)

    with pytest.raises(Uniqueness):
        post(context)
    assert name_of(host(scim_id)) == ALICE


def test_deleted_persons_account_that_the_host_renamed_is_left_alone(context: Context) -> None:
    first = post(context)
    users.delete_user(context, first)
    update(host(first), **{NAME_COLUMN: BOB})
    second = post(context)

    assert name_of(host(first)) == BOB
    assert name_of(host(second)) == ALICE


def test_name_is_not_taken_from_an_account_that_another_scope_manages(context: Context) -> None:
    if soft_deletes():
        pytest.skip("the name of a soft-deleted account is free already")
    with configured(PORTALS={"store": {}}):
        store = Context(ConnectionFactory(portal="store", existing_accounts="adopt"))
        scim_id = post(context)
        sync.adopt(store)
        users.delete_user(context, scim_id)
        assert ScimUser.objects.filter(user=host(scim_id), alive=True).get().connection == store.connection

        with pytest.raises(Uniqueness):
            post(context)
        assert name_of(host(scim_id)) == ALICE


def test_adopted_person_is_deleted_like_any_other(context: Context) -> None:
    user = HostUserFactory(name="alice")
    sync.adopt(context)
    found = ScimUser.objects.get(user=user)
    assert found.origin == "adopted"
    users.delete_user(context, str(found.scim_id))

    user = User._base_manager.get(pk=user.pk)
    assert not is_active(user)
    assert find(context) == []
    assert host(post(context)).pk != user.pk


def test_deletion_is_told_with_the_account(context: Context, django_capture_on_commit_callbacks: Any) -> None:
    scim_id = post(context)
    user = host(scim_id)
    with (
        listening(signals.user_removed, signals.user_deactivated) as told,
        django_capture_on_commit_callbacks(execute=True),
    ):
        users.delete_user(context, scim_id)

    [(signal, arguments)] = told
    assert signal is signals.user_removed
    assert (arguments["connection"], arguments["scim_user"], arguments["user"]) == (
        context.connection,
        row(scim_id),
        user,
    )


# Protected people -------------------------------------------------------------------------------------------


@pytest.fixture
def boss(context: Context) -> str:
    HostUserFactory(name="alice", is_superuser=True)
    sync.adopt(context)
    return str(ScimUser.objects.get().scim_id)


@pytest.mark.parametrize(
    "change",
    [
        {"userName": BOB},
        {"userName": "ALICE2@example.com"},
        {"emails": [{"value": "evil@example.net"}]},
        {"active": False},
        {"active": False, "title": "Boss"},
    ],
    ids=str,
)
def test_protected_person_is_not_renamed_re_mailed_or_deactivated(
    context: Context, boss: str, change: dict[str, Any]
) -> None:
    if "emails" in change and not has_column("username"):
        pytest.skip("this host's address is the userName")
    before = dump(events=False)

    with pytest.raises(Forbidden):
        patch(context, boss, **change)
    with pytest.raises(Forbidden):
        put(context, boss, **change)
    assert dump(events=False) == before


def test_protected_person_is_not_deleted(context: Context, boss: str) -> None:
    policies(context, on_delete="nothing")
    before = dump(events=False)

    with pytest.raises(Forbidden):
        users.delete_user(context, boss)
    assert dump(events=False) == before


def test_protected_person_who_is_inactive_is_not_let_in(context: Context, boss: str) -> None:
    update(host(boss), **activity(False))

    with pytest.raises(Forbidden):
        patch(context, boss, active=True)
    assert not is_active(host(boss))


def test_name_and_profile_of_a_protected_person_follow_the_identity_provider(context: Context, boss: str) -> None:
    shown = patch(context, boss, name={"givenName": "Ada", "familyName": "Boss"}, title="CEO")

    assert (shown["name"]["familyName"], shown["title"]) == ("Boss", "CEO")
    user = host(boss)
    assert "Boss" in (user.full_name if has_column("full_name") else user.last_name)


def test_nobody_can_be_made_a_superuser(context: Context) -> None:
    scim_id = post(
        context, is_superuser=True, isSuperuser=True, is_staff=True, roles=[{"value": "superuser"}], id="1", pk=1
    )
    patch(context, scim_id, roles=[{"value": "admin"}])

    user = host(scim_id)
    assert not user.is_superuser
    assert not user.is_staff


# What is told to the host -----------------------------------------------------------------------------------


def test_each_change_is_told_once_on_commit(context: Context, django_capture_on_commit_callbacks: Any) -> None:
    every = (
        signals.user_provisioned,
        signals.user_updated,
        signals.user_deactivated,
        signals.user_reactivated,
        signals.user_removed,
    )
    names = dict(zip(every, ("provisioned", "updated", "deactivated", "reactivated", "removed"), strict=True))

    def told_by(work: Any) -> list[tuple[str, Any]]:
        with listening(*every) as told, django_capture_on_commit_callbacks(execute=True):
            work()
            assert told == []
        assert all(arguments["connection"] == context.connection for _, arguments in told)
        return [(names[signal], arguments.get("changed")) for signal, arguments in told]

    assert told_by(lambda: post(context)) == [("provisioned", None)]
    scim_id = str(ScimUser.objects.get().scim_id)
    assert told_by(lambda: patch(context, scim_id, title="Boss")) == [("updated", frozenset({"title"}))]
    assert told_by(lambda: patch(context, scim_id, active=False)) == [
        ("updated", frozenset({"active"})),
        ("deactivated", None),
    ]
    assert told_by(lambda: patch(context, scim_id, active=True)) == [
        ("updated", frozenset({"active"})),
        ("reactivated", None),
    ]
    assert told_by(lambda: users.delete_user(context, scim_id)) == [("removed", None)]


def test_host_is_not_told_of_what_was_refused(context: Context, django_capture_on_commit_callbacks: Any) -> None:
    post(context)
    with (
        listening(signals.user_provisioned, signals.user_updated) as told,
        django_capture_on_commit_callbacks(execute=True),
        pytest.raises(Uniqueness),
        transaction.atomic(),
    ):
        post(context)

    assert told == []


@pytest.mark.django_db(transaction=True)
def test_what_a_receiver_of_the_hosts_saves_is_seen(context: Context) -> None:
    def promote(*, user: Any, **kwargs: Any) -> None:
        setattr(user, "full_name" if has_column("full_name") else "last_name", "Promoted")
        user.save()

    signals.user_provisioned.connect(promote)
    try:
        scim_id = post(context)
    finally:
        signals.user_provisioned.disconnect(promote)

    assert "Promoted" in str(row(scim_id).attributes["name"])


# Attributes without a column that are not kept --------------------------------------------------------------


class Forgetful(UserAdapter):
    keep_unmapped = False
    attributes = get_user_adapter().attributes


class Remembering(UserAdapter):
    attributes = Forgetful.attributes


def test_attribute_that_is_not_kept_is_accepted_and_neither_stored_nor_shown(context: Context) -> None:
    with configured(ADAPTERS={"User": f"{__name__}.Forgetful"}):
        mine = Context(context.connection)
        scim_id = post(mine, userType="Contractor", phoneNumbers=[{"value": "1"}], externalId="X1")
        patch(mine, scim_id, userType="Contractor")
        users.modify_user(
            mine, scim_id, {"Operations": [{"op": "add", "value": {"userType": "Contractor", "externalId": "X2"}}]}
        )
        shown = put(mine, scim_id, userType="Contractor", externalId="X3")

        assert not {"userType", "phoneNumbers"} & shown.keys()
        assert shown["externalId"] == "X3"
        assert "Contractor" not in repr(dump(events=False))
        assert not any(attribute in ("userType", "phoneNumbers") for attribute, _, _ in values(scim_id))
        assert "userType" in ScimEvent.objects.order_by("pk")[0].warnings


def test_attribute_that_was_kept_before_is_not_shown_any_more(context: Context) -> None:
    scim_id = post(context, userType="Contractor")
    with configured(ADAPTERS={"User": f"{__name__}.Forgetful"}):
        mine = Context(context.connection)

        assert "userType" not in show(mine, scim_id)
        assert "userType" not in patch(mine, scim_id, **{"name.familyName": "New"})
        assert "userType" not in row(scim_id).attributes


# Attributes that are only shown -----------------------------------------------------------------------------


def test_address_that_is_only_shown_follows_the_host(context: Context) -> None:
    if has_column("username"):
        pytest.skip("this host's address is written")
    user = HostUserFactory(name="alice")
    sync.adopt(context)
    scim_id = str(ScimUser.objects.get(user=user).scim_id)
    patch(context, scim_id, title="Boss")
    user.refresh_from_db()
    user.email = "carol@example.com"
    user.save()

    shown = show(context, scim_id)
    assert (shown["userName"], shown["emails"][0]["value"]) == ("carol@example.com", "carol@example.com")
    assert find(context, 'emails.value eq "carol@example.com"') == [scim_id]
    assert find(context, f'emails.value eq "{ALICE}"') == []


class LastLogin(UserAdapter):
    attributes = Forgetful.attributes | {"userType": Attr("password", get=lambda value: value[:1], set=None)}


def test_attribute_that_is_only_shown_is_found_by_what_is_shown(context: Context) -> None:
    with configured(ADAPTERS={"User": f"{__name__}.LastLogin"}):
        mine = Context(context.connection)
        sent, unsent = post(mine, userType="Contractor"), post(mine, BOB)

        assert (show(mine, sent)["userType"], show(mine, unsent)["userType"]) == ("Contractor", "!")
        assert find(mine, 'userType eq "contractor"') == [sent]
        assert find(mine, 'userType sw "!"') == [unsent]
        assert find(mine, "userType pr") == [sent, unsent]
