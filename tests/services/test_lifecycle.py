"""What a connection's policies make of ``active: false``, of DELETE and of a return."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import is_password_usable
from django.utils import timezone

from api.helpers import dump, has_column, soft_deletes
from django_scim_provider import signals
from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.mixins import FREED_DOMAIN
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser, ScimValue
from django_scim_provider.protocol.errors import Forbidden, NotFound, Uniqueness
from django_scim_provider.services import lifecycle, users
from django_scim_provider.services.context import Context
from factories import HostUserFactory
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


class Hooked(UserAdapter):
    """The host's own procedure marks the e-mail address, and does nothing else."""

    attributes = get_user_adapter().attributes

    def deactivate(self, user: Any, connection: Any, using: str) -> None:
        type(user)._base_manager.filter(pk=user.pk).update(password=f"left {connection.name}")


class WithKeys(UserAdapter):
    """A host that issues keys by itself; told of a hundred, it fails."""

    attributes = get_user_adapter().attributes
    rotate_password = False
    keys = 0

    def end_credentials(self, user: Any, connection: Any, using: str) -> Any:
        ended = super().end_credentials(user, connection, using)
        update(user, email="ended@example.com")
        if self.keys == 100:
            raise RuntimeError("The key server is down.")
        return {**ended, "SSH keys": self.keys}


def deactivate(context: Context, scim_id: str) -> dict[str, Any]:
    return patch(context, scim_id, active=False)


def deactivated_and_looks_like_itself(context: Context, scim_id: str, before: dict[str, Any]) -> bool:
    """Same id, same names, inactive, and found by filters."""
    shown = show(context, scim_id)
    for part in (shown, before):
        part["meta"] = {name: value for name, value in part["meta"].items() if name not in ("lastModified", "version")}
    assert shown == before | {"active": False}
    for condition in (
        f'userName eq "{before["userName"].upper()}"',
        'externalId eq "X1"',
        "active eq false",
        'name.familyName eq "user"',
        f'emails.value eq "{ALICE}"',
        'title eq "boss"',
    ):
        assert find(context, condition) == [scim_id], condition
    assert find(context, "active eq true") == []
    return True


# Deactivation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["suspend", "remove", "delete"])
@pytest.mark.parametrize("way", ["patch", "put", "post"])
def test_deactivated_person_has_no_access_and_looks_like_itself(context: Context, policy: str, way: str) -> None:
    policies(context, on_deactivate=policy)
    scim_id = post(context, "Alice@Example.com", title="Boss", externalId="X1", emails=[{"value": ALICE}])
    before, old = show(context, scim_id), host(scim_id)
    if way == "put":
        put(
            context,
            scim_id,
            "Alice@Example.com",
            title="Boss",
            externalId="X1",
            emails=[{"value": ALICE}],
            active=False,
        )
    elif way == "patch":
        deactivate(context, scim_id)
    else:
        with pytest.raises(Uniqueness):
            post(context, "Alice@Example.com", active=False)
        deactivate(context, scim_id)

    assert deactivated_and_looks_like_itself(context, scim_id, before)
    user = User._base_manager.filter(pk=old.pk).first()
    if policy == "delete":
        assert user is None
        assert row(scim_id).user is None
        return
    assert not is_active(user)
    assert not is_password_usable(user.password)
    assert user.password != old.password
    assert (user.deleted_at is not None) if soft_deletes() else name_of(user) == name_of(old)


def test_deactivation_can_leave_the_account_alone(context: Context) -> None:
    policies(context, on_deactivate="nothing")
    scim_id = post(context)
    before = list(User._base_manager.values())
    deactivate(context, scim_id)

    assert list(User._base_manager.values()) == before


