from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection as database
from django.db import connections, transaction
from django.utils import timezone

from django_scim_provider.models import (
    GroupRoleMapping,
    RoleGrant,
    ScimConnection,
    ScimEvent,
    ScimGroup,
    ScimMembership,
    ScimRemoval,
    ScimToken,
    ScimUser,
    ScimValue,
)
from django_scim_provider.protocol.errors import NotFound
from django_scim_provider.services import handover, tokens, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.handover import HandoverError, hand_over
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]


@pytest.fixture
def giver(db: None) -> Context:
    return Context(ConnectionFactory(name="Old", existing_accounts="never"))


@pytest.fixture
def taker(db: None) -> Context:
    return Context(ConnectionFactory(name="New", existing_accounts="never", provider="entra"))


def create(context: Context, name: str) -> ScimUser:
    body = {"schemas": [context.adapter.schema.id], "userName": name, "emails": [{"value": name}]}
    return ScimUser.objects.get(scim_id=users.create_user(context, body).id)


def group(context: Context, name: str, **fields: Any) -> ScimGroup:
    key = name.lower()
    moment = timezone.now()
    allowed = context.connection.equal_group_names == ScimConnection.EqualGroupNames.ALLOW
    values = {
        "display_name_key": key,
        "unique_key": None if allowed else key,
        "created_at": moment,
        "modified_at": moment,
    }
    return ScimGroup.objects.create(connection=context.connection, display_name=name, **values | fields)


def test_everything_changes_hands_and_keeps_its_ids(giver: Context, taker: Context) -> None:
    ada, bob = create(giver, "ada@example.com"), create(giver, "bob@example.com")
    crew = group(giver, "Crew", external_id="g1", version=7)
    membership = ScimMembership.objects.create(group=crew, scim_user=ada)
    mapping = GroupRoleMapping.objects.create(connection=giver.connection, group=crew, group_name="Crew", role="editor")
    grant = RoleGrant.objects.create(connection=giver.connection, scim_user=ada, user=ada.user, role="editor")
    removal = ScimRemoval.objects.create(connection=giver.connection, scim_user=bob, at=timezone.now())
    before = list(ScimUser.objects.order_by("pk").values())
    values = ScimValue.objects.count()

    assert hand_over(giver, taker) == handover.Handover(people=2, groups=1, role_mappings=1, role_grants=1)

    assert list(ScimUser.objects.order_by("pk").values()) == [
        row | {"connection_id": taker.connection.pk} for row in before
    ]
    crew.refresh_from_db()
    assert (crew.connection, crew.external_id, crew.version, crew.unique_key) == (taker.connection, "g1", 7, "crew")
    for row in (mapping, grant, removal):
        row.refresh_from_db()
        assert row.connection == taker.connection
    membership.refresh_from_db()
    assert (membership.group, membership.scim_user) == (crew, ada)
    assert ScimValue.objects.count() == values


def test_accounts_are_not_touched(giver: Context, taker: Context) -> None:
    row = create(giver, "ada@example.com")
    accounts = type(row.user)._base_manager
    before = accounts.values().get()
    hand_over(giver, taker)
    assert accounts.values().get() == before


def test_the_taker_manages_from_then_on_and_the_giver_does_not(giver: Context, taker: Context) -> None:
    scim_id = str(create(giver, "ada@example.com").scim_id)
    hand_over(giver, taker)
    operation = {"op": "replace", "value": {"active": False}}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]}
    with pytest.raises(NotFound):
        users.modify_user(giver, scim_id, body)
    users.modify_user(taker, scim_id, body)
    assert ScimUser.objects.get().attributes["active"] is False


def test_tombstones_go_along_so_that_names_stay_free(giver: Context, taker: Context) -> None:
    row = create(giver, "ada@example.com")
    users.delete_user(giver, str(row.scim_id))
    assert hand_over(giver, taker).people == 0
    giver.connection.delete()
    assert create(taker, "ada@example.com").scim_id != row.scim_id


