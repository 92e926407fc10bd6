"""What this product declares besides people: badges as an extension, devices as a resource type of its own."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from ..badges import BADGE
from ..devices import DEVICE
from ..models import Badge, Device
from . import database
from .people import PEOPLE
from .story import PATCH, Story, is_list, member, resources, shows

BADGES: Final = "workspace_badge"
DEVICES: Final = "workspace_device"
SERIAL: Final = "DEMO-4711"


def rows() -> database.Rows:
    """Badges and devices beside the rest; the column by which a change is told is called username everywhere."""
    found = dict(database.rows())
    for badge in Badge.objects.select_related("user"):
        row = {"username": badge.user.get_username(), "number": badge.number, "floor": badge.floor}
        found[BADGES, badge.pk] = row
    for device in Device.objects.all():
        found[DEVICES, device.pk] = {"username": device.serial, "name": device.name, "in_use": device.in_use}
    return found


class Things(Story):
    """Goes on where a story of people ended."""

    def __init__(self, before: Story) -> None:
        super().__init__(before.okta, before.tell, before.show)
        self.rows = rows
        self.ids, self.steps = before.ids, before.steps

    def play(self) -> None:
        self._badge()
        self._device()

    def _badge(self) -> None:
        self.tell("An extension of its own: the badge goes to a column, by a key with the URN as Entra ID sends it")
        person = PEOPLE[0]
        wanted = {"badgeNumber": "B-1042", "floor": 3}
        self._send(
            "PATCH",
            f"/Users/{self.ids[person.number]}",
            body={
                "schemas": [PATCH],
                "Operations": [{"op": "add", "value": {f"{BADGE.id}:{name}": part for name, part in wanted.items()}}],
            },
            status=200,
            # The row came with the person, empty.
            effects={(BADGES, person.user_name, "number"): "B-1042", (BADGES, person.user_name, "floor"): 3},
            check=partial(shows, {BADGE.id: wanted}),
            remark=lambda body: f"badge {member(member(body, BADGE.id), 'badgeNumber')}",
        )
        self._find("/Users", f'{BADGE.id}:badgeNumber eq "B-1042"', "userName", person.user_name)

    def _device(self) -> None:
        self.tell("A resource type of its own: devices are rows of the application, and no view was written for them")
        self._send("GET", "/ResourceTypes", status=200, effects={}, check=_lists_devices, remark=_kinds)
        body = {"schemas": [DEVICE.id], "serialNumber": SERIAL, "displayName": "Reception", "active": True}
        made = self._send(
            "POST",
            "/Devices",
            body=body,
            status=201,
            effects={(DEVICES, SERIAL, ""): {"username": SERIAL, "name": "Reception", "in_use": True}},
            check=partial(shows, body),
            remark=_name,
        )
        self._send(
            "POST", "/Devices", body=body, status=409, effects={}, check=partial(shows, {"scimType": "uniqueness"})
        )
        self._find("/Devices", f'serialNumber eq "{SERIAL.lower()}"', "serialNumber", SERIAL)
        path = f"/Devices/{member(made.body, 'id')}"
        self._send(
            "PATCH",
            path,
            body={"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": False}]},
            status=200,
            effects={(DEVICES, SERIAL, "in_use"): False},
            check=partial(shows, {"active": False, "serialNumber": SERIAL}),
            remark=_name,
        )
        self._send("DELETE", path, status=204, effects={(DEVICES, SERIAL, ""): None}, check=_is_empty)

    def _find(self, path: str, condition: str, name: str, value: str) -> None:
        def check(body: Any) -> Iterator[str]:
            yield from is_list(body)
            found = [member(resource, name) for resource in resources(body)]
            if found != [value]:
                yield f"found {found}, expected {value}"

        params = {"filter": condition}
        self._send("GET", path, params=params, status=200, effects={}, check=check, remark=lambda body: "1 found")


def _lists_devices(body: Any) -> Iterator[str]:
    yield from is_list(body)
    if "Device" not in [member(resource, "name") for resource in resources(body)]:
        yield "Device is not among the resource types"


def _kinds(body: Any) -> str:
    return ", ".join(str(member(resource, "name")) for resource in resources(body))


def _name(body: Any) -> str:
    return f"{member(body, 'displayName')}, {member(body, 'serialNumber')}"


def _is_empty(body: Any) -> Iterator[str]:
    if body is not None:
        yield "the answer has a body"
