"""Each invariant, broken on purpose past every service, is found; what the services leave behind breaks none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection as database
from django.db.models import CharField, JSONField, TextField
from django.utils import timezone

from api.helpers import statements
from conftest import ScimClient
from django_scim_provider.adapters import GroupRoles, UserAdapter, get_user_adapter
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
)
from django_scim_provider.models.token_format import new_token
from django_scim_provider.services import audit, handover, invariants, role_mappings, tokens, undo
from django_scim_provider.services.context import Context
from group_support import push

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

OFF = {"op": "replace", "path": "active", "value": False}


def broken() -> dict[int, list[str]]:
    return {breach.number: breach.samples for breach in invariants.check()}


def rows(model: Any) -> Any:
    return model._base_manager.all()


@pytest.fixture
def site(
    scim: ScimClient, connection: ScimConnection, neighbour: ScimConnection, neighbour_scim: ScimClient
) -> dict[str, Any]:
    """Two connections with people, groups in groups, roles, departures and returns."""
    Group.objects.create(name="writer")
    role = get_user_adapter().roles.assignable(connection)[-1].key
    ids = [scim.create(f"{name}@example.com", title="x")["id"] for name in ("ann", "bob", "cy", "dan")]
    group = push(scim, "Staff", *ids[:3])["id"]
    outer = push(scim, "Everybody", group)["id"]
    role_mappings.save_mapping(Context(connection), "Staff", role)
    scim.patch(f"/Groups/{outer}", {"op": "replace", "path": "displayName", "value": "All"})
    scim.patch(f"/Users/{ids[1]}", {"op": "replace", "path": "title", "value": "y"})
    scim.patch(f"/Users/{ids[1]}", OFF)
    scim.delete(f"/Users/{ids[2]}")
    scim.delete(f"/Users/{ids[3]}")
    undo.undo(Context(connection), most=3)
    scim.delete(f"/Groups/{push(scim, 'Gone', ids[0])['id']}")
    other = neighbour_scim.create("zoe@example.com")["id"]
    theirs = push(neighbour_scim, "Staff", other)["id"]
    return {"ids": ids, "group": group, "outer": outer, "other": other, "theirs": theirs, "connection": connection}


@pytest.fixture
def ann(site: dict[str, Any]) -> Any:
    return ScimUser.objects.filter(scim_id=site["ids"][0])


@pytest.fixture
def bob(site: dict[str, Any]) -> Any:
    """Deactivated by the identity provider, once more after the undo."""
    return ScimUser.objects.filter(scim_id=site["ids"][1])


@pytest.mark.hosts
def test_what_the_services_leave_behind_breaks_none(site: dict[str, Any]) -> None:
    assert ScimRemoval.objects.exists()
    assert RoleGrant.objects.exists()
    assert broken() == {}


def test_an_empty_site_breaks_none(db: None) -> None:
    assert broken() == {}


def test_there_are_twelve() -> None:
    assert list(invariants.INVARIANTS) == list(range(1, 13))


def test_1_two_people_of_one_name(site: dict[str, Any], ann: Any) -> None:
    ScimUser.objects.filter(scim_id=site["ids"][1]).update(scope="elsewhere", user_name_key="ann@example.com")
    assert broken()[1] == [f"User {scim_id}" for scim_id in site["ids"][:2]]


def test_1_a_person_in_a_wrong_scope(ann: Any) -> None:
    ann.update(scope="elsewhere")
    assert broken()[1] == [f"User {ann.get().scim_id}"]


def test_2_an_id_of_two_resources(ann: Any, site: dict[str, Any]) -> None:
    ScimGroup.objects.filter(scim_id=site["outer"]).update(scim_id=site["ids"][0])
    assert broken()[2] == [f"User {site['ids'][0]}"]


@pytest.mark.parametrize("kind", ["person", "group"])
def test_2_an_id_that_lives_after_its_deletion(
    scim: ScimClient, connection: ScimConnection, site: dict[str, Any], kind: str
) -> None:
    if kind == "person":
        scim.delete(f"/Users/{site['ids'][0]}")
        assert broken() == {}
        ScimUser.objects.filter(scim_id=site["ids"][0]).update(alive=True)
        scim_id = site["ids"][0]
    else:
        row = ScimGroup.objects.get(scim_id=site["outer"])
        scim.delete(f"/Groups/{site['outer']}")
        row.save(force_insert=True)
        scim_id = site["outer"]
    assert broken()[2] == [f"{scim_id}, deleted before"]


def test_ids_that_imports_brought_along_may_be_of_several_resources(
    site: dict[str, Any], neighbour: ScimConnection
) -> None:
    """A person and a group of one connection; what another one did with the same ids is not said of them."""
    for model, scim_id in ((ScimUser, site["ids"][0]), (ScimGroup, site["outer"])):
        model.objects.filter(scim_id=scim_id).update(scim_id="42")
        rows(ScimEvent).filter(resource_id=scim_id).update(resource_id="42")
    assert broken() == {}
    others = Context(neighbour)
    for kind in ("User", "Group"):
        for _ in range(9):
            audit.record(others, "modify", resource_type=kind, resource_id="42", changed=["title"])
        deletion = audit.record(others, "delete", resource_type=kind, resource_id="42", status=204)
    rows(ScimEvent).filter(connection=neighbour, resource_id="42").update(at=timezone.now() + timedelta(hours=1))
    assert broken() == {}, "said of another connection's people"
    rows(ScimEvent).filter(pk=deletion.pk).update(connection=site["connection"])
    assert broken() == {2: ["42, deleted before"]}
    ScimGroup.objects.filter(scim_id="42").delete()
    assert broken() == {}, "of a group, not of the person"


@pytest.mark.parametrize("kind", ["User", "Group"])
def test_events_of_ids_drawn_here_stay_true_after_a_handover(
    site: dict[str, Any], neighbour: ScimConnection, kind: str
) -> None:
    scim_id = site["ids"][0] if kind == "User" else site["outer"]
    ScimGroup.objects.filter(scim_id=site["theirs"]).update(display_name_key="theirs", unique_key="theirs")
    handover.hand_over(Context(site["connection"]), Context(neighbour))
    assert broken() == {}
    audit.record(Context(site["connection"]), "delete", resource_type=kind, resource_id=scim_id, status=204)
    assert broken() == {2: [f"{scim_id}, deleted before"]}
    rows(ScimEvent).filter(connection=site["connection"]).update(connection=None)
    assert broken() == {2: [f"{scim_id}, deleted before"]}, "the giver may be gone"


def test_a_uuid_that_two_imports_brought_along_is_deleted_in_one(
    scim: ScimClient, connection: ScimConnection, neighbour: ScimConnection, neighbour_scim: ScimClient
) -> None:
    """Where tenants share accounts, and the account's own id is a UUID."""
    mine, theirs = scim.create("ann@example.com")["id"], neighbour_scim.create("ann@example.org")["id"]
    ScimUser.objects.filter(scim_id=theirs).update(scim_id=mine)
    rows(ScimEvent).filter(resource_id=theirs).update(resource_id=mine)
    assert neighbour_scim.delete(f"/Users/{mine}").status_code == 204
    assert broken() == {}


