"""What is erased is nowhere in our tables; what happened is still told."""

from __future__ import annotations

from typing import Any

import pytest

from api.helpers import dump
from conftest import ScimClient
from django_scim_provider.models import HeldRemoval, ScimConnection, ScimEvent, ScimRemoval, ScimUser
from django_scim_provider.services import connections, erase, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.handover import hand_over
from factories import ConnectionFactory
from services.people import configured, post

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]
NAME, SECRET = "canary@example.com", "Canaria"


@pytest.fixture
def left(scim: ScimClient, connection: ScimConnection) -> str:
    """The id of somebody who was renamed, refused something and deleted."""
    with configured(EVENT_VALUES=True):
        scim_id = scim.create("canary-old@example.com", name={"familyName": SECRET}, externalId=f"ext-{SECRET}")["id"]
        scim.patch(f"/Users/{scim_id}", {"op": "replace", "path": "userName", "value": NAME})
        scim.patch(f"/Users/{scim_id}", {"op": "replace", "path": "nickName", "value": SECRET})
        ScimEvent.objects.filter(changed=["nickName"]).update(detail=f"{NAME} is odd.")
        HeldRemoval.objects.create(
            connection=connection,
            resource_type="User",
            resource_id=scim_id,
            label=NAME,
            first_at=_now(),
            last_at=_now(),
        )
        assert scim.delete(f"/Users/{scim_id}").status_code == 204
    return scim_id


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


def ours() -> dict[str, Any]:
    return {table: rows for table, rows in dump().items() if table.startswith("scim_provider.")}


def test_nothing_of_them_is_left_but_ids(left: str) -> None:
    assert "canar" in repr(ours()).lower()
    before = ScimEvent.objects.filter(resource_id=left).count()
    done = erase.erase(NAME.upper())
    assert (done.people, done.removals) == (1, 2)
    assert done.events == before
    assert "canar" not in repr(ours()).lower()
    events = ScimEvent.objects.filter(resource_id=left)
    assert events.count() == before + 1, "and one that says so"
    assert {event.label for event in events} == {erase.LABEL}
    assert events.filter(action="modify", changed=["nickName"], detail=erase.LABEL).exists()
    assert not ScimRemoval.objects.exists()
    state = ours()
    assert erase.erase(NAME) == erase.erase(left) == (0, 0, 0)
    assert ours() == state


def test_a_dry_run_changes_nothing(left: str) -> None:
    state = ours()
    assert erase.erase(left, dry_run=True).people == 1
    assert ours() == state


def test_who_is_managed_is_not_erased(left: str, scim: ScimClient, connection: ScimConnection) -> None:
    successor = scim.create(NAME)["id"]
    for who in (NAME, successor):
        with pytest.raises(erase.StillManaged, match=connection.name) as error:
            erase.erase(who)
        assert (left in str(error.value)) is (who == NAME)
    assert erase.erase(left).people == 1
    assert scim.get(f"/Users/{successor}").json()["userName"] == NAME
    assert ScimEvent.objects.get(resource_id=successor).label == NAME


def test_events_outlive_a_connection_and_are_erased_all_the_same(left: str, context: Context) -> None:
    connections.disable(context)
    connections.delete(context)
    done = erase.erase(NAME)
    assert (done.people, done.removals) == (0, 0)
    assert "canar" not in repr(ours()).lower()


def test_nobody_is_found(left: str) -> None:
    state = ours()
    for who in ("nobody@example.com", "a\u202eb", "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"):
        assert not any(erase.erase(who))
    assert ours() == state


# Ids that an import brought along, which are unique within a connection only --------------------------------


def imported(context: Context, name: str, scim_id: str, *, gone: bool = True) -> None:
    """Somebody with an id of before, and what is told and held of them."""
    drawn = post(context, name)
    if gone:
        users.delete_user(context, drawn)
    ScimUser.objects.filter(scim_id=drawn).update(scim_id=scim_id)
    ScimEvent.objects.filter(resource_id=drawn).update(resource_id=scim_id)
    moments = {"first_at": _now(), "last_at": _now()}
    HeldRemoval.objects.create(
        connection=context.connection, resource_type="User", resource_id=scim_id, label=name, **moments
    )


def told(name: str) -> int:
    return ScimEvent.objects.filter(label=name).count() + HeldRemoval.objects.filter(label=name).count()


@pytest.fixture
def other(context: Context) -> Context:
    """A second connection of the same site."""
    return Context(ConnectionFactory(name="Other"))


@pytest.mark.parametrize("scim_id", ["42", "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"])
@pytest.mark.parametrize("gone", [True, False])
def test_a_stranger_with_the_same_imported_id_keeps_what_is_told_of_them(
    context: Context, other: Context, gone: bool, scim_id: str
) -> None:
    imported(context, "stranger@example.com", scim_id, gone=gone)
    imported(other, NAME, scim_id)
    before = told("stranger@example.com")
    assert erase.erase(NAME) == (1, 2, 2)
    assert told(NAME) == 0
    assert told("stranger@example.com") == before
    assert not any(erase.erase(NAME))


def test_an_id_that_several_knew_needs_its_connection(context: Context, other: Context) -> None:
    imported(context, "stranger@example.com", "9")
    imported(other, NAME, "9")
    state = ours()
    with pytest.raises(erase.Ambiguous, match=f"“{context.connection.name}”, “Other” each knew somebody as 9"):
        erase.erase("9")
    assert ours() == state
    assert erase.erase("9", connection=other.connection).people == 1
    assert (told(NAME), told("stranger@example.com")) == (0, 3)
    with pytest.raises(erase.Ambiguous):
        erase.erase("9")
    assert not any(erase.erase("9", connection=other.connection))


def test_an_id_of_deleted_connections_is_told_apart_by_their_names(context: Context, other: Context) -> None:
    imported(context, "stranger@example.com", "9")
    imported(other, NAME, "9")
    connections.disable(other)
    connections.delete(other)
    assert erase.erase(NAME) == (0, 2, 0)
    assert (told(NAME), told("stranger@example.com")) == (0, 3)
    connections.disable(context)
    connections.delete(context)
    with pytest.raises(erase.Ambiguous, match=r"“Other” each knew somebody as 9"):
        erase.erase("9")
    assert erase.erase("stranger@example.com").events == 2
    assert told("stranger@example.com") == 0


@pytest.mark.parametrize("scim_id", ["42", "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"])
@pytest.mark.parametrize("by_id", [True, False])
def test_events_that_stay_with_the_giver_of_a_handover_are_erased(
    context: Context, other: Context, scim_id: str, by_id: bool
) -> None:
    imported(context, NAME, scim_id)
    ScimEvent.objects.filter(label=NAME, action="create").update(label="canary-old@example.com")
    hand_over(context, other)
    assert erase.erase(scim_id if by_id else NAME).events == 2
    assert "canary" not in repr(ours()).lower()


@pytest.mark.parametrize("scim_id", ["42", "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"])
def test_the_living_keep_what_the_giver_of_a_handover_says_of_them(
    context: Context, other: Context, scim_id: str
) -> None:
    """They had the name once that somebody else left under."""
    imported(context, NAME, scim_id, gone=False)
    ScimUser.objects.filter(scim_id=scim_id).update(user_name="new@example.com", user_name_key="new@example.com")
    hand_over(context, other)
    before = told(NAME)
    assert not any(erase.erase(NAME))
    assert told(NAME) == before