def test_deactivation_can_run_the_hosts_own_procedure(context: Context) -> None:
    with configured(ADAPTERS={"User": f"{__name__}.Hooked"}):
        mine = Context(context.connection)
        policies(mine, on_deactivate="hook", on_delete="hook")
        scim_id = post(mine)
        deactivate(mine, scim_id)
        assert host(scim_id).password == f"left {context.connection.name}"

        update(host(scim_id), password="again")
        users.delete_user(mine, scim_id)
        assert host(scim_id).password == f"left {context.connection.name}"


def test_procedure_of_the_host_is_a_suspension_by_default(context: Context) -> None:
    policies(context, on_deactivate="hook")
    scim_id = post(context)
    deactivate(context, scim_id)

    assert not is_active(host(scim_id))


def test_other_changes_come_with_a_deactivation(context: Context) -> None:
    scim_id = post(context)
    shown = patch(context, scim_id, active=False, name={"givenName": "New", "familyName": "Name"}, userName=BOB)

    assert (shown["active"], shown["userName"], shown["name"]["familyName"]) == (False, BOB, "Name")
    assert not is_active(host(scim_id))
    assert row(scim_id).user_name_key == BOB
    shown = patch(context, scim_id, active=True)
    assert name_of(host(scim_id)) == BOB
    assert "Name" in (host(scim_id).full_name if has_column("full_name") else host(scim_id).last_name)


def test_changes_of_an_inactive_person_are_kept_and_come_back_with_them(context: Context) -> None:
    scim_id = post(context)
    deactivate(context, scim_id)
    patch(context, scim_id, userName=BOB, title="Boss", name={"givenName": "New", "familyName": "Name"})
    shown = show(context, scim_id)
    assert (shown["active"], shown["userName"], shown["title"]) == (False, BOB, "Boss")
    assert find(context, f'userName eq "{BOB}" and name.familyName eq "name"') == [scim_id]
    assert find(context, f'userName eq "{ALICE}"') == []

    patch(context, scim_id, active=True)
    user = host(scim_id)
    assert (name_of(user), is_active(user)) == (BOB, True)
    assert "Name" in (user.full_name if has_column("full_name") else user.last_name)


# Reactivation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["suspend", "remove", "delete", "hook"])
@pytest.mark.parametrize("way", ["patch", "put"])
def test_reactivated_person_has_the_same_id_and_access_again(context: Context, policy: str, way: str) -> None:
    policies(context, on_deactivate=policy)
    scim_id = post(context, title="Boss")
    before, old = show(context, scim_id), host(scim_id)
    deactivate(context, scim_id)
    shown = patch(context, scim_id, active=True) if way == "patch" else put(context, scim_id, title="Boss", active=True)

    assert shown | {"meta": None} == before | {"meta": None}
    user = host(scim_id)
    assert is_active(user)
    assert (user.pk == old.pk) is (policy != "delete")
    assert name_of(user) == name_of(old)
    assert not is_password_usable(user.password)
    assert find(context, 'active eq true and title eq "boss"') == [scim_id]


def test_session_of_before_never_works_again(context: Context) -> None:
    scim_id = post(context)
    session = host(scim_id).get_session_auth_hash()
    deactivate(context, scim_id)
    patch(context, scim_id, active=True)

    assert host(scim_id).get_session_auth_hash() != session


