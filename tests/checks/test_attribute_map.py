from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.db import models

from checks.wiring import APP_LABEL, Wire, ids
from django_scim_provider.adapters import (
    ENTERPRISE_USER,
    Attr,
    Boolean,
    Not,
    PrimaryValue,
    UserAdapter,
    full_name,
)
from django_scim_provider.checks.attribute_map import check_attribute_map

Map = Callable[..., None]
Make = Callable[..., type[models.Model]]


def test_the_stock_map_is_right(wire: Wire) -> None:
    wire()
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize(
    "entries",
    [
        {"nickName": "last_name"},
        {"NICKNAME": Attr("last_name", set=None)},
        {f"{ENTERPRISE_USER}:department": Attr("last_name", set=None)},
        {"active": Not("is_active")},
        {"active": Boolean("is_active")},
        {"emails": PrimaryValue("email", type="home")},
        {"userType": Attr("is_staff", get=lambda staff: "staff" if staff else None, set=None)},
        {"employeeNumber": None},
    ],
)
def test_entries_that_fit_are_right(map_attributes: Map, entries: dict[Any, Any]) -> None:
    map_attributes(
        {"name.familyName": None if "nickName" in entries else UserAdapter.attributes["name.familyName"]} | entries
    )
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("user_name", "Did you mean 'userName'? "),
        ("given_name", "Did you mean 'name.givenName'? "),
        ("name.given_name", "Did you mean 'name.givenName'? "),
        ("nickname2", "Did you mean 'nickName'"),
        ("department", f"Did you mean '{ENTERPRISE_USER}:department'? "),
        (f"{ENTERPRISE_USER}:costcentre", f"Did you mean '{ENTERPRISE_USER}:costCenter'"),
        ("urn:example:Other:title", "Did you mean 'title'? "),
        ("password", "Remove it: passwords are accepted and dropped, and never written."),
        ("quite something else", "Write attributes of an extension after its URN and a colon."),
        (5, "Write attributes of an extension after its URN and a colon."),
    ],
)
def test_an_attribute_that_scim_does_not_have_is_reported_with_a_near_one(
    map_attributes: Map, key: Any, suggestion: str
) -> None:
    map_attributes({key: Attr("last_name", set=None)})
    messages = check_attribute_map()
    assert ids(messages) == ["E020"]
    assert str(messages[0].hint).startswith(suggestion)


@pytest.mark.parametrize("entry", [5, ["last_name"], lambda user: user.last_name])
def test_an_entry_that_is_neither_column_nor_attr_is_reported(map_attributes: Map, entry: Any) -> None:
    map_attributes({"title": entry})
    assert ids(check_attribute_map()) == ["E021"]


@pytest.mark.parametrize("attributes", [None, ["userName"], "userName"])
def test_a_map_that_is_no_dictionary_is_reported(wire: Wire, attributes: Any) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {"attributes": attributes}))
    assert ids(check_attribute_map()) == ["E021"]


@pytest.mark.parametrize(
    ("column", "suggestion"),
    [
        ("lastname", "Did you mean 'last_name'"),
        ("", "Name a field of User"),
        ("profile__department", "Name a field of User"),
        ("email__iexact", "Did you mean 'email'? "),
        ("logentry", "Name a field of User"),
        ("groups", "Name a field of User"),
    ],
)
def test_a_column_that_the_model_does_not_have_is_reported_with_a_near_one(
    map_attributes: Map, column: str, suggestion: str
) -> None:
    map_attributes({"title": column})
    messages = check_attribute_map()
    assert ids(messages) == ["E022"]
    assert str(messages[0].hint).startswith(suggestion)


def test_a_related_column_is_suggested(make_user_model: Make) -> None:
    model = make_user_model({"title": "profil__title"})
    type(
        "Profile",
        (models.Model,),
        {
            "__module__": __name__,
            "user": models.OneToOneField(model, models.CASCADE, related_name="profile"),
            "title": models.CharField(max_length=50),
            "Meta": type("Meta", (), {"app_label": APP_LABEL}),
        },
    )
    (message,) = check_attribute_map()
    assert str(message.hint).startswith("Did you mean 'profile__title'? ")


def test_a_relation_without_a_model_is_reported(make_user_model: Make) -> None:
    owner = models.CharField(max_length=5, default="")
    # As a generic relation: it leads somewhere else for each row.
    owner.is_relation, owner.related_model = True, None
    make_user_model({"title": "owner__name"}, owner=owner)
    assert ids(check_attribute_map()) == ["E022"]


@pytest.mark.parametrize(
    "key", ["groups", "id", "schemas", "meta.created", f"{ENTERPRISE_USER}:manager.displayName", "externalId"]
)
def test_a_read_only_attribute_is_reported(map_attributes: Map, key: str) -> None:
    map_attributes({key: Attr("last_name", get=lambda name: [name], set=None)})
    assert ids(check_attribute_map()) == ["E023"]


