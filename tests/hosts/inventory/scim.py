"""An extension of people, and a resource type of its own: declared, nothing more."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet

from django_scim_provider.adapters import Attr, Attribute, ModelAdapter, PrimaryValue, Schema, UserAdapter
from django_scim_provider.models import ScimConnection
from hosts.inventory.models import Device

STAFF = Schema(
    "urn:example:scim:schemas:extension:staff:2.0:User",
    "Staff",
    "What the house knows of its people",
    (
        Attribute("badgeNumber", "The number on the badge", case_exact=True, uniqueness="server"),
        Attribute("floor", type="integer"),
        Attribute("rate", type="decimal"),
        Attribute("hiredAt", type="dateTime"),
        Attribute("photo", type="binary"),
        Attribute("contractor", type="boolean"),
        Attribute("skills", multi_valued=True),
        Attribute(
            "desk",
            type="complex",
            sub_attributes=(Attribute("room", required=True), Attribute("seat", type="integer")),
        ),
        # No column has what follows.
        Attribute("costCode", mutability="immutable"),
        Attribute("level", type="integer"),
        Attribute("score", type="decimal"),
        Attribute("trainedAt", type="dateTime"),
        Attribute("key", type="binary"),
        Attribute("remote", type="boolean"),
        Attribute("shirt", canonical_values=("S", "M", "L")),
        Attribute("handbook", type="reference", reference_types=("external",)),
        Attribute("languages", multi_valued=True),
        Attribute(
            "certificates",
            type="complex",
            multi_valued=True,
            sub_attributes=(
                Attribute("value", required=True, case_exact=True),
                Attribute("type"),
                Attribute("until", type="dateTime"),
            ),
        ),
    ),
)


class StaffAdapter(UserAdapter):
    extensions = (*UserAdapter.extensions, STAFF)
    attributes: ClassVar[Any] = UserAdapter.attributes | {
        f"{STAFF.id}:badgeNumber": "staff__badge",
        f"{STAFF.id}:floor": "staff__floor",
        f"{STAFF.id}:rate": "staff__rate",
        f"{STAFF.id}:hiredAt": "staff__hired_at",
        f"{STAFF.id}:photo": "staff__photo",
        f"{STAFF.id}:contractor": "staff__is_contractor",
        f"{STAFF.id}:skills": "staff__skills",
        f"{STAFF.id}:desk": "staff__desk",
    }
    scope_models = ("inventory.Staff",)


LOCATION = Schema(
    "urn:example:scim:schemas:extension:location:2.0:Device",
    "Location",
    "Where a device is",
    (Attribute("room"), Attribute("rack", type="integer")),
)
DEVICE = Schema(
    "urn:example:scim:schemas:inventory:2.0:Device",
    "Device",
    "Something with a serial number",
    (
        Attribute("serialNumber", required=True, uniqueness="server", mutability="immutable"),
        Attribute("displayName"),
        Attribute("kind", canonical_values=("laptop", "phone")),
        Attribute("active", type="boolean"),
        Attribute("loan", type="boolean"),
        Attribute("ports", type="integer"),
        Attribute("price", type="decimal"),
        Attribute("boughtAt", type="dateTime"),
        Attribute("fingerprint", type="binary"),
        Attribute(
            "emails",
            type="complex",
            multi_valued=True,
            sub_attributes=(Attribute("value"), Attribute("type"), Attribute("primary", type="boolean")),
        ),
        Attribute("networks", multi_valued=True),
        Attribute("size", type="complex", sub_attributes=(Attribute("width", type="decimal"), Attribute("unit"))),
        Attribute("owner", "Who has it; the application's own affair"),
        Attribute("color", "No column has it, so it is not offered"),
    ),
)


class DeviceAdapter(ModelAdapter):
    name = "Device"
    endpoint = "/Devices"
    description = "Something with a serial number"
    model = "inventory.Device"
    schema = DEVICE
    extensions = (LOCATION,)
    created_field = "created_at"
    modified_field = "changed_at"
    attributes: ClassVar[Any] = {
        "externalId": "asset_tag",
        "serialNumber": "serial",
        "displayName": "label",
        "kind": "kind",
        "active": "in_use",
        "loan": "is_loan",
        "ports": "ports",
        "price": "price",
        "boughtAt": "bought_at",
        "fingerprint": "fingerprint",
        "emails": PrimaryValue("contact"),
        "networks": "networks",
        "size.width": "details__width",
        "size.unit": "details__unit",
        "owner": Attr("owner__username", set=None),
        f"{LOCATION.id}:room": "details__room",
        f"{LOCATION.id}:rack": "details__rack",
    }

    def get_queryset(self, connection: ScimConnection) -> QuerySet[Device]:
        return Device.objects.filter(site=connection.tenant or "main")

    def new_instance(self, connection: ScimConnection) -> Device:
        return Device(site=connection.tenant or "main")


class TokenAdapter(DeviceAdapter):
    """The same devices under an id that tells nothing."""

    id_field = "uuid"
    created_field = None
    modified_field = None
