"""What is erased is nowhere in our tables; what happened is still told."""

from __future__ import annotations

from typing import Any

import pytest

from api.helpers import dump
from conftest import ScimClient, person
from django_scim_provider.models import HeldRemoval, ScimConnection, ScimEvent, ScimRemoval, ScimUser
from django_scim_provider.services import connections, erase, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from services.people import configured

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


@pytest.fixture
def imported(connection: ScimConnection) -> list[ScimUser]:
    """Strangers with one id that was brought along, each deleted at a connection of their own; and their events."""
    rows = []
    for name, one in (("ann@example.com", connection), ("bob@example.com", ConnectionFactory(name="Other"))):
        context = Context(one)
        row = ScimUser.objects.get(scim_id=users.create_user(context, person(name)).id)
        ScimUser.objects.filter(pk=row.pk).update(scim_id="42")
        ScimEvent.objects.filter(connection=one).update(resource_id="42")
        users.delete_user(context, "42")
        rows.append(row)
    return rows


def names_told() -> set[str]:
    return set(ScimEvent.objects.filter(resource_type="User").values_list("label", flat=True))


def test_a_stranger_of_the_same_id_keeps_their_events(imported: list[ScimUser]) -> None:
    done = erase.erase("ann@example.com")
    assert (done.people, done.events > 0) == (1, True)
    assert names_told() == {erase.LABEL, "bob@example.com"}
    assert ScimRemoval.objects.filter(scim_user=imported[1]).exists()


def test_a_stranger_of_the_same_id_who_is_managed_stands_in_nobodys_way(imported: list[ScimUser]) -> None:
    scim_id = users.create_user(Context(imported[1].connection), person("bo@example.com")).id
    ScimUser.objects.filter(pk=imported[1].pk).update(scim_id="7")
    ScimUser.objects.filter(scim_id=scim_id).update(scim_id="42")
    assert erase.erase("ann@example.com").events > 0
    assert "ann@example.com" not in names_told()
    assert ScimUser.objects.get(scim_id="42", alive=True).user_name == "bo@example.com"


def test_an_id_that_several_people_have_is_refused(imported: list[ScimUser]) -> None:
    state = ours()
    with pytest.raises(erase.Ambiguous, match="Several people have the id 42") as error:
        erase.erase("42")
    assert "bob@example.com (“Other”)" in str(error.value)
    assert ours() == state


def test_events_of_a_connection_that_is_gone_are_erased(imported: list[ScimUser]) -> None:
    gone = Context(imported[0].connection)
    connections.disable(gone)
    connections.delete(gone)
    assert erase.erase("ann@example.com").events > 0
    assert names_told() == {erase.LABEL, "bob@example.com"}


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