def test_a_group_that_was_imported_and_handed_over_began_with_the_giver(
    site: dict[str, Any], neighbour: ScimConnection
) -> None:
    rows(ScimEvent).filter(resource_id=site["theirs"]).update(resource_id="42", action="adopt")
    ScimGroup.objects.filter(scim_id=site["theirs"]).update(scim_id="42", connection=site["connection"], unique_key="x")
    ScimMembership.objects.filter(scim_user__scim_id=site["other"]).delete()
    assert broken() == {}
    rows(ScimEvent).filter(resource_id="42").update(resource_type="User")
    assert broken()[10] == ["42, without an event"]


@contextmanager
def no_foreign_keys() -> Iterator[None]:
    """The databases that look at the end of a transaction see it put right by then."""
    with database.constraint_checks_disabled():
        yield


def test_3_an_account_that_is_not_there(ann: Any) -> None:
    account = ann.get().user_id
    with no_foreign_keys():
        ann.update(user=2**31 - 9)
        found = broken()
        ann.update(user=account)
    assert found[3] == [f"User {ann.get().scim_id}"]
    assert broken() == {}


def test_4_a_password_that_the_deactivation_should_have_ended(bob: Any, scim: ScimClient) -> None:
    scim.patch(f"/Users/{bob.get().scim_id}", {"op": "replace", "path": "active", "value": True})
    scim.patch(f"/Users/{bob.get().scim_id}", OFF)
    assert broken() == {}
    user = bob.get().user
    user.set_password("correct horse")
    user.save()
    assert broken()[4] == [f"User {bob.get().scim_id}: a password, and what it vouches for"]
    user.is_active = True
    user.save()
    assert broken() == {}, "whoever is back may have one"


