"""A resource type that a host declares on a model of its own: served like people, without a view."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.db.models import Count
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from conftest import ScimClient
from django_scim_provider.adapters import Attr, Attribute, ModelAdapter, Schema, get_adapter
from django_scim_provider.models import ScimConnection, ScimEvent
from django_scim_provider.protocol import filters
from factories import ConnectionFactory, HostUserFactory
from hosts.inventory.models import Device, Part
from hosts.inventory.scim import DEVICE, LOCATION, DeviceAdapter

pytestmark = pytest.mark.django_db
FULL: dict[str, Any] = {
    "externalId": "tag-1",
    "serialNumber": "S-1",
    "displayName": "Reception",
    "kind": "laptop",
    "active": False,
    "loan": True,
    "ports": 4,
    "price": 999.5,
    "boughtAt": "2026-01-31T08:00:00Z",
    "fingerprint": "QmV0YQ==",
    "emails": [{"value": "it@example.com", "type": "work", "primary": True}],
    "networks": ["lan", "guest"],
    "size": {"width": 30.5, "unit": "cm"},
    LOCATION.id: {"room": "R1", "rack": 2},
}


def wired(adapter: str = "hosts.inventory.scim.DeviceAdapter", **settings: Any) -> Any:
    base = {"REQUIRE_HTTPS": False, "THROTTLE_RATE": None, "ADAPTERS": {"Device": adapter}}
    return override_settings(SCIM_PROVIDER=base | settings)


@pytest.fixture(autouse=True)
def _wired() -> Iterator[None]:
    with wired():
        yield


def device(serial: str, **attributes: Any) -> dict[str, Any]:
    return {"schemas": [DEVICE.id], "serialNumber": serial, **attributes}


def create(scim: ScimClient, serial: str = "S-1", **attributes: Any) -> dict[str, Any]:
    answer = scim.post("/Devices", device(serial, **attributes))
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def serials(scim: ScimClient, **params: Any) -> list[str]:
    answer = scim.get("/Devices", **params)
    assert answer.status_code == 200, answer.content
    return [item["serialNumber"] for item in answer.json()["Resources"]]


def test_a_resource_is_a_row_of_the_host_and_nothing_of_ours(scim: ScimClient) -> None:
    answer = scim.post("/Devices", device(**{"serial": "S-1"} | FULL | {"color": "red"}))
    made, row = answer.json(), Device.objects.get()
    assert answer.status_code == 201
    assert {name: made[name] for name in FULL} == FULL
    assert (made["id"], made["schemas"]) == (str(row.pk), [DEVICE.id, LOCATION.id])
    assert made["meta"]["resourceType"] == "Device"
    assert made["meta"]["location"] == answer["Location"] == f"http://testserver/scim/v2/Devices/{row.pk}"
    assert made["meta"]["version"] == answer["ETag"]
    assert made["meta"]["created"][:4] == str(row.created_at.year)
    assert "color" not in made
    assert (row.serial, row.label, row.in_use, row.is_loan, row.ports) == ("S-1", "Reception", False, True, 4)
    assert (str(row.price), bytes(row.fingerprint), row.contact) == ("999.50", b"Beta", "it@example.com")
    assert row.details == {"width": 30.5, "unit": "cm", "room": "R1", "rack": 2}
    assert scim.get(f"/Devices/{row.pk}").json() == made
    event = ScimEvent.objects.get(action="create")
    assert (event.resource_type, event.resource_id, event.label, event.status) == (
        "Device",
        str(row.pk),
        "Reception",
        201,
    )
    assert set(event.changed) == FULL.keys()


def test_what_is_left_out_has_the_columns_own_value(scim: ScimClient) -> None:
    made = create(scim)
    assert made == {
        "schemas": [DEVICE.id], "id": made["id"], "serialNumber": "S-1", "active": True, "loan": False, "meta": made["meta"]
    }  # fmt: skip


def test_replace_clears_what_it_leaves_out_and_writes_only_what_differs(scim: ScimClient) -> None:
    made = create(scim, **FULL | {"serialNumber": "S-1"})
    path = f"/Devices/{made['id']}"
    Device.objects.update(site="main")
    with CaptureQueriesContext(database) as queries:
        answer = scim.put(path, made | {"displayName": "Office"})
    assert answer.json() == made | {"displayName": "Office", "meta": answer.json()["meta"]}
    updates = [query["sql"] for query in queries if query["sql"].startswith("UPDATE") and "inventory" in query["sql"]]
    assert len(updates) == 1
    assert "serial" not in updates[0].replace("inventory_serial", "")
    bare = scim.put(path, {"schemas": [DEVICE.id]}).json()
    # What is immutable stays, and activity is nothing that anybody takes away by leaving it out.
    assert bare.keys() == {"schemas", "id", "serialNumber", "active", "loan", "meta"}
    assert (bare["active"], bare["serialNumber"]) == (False, "S-1")
    other = scim.put(path, device("S-2"))
    assert (other.status_code, other.json()["scimType"]) == (400, "mutability")
    first = ScimEvent.objects.filter(action="replace", outcome="success").order_by("pk")[0]
    assert first.changed == ["displayName"]


def test_patch_changes_parts_and_nothing_when_one_fails(scim: ScimClient) -> None:
    made = create(scim, **FULL)
    path = f"/Devices/{made['id']}"
    answer = scim.patch(
        path,
        {"op": "replace", "path": "size.unit", "value": "mm"},
        {"op": "add", "value": {f"{LOCATION.id}:rack": 7, "ports": 5}},
        {"op": "remove", "path": "price"},
        {"op": "add", "path": "networks", "value": ["dmz"]},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "desk@example.com"},
    )
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["size"], shown[LOCATION.id]) == ({"width": 30.5, "unit": "mm"}, {"room": "R1", "rack": 7})
    assert (shown["ports"], shown["networks"], "price" in shown) == (5, ["lan", "guest", "dmz"], False)
    assert shown["emails"][0]["value"] == "desk@example.com"
    for operation, kind in (
        ({"op": "replace", "path": "serialNumber", "value": "S-2"}, "mutability"),
        ({"op": "remove", "path": "serialNumber"}, "mutability"),
        ({"op": "replace", "path": "owner", "value": "x"}, "mutability"),
        ({"op": "replace", "path": "kind", "value": "toaster"}, "invalidValue"),
    ):
        refused = scim.patch(path, {"op": "replace", "path": "ports", "value": 9}, operation)
        assert (refused.status_code, refused.json()["scimType"]) == (400, kind), refused.content
    assert scim.get(path).json() == shown
    assert ScimEvent.objects.filter(outcome="refused", resource_id=made["id"]).count() == 4


def test_delete_removes_the_row_unless_the_application_needs_it(scim: ScimClient) -> None:
    made = create(scim)
    part = Part.objects.create(device_id=made["id"])
    refused = scim.delete(f"/Devices/{made['id']}")
    assert (refused.status_code, refused.json()["status"]) == (409, "409")
    part.delete()
    assert scim.delete(f"/Devices/{made['id']}").status_code == 204
    assert not Device.objects.exists()
    assert scim.delete(f"/Devices/{made['id']}").status_code == 404
    assert ScimEvent.objects.get(action="delete", outcome="success").resource_type == "Device"


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"displayName": "x"}, 400, "invalidValue"),
        (device("S 2"), 400, "invalidValue"),
        (device("S" * 41), 400, "invalidValue"),
        (device("S-2", ports="many"), 400, "invalidValue"),
        (device("S-2", price=10_000_000), 400, "invalidValue"),
        (device("s-1"), 409, "uniqueness"),
    ],
)
def test_what_the_host_cannot_hold_is_refused(scim: ScimClient, body: Any, status: int, kind: str) -> None:
    create(scim)
    answer = scim.post("/Devices", body)
    assert (answer.status_code, answer.json()["scimType"]) == (status, kind), answer.content
    assert Device.objects.count() == 1


def test_no_operation_reaches_another_tenants_row(scim: ScimClient, issue_token: Callable[..., str]) -> None:
    other = ScimClient(issue_token(ConnectionFactory(tenant="branch")))
    theirs = create(other, "S-1", displayName="Theirs")
    mine = create(scim, "S-1")
    assert [Device.objects.get(pk=made["id"]).site for made in (theirs, mine)] == ["branch", "main"]
    assert serials(scim) == ["S-1"]
    path = f"/Devices/{theirs['id']}"
    for answer in (scim.get(path), scim.put(path, device("S-1")), scim.patch(path), scim.delete(path)):
        assert answer.json() == scim.get("/Devices/999999").json() | {"status": "404"}
    assert other.get(path).json() == theirs


class Stray(DeviceAdapter):
    """Forgets to say whose the new row is."""

    def new_instance(self, connection: ScimConnection) -> Device:
        return Device(site="nowhere")


class Joined(DeviceAdapter):
    """A scope that no database would lock, and no default for what is created."""

    def get_queryset(self, connection: ScimConnection) -> Any:
        return super().get_queryset(connection).annotate(parts=Count("part")).filter(parts=0)


class Sparse(ModelAdapter):
    """No more than names; attributes that few see, and one without a column that filters could ask."""

    name = "Device"
    endpoint = "/Devices"
    model = Device
    schema = Schema(
        DEVICE.id,
        "Device",
        "",
        (
            Attribute("serialNumber"),
            Attribute("pin", mutability="writeOnly"),
            Attribute("note", returned="request"),
            Attribute("place"),
            Attribute("loan", type="boolean"),
            Attribute("box", type="complex", sub_attributes=(Attribute("room"),)),
        ),
    )
    attributes: ClassVar[Any] = {
        "serialNumber": "serial",
        "pin": "details__pin",
        "note": "label",
        "loan": "is_loan",
        "box": "networks",
        "place": Attr(("site", "kind"), get=lambda site, kind: f"{site} {kind}".strip(), set=None),
    }


def test_names_are_all_that_an_adapter_needs(scim: ScimClient) -> None:
    Device.objects.create(serial="S-0", is_loan=False)
    with wired(f"{__name__}.Sparse", EVENT_VALUES=True):
        answer = scim.post("/Devices", device("S-1", pin="1234", note="new", externalId="x"))
        made = answer.json()
        path = f"/Devices/{made['id']}"
        assert (made["note"], made["place"], "pin" in made, "externalId" in made) == ("new", "main", False, False)
        assert Device.objects.get(serial="S-1").details == {"pin": "1234"}
        shown = scim.get(path).json()
        assert shown.keys() == {"schemas", "id", "serialNumber", "place", "loan", "meta"}
        Device.objects.filter(serial="S-1").update(details={"pin": "9"})
        assert scim.get(path)["ETag"] == answer["ETag"]
        # What the client cannot have read stays when it sends back the rest.
        assert scim.put(path, shown).json() == shown
        assert Device.objects.get(serial="S-1").label == "new"
        assert serials(scim) == ["S-0", "S-1"]
        assert serials(scim, filter="externalId pr") == []
        for text in (
            "place pr",
            "box.room pr",
            'box.room eq "x"',
            'place eq "main"',
            'externalId eq "x"',
            'pin eq "9"',
        ):
            assert scim.get("/Devices", filter=text).json()["scimType"] == "invalidFilter", text
        operation = {"op": "add", "path": "serialNumber", "value": "S-1"}
        bulk = {"method": "PATCH", "path": path, "data": {"Operations": [operation]}}
        done = scim.post(
            "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [bulk]}
        )
        assert done.json()["Operations"][0]["status"] == "200", done.content
        assert scim.get("/Devices/x").status_code == 404
    assert [event.changed for event in ScimEvent.objects.filter(action="modify")] == [[]]
    assert "1234" not in str(ScimEvent.objects.get(action="create").values)


def test_a_row_outside_of_the_scope_is_not_made(scim: ScimClient) -> None:
    with wired(f"{__name__}.Stray"):
        answer = scim.post("/Devices", device("S-1"))
    assert (answer.status_code, Device.objects.count()) == (403, 0)


def test_a_scope_may_join_and_group(scim: ScimClient) -> None:
    with wired(f"{__name__}.Joined"):
        made = create(scim)
        assert scim.patch(f"/Devices/{made['id']}", {"op": "add", "path": "ports", "value": 1}).json()["ports"] == 1
        assert serials(scim, filter="ports eq 1") == ["S-1"]


@pytest.mark.parametrize(
    "text", ["0", "01", "-1", "1.0", "x", "９", "99999999999999999999999999", "%00", uuid.UUID(int=1)]
)
def test_an_id_that_is_none_is_not_found(scim: ScimClient, text: object) -> None:
    create(scim)
    assert scim.get(f"/Devices/{text}").status_code == 404


def test_a_column_can_be_the_id(scim: ScimClient) -> None:
    with wired("hosts.inventory.scim.TokenAdapter"):
        made = create(scim)
        assert made["id"] == str(Device.objects.get().uuid)
        assert made["meta"].keys() == {"resourceType", "location", "version"}
        assert scim.get(f"/Devices/{made['id']}").json() == made
        assert serials(scim, filter=f'id eq "{made["id"]}"', sortBy="id") == ["S-1"]
        assert serials(scim, filter="meta.created pr or not (meta.version pr)") == []
        assert scim.get("/Devices", filter='meta.created gt "2020-01-01"').json()["scimType"] == "invalidFilter"
        assert scim.get("/Devices", sortBy="meta.created").json()["scimType"] == "invalidValue"
        assert scim.get(f"/Devices/{made['id'].upper()}").status_code == 404
        assert scim.delete(f"/Devices/{made['id']}").status_code == 204


# Lists -----------------------------------------------------------------------------------------------------------

FILTERS = [
    'serialNumber eq "s-1"', 'serialNumber ne "S-1"', 'serialNumber sw "S"', 'serialNumber co "-"', 'serialNumber ew "1"',
    'displayName gt "M"', "displayName pr", "not (displayName pr)", "displayName eq null", 'not (displayName co "e")',
    "active eq true", "active ne true", "active pr", "loan eq false", "ports gt 1", "ports le 4", "ports ne 4", "not (ports gt 1)", "ports pr",
    "price eq 999.50", "price lt 0.001", "price gt 123456789.123456789", 'boughtAt gt "2026-01-01"', "boughtAt pr", "fingerprint pr",
    'externalId eq "tag-1"', 'externalId eq "tag-9"', "externalId pr", 'emails eq "it@example.com"', 'emails.value co "example"',
    'emails.type eq "work"', 'emails.type eq "home"', 'emails[primary eq true and value sw "it"]', 'emails[not (value eq "x")]',
    'emails ne "it@example.com"', "emails pr", "networks pr", "size pr", "size.width gt 10.5", 'size.unit eq "CM"', 'size[unit eq "cm"]',
    f'{LOCATION.id}:room eq "R1"', f"{LOCATION.id}:rack ge 2", f"not ({LOCATION.id}:rack ge 2)", "rack pr", "rack ne 2", 'size.unit ne "cm"', 'owner ne "ada@example.com"', 'owner eq "ada@example.com"', "owner pr",
    f'schemas eq "{DEVICE.id}"', f'schemas eq "{LOCATION.id}"', f'schemas ne "{LOCATION.id}"', 'schemas eq "urn:x:y"', "schemas pr", "meta pr",
    'meta.resourceType eq "Device"', 'meta.resourceType ne "Device"', 'meta.created gt "2020-01-01"', 'meta.lastModified lt "2020-01-01"',
    "meta.created pr", "id pr", 'kind eq "phone" or (ports gt 3 and active eq false)', 'not (kind eq "laptop" or ports eq 4)',
]  # fmt: skip


@pytest.fixture
def several(scim: ScimClient) -> list[dict[str, Any]]:
    owner = HostUserFactory(name="ada@example.com")
    create(scim, **FULL)
    create(scim, "S-2", displayName="Zoo", ports=2, externalId="tag-2", **{LOCATION.id: {"room": "r1"}})
    create(scim, "T-1", kind="phone", price=1, boughtAt="2025-06-01T00:00:00+02:00", size={"unit": "in"})
    create(scim, "T-10", emails=[{"value": "it@other.example"}], active=False, ports=0)
    Device.objects.filter(serial="S-2").update(owner=owner)
    found: list[dict[str, Any]] = scim.get("/Devices").json()["Resources"]
    return found


def test_filters_find_what_their_evaluator_finds(scim: ScimClient, several: list[dict[str, Any]]) -> None:
    resource_type = get_adapter("Device").resource_type
    for text in FILTERS:
        node = filters.parse_filter(text, resource_type)
        wanted = [item["serialNumber"] for item in several if filters.matches(node, item)]
        assert serials(scim, filter=text) == wanted, text
    chosen = several[1]["id"]
    assert serials(scim, filter=f'id eq "{chosen}"') == ["S-2"]
    assert serials(scim, filter='id eq "x"') == []


@pytest.mark.parametrize(
    "text",
    [
        'color eq "red"', 'nonsense eq "x"', 'networks eq "lan"', 'networks.value eq "x"', 'fingerprint eq "QmV0YQ=="', 'emails[display eq "x"]',
        'meta.location co "x"', 'meta.version eq "x"', 'id sw "1"',
    ],
)  # fmt: skip
def test_a_filter_that_no_column_answers_is_refused(scim: ScimClient, text: str) -> None:
    answer = scim.get("/Devices", filter=text)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_lists_are_sorted_paged_and_projected(scim: ScimClient, several: list[dict[str, Any]]) -> None:
    for name, order in {
        "serialNumber": "S-1 S-2 T-1 T-10",
        "displayName": "S-1 S-2 T-1 T-10",
        "ports": "T-10 S-2 S-1 T-1",
        "price": "T-1 S-1 S-2 T-10",
        "emails": "S-1 T-10 S-2 T-1",
        "id": "S-1 S-2 T-1 T-10",
        "meta.created": "S-1 S-2 T-1 T-10",
        f"{LOCATION.id}:room": "S-1 S-2 T-1 T-10",
    }.items():
        assert " ".join(serials(scim, sortBy=name)) == order, name
        walked, cursor = [], ""
        while cursor is not None:
            page = scim.get("/Devices", sortBy=name, count=1, cursor=cursor).json()
            walked += [item["serialNumber"] for item in page["Resources"]]
            cursor = page.get("nextCursor")
        assert " ".join(walked) == order, name
    assert serials(scim, sortBy="ports", sortOrder="descending") == ["T-1", "S-1", "S-2", "T-10"]
    for name in ("networks", "size", "size.width", "meta.location", "fingerprint"):
        assert scim.get("/Devices", sortBy=name).json()["scimType"] == "invalidValue", name
    page = scim.get("/Devices", startIndex=2, count=2, attributes=f"displayName,{LOCATION.id}:room").json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (4, 2, 2)
    assert page["Resources"][0] == {
        "schemas": [DEVICE.id, LOCATION.id], "id": several[1]["id"], "displayName": "Zoo", LOCATION.id: {"room": "r1"}
    }  # fmt: skip
    assert scim.get("/Devices", count=0).json()["totalResults"] == 4
    assert "version" not in scim.get("/Devices", excludedAttributes="meta.version").json()["Resources"][0]["meta"]


def test_queries_are_few_and_do_not_grow(scim: ScimClient, several: list[dict[str, Any]]) -> None:
    path = f"/Devices/{several[0]['id']}"
    asked: dict[str, Callable[[], Any]] = {
        "GET": lambda: scim.get(path),
        "list": lambda: scim.get("/Devices"),
        "filter": lambda: scim.get("/Devices", filter='serialNumber eq "S-1"'),
        "PATCH": lambda: scim.patch(path, {"op": "replace", "path": "displayName", "value": uuid.uuid4().hex}),
        "PUT": lambda: scim.put(path, several[0]),
        "POST": lambda: create(scim, uuid.uuid4().hex),
    }
    counted = []
    for _ in range(2):
        for number in range(20):
            Device.objects.create(serial=f"{uuid.uuid4().hex}{number}", is_loan=False)
        found = {}
        for name, ask in asked.items():
            with CaptureQueriesContext(database) as queries:
                ask()
            bookkeeping = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
            sent = [query["sql"] for query in queries if not query["sql"].startswith(bookkeeping)]
            found[name] = len([sql for sql in sent if "last_used_at" not in sql or sql.startswith("SELECT")])
        counted.append(found)
    assert counted[0] == counted[1]
    # The token; then the rows, or lock, write, read and event.
    assert counted[0] == {"GET": 2, "list": 2, "filter": 2, "PATCH": 5, "PUT": 5, "POST": 5}


# Endpoints -------------------------------------------------------------------------------------------------------


def test_discovery_lists_the_type_with_what_is_implemented(scim: ScimClient, anonymous: ScimClient) -> None:
    kinds = anonymous.get("/ResourceTypes").json()["Resources"]
    assert [kind["name"] for kind in kinds] == ["User", "Group", "Device"]
    assert kinds[2]["endpoint"] == "/Devices"
    assert kinds[2]["schemaExtensions"] == [{"schema": LOCATION.id, "required": False}]
    assert scim.get("/ResourceTypes/Device").status_code == 200
    declared = {item["name"]: item for item in scim.get(f"/Schemas/{DEVICE.id}").json()["attributes"]}
    assert "color" not in declared
    assert declared["owner"]["mutability"] == "readOnly"
    assert declared["serialNumber"]["mutability"] == "immutable"
    assert scim.get(f"/Schemas/{LOCATION.id}").json()["name"] == "Location"


def test_conditional_requests_are_held_against_the_document(scim: ScimClient) -> None:
    made = create(scim)
    path, version = f"/Devices/{made['id']}", made["meta"]["version"]
    assert scim.request("GET", path, headers={"If-None-Match": version}).status_code == 304
    Device.objects.update(label="Changed by the application")
    operations = {"Operations": [{"op": "remove", "path": "ports"}]}
    for method, body in (("PUT", device("S-1")), ("PATCH", operations), ("DELETE", None)):
        stale = scim.request(method, path, body, headers={"If-Match": version})
        assert stale.status_code == 412, method
    current = scim.get(path)["ETag"]
    assert scim.request("DELETE", path, headers={"If-Match": current}).status_code == 204


def test_an_endpoint_that_nobody_declared_is_unknown_before_any_credential(
    scim: ScimClient, anonymous: ScimClient
) -> None:
    unknown = anonymous.get("/Nothing").json()
    assert (unknown["status"], unknown["detail"]) == ("404", "There is no such endpoint.")
    for path in ("/devices", "/Devices/1/2", "/Nothing/1"):
        assert anonymous.get(path).json() == scim.get(path).json() == unknown
    assert anonymous.get("/Devices").status_code == 401
    assert scim.put("/Devices", {}).status_code == 405
    with override_settings(SCIM_PROVIDER={"REQUIRE_HTTPS": False}):
        assert anonymous.get("/Devices").json() == unknown
        assert scim.get("/Devices/1").json() == unknown


def test_a_portal_has_types_of_its_own(scim: ScimClient, issue_token: Callable[..., str]) -> None:
    portals = {"store": {"ADAPTERS": {"Device": "hosts.inventory.scim.TokenAdapter"}}}
    with override_settings(SCIM_PROVIDER={"REQUIRE_HTTPS": False, "PORTALS": portals}):
        store = ScimClient(issue_token(ConnectionFactory(portal="store")))
        create(store)
        assert [kind["name"] for kind in store.get("/ResourceTypes").json()["Resources"]] == [
            "User",
            "Group",
            "Device",
            "Role",
        ]
        assert scim.get("/Devices").json()["detail"] == "There is no such endpoint."
        assert scim.get("/ResourceTypes").json()["totalResults"] == 3


def test_searches_and_bulk_requests_reach_the_type(scim: ScimClient, several: list[dict[str, Any]]) -> None:
    search = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "ports ge 2"}
    assert scim.post("/Devices/.search", search).json()["totalResults"] == 2
    assert scim.post("/.search", search).json()["totalResults"] == 2
    everything = scim.get("/", sortBy="displayName").json()
    assert [item["meta"]["resourceType"] for item in everything["Resources"]].count("Device") == 4
    operations = [
        {"method": "POST", "path": "/Devices", "bulkId": "one", "data": device("B-1")},
        {"method": "DELETE", "path": f"/Devices/{several[0]['id']}"},
        {"method": "POST", "path": "/Devices", "bulkId": "two", "data": device("B-1")},
    ]
    answer = scim.post(
        "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    )
    assert [item["status"] for item in answer.json()["Operations"]] == ["201", "204", "409"], answer.content
    assert serials(scim) == ["S-2", "T-1", "T-10", "B-1"]


def test_events_hold_values_where_the_host_says_so(scim: ScimClient) -> None:
    with wired(EVENT_VALUES=True):
        made = create(scim)
    assert ScimEvent.objects.get(action="create").values == {"serialNumber": "S-1", "active": True, "loan": False}
    assert ScimEvent.objects.get(action="create").label == "S-1"
    assert made["id"]
    assert not get_user_model()._default_manager.exists()
