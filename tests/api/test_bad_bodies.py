"""Bodies that are wrong, hostile or huge: a SCIM error, the same on every database, and nothing half-written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.helpers import dump, host_of, is_error, row_of
from conftest import ScimClient, person
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import urns
from factories import HostUserFactory

pytestmark = pytest.mark.django_db

NAME = b'{"userName":"ann@example.com",'


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    """A body of that depth in all, the object at the top included."""
    inner = depth - 1
    return NAME + b'"x":' + (opening * inner + closing * inner).encode() + b"}"


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t ",
    "brace": b"{",
    "closing brace": b"}",
    "single quotes": b"{'userName':'ann@example.com'}",
    "trailing comma": NAME + b"}",
    "comment": NAME + b'"x":1 /* c */}',
    "two objects": b'{"userName":"ann@example.com"}{"userName":"b"}',
    "text behind": b'{"userName":"ann@example.com"} x',
    "no value": b'{"userName":}',
    "no quotes": b"{userName:1}",
    "control character": b'{"userName":"a\nb@example.com"}',
    "bad escape": b'{"userName":"a\\x41"}',
    "cut escape": b'{"userName":"a\\u00"}',
    "cut": json.dumps(person("ann@example.com")).encode()[:-20],
    "NaN": NAME + b'"x":NaN}',
    "Infinity": NAME + b'"x":Infinity}',
    "minus Infinity": NAME + b'"x":-Infinity}',
    "leading zero": NAME + b'"x":01}',
    "plus": NAME + b'"x":+1}',
    "hex": NAME + b'"x":0x10}',
    "point": NAME + b'"x":.5}',
    "array": b"[1]",
    "array of a person": json.dumps([person("ann@example.com")]).encode(),
    "string": b'"x"',
    "number": b"5",
    "null": b"null",
    "true": b"true",
    "same key twice": b'{"userName":"ann@example.com","userName":"b@example.com"}',
    "same key twice, same value": b'{"userName":"ann@example.com","userName":"ann@example.com"}',
    "same key in another case": NAME + b'"active":true,"Active":false}',
    "same key twice inside": NAME + b'"name":{"givenName":"a","givenName":"b"}}',
    "same key in another case inside": NAME + b'"emails":[{"value":"a@b.c","VALUE":"d@e.f"}]}',
    "same key twice, escaped": b'{"userName":"ann@example.com","user\\u004eame":"b@example.com"}',
    "same key twice, where nobody looks": NAME + b'"x":{"y":[{"z":1,"Z":2}]}}',
    "NUL": b'{"userName":"a\\u0000b@example.com"}',
    "NUL byte": b'{"userName":"a\x00b@example.com"}',
    "NUL in a key": NAME + b'"a\\u0000":1}',
    "NUL in an ignored value": NAME + b'"x":"\\u0000"}',
    "NUL in a password": NAME + b'"password":"\\u0000"}',
    "lone high surrogate": b'{"userName":"\\ud800x@example.com"}',
    "lone low surrogate": b'{"userName":"\\udc00x@example.com"}',
    "surrogates in the wrong order": NAME + b'"title":"\\udc00\\ud800"}',
    "surrogate in a key": NAME + b'"\\ud800":1}',
    "surrogate in UTF-8": NAME + b'"title":"\xed\xa0\x80"}',
    "noncharacter": NAME + b'"title":"\\uffff"}',
    "noncharacter in an astral plane": NAME + '"title":"\U0001fffe"}'.encode(),
    "not UTF-8": b'{"userName":"\xff\xfe@example.com"}',
    "overlong UTF-8": NAME + b'"title":"\xc0\xaf"}',
    "cut UTF-8": NAME + b'"title":"\xe2\x82"}',
    "latin-1": '{"userName":"josé@example.com"}'.encode("latin-1"),
    "UTF-16": json.dumps({"userName": "ann@example.com"}).encode("utf-16"),
    "UTF-32": json.dumps({"userName": "ann@example.com"}).encode("utf-32-le"),
    "33 deep": nested(33),
    "33 deep in objects": nested(33, '{"a":[', "]}"),
    "5000 deep": nested(5000),
    "100,000 opening brackets": b"[" * 100_000,
    "900,000 opening brackets": b"[" * 900_000,
    "200,000 opening braces": b'{"a":' * 200_000,
    "100,000 closing brackets": b"]" * 100_000,
    "brackets and strings": b'["' * 100_000,
    "form": b"userName=ann@example.com",
    "XML": b'<?xml version="1.0"?><User/>',
    "HTML": b"<html></html>",
    "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bodies_are_invalid_syntax_and_leave_nothing(scim: ScimClient, name: str) -> None:
    body = scim.create("beth@example.com")
    before = dump(events=False)

    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{body['id']}"), ("PATCH", f"/Users/{body['id']}")):
        response = scim.request(method, path, BROKEN[name], CONTENT_TYPE="application/scim+json")
        assert is_error(response, 400, "invalidSyntax")
        assert len(response.content) < 600

    assert dump(events=False) == before


NUMBERS = {
    "5000 digits": b"1" * 5000,
    "2^63": b"9223372036854775808",
    "-2^63-1": b"-9223372036854775809",
    "1e400": b"1e400",
    "-1e400": b"-1e400",
    "1e999999999": b"1e999999999",
}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("where", [b'"x":', b'"title":', b'"emails":'])
def test_numbers_beyond_64_bits_are_invalid_value_and_leave_nothing(scim: ScimClient, where: bytes, name: str) -> None:
    before = dump(events=False)

    response = scim.post("/Users", NAME + where + NUMBERS[name] + b"}")

    assert is_error(response, 400, "invalidValue")
    assert dump(events=False) == before


@pytest.mark.parametrize("depth", [2, 10, 32])
def test_bodies_within_the_depth_are_read(scim: ScimClient, depth: int) -> None:
    assert scim.post("/Users", nested(depth)).status_code == 201


def test_brackets_inside_strings_are_not_depth(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", userType="[" * 100 + '{"' * 50 + "\\")

    assert body["userType"] == "[" * 100 + '{"' * 50 + "\\"


def test_byte_order_mark_is_skipped(scim: ScimClient) -> None:
    assert scim.post("/Users", b"\xef\xbb\xbf" + json.dumps(person("ann@example.com")).encode()).status_code == 201


# Values of the wrong type ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userName", 5),
        ("userName", True),
        ("userName", 1.5),
        ("userName", {}),
        ("userName", {"value": "ann"}),
        ("userName", ["a@example.com", "b@example.com"]),
        ("externalId", 5),
        ("externalId", False),
        ("externalId", {"a": "b"}),
        ("title", 5),
        ("title", {"a": "b"}),
        ("displayName", ["a", "b"]),
        ("name", "str"),
        ("name", 5),
        ("name", ["a", "b"]),
        ("name", {"givenName": 5}),
        ("name", {"givenName": {"a": 1}}),
        ("active", "yes"),
        ("active", 1),
        ("active", 0),
        ("active", 1.0),
        ("active", "0"),
        ("active", {"value": False}),
        ("emails", 5),
        ("emails", True),
        ("emails", [5]),
        ("emails", [{"value": 5}]),
        ("emails", [{"value": {"a": 1}}]),
        ("emails", [{"value": "a@example.com", "primary": "maybe"}]),
        ("emails", [{"value": "a@example.com", "primary": True}, {"value": "b@example.com", "primary": True}]),
        ("emails", [{"value": f"a{number}@example.com"} for number in range(1001)]),
        ("x509Certificates", [{"value": "not base64!"}]),
        (urns.ENTERPRISE_USER, "str"),
        (urns.ENTERPRISE_USER, 5),
        (urns.ENTERPRISE_USER, {"department": 5}),
        (urns.ENTERPRISE_USER, {"manager": 5}),
    ],
)
def test_values_of_the_wrong_type_are_invalid_value_and_leave_nothing(
    scim: ScimClient, attribute: str, value: Any
) -> None:
    body = scim.create("beth@example.com")
    before = dump(events=False)
    bad = {**person("ann@example.com"), attribute: value}

    assert is_error(scim.post("/Users", bad), 400, "invalidValue")
    assert is_error(scim.put(f"/Users/{body['id']}", bad), 400, "invalidValue")
    assert is_error(
        scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {attribute: value}}), 400, "invalidValue"
    )

    assert dump(events=False) == before


@pytest.mark.parametrize("schemas", [None, "x", 5, {}, [], [5], [None], [["x"]], [urns.GROUP], ["", "\u202e"], True])
def test_schemas_of_any_shape_are_forgiven(scim: ScimClient, schemas: Any) -> None:
    assert scim.post("/Users", {"schemas": schemas, "userName": "ann@example.com"}).status_code == 201


@pytest.mark.parametrize(
    "name", ["", " ", ".", ":", "$", "[", "a.b.c", "emails[", "__class__", "constructor", "é", "x" * 10_000]
)
def test_names_that_no_schema_has_are_left_out(scim: ScimClient, name: str) -> None:
    response = scim.post("/Users", {**person("ann@example.com"), name: {"a": ["b"]}})

    assert response.status_code == 201
    assert name not in response.json() or not name


# Nasty strings -----------------------------------------------------------------------------------------------

NASTY: dict[str, str] = {
    "quotes": "'\"`´",
    "sql": "'; DROP TABLE auth_user; --",
    "template": "{{7*7}}${7*7}#{7*7}<%= 7*7 %>{0.__class__}%(x)s%s%n",
    "script": "<script>alert(1)</script>",
    "path": "../../etc/passwd",
    "back slash": "\\",
    "percent": "%_\\%",
    "formula": "=cmd|' /C calc'!A0",
    "accents, composed": "é",
    "accents, decomposed": "e\u0301",
    "sharp s": "straße",
    "dotted I": "İı",
    "astral": "𝔘𝔫𝔦",
    "emoji": "a 💥",
    "family": "👩\u200d👩\u200d👧",
    "arabic": "مرحبا",
    "hebrew and latin": "אבגabc",
    "zero width": "a\u200bb",
    "soft hyphen": "a\u00adb",
    "byte order mark": "\ufeffa",
    "right to left override": "a\u202eb",
    "line separator": "a\u2028b",
    "no-break space": "a\u00a0b",
    "ideographic space": "a\u3000b",
    "tab": "a\tb",
    "line feed": "a\nb",
    "bell": "a\x07b",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "next line": "a\x85b",
    "unassigned": "a\u0378b",
    "private use": "a\ue000b",
    "zalgo": "Z" + "\u0335" * 60,
    "spaces around": " a ",
    "only a space": " ",
}
STRINGS = [
    "userName",
    "externalId",
    "displayName",
    "title",
    "name.givenName",
    "emails.value",
    "emails.type",
    "phoneNumbers.value",
    "photos.value",
    "addresses.locality",
    f"{urns.ENTERPRISE_USER}:department",
]
REFUSED_EVERYWHERE = {"bell", "escape", "delete", "next line"}
REFUSED_IN_NAMES_SHOWN = {"right to left override"}
REFUSED_IN_USER_NAME = {
    "family", "astral", "hebrew and latin", "zero width", "soft hyphen", "byte order mark", "right to left override",
    "line separator", "tab", "line feed", "unassigned", "private use", "spaces around", "only a space",
    *REFUSED_EVERYWHERE,
}  # fmt: skip


def with_value(text: str, *paths: str) -> dict[str, Any]:
    """A person whose attributes at these paths have that value."""
    body = person("ann@example.com", emails=[{"value": "x@example.com"}])
    for path in paths:
        urn, _, name = path.rpartition(":")
        attribute, _, sub = name.partition(".")
        if urn:
            body[urn] = {name: text}
        elif attribute in ("emails", "phoneNumbers", "photos", "addresses"):
            body[attribute] = [body.get(attribute, [{}])[0] | {sub: text}]
        else:
            body[attribute] = {sub: text} if sub else text
    return body


def read_value(path: str, body: dict[str, Any]) -> Any:
    urn, _, name = path.rpartition(":")
    attribute, _, sub = name.partition(".")
    value = body[urn][name] if urn else body[attribute]
    value = value[0] if isinstance(value, list) else value
    return value[sub] if sub else value


@pytest.mark.hosts
@pytest.mark.parametrize("nasty", NASTY)
def test_nasty_strings_get_the_same_answer_on_every_database(scim: ScimClient, nasty: str) -> None:
    """What is taken comes back byte for byte and is found by a filter; what is not leaves nothing behind."""
    text = NASTY[nasty]
    refused = set(STRINGS) if nasty in REFUSED_EVERYWHERE else set()
    refused |= {"userName"} if nasty in REFUSED_IN_USER_NAME else set()
    refused |= {"displayName"} if nasty in REFUSED_IN_NAMES_SHOWN else set()
    before = dump(events=False)
    for path in refused:
        assert is_error(scim.post("/Users", with_value(text, path)), 400, "invalidValue"), path
    assert dump(events=False) == before
    taken = [path for path in STRINGS if path not in refused]
    if not taken:
        return

    body = scim.post("/Users", with_value(text, *taken)).json()

    assert "id" in body, body
    assert {path: read_value(path, body) for path in taken} == dict.fromkeys(taken, text)
    assert scim.get(f"/Users/{body['id']}").json() == body
    # Other attributes may be in a column of the host's, which compares as the host wants.
    for path in {"userName", "externalId", "emails.value", "emails.type", "photos.value"} - refused:
        assert [item["id"] for item in scim.find(f"{path} eq {json.dumps(text)}")] == [body["id"]], path


@pytest.mark.hosts
@pytest.mark.parametrize("path", STRINGS)
@pytest.mark.parametrize(("text", "length"), [("x", 500), ("💥", 300), ("é", 100_000)])
def test_long_strings_get_the_same_answer_on_every_database(
    scim: ScimClient, path: str, text: str, length: int
) -> None:
    """Cut by nobody: whole, or 400."""
    value = text * length
    before = dump(events=False)

    response = scim.post("/Users", json.dumps(with_value(value, path), ensure_ascii=False).encode())

    assert response.status_code in (201, 400)
    if response.status_code == 400:
        assert is_error(response, 400, "invalidValue")
        assert dump(events=False) == before
    else:
        assert length < 100_000
        assert read_value(path, response.json()) == value
        assert read_value(path, scim.get(f"/Users/{response.json()['id']}").json()) == value


@pytest.mark.parametrize(("length", "status"), [(65_536, 201), (65_537, 400)])
def test_longest_string_of_an_attribute_without_a_column(scim: ScimClient, length: int, status: int) -> None:
    response = scim.post("/Users", person("ann@example.com", userType="x" * length))

    assert response.status_code == status
    if status == 201:
        assert scim.find(f'userType eq "{"x" * 3000}"') == []


@pytest.mark.hosts
def test_name_that_grows_when_it_is_folded_fits_or_is_refused(scim: ScimClient) -> None:
    """U+0130 becomes two characters in lower case."""
    for length in (75, 127, 128, 149):
        response = scim.post("/Users", {"userName": "İ" * length})
        assert response.status_code in (201, 400)
        if response.status_code == 201:
            found = scim.find(f'userName eq "{"İ" * length}"')
            assert [item["id"] for item in found] == [response.json()["id"]]


def test_refused_write_leaves_everybody_else_alone(scim: ScimClient) -> None:
    bystander = HostUserFactory(name="bystander")
    before = dump(events=False)

    for body in (
        b"{",
        b'{"userName":5}',
        b'{"userName":"\\u0000"}',
        b"[" * 1000,
        b'{"userName":"bystander@example.com"}',
    ):
        assert scim.post("/Users", body).status_code in (400, 409)

    assert dump(events=False) == before
    assert ScimUser.objects.get(user=bystander).alive


def test_nasty_names_make_one_line_of_log_each(scim: ScimClient, caplog: pytest.LogCaptureFixture) -> None:
    for path in ("/Users/a%0d%0aFAKE%20LINE", "/%1b[31mred", "/Users?x=%0aFAKE"):
        scim.get(path)
        scim.request("DELETE", path)

    for record in caplog.records:
        message = record.getMessage()
        assert "\n" not in message
        assert "\r" not in message
        assert "\x1b" not in message


def test_all_strings_at_once_survive_a_put(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    taken = "".join(NASTY[name] for name in NASTY if name not in REFUSED_EVERYWHERE | REFUSED_IN_NAMES_SHOWN)
    titles = {"title": taken[:50], "userType": taken, "nickName": taken[:20], "locale": taken}

    shown = scim.put(f"/Users/{body['id']}", person("ann@example.com", **titles)).json()

    for name, value in titles.items():
        assert shown[name] == value
    assert row_of(body).attributes["userType"] == taken
    assert host_of(body).is_active
