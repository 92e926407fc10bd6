"""How SCIM reads on this product: members of organizations with their badges, and pushed groups as teams."""

from __future__ import annotations

from typing import Any, ClassVar

from django_scim_provider.adapters import GroupAdapter, MembershipUserAdapter
from django_scim_provider.models import ScimConnection

from .badges import BADGE
from .models import Organization, Team


class MemberAdapter(MembershipUserAdapter):
    membership = "workspace.Membership"
    tenant = "organization__slug"
    active = "is_active"
    role = "level"
    privileged_roles = ("owner",)
    extensions = (*MembershipUserAdapter.extensions, BADGE)
    attributes: ClassVar = MembershipUserAdapter.attributes | {
        f"{BADGE.id}:badgeNumber": "badge__number",
        f"{BADGE.id}:floor": "badge__floor",
    }
    scope_models = ("workspace.Badge",)

    def verified_domains(self, connection: ScimConnection) -> Any:
        found = Organization.objects.filter(slug=connection.tenant)
        return found.exclude(verified_domain="").values_list("verified_domain", flat=True)


class TeamAdapter(GroupAdapter):
    team = "workspace.Team"
    team_members = "workspace.TeamMembership"

    def new_team(self, name: str, connection: ScimConnection) -> Team:
        return Team(organization=Organization.objects.get(slug=connection.tenant), name=name)
