from __future__ import annotations

import uuid
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.db import models

from checks.wiring import MODULE, Wire, ids
from django_scim_provider.adapters import Attr, Attribute, ModelAdapter, Schema, UserAdapter
from django_scim_provider.checks.attribute_map import check_attribute_map
from django_scim_provider.checks.databases import check_one_database
from django_scim_provider.checks.paths import check_dotted_paths
from django_scim_provider.checks.resource_types import check_model_adapters, check_resource_types
from django_scim_provider.checks.schemas import check_schemas
from hosts.inventory.models import Device, Part
from hosts.inventory.scim import DeviceAdapter

SCHEMA = Schema("urn:example:Thing", "Thing", "", (Attribute("serial", required=True), Attribute("label")))
Told = Callable[..., list[str]]


def everything() -> list[CheckMessage]:
    checks = (
        check_dotted_paths,
        check_schemas,
        check_resource_types,
        check_model_adapters,
        check_attribute_map,
        check_one_database,
    )
    return [message for check in checks for message in check()]


@pytest.fixture
def told(wire: Wire, host: ModuleType) -> Told:
    """What the checks say of an adapter that is well made but for the names given."""

    def told(*, key: str = "Thing", **names: Any) -> list[str]:
        content = {
            "__module__": MODULE,
            "name": "Thing",
            "endpoint": "/Things",
            "model": "inventory.Device",
            "schema": SCHEMA,
            "attributes": {"serial": "serial", "label": "label"},
            "new_instance": lambda self, connection: Device(is_loan=False),
        }
        host.Adapter = type("Adapter", (ModelAdapter,), content | names)
        wire(ADAPTERS={key: f"{MODULE}.Adapter"})
        return ids(everything())

    return told


def test_what_is_well_made_is_right(told: Told, wire: Wire) -> None:
    assert told() == []
    assert told(model=Device, id_field="uuid", created_field="created_at", modified_field="changed_at") == []
    wire(
        ADAPTERS={"Device": "hosts.inventory.scim.DeviceAdapter", "User": "hosts.inventory.scim.StaffAdapter"},
        PORTALS={"store": {"ADAPTERS": {"Device": "hosts.inventory.scim.TokenAdapter"}}},
    )
    assert everything() == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"key": "Things"}, ["E100"]),
        ({"name": "x" * 51, "key": "x" * 51}, ["E100"]),
        ({"name": "a/b", "key": "a/b"}, ["E100"]),
        ({"endpoint": "Things"}, ["E101"]),
        ({"endpoint": "/Things/All"}, ["E101"]),
        ({"endpoint": "/Users"}, ["E101"]),
        ({"endpoint": None}, ["E101"]),
        ({"model": "inventory.Thing"}, ["E102"]),
        ({"model": "thing"}, ["E102"]),
        ({"model": 5}, ["E102"]),
        ({"model": ModelAdapter}, ["E102"]),
        ({"schema": None}, ["E110", "E013", "E013"]),
        ({"id_field": "label"}, ["E103"]),
        ({"id_field": "nothing"}, ["E103"]),
        ({"id_field": "price"}, ["E103"]),
        ({"created_field": "label", "modified_field": "nothing"}, ["E103", "E103"]),
        ({"attributes": {"label": "label"}}, ["E104"]),
        ({"attributes": {"serial": Attr("serial", set=None)}}, ["E104"]),
        ({"attributes": {"serial": "serial", "labl": "label"}}, ["E020"]),
        ({"attributes": {"serial": "serial", "label": "lable"}}, ["E022"]),
        ({"attributes": {"serial": "serial", "label": "pk"}}, ["E022"]),
        ({"attributes": {"serial": "serial", "label": "id"}}, ["E030", "E028"]),
        ({"attributes": {"serial": "serial", "label": "owner__username"}}, ["E024"]),
        ({"attributes": {"serial": "serial", "label": "serial"}}, ["W032"]),
        ({"attributes": {"serial": "serial", "externalId": "asset_tag"}}, []),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_reported(told: Told, names: dict[str, Any], expected: list[str]) -> None:
    assert told(**names) == expected