@pytest.mark.parametrize(
    "entry", ["company__name", Attr("company__name"), Attr("company__country__name", set=lambda value: value)]
)
def test_a_write_through_a_shared_row_is_reported(isolated: Any, make_user_model: Make, entry: Any) -> None:
    meta = type("Meta", (), {"app_label": APP_LABEL})
    named = {"__module__": __name__, "name": models.CharField(max_length=5), "Meta": meta}
    country = type("Country", (models.Model,), dict(named))
    company = type("Company", (models.Model,), named | {"country": models.ForeignKey(country, models.CASCADE)})
    make_user_model({"title": entry}, company=models.ForeignKey(company, models.CASCADE, null=True))
    assert ids(check_attribute_map()) == ["E024"]
    path = entry if isinstance(entry, str) else entry.fields[0]
    make_user_model({"title": Attr(path, set=None)}, company=models.ForeignKey(company, models.CASCADE, null=True))
    assert ids(check_attribute_map()) == []


def test_a_write_through_rows_of_the_users_own_is_right(make_user_model: Make) -> None:
    model = make_user_model({"title": "profile__extra__title"})
    for name, owner in [("profile", model), ("extra", "Profile")]:
        content = {
            "__module__": __name__,
            "Meta": type("Meta", (), {"app_label": APP_LABEL}),
            "owner": models.OneToOneField(owner, models.CASCADE, related_name=name),
            "title": models.CharField(max_length=5),
        }
        type(name.title(), (models.Model,), content)
    assert ids(check_attribute_map()) == []


def test_a_write_through_a_row_that_is_saved_before_the_user_is_reported(make_user_model: Make, isolated: Any) -> None:
    meta = type("Meta", (), {"app_label": APP_LABEL})
    profile = type(
        "Profile", (models.Model,), {"__module__": __name__, "title": models.CharField(max_length=5), "Meta": meta}
    )
    make_user_model({"title": "profile__title"}, profile=models.OneToOneField(profile, models.CASCADE, null=True))
    assert ids(check_attribute_map()) == ["E024"]


@pytest.mark.parametrize(("key", "column"), [("userName", "username"), ("USERNAME", "last_name")])
def test_an_attribute_that_is_mapped_twice_is_reported(map_attributes: Map, key: str, column: str) -> None:
    map_attributes({"title": "last_name", "TITLE": Attr("last_name", set=None), "name.familyName": None})
    assert ids(check_attribute_map()) == ["E025"]


def test_user_name_without_a_column_is_reported(map_attributes: Map) -> None:
    map_attributes({"userName": None})
    assert ids(check_attribute_map()) == ["E026"]
    map_attributes({"userName": Attr("username", set=None)})
    assert ids(check_attribute_map()) == ["E026"]
    map_attributes({"userName": Attr("username", set=None)}, create=lambda self, columns, connection, using: None)
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize("key", ["emails.value", "addresses", "addresses.locality", "phoneNumbers.type"])
def test_a_column_for_one_of_many_values_is_reported(map_attributes: Map, key: str) -> None:
    map_attributes({key: "last_name", "name.familyName": None})
    assert ids(check_attribute_map()) == ["E027"]


def test_many_values_without_a_value_can_be_mapped_by_functions(map_attributes: Map) -> None:
    map_attributes({"addresses": Attr("last_name", get=lambda city: [{"locality": city}], set=None)})
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("active", "is_staff"),
        ("active", Not("is_superuser")),
        ("userType", Attr("is_superuser", get=str, set=bool)),
        ("title", "password"),
        ("title", Attr("password", set=None)),
        ("title", Attr("id", get=str)),
    ],
)
def test_a_way_to_privileges_is_reported(map_attributes: Map, key: str, entry: Any) -> None:
    map_attributes({key: entry})
    assert ids(check_attribute_map()) == ["E028"]


def test_a_foreign_key_as_a_column_is_reported(make_user_model: Make) -> None:
    owner = models.ForeignKey("self", models.CASCADE, null=True)
    for column in ("owner", "owner_id"):
        make_user_model({"title": column}, owner=owner)
        assert ids(check_attribute_map()) == ["E029"]
    make_user_model({"title": Attr("owner", get=str, set=int)}, owner=owner)
    assert ids(check_attribute_map()) == []
    make_user_model({"title": Attr("owner", set=None)}, owner=owner)
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("active", "last_name"),
        ("active", Attr("last_name")),
        ("active", Not("date_joined")),
        ("title", "is_active"),
        ("title", "date_joined"),
        ("title", Boolean("is_active")),
        ("name", "last_name"),
        ("name", "date_joined"),
        ("emails", Attr("email")),
        ("emails", "last_login"),
        ("x509Certificates", PrimaryValue("last_login")),
    ],
)
def test_a_column_of_another_type_is_reported(map_attributes: Map, key: str, entry: Any) -> None:
    active = Attr("is_active", get=bool, set=None)
    map_attributes({"name.familyName": None, "active": active, "emails": None, key: entry}, suspend=print)
    assert set(ids(check_attribute_map())) == {"E030"}


