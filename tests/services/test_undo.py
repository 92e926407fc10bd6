"""What a removal took away comes back, as far as it can."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from api.helpers import dump, has_column, soft_deletes
from django_scim_provider.adapters import ChoiceRoles
from django_scim_provider.models import ScimConnection, ScimEvent, ScimMembership, ScimRemoval, ScimUser
from django_scim_provider.services import role_mappings, undo, users
from django_scim_provider.services.context import Context
from group_hosts import on_teams_host
from group_support import grants_of, join, leave, make_group, provision, remove, roles_of
from services.people import ALICE, find, host, is_active, name_of, patch, policies, post, put, row, show, update

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def took_back(context: Context, **options: Any) -> list[tuple[str, list[str]]]:
    """Whom the undo gave back what, and what not."""
    return [(one.refusal, one.missing) for one in undo.undo(context, **options)]


def test_a_deactivation_is_undone(context: Context) -> None:
    scim_id = post(context)
    before = {name: value for name, value in show(context, scim_id).items() if name != "meta"}
    patch(context, scim_id, active=False)
    assert took_back(context) == [("", [])]
    assert is_active(host(scim_id))
    assert {name: value for name, value in show(context, scim_id).items() if name != "meta"} == before
    assert find(context, "active eq true") == [scim_id]
    event = ScimEvent.objects.first()
    assert event is not None
    assert (event.action, event.resource_id) == ("undo", scim_id)
    state = dump()
    assert took_back(context) == []
    assert dump() == state, "done again it changes nothing"


def test_a_deletion_is_undone(context: Context) -> None:
    scim_id = post(context, title="Boss")
    group = make_group(context, "Staff", row(scim_id))
    gone = make_group(context, "Gone", row(scim_id))
    before = show(context, scim_id)
    version = group.version
    users.delete_user(context, scim_id)
    remove(context, gone)
    assert took_back(context) == [("", ["1 of their groups, which were deleted"])]
    after = show(context, scim_id)
    assert [entry["display"] for entry in after.pop("groups")] == ["Staff"]
    del before["groups"], before["meta"], after["meta"]
    assert after == before
    assert is_active(host(scim_id))
    assert name_of(host(scim_id)) == ALICE
    assert find(context, 'title eq "boss"') == [scim_id]
    group.refresh_from_db()
    assert group.version == version + 2


def test_deactivated_then_deleted_then_undone(context: Context) -> None:
    scim_id = post(context)
    patch(context, scim_id, active=False)
    users.delete_user(context, scim_id)
    assert took_back(context) == [("", [])]
    assert is_active(host(scim_id))


def test_who_was_inactive_before_the_deletion_stays_so(context: Context) -> None:
    scim_id = post(context, active=False)
    users.delete_user(context, scim_id)
    assert took_back(context) == [("", [])]
    assert not is_active(host(scim_id))
    assert show(context, scim_id)["active"] is False


def test_a_name_that_somebody_else_has_keeps_the_old_one_out(context: Context) -> None:
    scim_id = post(context)
    users.delete_user(context, scim_id)
    other = post(context)
    state = dump()
    ((refusal, _),) = took_back(context)
    assert "taken" in refusal
    assert dump() == state
    # Free again, it returns to whom it belonged; the account had given it up.
    users.delete_user(context, other)
    ScimRemoval.objects.filter(scim_user__scim_id=other).delete()
    ((refusal, _),) = took_back(context)
    assert bool(refusal) is not soft_deletes(), "the other account still has it, unless it was deleted softly"


def test_the_account_takes_its_name_back(context: Context) -> None:
    if soft_deletes():
        pytest.skip("a soft-deleted account brings its own name back")
    scim_id = post(context)
    users.delete_user(context, scim_id)
    other = post(context)
    assert name_of(host(scim_id)) != ALICE
    put(context, other, "other@example.com", emails=[{"value": "other@example.com"}])
    assert took_back(context) == [("", [])]
    assert name_of(host(scim_id)) == ALICE
    assert show(context, scim_id)["userName"] == ALICE


@pytest.mark.parametrize("policy", ["on_deactivate", "on_delete"])
def test_a_deleted_account_does_not_return(context: Context, policy: str) -> None:
    scim_id = post(context)
    policies(context, **{policy: "delete"})
    if policy == "on_delete":
        users.delete_user(context, scim_id)
    else:
        patch(context, scim_id, active=False)
    assert took_back(context) == [("", ["the account, which was deleted"])]
    assert host(scim_id) is None
    assert show(context, scim_id)["active"] is False


def test_a_password_of_their_own_does_not_return(context: Context) -> None:
    scim_id = post(context)
    user = host(scim_id)
    user.set_password("correct horse")
    user.save()
    patch(context, scim_id, active=False)
    ((_, missing),) = took_back(context)
    assert "password" in missing[0]
    assert not host(scim_id).has_usable_password()


def test_a_password_that_stayed_is_not_missed(context: Context) -> None:
    """The policy was the host's own procedure, which leaves it alone."""
    scim_id = post(context)
    patch(context, scim_id, active=False)
    ScimRemoval.objects.update(state={"active": True, "password": True})
    user = host(scim_id)
    user.set_password("correct horse")
    user.save()
    assert took_back(context) == [("", [])]


