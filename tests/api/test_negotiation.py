"""Media types, sizes, and the order of checks: path, credential, method, media type, body."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import override_settings

from api.helpers import dump, is_error, statements, with_setting
from conftest import MOUNT, ScimClient, person

pytestmark = pytest.mark.django_db

JSON = json.dumps(person("ann@example.com")).encode()


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "application/scim+json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "application/json; charset=utf8",
        "Application/SCIM+JSON; Charset=UTF-8",
        "application/json; odata.metadata=minimal; charset=utf-8",
        "application/json;foo",
        "application/json;",
        " application/json ",
    ],
)
def test_json_in_utf_8_is_read(scim: ScimClient, content_type: str) -> None:
    assert scim.post("/Users", JSON, content_type=content_type).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "text/html",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/octet-stream",
        "application/jsonx",
        "application/scim",
        "json",
        "*/*",
        "application/*",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=iso-8859-1",
        "application/json; charset=utf-8; charset=utf-16",
        "application/vnd.api+json",
        "\xff\xfe",
        "a" * 10_000,
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_anything_else_is_415_and_writes_nothing(scim: ScimClient, method: str, content_type: str) -> None:
    body = scim.create("beth@example.com")
    path = "/Users" if method == "POST" else f"/Users/{body['id']}"
    before = dump(events=False)

    response = scim.request(method, path, JSON, content_type=content_type)

    if content_type == "application/json; charset=utf-8; charset=utf-16":
        assert response.status_code in (200, 201, 400, 415)
        return
    assert is_error(response, 415)
    assert dump(events=False) == before


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "gzip, identity", "nonsense"])
def test_compressed_bodies_are_415(scim: ScimClient, encoding: str) -> None:
    bomb = gzip.compress(b"[" * 1_000_000)

    assert is_error(scim.post("/Users", bomb, HTTP_CONTENT_ENCODING=encoding), 415)
    assert scim.post("/Users", JSON, HTTP_CONTENT_ENCODING="identity").status_code == 201


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "text/html",
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8",
        "application/xml",
        "image/webp",
        "nonsense",
        ";;;",
        "application/json; q=0",
        "a" * 5000,
    ],
)
@pytest.mark.parametrize("path", ["/Users", "/Schemas", "/Nonsense", "/Users/x"])
def test_whatever_is_accepted_the_answer_is_scim(scim: ScimClient, path: str, accept: str | None) -> None:
    headers: dict[str, Any] = {} if accept is None else {"HTTP_ACCEPT": accept}

    response = scim.request("GET", path, **headers)

    assert response.status_code in (200, 404)
    assert response.headers["Content-Type"] == "application/scim+json; charset=utf-8"


def test_content_type_of_a_request_without_a_body_is_ignored(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    for content_type in ("application/scim+json; charset=utf-8", "text/plain", ""):
        assert scim.request("GET", f"/Users/{body['id']}", content_type=content_type).status_code == 200
    assert scim.request("GET", "/Users", b"{broken", content_type="application/json").status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_body_over_the_limit_is_413_naming_the_limit_and_is_not_parsed(scim: ScimClient, method: str) -> None:
    body = scim.create("beth@example.com")
    path = "/Users" if method == "POST" else f"/Users/{body['id']}"
    before = dump(events=False)

    for data in (b" " * (1024 * 1024 + 1), b"[" * 3_000_000, JSON + b" " * 1024 * 1024):
        response = scim.request(method, path, data)
        assert is_error(response, 413)
        assert "1048576" in response.json()["detail"]

    assert dump(events=False) == before


def test_body_of_exactly_the_limit_is_read(scim: ScimClient) -> None:
    with with_setting(MAX_BODY_SIZE=400):
        assert scim.post("/Users", JSON.ljust(400)).status_code == 201
        assert is_error(scim.post("/Users", JSON.ljust(401)), 413)


def test_content_length_that_lies_makes_no_difference(scim: ScimClient) -> None:
    for length in ("0", "5", "", "nonsense"):
        response = scim.request("POST", "/Users", JSON, CONTENT_LENGTH=length)
        assert is_error(response, 400, "invalidSyntax")


def test_hosts_limit_on_forms_does_not_answer_in_html(scim: ScimClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10

    assert scim.post("/Users", JSON).status_code == 201


def test_more_parameters_than_django_takes_are_a_scim_400(scim: ScimClient) -> None:
    response = scim.request("GET", "/Users", QUERY_STRING="&".join(f"a{number}=1" for number in range(2000)))

    assert is_error(response, 400)


# The order of checks -----------------------------------------------------------------------------------------

WRONG_BODY: dict[str, Any] = {"body": b"{", "content_type": "text/plain"}


def test_unknown_path_comes_before_everything(anonymous: ScimClient, scim: ScimClient) -> None:
    for client in (anonymous, scim, ScimClient("nonsense")):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "FOO", "OPTIONS"):
            assert is_error(client.request(method, "/Nonsense", **WRONG_BODY), 404)


def test_credential_comes_before_the_method(anonymous: ScimClient) -> None:
    for client in (anonymous, ScimClient("nonsense")):
        for method in ("DELETE", "FOO", "OPTIONS", "TRACE"):
            assert is_error(client.request(method, "/Users", **WRONG_BODY), 401)


def test_method_comes_before_the_media_type(scim: ScimClient) -> None:
    for method, path in (("PUT", "/Users"), ("POST", "/Users/x"), ("POST", "/Schemas"), ("PATCH", "/ResourceTypes")):
        assert is_error(scim.request(method, path, **WRONG_BODY), 405)


def test_media_type_comes_before_the_body(scim: ScimClient) -> None:
    assert is_error(scim.post("/Users", b"{", content_type="text/plain"), 415)
    assert is_error(scim.post("/Users", b"[" * 2_000_000, content_type="text/plain"), 415)
    assert is_error(scim.post("/Users", b"{"), 400, "invalidSyntax")


def test_refused_request_asks_the_database_only_for_the_token(scim: ScimClient, anonymous: ScimClient) -> None:
    scim.get("/Users")

    assert statements(lambda: anonymous.post("/Users", JSON)) == []
    assert statements(lambda: anonymous.get("/Nonsense")) == []
    assert statements(lambda: scim.get("/Nonsense")) == []
    assert len(statements(lambda: scim.request("PUT", "/Users", JSON))) == 1


@override_settings(MIDDLEWARE=[])  # what the host's middleware adds is not ours
def test_answers_of_every_kind_are_not_kept_and_not_sniffed(scim: ScimClient, anonymous: ScimClient) -> None:
    body = scim.create("ann@example.com")
    for response in (
        scim.get("/Users"),
        scim.get(f"/Users/{body['id']}"),
        scim.get("/Users/x"),
        scim.get("/Schemas"),
        scim.get("/Nonsense"),
        scim.post("/Users", b"{"),
        scim.post("/Users", JSON),
        scim.request("PUT", "/Users"),
        scim.post("/Bulk", {}),
        anonymous.get("/Users"),
        scim.delete(f"/Users/{body['id']}"),
    ):
        assert response.headers["Cache-Control"] == "no-store, private"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "HTTP_AUTHORIZATION" not in response.wsgi_request.META
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Set-Cookie" not in response.headers
        assert f"{MOUNT}/" in response.headers.get("Location", f"{MOUNT}/")
