"""How SCIM reads on this product: people and their badges, pushed groups as teams, devices."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet

from django_scim_provider.adapters import Attribute, GroupAdapter, ModelAdapter, Schema, UserAdapter
from django_scim_provider.models import ScimConnection

from .models import Device, Organization, Team

BADGE = Schema(
    "urn:example:workspace:scim:schemas:extension:badge:1.0:User",
    "Badge",
    "What the front desk knows of a person",
    (
        Attribute("badgeNumber", "The number on the badge", case_exact=True, uniqueness="server"),
        Attribute("floor", "Where the desk is", type="integer"),
    ),
)
DEVICE = Schema(
    "urn:example:workspace:scim:schemas:1.0:Device",
    "Device",
    "A computer or a telephone",
    (
        Attribute("serialNumber", "On the back", required=True, uniqueness="server", mutability="immutable"),
        Attribute("displayName", "What people call it"),
        Attribute("active", "Whether it is in use", type="boolean"),
    ),
)


def organization(connection: ScimConnection) -> Organization:
    """That of the connection's tenant; one site, one organization, where connections name none."""
    slug = connection.tenant or "workspace"
    found, _ = Organization.objects.get_or_create(slug=slug, defaults={"name": slug.title()})
    return found


class PersonAdapter(UserAdapter):
    extensions = (*UserAdapter.extensions, BADGE)
    attributes: ClassVar = UserAdapter.attributes | {
        f"{BADGE.id}:badgeNumber": "badge__number",
        f"{BADGE.id}:floor": "badge__floor",
    }
    scope_models = ("workspace.Badge",)


class TeamAdapter(GroupAdapter):
    team = "workspace.Team"
    team_members = "workspace.TeamMembership"

    def new_team(self, name: str, connection: ScimConnection) -> Team:
        return Team(organization=organization(connection), name=name)


class DeviceAdapter(ModelAdapter):
    name = "Device"
    endpoint = "/Devices"
    description = "A computer or a telephone"
    model = "workspace.Device"
    schema = DEVICE
    attributes: ClassVar = {"serialNumber": "serial", "displayName": "name", "active": "in_use"}
    created_field = "created_at"
    modified_field = "changed_at"

    def get_queryset(self, connection: ScimConnection) -> QuerySet[Device]:
        return Device.objects.filter(organization__slug=connection.tenant or "workspace")

    def new_instance(self, connection: ScimConnection) -> Device:
        return Device(organization=organization(connection))
