"""How SCIM reads on this product: people as they are, pushed groups as teams."""

from __future__ import annotations

from django_scim_provider.adapters import GroupAdapter
from django_scim_provider.models import ScimConnection

from .models import Organization, Team


class TeamAdapter(GroupAdapter):
    team = "workspace.Team"
    team_members = "workspace.TeamMembership"

    def new_team(self, name: str, connection: ScimConnection) -> Team:
        # One site, one organization, until connections name theirs.
        organization, _ = Organization.objects.get_or_create(slug="workspace", defaults={"name": "Workspace"})
        return Team(organization=organization, name=name)
