"""The table of policies: each of them, by every way that leads to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from api.helpers import dump, has_column, soft_deletes
from django_scim_provider.adapters.base import LEFT_ALONE
from django_scim_provider.models import ScimEvent, ScimUser
from django_scim_provider.protocol.errors import NotFound, Uniqueness
from django_scim_provider.protocol.urns import PATCH_OP
from django_scim_provider.services import sync, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory
from services.people import (
    ALICE,
    BOB,
    NAME_COLUMN,
    User,
    activity,
    find,
    host,
    is_active,
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

Way = Callable[[Context, str, bool], Any]


def operation(**fields: Any) -> Callable[[Context, str], Any]:
    body = {"schemas": [PATCH_OP], "Operations": [fields]}
    return lambda context, scim_id: users.modify_user(context, scim_id, body)


WAYS: dict[str, Way] = {
    "PUT": lambda context, scim_id, active: put(context, scim_id, active=active),
    "PATCH": lambda context, scim_id, active: patch(context, scim_id, active=active),
    "PATCH by add": lambda context, scim_id, active: patch(context, scim_id, "add", active=active),
    "PATCH without a path": lambda context, scim_id, active: operation(op="replace", value={"active": active})(
        context, scim_id
    ),
    "PATCH of a text": lambda context, scim_id, active: operation(op="Replace", path="active", value=str(active))(
        context, scim_id
    ),
}


def accounts() -> list[dict[str, Any]]:
    return list(User._base_manager.order_by("pk").values())


def is_shown(context: Context, scim_id: str, *, active: bool) -> None:
    """By GET, in lists and by filters alike."""
    assert show(context, scim_id)["active"] is active
    assert find(context, f"active eq {str(active).lower()}") == [scim_id]
    assert find(context, f"active eq {str(not active).lower()}") == []
    assert find(context, f'userName eq "{ALICE}" and active ne {str(not active).lower()}') == [scim_id]
    assert find(context) == [scim_id]


# On create --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["create", "ignore"])
def test_creation(context: Context, policy: str) -> None:
    for way in WAYS.values():
        policies(context, on_create=policy)
        scim_id = post(context, active=False)
        assert (host(scim_id) is None) is (policy == "ignore")
        is_shown(context, scim_id, active=False)

        way(context, scim_id, True)
        assert (host(scim_id) is None) is (policy == "ignore")
        is_shown(context, scim_id, active=True)

        way(context, scim_id, False)
        policies(context, on_create="create")
        way(context, scim_id, True)
        assert is_active(host(scim_id))
        is_shown(context, scim_id, active=True)

        users.delete_user(context, scim_id)


# On deactivate ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["suspend", "remove", "delete", "hook", "nothing"])
def test_deactivation_and_return(context: Context, policy: str) -> None:
    policies(context, on_deactivate=policy)
    scim_id = post(context)
    for way in WAYS.values():
        before, account = accounts(), host(scim_id)
        way(context, scim_id, False)
        is_shown(context, scim_id, active=False)
        found = User._base_manager.filter(pk=account.pk).first()
        if policy == "nothing":
            assert accounts() == before
        elif policy == "delete":
            assert found is None
        else:
            assert not is_active(found)
            assert found.password != account.password
            assert (policy in ("suspend", "remove") and soft_deletes()) is bool(getattr(found, "deleted_at", None))
        way(context, scim_id, False)
        is_shown(context, scim_id, active=False)

        way(context, scim_id, True)
        is_shown(context, scim_id, active=True)
        assert is_active(host(scim_id))
        assert LEFT_ALONE not in row(scim_id).attributes
        if policy == "nothing":
            assert accounts() == before


def test_somebody_whom_deactivation_left_alone_stays_inactive_for_the_client(context: Context) -> None:
    policies(context, on_deactivate="nothing", existing_accounts="adopt")
    scim_id = post(context)
    patch(context, scim_id, active=False)
    stored = ScimUser.objects.filter(scim_id=scim_id).values().get()

    host(scim_id).save()
    assert sync.refresh_all(context) == 0
    assert ScimUser.objects.filter(scim_id=scim_id).values().get() == stored
    patch(context, scim_id, title="Boss", name={"givenName": "New", "familyName": "Name"})
    is_shown(context, scim_id, active=False)
    assert "Name" in (host(scim_id).full_name if has_column("full_name") else host(scim_id).last_name)

    # The host shuts the account and lets the person in again: neither is news to the client.
    user = host(scim_id)
    for active in (False, True):
        for column, value in activity(active).items():
            setattr(user, column, value)
        user.save()
        is_shown(context, scim_id, active=False)
    patch(context, scim_id, "remove", active=None)
    assert "active" not in show(context, scim_id)
    assert find(context, "active eq true") == []

    policies(context, on_deactivate="suspend")
    patch(context, scim_id, active=True)
    patch(context, scim_id, active=False)
    assert not is_active(host(scim_id))


def test_somebody_left_alone_whom_the_host_deletes_softly_comes_back_all_the_same(context: Context) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    policies(context, on_deactivate="nothing")
    scim_id = post(context)
    patch(context, scim_id, active=False)
    update(host(scim_id), deleted_at=timezone.now())
    patch(context, scim_id, active=True)

    assert (host(scim_id).deleted_at, host(scim_id).is_active) == (None, True)
    is_shown(context, scim_id, active=True)


# On delete --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["suspend", "remove", "delete", "hook", "nothing"])
@pytest.mark.parametrize("was_active", [True, False])
def test_deletion_and_a_new_person_of_the_name(context: Context, policy: str, was_active: bool) -> None:
    policies(context, on_delete=policy, on_deactivate="hook")
    scim_id = post(context, title="Boss", externalId="X1")
    if not was_active:
        patch(context, scim_id, active=False)
    before, old = accounts(), host(scim_id)
    users.delete_user(context, scim_id)

    gone: list[Callable[[], Any]] = [
        lambda: show(context, scim_id),
        lambda: users.delete_user(context, scim_id),
        *(lambda way=way: way(context, scim_id, True) for way in WAYS.values()),
    ]
    for request in gone:
        with pytest.raises(NotFound):
            request()
    assert find(context) == []
    left_alone = policy == "nothing" and was_active
    if policy == "nothing":
        assert accounts() == before
    elif policy == "delete":
        assert old.pk not in {account["id"] for account in accounts()}
    else:
        assert not is_active(User._base_manager.get(pk=old.pk))

    new = post(context, externalId="X1")
    assert new != scim_id
    assert (host(new).pk == old.pk) is left_alone
    assert is_active(host(new))
    is_shown(context, new, active=True)
    assert "title" not in show(context, new)
    assert row(new).external_id == "X1"
    assert ScimEvent.objects.filter(resource_id=new).values_list("action", "status").get() == ("create", 201)


def left_alone(context: Context, **attributes: Any) -> Any:
    """The account of a person deleted under "do nothing"."""
    policies(context, on_delete="nothing")
    scim_id = post(context, **attributes)
    user = host(scim_id)
    users.delete_user(context, scim_id)
    return user


def test_account_left_alone_follows_the_person_who_is_created_again(context: Context) -> None:
    user = left_alone(context)
    scim_id = post(context, "ALICE@example.com", name={"givenName": "New", "familyName": "Name"}, active=False)

    assert host(scim_id).pk == user.pk
    assert not is_active(host(scim_id))
    assert host(scim_id).password != user.password
    assert show(context, scim_id)["userName"] == "ALICE@example.com"
    assert show(context, scim_id)["name"]["familyName"] == "Name"
    users.delete_user(context, scim_id)
    assert host(post(context)).pk != user.pk


UNSAFE = ["other id", "other connection", "protected", "managed elsewhere", "only the address"]


@pytest.mark.parametrize("case", UNSAFE)
def test_account_left_alone_is_given_to_nobody_else(context: Context, case: str) -> None:
    user = left_alone(context, externalId="X1")
    asking, name = context, ALICE
    if case == "other connection":
        asking = Context(ConnectionFactory())
    elif case == "protected":
        update(user, is_superuser=True)
    elif case == "managed elsewhere":
        other = ConnectionFactory(tenant="other")
        ScimUser.objects.create(
            connection=other,
            scope="elsewhere",
            user=user,
            user_name=ALICE,
            user_name_key=ALICE,
            created_at=timezone.now(),
            modified_at=timezone.now(),
        )
    elif case == "only the address":
        update(user, **{NAME_COLUMN: BOB})
        ScimUser.objects.update(user_name_key="carol@example.com")
        name = BOB
    before = dump(events=False)

    with pytest.raises(Uniqueness):
        post(asking, name, externalId="X2" if case == "other id" else "X1")
    assert dump(events=False) == before


def test_account_left_alone_whose_name_the_host_changed_is_no_obstacle(context: Context) -> None:
    user = left_alone(context)
    update(user, **({"email": BOB} | {NAME_COLUMN: BOB}))

    assert host(post(context)).pk != user.pk
    assert name_of(User._base_manager.get(pk=user.pk)) == BOB


def test_account_left_alone_is_not_adopted_again(context: Context) -> None:
    policies(context, existing_accounts="adopt")
    user = left_alone(context)
    user.save()

    assert sync.adopt(context).adopted == 0
    assert find(context) == []
    assert host(post(context)).pk == user.pk


# On re-provision --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["revive", "anew"])
@pytest.mark.parametrize("on_create", ["create", "ignore"])
def test_name_of_somebody_inactive_is_sent_again(context: Context, policy: str, on_create: str) -> None:
    scim_id = post(context)
    for way in WAYS.values():
        way(context, scim_id, False)
        policies(context, on_reprovision=policy, on_create=on_create)
        if not soft_deletes():
            with pytest.raises(Uniqueness):
                post(context)
            assert find(context, f'userName eq "{ALICE}"') == [scim_id]
            way(context, scim_id, True)
            is_shown(context, scim_id, active=True)
            continue
        old, again = host(scim_id), post(context)
        assert (again == scim_id) is (policy == "revive")
        if policy == "revive":
            assert (host(again).pk, host(again).deleted_at) == (old.pk, None)
        else:
            assert (host(again) is None) is (on_create == "ignore")
        is_shown(context, again, active=True)
        if host(again) is None:
            # Nothing is left to revive: the next one needs an account.
            users.delete_user(context, again)
            policies(context, on_create="create")
            again = post(context)
        scim_id = again


# Existing accounts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "adopted"), [("adopt", True), ("never", False), ("verified", False)])
def test_account_that_was_there_before_is_adopted_or_left_and_never_handed_out(
    context: Context, policy: str, adopted: bool
) -> None:
    policies(context, existing_accounts=policy)
    user = HostUserFactory(name="alice")
    sync.adopt(context)
    before = accounts()

    assert [row(scim_id).user_id for scim_id in find(context)] == [user.pk] * adopted
    for active in (True, False):
        with pytest.raises(Uniqueness):
            post(context, active=active)
    assert accounts() == before
    for scim_id in find(context):
        for way in WAYS.values():
            way(context, scim_id, False)
            is_shown(context, scim_id, active=False)
            way(context, scim_id, True)
            is_shown(context, scim_id, active=True)
        assert row(scim_id).user_id == user.pk
