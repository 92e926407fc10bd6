"""``scim_check`` tries the host's own resource types as it tries people."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.apps import apps

from django_scim_provider.adapters import Attr
from django_scim_provider.services import selftest
from django_scim_provider.services.findings import Status
from hosts.inventory.models import Device
from hosts.inventory.scim import DeviceAdapter

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not apps.is_installed("hosts.inventory"), reason="for the host that has more than people"),
]
STEPS = ["create", "update by PUT", "update by PATCH", "delete"]


class Lenient(DeviceAdapter):
    """Lets no validator judge what is made up."""

    attributes: ClassVar[Any] = {
        key: column for key, column in DeviceAdapter.attributes.items() if key not in ("emails", "externalId")
    } | {"serialNumber": "label", "displayName": "contact"}

    def new_instance(self, connection: Any) -> Device:
        return Device(site="main", serial="S-1")


class Stray(Lenient):
    def get_queryset(self, connection: Any) -> Any:
        return super().get_queryset(connection).none()


class Shouting(Lenient):
    attributes: ClassVar[Any] = Lenient.attributes | {
        "displayName": Attr("contact", set=lambda text: text and text.upper())
    }


class Immortal(Lenient):
    def delete(self, instance: Any, using: str) -> None: ...


class Faulty(Lenient):
    def update(self, instance: Any, columns: Any, using: str) -> None:
        raise KeyError("color")


def tried(settings: Any, adapter: str) -> list[tuple[str, tuple[str, ...]]]:
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "ADAPTERS": {"Device": adapter}}
    findings = [finding for finding in selftest.check() if finding.step.startswith("Device: ")]
    assert [finding.step for finding in findings] == [f"Device: {step}" for step in STEPS]
    assert not Device.objects.exists()
    return [(finding.status, finding.remarks) for finding in findings]


def test_a_type_that_works_is_said_to_work(settings: Any) -> None:
    assert tried(settings, f"{__name__}.Lenient") == [(Status.OK, ())] * 4


def test_values_that_a_validator_refuses_are_no_mistake(settings: Any) -> None:
    (status, remarks), *rest = tried(settings, "hosts.inventory.scim.DeviceAdapter")
    assert (status, remarks) == (Status.SKIPPED, ("What was made up is refused: serialNumber: No spaces, please.",))
    assert rest == [(Status.SKIPPED, ())] * 3


@pytest.mark.parametrize(
    ("adapter", "step", "remark"),
    [
        ("Stray", 0, "SCIM answers 403: The resource would lie outside of what this connection manages."),
        ("Shouting", 0, "displayName was sent as 'Alpha displayName' and is shown as 'ALPHA DISPLAYNAME'"),
        ("Faulty", 1, "`Faulty.update`"),
        ("Immortal", 3, "After DELETE the resource can still be read."),
    ],
)
def test_what_does_not_work_is_named(settings: Any, adapter: str, step: int, remark: str) -> None:
    status, remarks = tried(settings, f"{__name__}.{adapter}")[step]
    assert status == Status.FAILED
    assert remark in remarks[0]