def test_an_id_is_short_and_may_be_that_of_a_parent(told: Told, isolated: Any) -> None:
    meta = type("Meta", (), {"app_label": "humanize"})

    def model(name: str, key: Any) -> Any:
        return type(
            name,
            (models.Model,),
            {
                "__module__": __name__,
                "Meta": meta,
                "key": key,
                "serial": models.TextField(),
                "label": models.TextField(),
            },
        )

    assert told(model=model("Short", models.CharField(max_length=254, primary_key=True))) == []
    assert told(model=model("Long", models.CharField(max_length=255, primary_key=True))) == ["E103"]
    assert told(model=model("Endless", models.TextField(primary_key=True))) == ["E103"]
    assert told(model=model("Child", models.OneToOneField(Part, models.CASCADE, primary_key=True))) == []


def test_a_column_that_nobody_fills_is_named(told: Told) -> None:
    loan = Schema(SCHEMA.id, "Thing", "", (*SCHEMA.attributes, Attribute("loan", type="boolean")))
    assert told(new_instance=ModelAdapter.new_instance) == ["W107"]
    mapped = {"serial": "serial", "loan": "is_loan"}
    assert told(new_instance=ModelAdapter.new_instance, schema=loan, attributes=mapped) == []


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (models.CharField(max_length=9, unique=True), ["W107"]),
        (models.IntegerField(unique=True, default=0), ["W107"]),
        (models.CharField(max_length=9), []),
        (models.CharField(max_length=9, unique=True, null=True), []),
        (models.UUIDField(unique=True, default=uuid.uuid4), []),
        (models.IntegerField(db_default=0), []),
        (models.DateTimeField(auto_now=True), []),
    ],
)
def test_a_unique_column_that_nobody_fills_is_named_unless_each_row_gets_its_own(
    told: Told, isolated: Any, field: models.Field[Any, Any], expected: list[str]
) -> None:
    """One without a default was let pass: the empty text served the first POST, and the second was a conflict."""
    meta = type("Meta", (), {"app_label": "humanize"})
    columns = {"serial": models.TextField(), "label": models.TextField(), "tag": field}
    model = type("Tagged", (models.Model,), {"__module__": __name__, "Meta": meta, **columns})

    assert told(model=model, new_instance=ModelAdapter.new_instance) == expected


def test_uniqueness_is_for_the_database_to_keep(told: Told) -> None:
    def schema(name: str) -> Any:
        return Schema(SCHEMA.id, "Thing", "", (Attribute(name, uniqueness="server"),))

    assert told(schema=schema("label"), attributes={"label": "label"}) == ["W105"]
    assert told(schema=schema("serial"), attributes={"serial": "serial"}) == []
    shown = Attr("uuid", get=str)
    assert told(schema=schema("uuid"), attributes={"uuid": shown}) == []


def test_a_tenant_does_not_see_the_rows_of_all(told: Told, host: ModuleType, wire: Wire) -> None:
    told()
    host.People = type("People", (UserAdapter,), {"__module__": MODULE, "multi_tenant": True})
    wire(ADAPTERS={"Thing": f"{MODULE}.Adapter", "User": f"{MODULE}.People"})
    assert ids(check_model_adapters()) == ["W106"]
    wire(ADAPTERS={"Device": "hosts.inventory.scim.DeviceAdapter", "User": f"{MODULE}.People"})
    assert ids(check_model_adapters()) == []


def test_two_types_are_not_served_at_one_address(told: Told, host: ModuleType, wire: Wire) -> None:
    told(endpoint=DeviceAdapter.endpoint)
    wire(ADAPTERS={"Thing": f"{MODULE}.Adapter", "Device": "hosts.inventory.scim.DeviceAdapter"})
    (message,) = everything()
    assert ids([message]) == ["E101"]
    assert message.msg == "Device and Thing are both served at '/Devices'."


def test_an_adapter_that_cannot_be_made_is_reported_once(told: Told) -> None:
    def refuse(self: Any, portal: str, more: int) -> None: ...

    assert told(__init__=refuse) == ["E012"]
