"""A host's own teams, kept in step with groups (GroupAdapter with ``team`` and ``team_members``)."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db.models.signals import post_save
from django.test import override_settings

from conftest import ScimClient
from django_scim_provider.adapters import get_group_adapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.services import connections, invariants, role_mappings, roles, teams, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.transactions import now
from factories import ConnectionFactory, HostUserFactory
from group_hosts import on_teams_host
from group_support import change, in_group, join, leave, make_group, provision, push, remove, rename, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = [pytest.mark.django_db, pytest.mark.hosts, on_teams_host]


def Team() -> Any:  # noqa: N802 (the model, which only this host has)
    return apps.get_model("teams.Team")


def members(team: Any) -> set[Any]:
    return set(apps.get_model("teams.TeamMember").objects.filter(team=team).values_list("user_id", flat=True))


def put_in(team: Any, *users: Any) -> None:
    for user in users:
        apps.get_model("teams.TeamMember").objects.create(team=team, user=user, note="by hand")


PLAIN = "django_scim_provider.adapters.GroupAdapter"


@pytest.fixture
def adopting(db: None) -> Context:
    """A connection that takes over what exists."""
    return Context(ConnectionFactory(existing_accounts="adopt"))


@pytest.fixture
def context(db: None) -> Context:
    """A connection that takes over nothing."""
    return Context(ConnectionFactory(existing_accounts="never"))


# A team for each group ---------------------------------------------------------------------------------------


def test_a_pushed_group_makes_a_team(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    group = make_group(context, "Staff", ann)
    team = Team().objects.get()
    assert (team.name, team.color, group.team_key, group.made_team) == ("Staff", "red", str(team.pk), True)
    assert members(team) == {ann.user_id}
    join(context, group, bob)
    assert members(team) == {ann.user_id, bob.user_id}
    leave(context, group, ann)
    assert members(team) == {bob.user_id}
    rename(context, group, "Crew")
    team.refresh_from_db()
    assert (team.name, team.color) == ("Crew", "red")
    remove(context, group)
    assert not Team().objects.exists()


def test_a_replaced_list_is_carried_over(context: Context) -> None:
    ann, bob, cy = provision(context, "ann", "bob", "cy")
    group = make_group(context, "Staff", ann, bob)
    value = [{"value": str(row.scim_id)} for row in (bob, cy)]
    change(context, group, {"op": "replace", "path": "members", "value": value})
    assert members(Team().objects.get()) == {bob.user_id, cy.user_id}


def test_people_in_the_team_by_hand_stay(context: Context) -> None:
    (ann,) = provision(context, "ann")
    group = make_group(context, "Staff", ann)
    team = Team().objects.get()
    stranger = HostUserFactory()
    put_in(team, stranger)
    change(context, group, {"op": "remove", "path": "members"})
    assert members(team) == {stranger.pk}


def test_somebody_who_is_there_already_is_not_added_twice(context: Context) -> None:
    (ann,) = provision(context, "ann")
    group = make_group(context, "Staff")
    put_in(Team().objects.get(), ann.user)
    join(context, group, ann)
    rows = apps.get_model("teams.TeamMember").objects.values_list("user_id", "note")
    assert list(rows) == [(ann.user_id, "by hand")]


def test_the_hosts_signals_are_sent(context: Context) -> None:
    made: list[Any] = []

    def note(instance: Any, created: bool, **kwargs: Any) -> None:
        made.append((type(instance).__name__, created))

    model = apps.get_model("teams.TeamMember")
    post_save.connect(note, sender=model)
    try:
        ann, bob = provision(context, "ann", "bob")
        make_group(context, "Staff", ann, bob)
    finally:
        post_save.disconnect(note, sender=model)
    assert made == [("TeamMember", True)] * 2


def test_a_deleted_person_leaves_their_teams(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    make_group(context, "Staff", ann, bob)
    users.delete_user(context, str(ann.scim_id))
    assert members(Team().objects.get()) == {bob.user_id}


def test_people_without_an_account_join_the_team_when_they_get_one(context: Context) -> None:
    ScimConnection.objects.filter(pk=context.connection.pk).update(on_create="ignore", default_role="guest")
    context.connection.refresh_from_db()
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    team = Team().objects.get()
    assert members(team) == set()
    ScimConnection.objects.filter(pk=context.connection.pk).update(on_create="create")
    context.connection.refresh_from_db()
    for active in (False, True):
        users.modify_user(
            context, str(ann.scim_id), {"Operations": [{"op": "replace", "path": "active", "value": active}]}
        )
    ann.refresh_from_db()
    assert members(team) == {ann.user_id}
    assert ann.user.role == "guest"


def test_nested_groups_are_teams_of_their_own(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    inner = make_group(context, "Inner", ann)
    make_group(context, "Outer", inner, bob)
    assert {team.name: members(team) for team in Team().objects.all()} == {
        "Inner": {ann.user_id},
        "Outer": {bob.user_id},
    }


def test_a_team_that_the_host_deleted_stays_deleted(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    group = make_group(context, "Staff", ann)
    Team().objects.all().delete()
    join(context, group, bob)
    leave(context, group, ann)
    rename(context, group, "Crew")
    remove(context, group)
    assert not Team().objects.exists()
    assert not ScimGroup.objects.exists()


@pytest.mark.parametrize("change_", ["create", "rename"])
def test_a_name_that_no_team_may_have_is_refused(
    context: Context, monkeypatch: pytest.MonkeyPatch, change_: str
) -> None:
    """SQLite would keep what is too long for the column, the others fail at the end."""
    group = make_group(context, "Staff") if change_ == "rename" else None
    monkeypatch.setattr(type(context.group_adapter), "team_name", "color")
    monkeypatch.setattr(type(context.group_adapter), "new_team", lambda self, name, connection: Team()(color=name))
    work = make_group if group is None else partial(rename, group=group)
    with pytest.raises(InvalidValue, match="cannot call a team so"):
        work(context, name="x" * 21)
    assert ScimGroup.objects.count() == (group is not None)


# Teams that exist --------------------------------------------------------------------------------------------


def test_a_team_of_the_name_is_taken_over_where_the_policy_says_so(context: Context, adopting: Context) -> None:
    team = Team().objects.create(name="STAFF")
    own = make_group(context, "Staff")
    assert own.made_team
    group = make_group(adopting, "staff")
    assert (group.team_key, group.made_team) == (str(team.pk), False)
    assert Team().objects.count() == 2


def test_a_team_belongs_to_one_group(adopting: Context) -> None:
    Team().objects.create(name="Staff")
    ScimConnection.objects.filter(pk=adopting.connection.pk).update(equal_group_names="allow")
    adopting.connection.refresh_from_db()
    one, two = make_group(adopting, "Staff"), make_group(adopting, "Staff")
    assert (one.made_team, two.made_team) == (False, True)
    assert one.team_key != two.team_key


def test_a_team_that_was_there_stays_without_those_whom_the_group_named(adopting: Context) -> None:
    ann, bob = provision(adopting, "ann", "bob")
    team = Team().objects.create(name="Staff")
    stranger = HostUserFactory()
    put_in(team, stranger)
    ScimUser.objects.filter(user=stranger).delete()
    group = make_group(adopting, "Staff", ann, bob)
    remove(adopting, group)
    team.refresh_from_db()
    assert members(team) == {stranger.pk}


def test_teams_are_adopted(adopting: Context) -> None:
    (ann,) = provision(adopting, "ann")
    stranger = HostUserFactory()
    ScimUser.objects.filter(user=stranger).delete()
    for name in ("Staff", "Crew", "crew"):
        put_in(Team().objects.create(name=name), ann.user, stranger)
    pushed = make_group(adopting, "Pushed")
    assert teams.adopt(adopting) == 2
    groups = {group.display_name: group for group in ScimGroup.objects.exclude(pk=pushed.pk)}
    assert groups.keys() == {"Staff", "Crew"}
    assert all(in_group(group.scim_id) == {str(ann.scim_id)} for group in groups.values())
    assert not any(group.made_team for group in groups.values())
    assert groups["Staff"].unique_key == "staff"
    told = ScimEvent.objects.filter(action="adopt", resource_type="Group", outcome="success").order_by("pk")
    assert dict(told.values_list("resource_id", "label")) == {g.scim_id: name for name, g in groups.items()}
    assert list(invariants.check()) == []
    assert teams.adopt(adopting) == 0
    # From here on the identity provider decides about those it knows.
    leave(adopting, groups["Staff"], ann)
    assert members(groups["Staff"].team_key) == {stranger.pk}


def test_adopting_reads_all_teams_at_once(adopting: Context) -> None:
    for number in range(4):
        Team().objects.create(name=f"Team {number}")
    read = re.compile(rf"FROM .{Team()._meta.db_table}\W")
    assert len([sql for sql in sql_of(lambda: teams.adopt(adopting)) if read.search(sql)]) == 1


def test_a_team_of_another_model_may_have_an_equal_key(adopting: Context) -> None:
    """In another portal, whose teams are none of ours."""
    with override_settings(
        SCIM_PROVIDER=settings.SCIM_PROVIDER | {"PORTALS": {"store": {"ADAPTERS": {"Group": PLAIN}}}}
    ):
        theirs = ConnectionFactory(portal="store", existing_accounts="never")
        team = Team().objects.create(name="Staff")
        ScimGroup.objects.create(
            connection=theirs,
            display_name="Shop",
            display_name_key="shop",
            team_key=str(team.pk),
            created_at=now(),
            modified_at=now(),
        )
        assert teams.adopt(adopting) == 1


def test_nothing_is_adopted_where_the_policy_says_never(context: Context) -> None:
    Team().objects.create(name="Staff")
    assert teams.adopt(context) == 0
    assert not ScimGroup.objects.exists()


def test_enabling_a_connection_adopts_teams(db: None) -> None:
    user = HostUserFactory(name="ann")
    put_in(Team().objects.create(name="Staff"), user)
    context = Context(connections.create("Acme", existing_accounts="adopt", equal_group_names="allow"))
    connections.enable(context)
    group = ScimGroup.objects.get()
    assert (group.display_name, group.unique_key) == ("Staff", None)
    assert in_group(group.scim_id) == {str(ScimUser.objects.get(user=user).scim_id)}


def test_a_mapping_waits_for_an_adopted_team_as_well(adopting: Context) -> None:
    (ann,) = provision(adopting, "ann")
    put_in(Team().objects.create(name="Staff"), ann.user)
    role_mappings.save_mapping(adopting, "Staff", "member")
    assert roles.recompute_all(adopting) == 0
    teams.adopt(adopting)
    ann.user.refresh_from_db()
    assert ann.user.role == "member"


# Other adapters ----------------------------------------------------------------------------------------------


def test_teams_without_a_table_of_members(scim: ScimClient) -> None:
    adapters = {"User": "hosts.teams.scim.WorkerAdapter", "Group": "hosts.teams.scim.LabelAdapter"}
    with override_settings(SCIM_PROVIDER={"ADAPTERS": adapters, "REQUIRE_HTTPS": False}):
        ScimConnection.objects.update(existing_accounts="adopt")
        ann = scim.create("ann@example.com")["id"]
        group = push(scim, "Staff", ann)["id"]
        team = Team().objects.get()
        assert (team.name, team.color) == ("Staff", "blue")
        assert scim.patch(f"/Groups/{group}", {"op": "remove", "path": "members"}).status_code == 200
        Team().objects.create(name="Labels")
        assert teams.adopt(Context(ScimConnection.objects.get())) == 1
        assert not ScimMembership.objects.exists()
        assert scim.delete(f"/Groups/{group}").status_code == 204


def test_a_host_that_had_teams_once(context: Context) -> None:
    (ann,) = provision(context, "ann")
    group = make_group(context, "Staff", ann)
    team = Team().objects.get()
    with override_settings(SCIM_PROVIDER={"ADAPTERS": {"User": "hosts.teams.scim.WorkerAdapter"}}):
        later = Context(ScimConnection.objects.get(pk=context.connection.pk))
        rename(later, group, "Crew")
        leave(later, group, ann)
        remove(later, group)
    team.refresh_from_db()
    assert (team.name, members(team)) == ("Staff", {ann.user_id})
    assert not Group.objects.exists()


def test_where_groups_are_only_ours(db: None) -> None:
    with override_settings(SCIM_PROVIDER={"ADAPTERS": {"User": "hosts.teams.scim.WorkerAdapter"}}):
        adapter = get_group_adapter()
        connection = ConnectionFactory(existing_accounts="adopt")
        assert adapter.get_teams(connection) is None
        assert teams.adopt(Context(connection)) == 0
        assert make_group(Context(connection), "Staff").team_key is None
