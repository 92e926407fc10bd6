"""Devices, a resource type that is the product's own."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet

from django_scim_provider.adapters import Attr, Attribute, ModelAdapter, Schema
from django_scim_provider.models import ScimConnection

from .models import Device, Organization

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


class DeviceAdapter(ModelAdapter):
    name = "Device"
    endpoint = "/Devices"
    description = "A computer or a telephone"
    model = "workspace.Device"
    schema = DEVICE
    attributes: ClassVar = {
        "serialNumber": "serial",
        "displayName": "name",
        "active": Attr("in_use"),  # of some devices nobody knows
        "externalId": "external_id",
    }
    created_field = "created_at"
    modified_field = "changed_at"

    def get_queryset(self, connection: ScimConnection) -> QuerySet[Device]:
        return Device.objects.filter(organization__slug=connection.tenant)

    def new_instance(self, connection: ScimConnection) -> Device:
        return Device(organization=Organization.objects.get(slug=connection.tenant))
