from __future__ import annotations

from typing import Any

from django_scim_provider.adapters import ChoiceRoles, GroupAdapter, MembershipFieldRoles, UserAdapter
from django_scim_provider.models import ScimConnection
from hosts.teams.models import Team


class WorkerAdapter(UserAdapter):
    roles = ChoiceRoles("role", privileged=["owner"])


class MemberAdapter(UserAdapter):
    """The same people, whose role is a field of the row that makes them a member of an organization."""

    roles = MembershipFieldRoles("teams.Membership", "level", tenant="organization__slug", privileged=["manager"])


class TeamAdapter(GroupAdapter):
    team = "teams.Team"
    team_members = "teams.TeamMember"

    def new_team(self, name: str, connection: ScimConnection) -> Any:
        return Team(name=name, color="red")


class LabelAdapter(GroupAdapter):
    """Teams without a table of members."""

    team = "teams.Team"
