"""The characteristics of attributes (RFC 7643 section 7) through the endpoints, on an extension of the host's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.helpers import is_error, row_of, with_setting
from conftest import ScimClient, person
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimEvent
from django_scim_provider.protocol.schemas import Attribute, Schema

pytestmark = pytest.mark.django_db

B = "urn:example:Badge"
NUMBER, PIN, NOTES = f"{B}:number", f"{B}:pin", f"{B}:notes"


class BadgeAdapter(UserAdapter):
    extensions = (
        *UserAdapter.extensions,
        Schema(
            B,
            "Badge",
            "",
            (
                Attribute("number", mutability="immutable"),
                Attribute("pin", mutability="writeOnly"),
                Attribute("secret", returned="never"),
                Attribute("notes", returned="request"),
                Attribute("chip", uniqueness="server"),
                Attribute("trail", type="complex", returned="request", sub_attributes=(Attribute("step"),)),
                Attribute("level", canonical_values=("low", "high")),
                Attribute("printed", mutability="readOnly"),
                Attribute("site", returned="always"),
                Attribute(
                    "door",
                    type="complex",
                    sub_attributes=(
                        Attribute("label"),
                        Attribute("memo", returned="request"),
                        Attribute("code", returned="never"),
                    ),
                ),
            ),
        ),
    )


FULL = {
    "number": "A1",
    "pin": "pin one",
    "secret": "hush",
    "notes": "n",
    "level": "middle",
    "printed": "yes",
    "site": "HQ",
    "door": {"label": "main", "memo": "m", "code": "key one"},
}
SHOWN = {"number": "A1", "level": "middle", "site": "HQ", "door": {"label": "main"}}


@pytest.fixture(autouse=True)
def _badges() -> Iterator[None]:
    with with_setting(ADAPTERS={"User": f"{__name__}.BadgeAdapter"}, EVENT_VALUES=True):
        yield


@pytest.fixture
def ann(scim: ScimClient) -> dict[str, Any]:
    return scim.create("ann@example.com", **{B: FULL})


def patch(scim: ScimClient, ann: dict[str, Any], path: str, value: Any, query: str = "") -> Any:
    return scim.patch(f"/Users/{ann['id']}{query}", {"op": "replace", "path": path, "value": value})


def read(scim: ScimClient, ann: dict[str, Any], attributes: str = "") -> Any:
    params = {"attributes": attributes} if attributes else {}
    return scim.get(f"/Users/{ann['id']}", **params).json().get(B)


def test_immutable_is_set_once(scim: ScimClient, ann: dict[str, Any]) -> None:
    path = f"/Users/{ann['id']}"
    assert is_error(scim.put(path, person("ann@example.com", **{B: {"number": "A2"}})), 400, "mutability")
    assert is_error(patch(scim, ann, NUMBER, "A2"), 400, "mutability")
    assert is_error(scim.patch(path, {"op": "remove", "path": NUMBER}), 400, "mutability")
    assert read(scim, ann) == SHOWN
    # Said again it is no change, whatever the case of its letters; left out it stays.
    tag = scim.get(path).headers["ETag"]
    assert patch(scim, ann, NUMBER, "a1").headers["ETag"] == tag
    assert scim.put(path, person("ann@example.com")).json()[B] == {"number": "A1"}
    fresh = scim.create("bob@example.com")
    assert scim.put(f"/Users/{fresh['id']}", person("bob@example.com", **{B: {"number": "B1"}})).json()[B] == {
        "number": "B1"
    }
    assert is_error(patch(scim, fresh, NUMBER, "B2"), 400, "mutability")


def test_read_only_is_ignored_in_bodies_and_refused_in_paths(scim: ScimClient, ann: dict[str, Any]) -> None:
    assert read(scim, ann, f"{B}:printed") == {"site": "HQ"}
    assert scim.put(f"/Users/{ann['id']}", ann | {B: FULL}).status_code == 200
    assert "printed" not in row_of(ann).attributes[B]
    assert is_error(patch(scim, ann, f"{B}:printed", "no"), 400, "mutability")


def test_what_is_never_returned_is_kept_and_told_by_nothing(scim: ScimClient, ann: dict[str, Any]) -> None:
    path = f"/Users/{ann['id']}"
    held = row_of(ann).attributes[B]
    assert (held["pin"], held["secret"], held["door"]["code"]) == ("pin one", "hush", "key one")
    asked = f"{B},{PIN},{B}:secret,{B}:door.code"
    answers = [
        scim.get(path, attributes=asked),
        scim.get("/Users", attributes=asked),
        patch(scim, ann, B, {"pin": "pin two", "secret": "psst", "door": {"code": "key two"}}, f"?attributes={asked}"),
        scim.put(path, scim.get(path).json() | {"title": "Boss"}),  # read and sent back: nothing hidden is lost
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.content
        assert not any(
            word in answer.content for word in (b"pin one", b"hush", b"pin two", b"psst", b'"code"', b"key two")
        )
    held = row_of(ann).attributes[B]
    assert (held["pin"], held["secret"], held["door"]["code"]) == ("pin two", "psst", "key two")
    for name in (PIN, f"{B}:secret", f"{B}:door.code"):
        assert is_error(scim.get("/Users", filter=f'{name} eq "1"'), 400, "invalidFilter")
        assert is_error(scim.get("/Users", sortBy=name), 400, "invalidValue")
        assert is_error(scim.get("/", sortBy=name), 400, "invalidValue")
    told = repr(list(ScimEvent.objects.values_list("values", "detail")))
    assert "main" in told
    assert not any(word in told for word in ("pin one", "hush", "pin two", "psst", "'code'"))
    scim.create("bob@example.com", **{B: {"pin": "pin one"}})
    last = ScimEvent.objects.latest("pk").values
    assert B not in last
    assert last["userName"] == "bob@example.com"
    # The version is no way to guess it: only the time of the change tells.
    row = row_of(ann)
    tag = scim.get(path).headers["ETag"]
    row.attributes[B]["pin"] = "0000"
    row.save()
    assert scim.get(path).headers["ETag"] == tag
    row.attributes[B]["notes"] = "changed"
    row.save()
    assert scim.get(path).headers["ETag"] != tag


def test_returned_on_request_is_shown_to_who_asks_and_to_who_sends_it(scim: ScimClient, ann: dict[str, Any]) -> None:
    path, memo = f"/Users/{ann['id']}", {"label": "main", "memo": "m"}
    assert ann[B] == SHOWN | {"notes": "n", "door": memo}
    assert read(scim, ann) == SHOWN
    (listed,) = scim.find('userName eq "ann@example.com"')
    assert listed[B] == SHOWN
    assert read(scim, ann, f"{NOTES},{B}:door.memo") == {"site": "HQ", "notes": "n", "door": {"memo": "m"}}
    assert patch(scim, ann, "title", "Boss").json()[B] == SHOWN
    assert patch(scim, ann, NOTES, "o").json()[B] == SHOWN | {"notes": "o"}
    assert patch(scim, ann, f"{B}:door.memo", "x").json()[B] == SHOWN | {"door": {"label": "main", "memo": "x"}}
    assert patch(scim, ann, f"{B}:door", {"memo": "m"}).json()[B] == SHOWN | {"door": memo}
    assert patch(scim, ann, f"{B}:trail.step", "1").json()[B] == SHOWN | {"trail": {"step": "1"}}
    # What the client asks of the answer comes first.
    assert patch(scim, ann, NOTES, "p", f"?excludedAttributes={NOTES}").json()[B] == SHOWN
    assert patch(scim, ann, NOTES, "q", "?attributes=userName").json()[B] == {"site": "HQ"}
    # Left out of a PUT it stays, since the client has not read it.
    assert scim.put(path, person("ann@example.com", **{B: {"site": "HQ", "notes": "r"}})).json()[B]["notes"] == "r"
    assert "notes" not in scim.put(path, person("ann@example.com")).json()[B]
    assert read(scim, ann, NOTES) == {"notes": "r"}


def test_unique_value_without_a_column_belongs_to_one_person(scim: ScimClient, ann: dict[str, Any]) -> None:
    chip = f"{B}:chip"
    bob, taken = scim.create("bob@example.com"), person("cy@example.com", **{B: {"chip": "CHIP"}})
    assert patch(scim, ann, chip, "chip").status_code == 200
    assert patch(scim, ann, B, {"chip": "Chip", "level": "low"}).status_code == 200
    assert is_error(scim.post("/Users", taken), 409, "uniqueness")
    together = [
        {"method": "POST", "path": "/Users", "bulkId": name, "data": {**taken, "userName": f"{name}@example.com"}}
        for name in ("first", "second")
    ]
    answer = scim.post(
        "/Bulk", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": together}
    ).json()
    assert [one["status"] for one in answer["Operations"]] == ["409", "409"]
    assert is_error(patch(scim, bob, chip, "CHIP"), 409, "uniqueness")
    assert is_error(scim.put(f"/Users/{bob['id']}", taken | {"userName": "bob@example.com"}), 409, "uniqueness")
    assert "chip" not in row_of(bob).attributes.get(B, {})
    assert [found["userName"] for found in scim.find(f'{chip} eq "chip"')] == ["ann@example.com"]
    # Who is gone needs it no more.
    assert scim.delete(f"/Users/{ann['id']}").status_code == 204
    assert scim.post("/Users", taken).status_code == 201


def test_canonical_values_are_advice(scim: ScimClient, ann: dict[str, Any]) -> None:
    (schema,) = [schema for schema in scim.get("/Schemas").json()["Resources"] if schema["id"] == B]
    (level,) = [attribute for attribute in schema["attributes"] if attribute["name"] == "level"]
    assert level["canonicalValues"] == ["low", "high"]
    assert patch(scim, ann, f"{B}:level", "highest").json()[B]["level"] == "highest"
