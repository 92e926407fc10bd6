"""An extension that a host declares: the same verbs, filters, sorting and discovery as for the RFC's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from conftest import ScimClient, person
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import filters
from django_scim_provider.protocol.urns import ENTERPRISE_USER, USER
from hosts.inventory.models import Staff
from hosts.inventory.scim import STAFF, StaffAdapter

URN = STAFF.id
MAPPED: dict[str, Any] = {
    "badgeNumber": "B-7",
    "floor": 3,
    "rate": 12.5,
    "hiredAt": "2026-01-31T10:00:00+02:00",
    "photo": "-_8=",
    "contractor": True,
    "skills": ["Django", "Cooking"],
    "desk": {"room": "R1", "seat": 4},
}
KEPT: dict[str, Any] = {
    "costCode": "C-1",
    "level": 9,
    "score": 1.5,
    "trainedAt": "2026-02-01T00:00:00Z",
    "key": "QmV0YQ==",
    "remote": False,
    "shirt": "XL",
    "handbook": "https://example.com/book",
    "languages": ["de", "fr"],
    "certificates": [{"value": "A1", "type": "gas", "until": "2027-01-01T00:00:00Z"}],
}


@pytest.fixture(autouse=True)
def _wired() -> Iterator[None]:
    with override_settings(SCIM_PROVIDER=_settings()):
        yield


def _settings(adapter: str = "StaffAdapter") -> dict[str, Any]:
    return {"REQUIRE_HTTPS": False, "THROTTLE_RATE": None, "ADAPTERS": {"User": f"hosts.inventory.scim.{adapter}"}}


def staff(name: str, **attributes: Any) -> dict[str, Any]:
    return person(f"{name}@example.com", schemas=[USER, URN], **{URN: attributes})


def test_every_type_is_written_to_its_column_or_kept_and_shown_as_sent(scim: ScimClient) -> None:
    made = scim.post("/Users", staff("ada", **MAPPED, **KEPT)).json()
    assert made["schemas"] == [USER, URN]
    assert made[URN] == MAPPED | KEPT
    assert scim.get(f"/Users/{made['id']}").json() == made
    record = Staff.objects.get()
    assert (record.badge, record.floor, str(record.rate), record.is_contractor) == ("B-7", 3, "12.50", True)
    assert record.hired_at.isoformat() == "2026-01-31T08:00:00+00:00"
    assert (bytes(record.photo), record.skills, record.desk) == (b"\xfb\xff", MAPPED["skills"], MAPPED["desk"])
    # What the application changes is shown, in the one form that there is then.
    record.rate, record.photo, record.hired_at, record.badge = "3.20", b"\0", datetime(2027, 1, 1, tzinfo=UTC), None
    record.skills = []
    record.save()
    shown = scim.get(f"/Users/{made['id']}").json()[URN]
    assert (shown["rate"], shown["photo"], shown["hiredAt"]) == (3.2, "AA==", "2027-01-01T00:00:00Z")
    assert "badgeNumber" not in shown
    assert "skills" not in shown


def test_a_replacement_clears_what_it_leaves_out_but_not_what_is_immutable(scim: ScimClient) -> None:
    made = scim.post("/Users", staff("ada", **MAPPED, **KEPT)).json()
    answer = scim.put(f"/Users/{made['id']}", staff("ada", badgeNumber="B-8"))
    assert answer.json()[URN] == {"badgeNumber": "B-8", "costCode": "C-1"}
    record = Staff.objects.get()
    assert (record.badge, record.floor, record.rate, record.hired_at) == ("B-8", None, None, None)
    assert (record.photo, record.is_contractor, record.skills) == (None, False, None)
    refused = scim.put(f"/Users/{made['id']}", staff("ada", costCode="C-2"))
    assert (refused.status_code, refused.json()["scimType"]) == (400, "mutability")
    assert scim.put(f"/Users/{made['id']}", made).json()[URN] == made[URN]


@pytest.mark.parametrize(
    ("operation", "shown"),
    [
        ({"op": "add", "path": f"{URN}:floor", "value": 5}, {"floor": 5}),
        ({"op": "Replace", "value": {f"{URN}:badgeNumber": "B-9", f"{URN}:level": 2}}, {"badgeNumber": "B-9", "level": 2}),
        ({"op": "Add", "value": {URN: {"shirt": "M"}}}, {"shirt": "M"}),
        ({"op": "replace", "path": f"{URN}:desk.seat", "value": 6}, {"desk": {"room": "R1", "seat": 6}}),
        ({"op": "add", "path": f"{URN}:languages", "value": ["it"]}, {"languages": ["de", "fr", "it"]}),
        ({"op": "remove", "path": f"{URN}:skills"}, {"skills": None}),
        ({"op": "replace", "path": f'{URN}:certificates[type eq "gas"].value', "value": "A2"}, {"certificates": [{**KEPT["certificates"][0], "value": "A2"}]}),
        ({"op": "remove", "path": f'{URN}:certificates[value eq "A1"]'}, {"certificates": None}),
    ],
)  # fmt: skip
def test_a_patch_reaches_every_attribute(scim: ScimClient, operation: Any, shown: dict[str, Any]) -> None:
    made = scim.post("/Users", staff("ada", **MAPPED, **KEPT)).json()
    answer = scim.patch(f"/Users/{made['id']}", operation)
    assert answer.status_code == 200, answer.content
    wanted = {name: value for name, value in {**made[URN], **shown}.items() if value is not None}
    assert answer.json()[URN] == wanted
    assert scim.get(f"/Users/{made['id']}").json()[URN] == wanted


FILTERS = [
    "badgeNumber eq \"B-1\"", "badgeNumber ne \"B-1\"", "badgeNumber ew \"1\"", "badgeNumber pr",
    "floor eq 0", "floor gt 1", "floor ne 1", "floor pr", "not (floor pr)", "rate eq 1.50", "rate ge 1.5", "rate lt 123456.789",
    'hiredAt gt "2026-01-01T09:00:00+02:00"', 'hiredAt eq "2026-01-01T08:00:00Z"', "hiredAt pr", 'photo eq "AAA="', "photo pr",
    "contractor eq true", "contractor ne true", 'skills eq "django"', 'skills co "JANG"', "skills pr", 'desk.room eq "r1"',
    'desk[room eq "R1" and seat eq 2]', "desk.seat gt 1",
    'costCode eq "c-1"', "level eq 10", "level gt 9", "level lt -1", "level ne 10", "score eq 1.50", "score gt 1", "score lt -0.5",
    'trainedAt eq "2026-02-01T01:00:00+01:00"', 'trainedAt lt "2026-02-02"', 'key eq "QmV0YQ=="', 'key eq "qmv0yq=="',
    "remote eq false", "remote pr", 'shirt eq "xl"', 'handbook sw "https://"', 'languages eq "FR"', 'languages ne "fr"', "languages pr",
    'certificates eq "A1"', 'certificates eq "a1"', 'certificates[type eq "gas" and value eq "A1"]', 'certificates.type eq "gas"',
]  # fmt: skip


def test_filters_find_what_their_evaluator_finds(scim: ScimClient) -> None:
    """Mapped and kept, of every type, by URN and, since no other schema has these names, without."""
    people: list[dict[str, Any]] = [
        {**MAPPED, **KEPT, "badgeNumber": "B-1", "floor": 0, "rate": 1.5, "hiredAt": "2026-01-01T10:00:00+02:00"},
        {**KEPT, "badgeNumber": "C-1", "floor": 2, "photo": "AAA=", "level": 10, "score": -1, "languages": ["it"]},
        {"contractor": False, "skills": ["Chess"], "desk": {"room": "R1", "seat": 2}, "level": -5, "score": 1},
        {"floor": 1, "hiredAt": "2025-12-31T23:59:59Z", "trainedAt": "2026-02-01T00:00:00Z", "remote": True},
        {},
    ]
    for number, attributes in enumerate(people):
        assert scim.post("/Users", staff(f"p{number}", **attributes)).status_code == 201
    everybody = scim.get("/Users").json()["Resources"]
    resource_type = get_user_adapter().resource_type
    for text in FILTERS:
        qualified = f"not ({URN}:{text.removeprefix('not (')}" if text.startswith("not (") else f"{URN}:{text}"
        wanted = [
            found["userName"]
            for found in everybody
            if filters.matches(filters.parse_filter(qualified, resource_type), found)
        ]
        assert [found["userName"] for found in scim.find(qualified)] == wanted, text
        assert [found["userName"] for found in scim.find(text)] == wanted, text
    assert {found["userName"][:2] for found in scim.find(f'schemas eq "{URN}"')} >= {"p0", "p1"}


@pytest.mark.parametrize(
    "name", ["floor", "rate", "level", "score", "trainedAt", "hiredAt", "badgeNumber", "languages"]
)
def test_sorting_is_by_value_and_the_absent_come_last(scim: ScimClient, name: str) -> None:
    values: list[Any] = {
        "floor": [10, 9, -1],
        "level": [10, 9, -1],
        "rate": [10, 9.5, -1],
        "score": [10, 9.5, -1],
        "badgeNumber": ["c", "b", "a"],
        "languages": [["b"], ["a", "z"], ["c"]],
    }.get(name, ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00+02:00", "2025-01-01T00:00:00Z"])
    for number, value in enumerate([None, *values]):
        scim.post("/Users", staff(f"p{number}", **({} if value is None else {name: value})))
    found = [item["userName"][1] for item in scim.get("/Users", sortBy=f"{URN}:{name}").json()["Resources"]]
    order = {"badgeNumber": "321", "languages": "213"}.get(name, "321")
    assert "".join(found) == f"{order}0"


def test_projection_discovery_and_events_know_the_extension(scim: ScimClient) -> None:
    made = scim.post("/Users", staff("ada", **MAPPED)).json()
    path = f"/Users/{made['id']}"
    shown = scim.get(path, attributes=f"{URN}:floor,userName").json()
    assert (shown[URN], set(shown)) == ({"floor": 3}, {"schemas", "id", "userName", URN})
    assert scim.get(path, attributes=URN).json()[URN] == MAPPED
    assert URN not in scim.get(path, excludedAttributes=URN).json()
    schema = scim.get(f"/Schemas/{URN}").json()
    declared = {attribute["name"]: attribute for attribute in schema["attributes"]}
    assert declared.keys() == MAPPED.keys() | KEPT.keys()
    assert declared["badgeNumber"]["uniqueness"] == "server"
    assert declared["shirt"]["canonicalValues"] == ["S", "M", "L"]
    assert declared["desk"]["subAttributes"][0]["required"] is True
    kind = scim.get("/ResourceTypes/User").json()
    assert kind["schemaExtensions"] == [
        {"schema": ENTERPRISE_USER, "required": False},
        {"schema": URN, "required": False},
    ]


@pytest.mark.parametrize(
    "attributes",
    [
        {"floor": "three"}, {"floor": 2.5}, {"rate": 123456.5}, {"hiredAt": "yesterday"}, {"photo": "!"}, {"contractor": "x"},
        {"desk": {"seat": 1}}, {"certificates": [{"type": "gas"}]}, {"badgeNumber": "B" * 41}, {"skills": [1]},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(scim: ScimClient, attributes: dict[str, Any]) -> None:
    answer = scim.post("/Users", staff("ada", **attributes))
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue"), answer.content
    assert not get_user_model()._default_manager.exists()


def test_a_unique_column_keeps_the_attribute_unique(scim: ScimClient) -> None:
    scim.post("/Users", staff("ada", badgeNumber="B-1"))
    answer = scim.post("/Users", staff("bob", badgeNumber="B-1"))
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert ScimUser.objects.count() == 1


class Required(StaffAdapter):
    required_extensions = (URN,)


class OnlyMapped(StaffAdapter):
    keep_unmapped = False
    required_extensions = (URN, ENTERPRISE_USER)


def test_a_required_extension_is_asked_for_but_keeps_nobody_active(scim: ScimClient) -> None:
    old = scim.create("old@example.com")
    with override_settings(SCIM_PROVIDER=_settings() | {"ADAPTERS": {"User": f"{__name__}.Required"}}):
        assert scim.get("/ResourceTypes/User").json()["schemaExtensions"][1] == {"schema": URN, "required": True}
        answer = scim.post("/Users", person("ada@example.com"))
        assert (answer.status_code, answer.json()["detail"]) == (400, f"{URN} is missing.")
        assert scim.post("/Users", staff("ada", floor=1)).status_code == 201
        off = scim.patch(f"/Users/{old['id']}", {"op": "replace", "path": "active", "value": False})
        assert (off.status_code, off.json()["active"]) == (200, False)
        given = scim.patch(f"/Users/{old['id']}", {"op": "add", "path": f"{URN}:floor", "value": 1})
        assert given.status_code == 200
        taken = scim.patch(f"/Users/{old['id']}", {"op": "remove", "path": f"{URN}:floor"})
        assert (taken.status_code, taken.json()["detail"]) == (400, f"{URN} is missing.")


def test_without_unmapped_attributes_the_schema_lists_the_columns(scim: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER=_settings() | {"ADAPTERS": {"User": f"{__name__}.OnlyMapped"}}):
        schema = scim.get(f"/Schemas/{URN}").json()
        assert {attribute["name"] for attribute in schema["attributes"]} == MAPPED.keys()
        assert scim.get("/ResourceTypes/User").json()["schemaExtensions"] == [{"schema": URN, "required": True}]
        made = scim.post("/Users", staff("ada", **MAPPED, **KEPT)).json()
        assert made[URN] == MAPPED