def test_5_a_role_without_its_group_and_a_group_without_its_role(ann: Any, site: dict[str, Any]) -> None:
    ann.get().user.groups.clear()
    RoleGrant.objects.filter(scim_user=ann.get()).delete()
    assert broken()[5] == [f"User {site['ids'][0]}: +writer"]
    ScimMembership.objects.filter(scim_user=ann.get()).delete()
    assert broken() == {}
    RoleGrant.objects.create(connection=site["connection"], scim_user=ann.get(), user=ann.get().user, role="writer")
    assert broken()[5] == [f"User {site['ids'][0]}: -writer"]


def test_5_without_mappings_the_role_for_people_whom_no_group_maps_is_looked_at(
    site: dict[str, Any], ann: Any, connection: ScimConnection
) -> None:
    GroupRoleMapping.objects.all().delete()
    RoleGrant.objects.all().delete()
    get_user_model().objects.get(pk=ann.get().user_id).groups.clear()
    assert 5 not in broken()
    ScimConnection.objects.filter(pk=connection.pk).update(unmapped_role="writer")
    assert f"User {site['ids'][0]}: +writer" in broken()[5]


@pytest.mark.parametrize(
    "way", ["somebody else's", "another connection's", "a deleted person's", "a person's without an account"]
)
def test_6_a_claim_on_a_role_that_is_not_that_persons(
    ann: Any, site: dict[str, Any], neighbour: ScimConnection, way: str
) -> None:
    grants = RoleGrant.objects.filter(scim_user=ann.get())
    if way == "somebody else's":
        grants.update(user=ScimUser.objects.get(scim_id=site["other"]).user_id)
    elif way == "another connection's":
        grants.update(connection=neighbour)
    elif way == "a person's without an account":
        ann.update(user=None)
    else:
        ann.update(alive=None)
    assert broken()[6] == [f"User {site['ids'][0]}: writer"]


@pytest.mark.parametrize("way", ["person", "group", "mapping", "tombstone"])
def test_7_a_member_of_another_connection(site: dict[str, Any], ann: Any, way: str) -> None:
    theirs = ScimGroup.objects.get(scim_id=site["theirs"])
    if way == "person":
        row = ScimMembership.objects.create(group=theirs, scim_user=ann.get())
    elif way == "group":
        row = ScimMembership.objects.create(group=theirs, child=ScimGroup.objects.get(scim_id=site["group"]))
    elif way == "tombstone":
        row = ScimMembership.objects.get(group=theirs)
        ScimUser.objects.filter(scim_id=site["other"]).update(alive=None)
    else:
        mapping = GroupRoleMapping.objects.get()
        GroupRoleMapping.objects.update(group=theirs)
        assert f"mapping {mapping.pk}" in broken()[7]
        return
    assert broken()[7] == [f"Group {site['theirs']}, membership {row.pk}"]


def test_8_a_protected_role_whose_holders_are_all_shut_out(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserAdapter, "roles", GroupRoles(protected=["writer", "owner"]))
    assert broken() == {}, "nobody was ever an owner"
    get_user_model().objects.filter(groups__name="writer").update(is_active=False)
    assert broken()[8] == ["writer"]


def test_9_a_change_that_is_recorded_and_not_there(ann: Any, site: dict[str, Any], scim: ScimClient) -> None:
    before = ann.get().modified_at
    scim.patch(f"/Users/{site['ids'][0]}", {"op": "replace", "path": "title", "value": "z"})
    assert broken() == {}
    event = ScimEvent.objects.filter(resource_id=site["ids"][0]).order_by("-pk")[0]
    rows(ScimEvent).filter(pk=event.pk).update(at=event.at + timedelta(seconds=1))
    ann.update(modified_at=before)
    assert broken()[9] == [f"User {site['ids'][0]}"]


def test_9_a_group_that_has_fewer_versions_than_changes(site: dict[str, Any]) -> None:
    assert ScimGroup.objects.get(scim_id=site["outer"]).version == 2
    ScimGroup.objects.filter(scim_id=site["outer"]).update(version=1)
    assert broken()[9] == [f"Group {site['outer']}"]


@pytest.mark.parametrize("kind", ["ids", "group"])
def test_10_a_resource_without_an_event(site: dict[str, Any], kind: str) -> None:
    scim_id = site["ids"][0] if kind == "ids" else site["group"]
    rows(ScimEvent).filter(resource_id=scim_id).delete()
    assert broken()[10] == [f"{scim_id}, without an event"]


