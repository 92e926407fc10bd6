"""Taking over from django-scim2, told by what it left in a real project; ``recording.json`` says how it was made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError
from django.db import DatabaseError, OperationalError
from django.db import connection as database
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from api.helpers import dump, statements
from conftest import ScimClient, person
from django_scim_provider.models import (
    GroupRoleMapping,
    RoleGrant,
    ScimConnection,
    ScimEvent,
    ScimGroup,
    ScimMembership,
    ScimUser,
)
from django_scim_provider.protocol import urns
from django_scim_provider.services import connections, django_scim2, role_mappings, roles
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_support import push
from hosts.legacy.models import Assignment, Department, Person
from services.people import configured

pytestmark = [pytest.mark.django_db, pytest.mark.legacy]
Manage = Callable[..., Any]
IMPORT = ("scim_import_django_scim2", "--connection", "IdP")
TEAMS = {"Group": "hosts.legacy.scim.DepartmentAdapter"}


@pytest.fixture
def idp(recording: SimpleNamespace) -> ScimConnection:
    """Not enabled yet."""
    return connections.create("IdP", provider="okta")


@pytest.fixture
def client(idp: ScimConnection, manage: Manage, issue_token: Callable[..., str]) -> ScimClient:
    """The identity provider after the switch."""
    manage(*IMPORT)
    connections.enable(Context(idp))
    return ScimClient(issue_token(idp))


def new_person(name: str, scim_id: str) -> None:
    """Made past the signals, as everybody was before there was a connection."""
    Person.objects.bulk_create([Person(username=name, email=name, scim_id=scim_id, password="!")])


def reasons(output: Any) -> dict[str, int]:
    return dict(output.json["left_out"])


# What the identity provider sees ---------------------------------------------------------------------------


def test_everybody_is_found_under_the_id_of_before(recording: SimpleNamespace, client: ScimClient) -> None:
    for before in recording.users.values():
        shown = client.get(f"/Users/{before['id']}").json()
        same = ("id", "externalId", "userName", "active")
        assert [shown[name] for name in same] == [before[name] for name in same]
        assert shown["meta"]["location"].endswith(f"/scim/v2/Users/{before['id']}")
        assert [group["value"] for group in shown.get("groups", [])] == [g["value"] for g in before["groups"]]
        for name in ("id", "externalId", "userName"):
            assert [found["id"] for found in client.find(f'{name} eq "{before[name]}"')] == [before["id"]]
    listed = client.get("/Users", sortBy="id").json()["Resources"]
    assert [resource["id"] for resource in listed] == ["1", "2", "3", "4", "5"]


def test_groups_keep_ids_names_and_members(recording: SimpleNamespace, client: ScimClient) -> None:
    for before in recording.groups.values():
        shown = client.get(f"/Groups/{before['id']}").json()
        same = ("id", "externalId", "displayName")
        assert [shown[name] for name in same] == [before[name] for name in same]
        assert [member["value"] for member in shown["members"]] == [member["value"] for member in before["members"]]


@pytest.mark.parametrize("scim_id", ["0", "99", "02", " 2", "2.0", "x" * 300, "2%00", "bulkId:2"])
def test_an_id_that_nobody_has_is_a_404(client: ScimClient, scim_id: str) -> None:
    for path in ("/Users", "/Groups"):
        assert client.get(f"{path}/{scim_id}").status_code == 404
        assert client.delete(f"{path}/{scim_id}").status_code == 404
    assert ScimUser.objects.filter(alive=True).count() == 5


def test_the_identity_provider_goes_on_with_the_ids_it_knows(recording: SimpleNamespace, client: ScimClient) -> None:
    ann, bob, cy, _ = (resource["id"] for resource in recording.users.values())
    group = recording.groups["Engineering"]["id"]
    answer = client.patch(f"/Users/{bob}", {"op": "replace", "path": "active", "value": False})
    assert (answer.status_code, answer.json()["id"], answer.json()["active"]) == (200, bob, False)
    assert Person.objects.get(pk=bob).is_active is False
    answer = client.patch(
        f"/Groups/{group}",
        {"op": "add", "path": "members", "value": [{"value": cy}]},
        {"op": "remove", "path": f'members[value eq "{ann}"]'},
    )
    assert answer.status_code == 200
    assert {member["value"] for member in answer.json()["members"]} == {bob, cy}
    assert client.delete(f"/Users/{cy}").status_code == 204
    assert client.get(f"/Users/{cy}").status_code == 404


def test_pushing_everything_again_makes_nobody_new(recording: SimpleNamespace, client: ScimClient) -> None:
    for name, before in recording.users.items():
        (found,) = client.find(f'userName eq "{name}"', startIndex=1, count=100)
        body = person(name, id=before["id"], externalId=before["externalId"], name=before["name"])
        assert client.put(f"/Users/{found['id']}", body).json()["id"] == before["id"]
    for name, before in recording.groups.items():
        (found,) = client.get("/Groups", filter=f'displayName eq "{name}"').json()["Resources"]
        body = {"schemas": [urns.GROUP], "displayName": name, "members": before["members"]}
        assert client.put(f"/Groups/{found['id']}", body).json()["id"] == before["id"]
    assert Person.objects.count() == ScimUser.objects.count() == 5
    assert ScimGroup.objects.count() == 2


def test_a_new_person_gets_an_id_of_ours_whatever_the_client_asks_for(client: ScimClient) -> None:
    assert len(client.create("eve@example.com", id="1")["id"]) == 36


def test_the_same_ids_under_another_connection_are_somebody_elses(client: ScimClient, issue_token: Any) -> None:
    other = ScimClient(issue_token(ConnectionFactory(existing_accounts="never")))
    assert other.get("/Users/2").status_code == 404
    answer = other.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Theirs", "members": [{"value": "2"}]})
    assert answer.json()["members"] == []


# The command -----------------------------------------------------------------------------------------------


def test_it_says_what_it_did_and_does_nothing_the_second_time(idp: ScimConnection, manage: Manage) -> None:
    done = manage(*IMPORT)
    assert done.out.splitlines() == [
        "Imported 5 people and 2 groups with 3 memberships and 0 role mappings; 0 were there.",
        "“root” is protected: the identity provider can no longer end their access.",
    ]
    assert ScimUser.objects.filter(connection=idp, origin="adopted", alive=True).count() == 5
    told = list(ScimEvent.objects.order_by("pk").values_list("action", "label", "detail"))
    assert told == [
        ("adopt", "IdP", "Imported 5 people from django-scim2."),
        ("adopt", "Engineering", "Imported from django-scim2."),
        ("adopt", "Sales", "Imported from django-scim2."),
    ]
    before = dump()
    again = manage(*IMPORT, "--json").json
    assert (again["people"], again["groups"], again["present"], again["left_out"]) == (0, 0, 7, {})
    assert dump() == before


def test_a_dry_run_says_the_same_and_leaves_nothing(idp: ScimConnection, manage: Manage) -> None:
    before = dump()
    told = manage(*IMPORT, "--dry-run", "--json").json
    assert dump() == before
    assert told == manage(*IMPORT, "--json").json | {"dry_run": True}
    assert manage(*IMPORT, "--dry-run").out.startswith("Would import 0 people")


def test_bars_are_drawn_on_a_terminal(idp: ScimConnection, manage: Manage) -> None:
    drawn = manage(*IMPORT, tty=True).err
    assert "people [#" in drawn
    assert "groups [#" in drawn


def test_whoever_was_adopted_before_gets_the_old_id(idp: ScimConnection, manage: Manage) -> None:
    connections.enable(Context(idp))
    assert manage(*IMPORT, "--json").json["people"] == 5
    row = ScimUser.objects.get(scim_id="2")
    assert (row.external_id, row.attributes["externalId"]) == ("00uAnn", "00uAnn")
    assert "externalId" not in ScimUser.objects.get(scim_id="1").attributes


def test_what_the_identity_provider_has_written_to_keeps_its_id(
    idp: ScimConnection, manage: Manage, issue_token: Callable[..., str]
) -> None:
    with configured(ADAPTERS=TEAMS):
        connections.enable(Context(idp))
        client = ScimClient(issue_token(idp))
        ann = ScimUser.objects.get(user=2).scim_id
        client.patch(f"/Users/{ann}", {"op": "replace", "path": "nickName", "value": "A."})
        sales = ScimGroup.objects.get(display_name="Sales").scim_id
        client.patch(f"/Groups/{sales}", {"op": "replace", "path": "externalId", "value": "s"})
        client.create("eve@example.com")
        Person.objects.filter(username="eve@example.com").update(scim_id="eve")
        done = manage(*IMPORT, "--json", fails="3 people or groups are left out")
    assert reasons(done) == {django_scim2.OTHER_ID: 3}
    assert (done.json["people"], done.json["groups"]) == (4, 1)
    assert ScimUser.objects.get(user=2).scim_id == ann
    assert ScimGroup.objects.get(display_name="Sales").scim_id == sales
    assert ScimGroup.objects.get(display_name="Engineering").scim_id == "1"


def test_departments_go_on_with_their_groups(idp: ScimConnection, manage: Manage, issue_token: Any) -> None:
    with configured(ADAPTERS=TEAMS):
        manage(*IMPORT)
        connections.enable(Context(idp))
        answer = ScimClient(issue_token(idp)).patch("/Groups/1", {"op": "remove", "path": 'members[value eq "2"]'})
    assert answer.status_code == 200
    assert list(Assignment.objects.filter(department=1).values_list("person_id", flat=True)) == [3]
    assert ScimGroup.objects.count() == 2


def _tombstone(idp: ScimConnection) -> None:
    row = ScimUser.objects.create(
        connection=idp, scope="/", user_id=2, user_name="x", user_name_key="x", alive=None,
        created_at="2026-01-01T00:00Z", modified_at="2026-01-01T00:00Z",
    )  # fmt: skip
    assert row.scim_id != "2"


def _used(idp: ScimConnection) -> None:
    _tombstone(idp)
    ScimUser.objects.update(scim_id="3", user=None)


def _namesake(idp: ScimConnection) -> None:
    _tombstone(idp)
    ScimUser.objects.update(alive=True, user=None, user_name_key="ann@example.com")


def _elsewhere(idp: ScimConnection) -> None:
    other = ConnectionFactory(name="Other")
    _tombstone(other)
    ScimUser.objects.update(alive=True)


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        (django_scim2.NAME_TAKEN, _namesake),
        (django_scim2.NAME_UNUSABLE, lambda idp: new_person("a\u202eb", "6")),
        (django_scim2.ID_UNUSABLE, lambda idp: new_person("eve", "6/7")),
        (django_scim2.ID_TAKEN, _used),
        (django_scim2.DELETED, _tombstone),
        (django_scim2.OTHER_CONNECTION, _elsewhere),
    ],
)
def test_who_cannot_be_imported_is_named_with_the_reason(
    idp: ScimConnection, manage: Manage, reason: str, spoil: Callable[[ScimConnection], object]
) -> None:
    spoil(idp)
    wanted = Person.objects.count()
    done = manage(*IMPORT, "--json", fails="1 person or group is left out")
    assert reasons(done) == {reason: 1}
    assert [problem["reason"] for problem in done.json["problems"]] == [reason]
    assert done.json["people"] == wanted - 1
    assert reason in manage(*IMPORT, fails="left out").out


def test_many_who_are_left_out_are_counted(
    idp: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_scim2, "SAMPLE", 1)
    for number in range(3):
        new_person(f"eve{number}", f"{number}/")
    assert manage(*IMPORT, fails="3 people").out.splitlines()[-1] == "2 more are left out."


def test_two_people_with_one_id_are_not_mixed_up(idp: ScimConnection, manage: Manage) -> None:
    Person.objects.update(last_name="same")
    done = manage(*IMPORT, "--user-id", "last_name", "--no-groups", "--json", fails="left out")
    assert (done.json["people"], reasons(done)) == (1, {django_scim2.ID_TAKEN: 4})


def test_only_who_was_provisioned_comes_along_where_nobody_is_adopted(idp: ScimConnection, manage: Manage) -> None:
    connections.configure(Context(idp), existing_accounts="never")
    Person.objects.filter(pk=2).update(scim_external_id="")
    Person.objects.filter(pk=3).update(scim_username=None, scim_external_id="")
    assert manage(*IMPORT, "--json").json["people"] == 3
    assert sorted(ScimUser.objects.values_list("scim_id", flat=True)) == ["2", "4", "5"]


def test_who_has_no_id_is_left_to_adoption(idp: ScimConnection, manage: Manage) -> None:
    Person.objects.filter(pk=2).update(scim_id=None)
    Person.objects.filter(pk=3).update(scim_id="")
    assert manage(*IMPORT, "--json").json["people"] == 3
    assert connections.enable(Context(idp)).adopted == 2


def test_whom_the_adapter_does_not_let_in_is_named(idp: ScimConnection, manage: Manage) -> None:
    with configured(ADAPTERS={"User": "hosts.legacy.scim.StaffAdapter"}):
        done = manage(*IMPORT, "--json", fails="4 people")
    assert reasons(done) == {django_scim2.OUT_OF_SCOPE: 4}
    assert (done.json["people"], done.json["memberships"]) == (1, 0)


def test_who_is_out_of_scope_is_not_looked_for_with_not_in(idp: ScimConnection, manage: Manage) -> None:
    """PostgreSQL compares row by row what does not fit into ``work_mem``."""
    ran = statements(lambda: manage(*IMPORT))
    assert not [sql for sql in ran if re.search(r"NOT \(?\S+ IN \(SELECT|NOT IN \(SELECT", sql)]


def test_a_name_in_other_letters_is_shown_as_it_was_sent(idp: ScimConnection, manage: Manage) -> None:
    Person.objects.filter(pk=2).update(username="ann@example.com")
    manage(*IMPORT)
    assert ScimUser.objects.get(scim_id="2").user_name == "Ann@Example.com"


def test_a_database_that_fails_is_told_of(idp: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> None:
        raise DatabaseError("gone")

    monkeypatch.setattr(django_scim2.sync, "insert", fail)
    manage(*IMPORT, fails="Not finished; .* gone")


@pytest.mark.django_db(transaction=True)
def test_what_met_a_lock_is_tried_again_and_counted_once(
    idp: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_person("eve", "6/")
    tries: Counter[str] = Counter()

    def once(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def meet_a_lock(*args: Any, **kwargs: Any) -> Any:
            done = work(*args, **kwargs)
            tries[name] += 1
            if tries[name] == 1:
                raise OperationalError("database is locked")
            return done

        return meet_a_lock

    monkeypatch.setattr(django_scim2, "_note_protected", once("people", django_scim2._note_protected))
    monkeypatch.setattr(roles, "recompute", once("groups", roles.recompute))
    done = manage(*IMPORT, "--json", fails="1 person or group").json
    assert tries == {"people": 3, "groups": 3}
    assert (done["people"], done["groups"], done["memberships"]) == (5, 2, 3)
    assert (done["left_out"], len(done["problems"])) == ({django_scim2.ID_UNUSABLE: 1}, 1)
    assert done["protected"] == ["root"]


@pytest.mark.django_db(transaction=True)
def test_what_meets_a_lock_for_good_is_told_of(
    idp: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(django_scim2.sync, "insert", fail)
    manage(*IMPORT, fails="Not finished; .* Another request changes the same data")


def test_queries_grow_with_batches_and_not_with_people(
    idp: ScimConnection, manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count() -> int:
        with CaptureQueriesContext(database) as queries:
            manage(*IMPORT, "--dry-run")
        return len(queries)

    count()
    few = count()
    for number in range(40):
        new_person(f"more{number}", f"more-{number}")
    assert count() <= few + 1, "an INSERT more of values, on SQLite"


# Groups ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scim_id", "reason"),
    [
        ("", "9", "a group needs a name"),
        ("x" * 256, "9", "a group needs a name"),
        ("SALES", "9", "the connection has a group of this name"),
        ("Other", "a b", "characters that cannot stand"),
    ],
)
def test_groups_that_cannot_be_imported(
    idp: ScimConnection, manage: Manage, name: str, scim_id: str, reason: str
) -> None:
    Department.objects.create(name=name, scim_id=scim_id)
    assert reason in manage(*IMPORT, fails="1 person or group").out
    assert ScimGroup.objects.count() == 2


def test_equal_names_come_along_where_they_are_allowed(idp: ScimConnection, manage: Manage) -> None:
    connections.configure(Context(idp), equal_group_names="allow")
    Department.objects.create(name="SALES", scim_id="9")
    assert manage(*IMPORT, "--json").json["groups"] == 3


def test_somebody_named_twice_is_a_member_once_and_strangers_are_none(idp: ScimConnection, manage: Manage) -> None:
    Person.objects.filter(pk=3).update(scim_id=None)
    Assignment.objects.create(person_id=2, department_id=1)
    assert manage(*IMPORT, "--json").json["memberships"] == 2
    assert sorted(ScimMembership.objects.values_list("scim_user__scim_id", flat=True)) == ["2", "4"]


def test_only_the_groups_that_are_asked_for(idp: ScimConnection, manage: Manage) -> None:
    assert manage(*IMPORT, "--group-filter", "name=Sales", "--json").json["groups"] == 1
    assert manage(*IMPORT, "--no-groups", "--json").json["present"] == 5


@pytest.fixture
def mapped(idp: ScimConnection, manage: Manage, issue_token: Callable[..., str]) -> ScimClient:
    """After an import with roles, where the role Engineering exists, which Ann and a stranger hold."""
    role = Group.objects.create(name="Engineering")
    role.user_set.add(2, 4)
    assert manage(*IMPORT, "--roles", "--json").json["role_mappings"] == 1
    connections.enable(Context(idp))
    return ScimClient(issue_token(idp))


def test_roles_of_the_groups_names_follow_them_from_now_on(mapped: ScimClient) -> None:
    assert list(GroupRoleMapping.objects.values_list("group_name", "role")) == [("Engineering", "Engineering")]
    assert set(RoleGrant.objects.values_list("user_id", flat=True)) == {2, 3}, "Bob is given it, Ann has it by SCIM now"
    held = Group.objects.get().user_set
    assert set(held.values_list("pk", flat=True)) == {2, 3, 4}
    mapped.patch("/Groups/1", {"op": "replace", "path": "members", "value": []})
    assert set(held.values_list("pk", flat=True)) == {4}, "a role given by hand stays"


def test_a_mapping_that_waits_for_the_group_takes_effect(idp: ScimConnection, manage: Manage) -> None:
    role = Group.objects.create(name="Makers")
    role.user_set.add(2)
    role_mappings.save_mapping(Context(idp), "engineering", "Makers")
    manage(*IMPORT)
    assert set(role.user_set.values_list("pk", flat=True)) == {2, 3}
    assert RoleGrant.objects.get().user_id == 3, "Ann's was given by hand"


def test_groups_pushed_since_are_left_alone(client: ScimClient, manage: Manage) -> None:
    push(client, "New", "2")
    client.patch("/Groups/1", {"op": "replace", "value": {"displayName": "R&D"}})
    before = dump()
    assert manage(*IMPORT, "--json").json["present"] == 7
    assert dump() == before


# What it is told -------------------------------------------------------------------------------------------


def test_django_s_own_groups_have_no_ids_so_there_are_none(idp: ScimConnection, manage: Manage) -> None:
    with override_settings(SCIM_SERVICE_PROVIDER={}):
        done = manage(*IMPORT, "--json")
        assert "No groups: auth.Group has no column scim_id" in done.err
        assert done.json["groups"] == 0
        Group.objects.create(name="Staff").user_set.add(2)
        assert manage(*IMPORT, "--group-id", "pk", "--json").json["memberships"] == 1


def test_a_model_may_be_given_as_it_is(idp: ScimConnection, manage: Manage) -> None:
    with override_settings(SCIM_SERVICE_PROVIDER={"GROUP_MODEL": Department}):
        assert manage(*IMPORT, "--json").json["groups"] == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--user-id", "nope"], "legacy.Person has no column nope"),
        (["--user-name", "departments"], "has no column departments"),
        (["--group-name", "title"], "legacy.Department has no column title"),
        (["--group-model", "legacy.Nope"], "doesn't have a 'Nope' model"),
        (
            ["--group-model", "auth.Permission", "--group-id", "pk", "--members", "nope"],
            "Cannot resolve keyword 'nope'",
        ),
        (["--group-filter", "nope=1"], "Cannot resolve keyword 'nope'"),
        (["--group-filter", "pk=x"], "expected a number but got 'x'"),
        (
            ["--group-model", "contenttypes.ContentType", "--group-id", "pk", "--group-name", "model"],
            "has none: say which",
        ),
        (["--connection", "Nobody"], "There is no connection"),
        (["--group-filter", "name"], "not of the form LOOKUP=VALUE"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_done(
    idp: ScimConnection, manage: Manage, arguments: list[str], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        manage(*IMPORT, *arguments)
    assert not ScimUser.objects.exists()


def test_a_setting_that_leads_nowhere_is_told_of(idp: ScimConnection, manage: Manage) -> None:
    with override_settings(SCIM_SERVICE_PROVIDER={"GROUP_MODEL": "hosts.legacy.models.Nope"}):
        manage(*IMPORT, fails="GROUP_MODEL'] cannot be imported")


def test_without_django_scim2_s_columns_the_key_is_the_id(idp: ScimConnection, manage: Manage) -> None:
    found = django_scim2.Columns.of(Group)
    assert found == django_scim2.Columns()
    assert django_scim2.Columns.of(Group, id="pk").read()[0] == "pk"