def test_only_since_then_and_only_so_many(context: Context) -> None:
    ids = [post(context, f"p{number}@example.com") for number in range(3)]
    for scim_id in ids:
        patch(context, scim_id, active=False)
    ScimRemoval.objects.filter(scim_user__scim_id=ids[0]).update(at=timezone.now() - timedelta(hours=2))
    assert len(took_back(context, since=timezone.now() - timedelta(hours=1), most=1)) == 1
    assert [is_active(host(scim_id)) for scim_id in ids] == [False, True, False]
    assert len(took_back(context)) == 2


def test_a_dry_run_changes_nothing(context: Context) -> None:
    scim_id = post(context)
    users.delete_user(context, scim_id)
    state = dump()
    assert took_back(context, dry_run=True) == [("", [])]
    assert dump() == state


def test_another_connection_undoes_nothing_of_it(context: Context, neighbour: ScimConnection) -> None:
    patch(context, post(context), active=False)
    assert took_back(Context(neighbour)) == []


# Roles -----------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(context: Context, roles: dict[str, Group]) -> Any:
    """Ann is in Staff, which makes her a writer; everybody is a reader by default."""
    if has_column("role"):
        pytest.skip("this host has roles of its own")
    policies(context, default_role="reader")
    (ann,) = provision(context, "ann")
    group = make_group(context, "Staff")
    role_mappings.save_mapping(context, "Staff", "writer")
    join(context, group, ann)
    return ann, group


def test_roles_return_with_the_groups(context: Context, staff: Any) -> None:
    ann, _ = staff
    before = roles_of(ann), grants_of(ann)
    assert before == ({"reader", "writer"}, {"reader", "writer"})
    users.delete_user(context, str(ann.scim_id))
    assert (roles_of(ann), grants_of(ann)) == (set(), set())
    assert took_back(context) == [("", [])]
    assert (roles_of(ann), grants_of(ann)) == before


def test_leaving_a_group_is_undone(context: Context, staff: Any) -> None:
    ann, group = staff
    leave(context, group, ann)
    assert roles_of(ann) == {"reader"}
    assert took_back(context) == [("", [])]
    assert roles_of(ann) == {"reader", "writer"}
    assert ScimMembership.objects.filter(group=group, scim_user=ann).exists()


def test_who_came_back_by_themselves_is_left_alone(context: Context, staff: Any) -> None:
    ann, group = staff
    leave(context, group, ann)
    join(context, group, ann)
    assert took_back(context) == [("", [])]
    assert roles_of(ann) == {"reader", "writer"}


def test_a_role_that_no_group_gives_any_more_is_named(context: Context, staff: Any, roles: Any) -> None:
    ann, group = staff
    remove(context, group)
    assert took_back(context) == [("", ["the role writer"])]
    assert roles_of(ann) == {"reader"}


@on_teams_host
def test_one_role_at_a_time_returns(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(context.adapter), "roles", ChoiceRoles("role"))
    ann, bob = provision(context, "ann", "bob")
    make_group(context, "Staff", ann, bob)
    role_mappings.save_mapping(context, "Staff", "admin")
    for person in (ann, bob):
        users.delete_user(context, str(person.scim_id))
    update(bob.user, role="owner")
    assert took_back(context) == [("", []), ("", ["the role admin"])]
    held = {one.user_name: one.user.role for one in ScimUser.objects.select_related("user")}
    assert held == {"ann@example.com": "admin", "bob@example.com": "owner"}