def test_10_an_event_without_its_resource(site: dict[str, Any], connection: ScimConnection) -> None:
    context = Context(connection)
    event = audit.record(context, "create", resource_type="User", resource_id=uuid.uuid4(), status=201)
    audit.record(context, "create", resource_type="Device", resource_id="17", status=201)
    assert broken()[10] == [f"event {event.pk}, without a resource"]


def test_10_what_is_older_than_the_oldest_event_has_none(site: dict[str, Any]) -> None:
    rows(ScimEvent).delete()
    assert broken() == {}
    audit.record(Context(site["connection"]), "configure")
    assert broken() == {}


@pytest.mark.parametrize("where", ["detail", "values", "attributes", "name"])
def test_11_a_whole_token_in_any_column(site: dict[str, Any], ann: Any, where: str) -> None:
    text = f"see {new_token().text}, please"
    if where == "attributes":
        ann.update(attributes={"userName": "ann@example.com", "title": text})
        assert broken()[11] == [f"ScimUser {ann.get().pk}"]
    elif where == "name":
        ScimToken.objects.filter(pk=ScimToken.objects.first().pk).update(name=text)
        assert len(broken()[11]) == 1
    else:
        event = ScimEvent.objects.order_by("pk").first()
        rows(ScimEvent).filter(pk=event.pk).update(**{where: text if where == "detail" else {"title": text}})
        assert broken()[11] == [f"ScimEvent {event.pk}"]


def test_11_every_table_of_ours_that_has_text_is_looked_at() -> None:
    text = CharField, TextField, JSONField
    models = apps.get_app_config("scim_provider").get_models()
    assert set(invariants._TABLES) == {
        model for model in models if any(isinstance(field, text) for field in model._meta.concrete_fields)
    }


def test_11_a_token_in_an_event_of_no_connection(site: dict[str, Any]) -> None:
    event = ScimEvent.objects.create(at=timezone.now(), action="authenticate", detail=new_token().text)
    (breach,) = invariants.check()
    assert breach == (11, "", 1, [f"ScimEvent {event.pk}"])
    assert not list(invariants.check(site["connection"]))


def test_11_a_digest_that_is_none_and_passwords(site: dict[str, Any], ann: Any) -> None:
    token, removal = ScimToken.objects.order_by("pk")[0], ScimRemoval.objects.filter(kind="delete")[0]
    ScimToken.objects.filter(pk=token.pk).update(digest="in the clear")
    ann.update(attributes={"userName": "ann@example.com", "password": "x"})
    ScimRemoval.objects.filter(pk=removal.pk).update(state={"password": True, "attributes": {"password": "x"}})
    assert broken()[11] == [f"ScimToken {token.pk}", f"ScimUser {ann.get().pk}", f"ScimRemoval {removal.pk}"]


def test_12_a_protected_person_whom_scim_shut_out(bob: Any, scim: ScimClient) -> None:
    scim.patch(f"/Users/{bob.get().scim_id}", {"op": "replace", "path": "active", "value": True})
    scim.patch(f"/Users/{bob.get().scim_id}", OFF)
    get_user_model().objects.filter(pk=bob.get().user_id).update(is_superuser=True)
    assert broken()[12] == [f"User {bob.get().scim_id}"]
    ScimRemoval.objects.update(key_id="")
    assert broken() == {}, "an administrator may"


def test_counts_all_and_shows_five_in_portions(
    connection: ScimConnection, scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "PORTION", 3)
    ids = [scim.create(f"p{number}@example.com")["id"] for number in range(7)]
    ScimUser.objects.update(scope="elsewhere")
    assert list(invariants.check(connection)) == [(1, connection.name, 7, [f"User {scim_id}" for scim_id in ids[:5]])]


@pytest.mark.parametrize("more", [0, 40])
def test_queries_do_not_grow_with_the_rows(
    connection: ScimConnection,
    scim: ScimClient,
    more: int,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    for number in range(2 + more):
        scim.create(f"p{number}@example.com")
    push(scim, "Staff")
    with django_assert_max_num_queries(60):
        assert not list(invariants.check(connection))


def test_no_statement_has_a_not_in_over_a_table(site: dict[str, Any]) -> None:
    """PostgreSQL compares row by row what does not fit into ``work_mem``."""
    assert not [sql for sql in statements(broken) if re.search(r"NOT \(?\S+ IN \(SELECT|NOT IN \(SELECT", sql)]


def test_a_rotation_leaves_nothing_to_find(connection: ScimConnection) -> None:
    context = Context(connection)
    tokens.rotate(context, tokens.issue(context).token)
    assert broken() == {}
