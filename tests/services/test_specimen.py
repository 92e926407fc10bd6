from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.test.utils import isolate_apps

from django_scim_provider.adapters import ENTERPRISE_USER, Attr, UserAdapter
from django_scim_provider.protocol.schemas import Attribute, Schema
from django_scim_provider.protocol.validation import clean_resource
from django_scim_provider.services import specimen

VARIANTS = 3
EXTENSION = "urn:example:params:scim:schemas:Crew"

with isolate_apps("django.contrib.messages"):

    class Sailor(AbstractBaseUser):
        username = models.CharField(max_length=150, unique=True)
        email = models.EmailField()
        is_active = models.BooleanField(default=True)
        rank = models.CharField(max_length=10, choices=[("", "-"), ("mate", "Mate"), ("captain", "Captain")])
        code = models.CharField(max_length=3)
        locker = models.IntegerField(unique=True, null=True)
        key = models.CharField(max_length=20, unique=True)
        number = models.IntegerField(null=True)
        height = models.FloatField(null=True)
        wage = models.DecimalField(max_digits=5, decimal_places=2, null=True)
        badge = models.UUIDField(null=True)
        page = models.URLField(blank=True)
        private_email = models.EmailField(blank=True)
        hired = models.DateField(null=True)
        seen = models.DateTimeField(null=True)
        given = models.CharField(max_length=50)
        family = models.CharField(max_length=50)
        notes = models.TextField(blank=True)
        metadata = models.JSONField(default=dict)
        aboard = models.BooleanField(default=False)
        boss = models.ForeignKey("self", on_delete=models.CASCADE, null=True)
        phone = models.CharField(max_length=50, blank=True)

        USERNAME_FIELD = "username"

        class Meta:
            app_label = "messages"


class SailorAdapter(UserAdapter):
    model = Sailor
    extensions = (
        *UserAdapter.extensions,
        Schema(
            EXTENSION,
            "Crew",
            "",
            (
                Attribute("aboard", type="boolean"),
                Attribute("number", type="integer"),
                Attribute("height", type="decimal"),
                Attribute("seen", type="dateTime"),
                Attribute("hired"),
                Attribute("badge"),
                Attribute("wage"),
                Attribute("privateEmail"),
                Attribute("code"),
                Attribute("locker", type="integer"),
                Attribute("key"),
            ),
        ),
    )
    attributes: ClassVar[Any] = {
        "userName": "username",
        "active": "is_active",
        "emails": "email",
        "name": Attr(
            ("given", "family"), get=lambda *_: None, set=lambda name: (name["givenName"], name["familyName"])
        ),
        "userType": "rank",
        "title": Attr("rank", set=None),
        "profileUrl": "page",
        "nickName": "metadata__nick",
        "locale": "notes",
        "phoneNumbers": "phone",
        f"{ENTERPRISE_USER}:manager.value": "boss",
        f"{EXTENSION}:aboard": "aboard",
        f"{EXTENSION}:number": "number",
        f"{EXTENSION}:height": "height",
        f"{EXTENSION}:seen": "seen",
        f"{EXTENSION}:hired": "hired",
        f"{EXTENSION}:badge": "badge",
        f"{EXTENSION}:wage": "wage",
        f"{EXTENSION}:privateEmail": "private_email",
        f"{EXTENSION}:code": "code",
        f"{EXTENSION}:locker": "locker",
        f"{EXTENSION}:key": "key",
    }


@pytest.fixture
def adapter() -> UserAdapter:
    return SailorAdapter()


def bodies(adapter: UserAdapter) -> list[dict[str, Any]]:
    return [specimen.body(adapter, "ada@example.com", variant) for variant in range(VARIANTS)]


def test_every_variant_is_a_resource_that_the_columns_take(adapter: UserAdapter) -> None:
    for body in bodies(adapter):
        cleaned = clean_resource(body, adapter.resource_type)
        assert not cleaned.ignored
        adapter.write_columns(cleaned.document)


def test_variants_differ_in_every_attribute_but_name_and_address(adapter: UserAdapter) -> None:
    first, second, _ = bodies(adapter)
    crew, other = first.pop(EXTENSION), second.pop(EXTENSION)
    assert {name for name in first if first[name] == second[name]} == {"schemas", "userName", "active", "emails"}
    assert {name for name in crew if crew[name] == other[name]} == set()
    assert set(crew) == {attribute.name for attribute in adapter.extensions[-1].attributes}


def test_values_fit_their_columns(adapter: UserAdapter) -> None:
    body = bodies(adapter)[1]
    assert body["userType"] == "captain"
    assert body["profileUrl"] == "https://example.com/beta"
    assert body["nickName"] == "Beta nickName"
    assert body["locale"] == "de-DE"
    assert body["phoneNumbers"] == [{"value": "Beta value", "display": "Beta display", "type": "home", "primary": True}]
    assert body["name"] == {name: f"Beta {name}" for name in body["name"]}
    assert body[EXTENSION]["code"] == "Bet"
    assert body[EXTENSION]["privateEmail"] == "beta@example.com"
    assert body[EXTENSION]["hired"] == "2026-02-01"


def test_what_a_column_keeps_unique_is_not_said_twice(adapter: UserAdapter) -> None:
    first, second = (specimen.body(adapter, "ada@example.com", 0)[EXTENSION] for _ in range(2))
    assert {name for name in first if first[name] != second[name]} == {"locker", "key"}


def test_what_only_the_application_writes_and_links_to_other_people_are_left_out(adapter: UserAdapter) -> None:
    body = bodies(adapter)[0]
    assert "title" not in body
    assert ENTERPRISE_USER not in body
    assert body["schemas"] == [adapter.schema.id, EXTENSION]


def test_an_attribute_without_value_and_primary_gets_its_parts() -> None:
    attribute = Attribute(
        "ships", type="complex", multi_valued=True, sub_attributes=(Attribute("harbour"), Attribute("country"))
    )
    assert specimen._value(attribute, 0) == [{"harbour": "Alpha harbour", "country": "DE"}]


def test_only_what_the_resource_type_has_is_sent() -> None:
    class Terse(UserAdapter):
        attributes: ClassVar[Any] = {"userName": "username"}
        keep_unmapped = False

    body = specimen.body(Terse(), "ada@example.com", 0)
    assert set(body) == {"schemas", "userName", "active", "emails", "externalId"}


def test_names_are_in_mixed_case_and_never_the_same() -> None:
    name = specimen.new_name()
    assert name != name.lower()
    assert name != specimen.new_name()