@pytest.mark.parametrize(
    ("field", "key", "entry", "expected"),
    [
        (models.JSONField(default=dict), "title", "extra", ["E030"]),
        (models.JSONField(default=dict), "title", "extra__title", []),
        (models.JSONField(default=dict), "active", "extra__active", []),
        (models.JSONField(default=dict), "name", Attr("extra"), []),
        (models.JSONField(default=dict), "phoneNumbers", Attr("extra"), []),
        (models.UUIDField(null=True), "title", "extra", ["E030"]),
        (models.IntegerField(default=0), "title", "extra", ["E030"]),
        (models.IntegerField(default=0), "title", Attr("extra", get=str, set=int), []),
        (models.GenericIPAddressField(null=True), "title", "extra", []),
        (models.Field(null=True), "title", "extra", []),
    ],
)
def test_the_type_of_a_column_is_judged_where_it_is_known(
    make_user_model: Make, field: models.Field[Any, Any], key: str, entry: Any, expected: list[str]
) -> None:
    make_user_model({key: entry}, extra=field)
    assert ids(check_attribute_map()) == expected


def test_active_without_a_column_is_reported(map_attributes: Map) -> None:
    map_attributes({"active": None})
    assert ids(check_attribute_map()) == ["W031"]
    map_attributes({"active": Boolean("is_active")})
    assert ids(check_attribute_map()) == []
    map_attributes({"active": None}, suspend=lambda self, user, using: None)
    assert ids(check_attribute_map()) == []
    map_attributes({"active": None}, soft_deletes=True)
    assert ids(check_attribute_map()) == []


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"userName": "email"}, ["W032"]),
        ({"userName": "email", "emails": PrimaryValue("email", writes=False)}, []),
        ({"userName": "email", "emails": None}, []),
        (full_name("last_name") | {"name.familyName": None}, []),
        (full_name("last_name") | {"name.familyName": "last_name"}, ["W032"]),
        (full_name("last_name") | {"name.familyName": Attr("last_name", set=None)}, []),
    ],
)
def test_a_column_that_two_attributes_write_is_reported(
    map_attributes: Map, entries: dict[str, Any], expected: list[str]
) -> None:
    map_attributes(entries)
    assert ids(check_attribute_map()) == expected


def test_an_adapter_whose_model_raises_is_reported(wire: Wire) -> None:
    def model(self: Any) -> Any:
        raise LookupError("no such model")

    wire(adapter=type("Adapter", (UserAdapter,), {"model": property(model)}))
    messages = check_attribute_map()
    assert ids(messages) == ["E013"]
    assert messages[0].obj == "host_under_test.Adapter"


def test_each_adapter_is_looked_at_once(wire: Wire, host: Any) -> None:
    host.Picky = type("Picky", (UserAdapter,), {"__init__": lambda self: None})
    wire(
        adapter=type("Adapter", (UserAdapter,), {"attributes": {"userName": "username", "active": 5}}),
        PORTALS={
            "store": {"ADAPTERS": {"User": "host_under_test.Adapter"}},
            "desk": {"ADAPTERS": {"User": "django_scim_provider.adapters.UserAdapter"}},
            "till": {},
            "missing": {"ADAPTERS": {"User": "nowhere.Adapter"}},
            "picky": {"ADAPTERS": {"User": "host_under_test.Picky"}},
            "odd": "text",
        },
    )
    assert ids(check_attribute_map()) == ["E021", "W031"]


def test_the_adapter_of_a_portal_is_looked_at(wire: Wire, host: Any) -> None:
    host.Broken = type("Broken", (UserAdapter,), {"attributes": {"userName": "nothing", "active": "is_active"}})
    wire(PORTALS={"store": {"ADAPTERS": {"User": "host_under_test.Broken"}}})
    assert ids(check_attribute_map()) == ["E022", "E026"]


def test_a_user_model_of_the_hosts_own_without_an_adapter_is_reported(
    make_user_model: Make, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_user_model(bases=(AbstractBaseUser,))
    monkeypatch.setattr("django_scim_provider.adapters.users.get_user_model", lambda: model)
    wire()
    messages = check_attribute_map()
    assert ids(messages) == ["E022", "E022", "E022", "E026"]
    assert "SCIM_PROVIDER['ADAPTERS']['User']" in str(messages[0].hint)