def test_imported_ids_that_both_have_stay_apart(giver: Context, taker: Context) -> None:
    for context, name in ((giver, "ada@example.com"), (taker, "bob@example.com")):
        ScimUser.objects.filter(pk=create(context, name).pk).update(scim_id="42")
    with pytest.raises(HandoverError, match="with the ids 42,"):
        hand_over(giver, taker)
    assert ScimUser.objects.filter(connection=giver.connection).count() == 1


def test_both_connections_have_it_in_their_events(giver: Context, taker: Context) -> None:
    create(giver, "ada@example.com")
    hand_over(giver, taker)
    released = ScimEvent.objects.get(connection=giver.connection, action="release")
    adopted = ScimEvent.objects.get(connection=taker.connection, action="adopt")
    assert released.detail == "Handed 1 people and 0 groups over to New."
    assert adopted.detail == "Took 1 people and 0 groups over from Old."


def test_tokens_stay_with_the_giver(giver: Context, taker: Context) -> None:
    tokens.issue(giver)
    hand_over(giver, taker)
    assert ScimToken.objects.get().connection == giver.connection


def test_a_connection_cannot_hand_over_to_itself(giver: Context) -> None:
    with pytest.raises(HandoverError, match="to itself"):
        hand_over(giver, Context(ScimConnection.objects.get()))


def test_scopes_are_not_mixed(giver: Context, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"PORTALS": {"store": {}}}
    row = create(giver, "ada@example.com")
    store = Context(ConnectionFactory(name="Store", portal="store", existing_accounts="never"))
    with pytest.raises(HandoverError, match="“Old” and “Store” serve different organizations or portals"):
        hand_over(giver, store)
    row.refresh_from_db()
    assert row.connection == giver.connection
    assert not ScimEvent.objects.filter(action="release").exists()


def test_groups_of_one_name_are_refused_by_name(giver: Context, taker: Context) -> None:
    row = create(giver, "ada@example.com")
    group(giver, "Crew")
    group(giver, "Guests")
    group(taker, "CREW")
    with pytest.raises(HandoverError, match=r"several groups of the same name in “New”: Crew\. Rename or delete"):
        hand_over(giver, taker)
    row.refresh_from_db()
    assert row.connection == giver.connection


def test_groups_of_one_name_within_the_giver_are_refused_where_the_taker_refuses_them(taker: Context) -> None:
    giver = Context(ConnectionFactory(name="Old", existing_accounts="never", equal_group_names="allow"))
    group(giver, "Crew")
    group(giver, "Crew")
    with pytest.raises(HandoverError, match="Crew"):
        hand_over(giver, taker)


def test_a_taker_that_refuses_equal_names_makes_names_unique(taker: Context) -> None:
    giver = Context(ConnectionFactory(name="Old", existing_accounts="never", equal_group_names="allow"))
    crew = group(giver, "Crew")
    hand_over(giver, taker)
    crew.refresh_from_db()
    assert crew.unique_key == "crew"


def test_a_taker_that_allows_equal_names_takes_them(giver: Context) -> None:
    taker = Context(ConnectionFactory(name="New", existing_accounts="never", equal_group_names="allow"))
    crew, other = group(giver, "Crew"), group(taker, "Crew")
    assert hand_over(giver, taker).groups == 1
    crew.refresh_from_db()
    assert (crew.connection, crew.unique_key, other.unique_key) == (taker.connection, None, None)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_request_that_waited_finds_the_person_gone(giver: Context, taker: Context) -> None:
    if not database.features.has_select_for_update:
        pytest.skip("this database locks as a whole")
    HostUserFactory()
    scim_id = str(create(giver, "ada@example.com").scim_id)
    outcome: list[BaseException | None] = []

    def patch() -> None:
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "title", "value": "Late"}],
        }
        try:
            users.modify_user(Context(giver.connection), scim_id, body)
            outcome.append(None)
        except NotFound as error:
            outcome.append(error)
        finally:
            connections.close_all()

    request = threading.Thread(target=patch)
    with transaction.atomic():
        hand_over(giver, taker)
        request.start()
        request.join(0.5)
        assert request.is_alive(), "the request waits for the rows"
    request.join(20)
    assert isinstance(outcome[0], NotFound)
    assert ScimUser.objects.get(scim_id=scim_id).attributes.get("title") is None
