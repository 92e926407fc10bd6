"""What groups mean in the host: role backends and teams."""

from __future__ import annotations

from typing import Any

import pytest

from checks.wiring import MODULE, Wire, ids
from django_scim_provider.adapters import (
    ChoiceRoles,
    GroupAdapter,
    GroupRoles,
    MembershipFieldRoles,
    RoleBackend,
    UserAdapter,
)
from django_scim_provider.checks.groups import check_group_adapters, check_roles


def _roles(backend: Any) -> type[UserAdapter]:
    return type("Adapter", (UserAdapter,), {"roles": backend})


@pytest.mark.parametrize(
    "backend",
    [
        GroupRoles(),
        ChoiceRoles("last_name", order=["a", "b"]),
        MembershipFieldRoles("admin.LogEntry", "object_repr"),
        MembershipFieldRoles("admin.LogEntry", "object_repr", tenant="content_type__model"),
    ],
)
def test_backends_that_work_are_not_spoken_of(wire: Wire, backend: Any) -> None:
    wire(adapter=_roles(backend))
    assert check_roles() == []


@pytest.mark.parametrize("backend", [None, GroupRoles, "GroupRoles", 5])
def test_what_is_no_backend_is_reported(wire: Wire, backend: Any) -> None:
    wire(adapter=_roles(backend))
    assert ids(check_roles()) == ["E080"]


@pytest.mark.parametrize(
    "backend",
    [
        ChoiceRoles("rank"),
        ChoiceRoles("profile__rank"),
        ChoiceRoles("groups"),
        ChoiceRoles(""),
        MembershipFieldRoles("nowhere.Membership", "level"),
        MembershipFieldRoles("Membership", "level"),
        MembershipFieldRoles("admin.Nothing", "level"),
        MembershipFieldRoles("admin.LogEntry", "level"),
        MembershipFieldRoles("admin.LogEntry", "object_repr", user="person"),
        MembershipFieldRoles("admin.LogEntry", "object_repr", user="content_type"),
        MembershipFieldRoles("admin.LogEntry", "object_repr", user="object_repr"),
        MembershipFieldRoles("admin.LogEntry", "object_repr", tenant="organization__slug"),
    ],
)
def test_a_backend_that_leads_nowhere_is_reported(wire: Wire, backend: Any) -> None:
    wire(adapter=_roles(backend))
    assert ids(check_roles()) == ["E081"]


def test_protected_roles_need_somebody_who_knows_their_holders(wire: Wire) -> None:
    class Own(RoleBackend):
        protected = ("owner",)

    wire(adapter=_roles(Own()))
    assert ids(check_roles()) == ["E084"]


@pytest.mark.parametrize("column", ["is_superuser", "is_staff", "password", "id"])
def test_privileges_are_no_roles(wire: Wire, column: str) -> None:
    wire(adapter=_roles(ChoiceRoles(column, order=["1"])))
    assert ids(check_roles()) == ["E082"]


# Teams -------------------------------------------------------------------------------------------------------


@pytest.fixture
def teams(wire: Wire, host: Any) -> Any:
    """Wires a group adapter with the names given, in a portal as well."""

    def wire_teams(**names: Any) -> None:
        host.Teams = type("Teams", (GroupAdapter,), {"__module__": MODULE, **names})
        entries = {"ADAPTERS": {"Group": f"{MODULE}.Teams"}}
        wire(**entries, PORTALS={"store": entries, "other": {}})

    return wire_teams


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"team": "auth.Group"},
        {"team": "auth.Group", "team_members": "auth.User_groups", "member_team": "group"},
        {"team": "contenttypes.ContentType", "team_name": "model"}
        | {"team_members": "admin.LogEntry", "member_team": "content_type"},
    ],
)
def test_teams_that_are_there_are_not_spoken_of(teams: Any, names: dict[str, str]) -> None:
    teams(**names)
    assert check_group_adapters() == []


@pytest.mark.parametrize(
    "names",
    [
        {"team_members": "admin.LogEntry"},
        {"team": "nowhere.Team"},
        {"team": "Team"},
        {"team": "auth.Group", "team_name": "title"},
        {"team": "auth.Group", "team_members": "nowhere.Member"},
        {"team": "auth.Group", "team_members": "auth.User_groups"},
        {"team": "auth.Group", "team_members": "auth.User_groups", "member_team": "user"},
        {"team": "auth.Group", "team_members": "auth.User_groups", "member_team": "group", "member_user": "group"},
        {"team": "auth.Group", "team_members": "auth.User_groups", "member_team": "group", "member_user": "id"},
    ],
)
def test_teams_that_lead_nowhere_are_reported_once(teams: Any, names: dict[str, str]) -> None:
    teams(**names)
    assert ids(check_group_adapters()) == ["E083"]


def test_an_adapter_that_raises_is_reported(teams: Any) -> None:
    def explode(self: Any) -> str:
        raise RuntimeError("no")

    teams(team=property(explode))
    assert ids(check_group_adapters()) == ["E013"]


@pytest.mark.parametrize("path", ["nowhere.Adapter", "django_scim_provider.adapters.UserAdapter", 5])
def test_what_is_no_group_adapter_is_left_to_the_check_of_paths(wire: Wire, path: Any) -> None:
    wire(ADAPTERS={"Group": path})
    assert check_group_adapters() == []