def test_reactivation_is_refused_where_the_name_was_taken_meanwhile(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("a suspended account keeps its name")
    policies(context, existing_accounts="never")
    scim_id = post(context)
    deactivate(context, scim_id)
    HostUserFactory(name="Alice@example.com")
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        patch(context, scim_id, active=True)
    assert dump(events=False) == before


def test_account_that_is_there_is_let_in_whatever_the_policy_for_new_people(context: Context) -> None:
    scim_id = post(context)
    deactivate(context, scim_id)
    policies(context, on_create="ignore")
    patch(context, scim_id, active=True)

    assert is_active(host(scim_id))


@pytest.mark.parametrize("keys", [0, 2])
def test_host_ends_what_it_issued_by_itself_and_is_told_when_it_is_done(
    context: Context, keys: int, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr(WithKeys, "keys", keys)
    with configured(ADAPTERS={"User": f"{__name__}.WithKeys"}), listening(signals.credentials_ended) as heard:
        mine = Context(context.connection)
        scim_id = post(mine)
        for work in (
            lambda: deactivate(mine, scim_id),
            lambda: patch(mine, scim_id, active=True),
            lambda: patch(mine, scim_id, active=True, title="Boss"),
            lambda: users.delete_user(mine, scim_id),
        ):
            with django_capture_on_commit_callbacks(execute=True):
                work()

    assert [told["ended"] for _, told in heard] == [{"SSH keys": keys}] * 3
    said = ScimEvent.objects.filter(resource_id=scim_id).order_by("pk").values_list("detail", flat=True)
    word = f" Ended: SSH keys ({keys})." if keys else ""
    assert list(said) == ["", f"Deactivated.{word}", f"Activated.{word}", "", word.strip()]


def test_a_policy_that_leaves_the_account_alone_is_told(context: Context) -> None:
    ScimConnection.objects.update(on_deactivate="nothing", on_delete="nothing")
    context.connection.refresh_from_db()
    scim_id = post(context)
    deactivate(context, scim_id)
    patch(context, scim_id, active=True)
    users.delete_user(context, scim_id)
    said = ScimEvent.objects.filter(resource_id=scim_id).order_by("pk").values_list("detail", flat=True)
    alone = "The account stays as it is."
    assert list(said) == ["", f"Deactivated. {alone}", "Activated.", alone]


def test_access_that_cannot_be_ended_whole_is_not_ended_at_all(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WithKeys, "keys", 100)
    with configured(ADAPTERS={"User": f"{__name__}.WithKeys"}):
        mine = Context(context.connection)
        scim_id = post(mine)
        before = dump()
        for work in (lambda: deactivate(mine, scim_id), lambda: users.delete_user(mine, scim_id)):
            with pytest.raises(RuntimeError):
                work()
    assert dump() == before


# Deletion ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["suspend", "remove", "delete", "hook"])
def test_deleted_person_leaves_scim_the_account_goes_the_way_of_the_policy_and_the_name_is_free(
    context: Context, policy: str
) -> None:
    policies(context, on_delete=policy)
    scim_id = post(context)
    old = host(scim_id)
    users.delete_user(context, scim_id)

    with pytest.raises(NotFound):
        show(context, scim_id)
    user = User._base_manager.filter(pk=old.pk).first()
    if policy == "delete":
        assert user is None
    else:
        assert not is_active(user)
        assert not is_password_usable(user.password)
    again = post(context)
    assert host(again).pk != old.pk
    assert find(context) == [again]


def test_deletion_can_leave_the_account_alone(context: Context) -> None:
    policies(context, on_delete="nothing")
    scim_id = post(context)
    before = list(User._base_manager.values())
    users.delete_user(context, scim_id)

    assert list(User._base_manager.values()) == before
    assert row(scim_id).alive is None
    assert find(context) == []


@pytest.mark.parametrize("state", ["inactive", "gone", "ignored"])
def test_person_without_access_is_deleted_like_any_other(context: Context, state: str) -> None:
    if state == "ignored":
        policies(context, on_create="ignore")
    scim_id = post(context)
    if state == "inactive":
        deactivate(context, scim_id)
    elif state == "gone":
        host(scim_id).delete()
    users.delete_user(context, scim_id)

    assert row(scim_id).alive is None
    assert not ScimValue.objects.filter(scim_user=row(scim_id)).exists()
    assert find(context) == []
    policies(context, on_create="create")
    again = post(context)
    assert find(context) == [again]


# Coming back under soft deletion ----------------------------------------------------------------------------


@pytest.fixture
def leaver(context: Context) -> str:
    """Somebody who was soft-deleted through SCIM."""
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context, title="Boss", externalId="X1")
    deactivate(context, scim_id)
    assert name_of(host(scim_id)).endswith(FREED_DOMAIN)
    return scim_id


def test_soft_deleted_person_who_is_sent_again_is_revived(context: Context, leaver: str) -> None:
    old = host(leaver)
    scim_id = post(context, "ALICE@example.com", title="Chef")

    assert scim_id == leaver
    user = host(leaver)
    assert (user.pk, user.deleted_at, user.is_active, user.username) == (old.pk, None, True, "ALICE@example.com")
    shown = show(context, leaver)
    assert (shown["userName"], shown["title"], shown["active"]) == ("ALICE@example.com", "Chef", True)
    assert "externalId" not in shown
    assert row(leaver).external_id is None
    assert ScimUser.objects.count() == 1
    assert find(context, 'userName eq "alice@example.com" and name.familyName eq "user"') == [leaver]


def test_soft_deleted_person_who_is_sent_again_as_inactive_stays_deleted(context: Context, leaver: str) -> None:
    assert post(context, title="Chef", active=False) == leaver

    assert host(leaver).deleted_at is not None
    assert show(context, leaver)["title"] == "Chef"


def test_soft_deleted_person_may_start_anew(context: Context, leaver: str) -> None:
    policies(context, on_reprovision="anew")
    old = User._base_manager.filter(pk=host(leaver).pk).values().get()
    scim_id = post(context)

    assert scim_id != leaver
    assert (row(leaver).alive, row(leaver).user_id) == (None, old["id"])
    assert User._base_manager.filter(pk=old["id"]).values().get() == old
    assert (host(scim_id).username, host(scim_id).is_active) == (ALICE, True)
    assert find(context, f'userName eq "{ALICE}"') == [scim_id]
    with pytest.raises(NotFound):
        show(context, leaver)


@pytest.mark.parametrize("policy", ["revive", "anew"])
def test_name_of_somebody_who_is_not_deleted_is_refused_all_the_same(context: Context, policy: str) -> None:
    policies(context, on_reprovision=policy)
    scim_id = post(context)
    update(host(scim_id), **activity(False))

    with pytest.raises(Uniqueness):
        post(context)
    assert ScimUser.objects.filter(alive=True).count() == 1


def test_person_revived_whose_name_a_stranger_has_is_refused(context: Context, leaver: str) -> None:
    policies(context, existing_accounts="never")
    HostUserFactory(name="alice")
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        post(context)
    assert dump(events=False) == before


def test_host_that_soft_deletes_and_restores_by_itself_is_followed(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context, "Alice@example.com", title="Boss", externalId="X1", emails=[{"value": ALICE}])
    before = show(context, scim_id)
    user = host(scim_id)
    user.soft_delete()
    assert deactivated_and_looks_like_itself(context, scim_id, before)

    user.restore()
    assert show(context, scim_id)["active"] is True
    assert find(context, 'active eq true and name.familyName eq "user"') == [scim_id]


def test_inactive_person_whom_the_host_soft_deletes_is_found_by_name(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context)
    user = host(scim_id)
    user.is_active = False
    user.save()
    user.soft_delete()

    assert find(context, 'name.familyName eq "user" and active eq false') == [scim_id]


# Protected people -------------------------------------------------------------------------------------------


def test_protection_is_said_in_words_that_help(context: Context) -> None:
    boss = HostUserFactory(is_superuser=True)

    with pytest.raises(Forbidden, match="SCIM may not delete them"):
        lifecycle.refuse_if_protected(context, boss, "delete them")
    lifecycle.refuse_if_protected(context, HostUserFactory(), "delete them")
    lifecycle.refuse_if_protected(context, None, "delete them")


def test_person_whom_the_host_marked_deleted_by_update_is_removed_as_inactive(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    scim_id = post(context)
    update(host(scim_id), deleted_at=timezone.now())
    users.delete_user(context, scim_id)

    assert row(scim_id).attributes["active"] is False
    assert getattr(host(scim_id), NAME_COLUMN) == ALICE
