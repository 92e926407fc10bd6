"""Every path under the mount, with every method."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from api.helpers import NO_SUCH_ID, dump, is_error
from conftest import MOUNT, ScimClient, person

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _with_a_type_of_the_hosts() -> Iterator[None]:
    adapters = {"Device": "hosts.inventory.scim.DeviceAdapter"}
    with override_settings(SCIM_PROVIDER={**settings.SCIM_PROVIDER, "ADAPTERS": adapters}):
        yield


METHODS = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "FOO",
    "get",
    "-",
]
WITHOUT_TOKEN = {"config", "config-elsewhere", "resource-types", "resource-type", "schemas", "schema"}
"""The discovery endpoints: whoever makes another endpoint public has to say so here."""


def patterns(resolver: URLResolver, mine: bool = False) -> Iterator[URLPattern]:
    """Our URL patterns, wherever the host has mounted them."""
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from patterns(entry, mine or entry.app_name == "scim_provider")
        elif mine:
            yield entry


def example_of(pattern: URLPattern) -> str:
    """A path that a pattern of ours matches."""
    text = pattern.pattern.regex.pattern.removeprefix("^").removesuffix("$").removesuffix("\\Z")
    text = re.sub(r"\(\?P<endpoint>.*?\)", "Devices", text)
    text = re.sub(r"\(\?P<\w+>.*?\)", NO_SUCH_ID, text).replace("\\.", ".")
    text = re.sub(r"\(\?:([^|)]*).*?\)", r"\1", text)
    return re.sub(r".\?", "", text)


ENDPOINTS = {
    str(pattern.name): example_of(pattern) for pattern in patterns(get_resolver()) if pattern.name != "unknown"
}


def test_walk_finds_the_endpoints_that_are_there() -> None:
    assert ENDPOINTS["users"] == "Users"
    assert ENDPOINTS["user"] == f"Users/{NO_SUCH_ID}"
    assert ENDPOINTS.keys() >= WITHOUT_TOKEN
    for name, path in ENDPOINTS.items():
        assert get_resolver().resolve(f"{MOUNT}/{path}").url_name == name


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_every_endpoint_with_every_method_is_401_without_a_token(name: str, method: str) -> None:
    before = dump()
    for slash in ("", "/") if ENDPOINTS[name] else ("",):
        response = Client(raise_request_exception=False).generic(
            method,
            f"{MOUNT}/{ENDPOINTS[name]}{slash}",
            b'{"userName":"evil"}',
            content_type="application/scim+json",
            headers={"X-HTTP-Method-Override": "GET", "X-Original-URL": "/scim/v2/Schemas", "X-Rewrite-URL": "/"},
        )

        if name in WITHOUT_TOKEN:
            assert response.status_code in ((200, 404) if method in ("GET", "HEAD", "get") else (405,))
        else:
            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.headers["Content-Type"].startswith("application/scim+json")
        assert not response.cookies
    assert dump() == before


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT", "PROPFIND", "FOO", "-", "POST\r\nX: y"])
@pytest.mark.parametrize("name", ENDPOINTS)
def test_verbs_that_scim_does_not_have_are_405_with_allow(scim: ScimClient, name: str, method: str) -> None:
    response = scim.request(method, f"/{ENDPOINTS[name]}")

    assert is_error(response, 405)
    allowed = response.headers["Allow"].split(", ")
    assert set(allowed) <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    assert method not in allowed


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", "GET, HEAD, POST"),
        (f"/Users/{NO_SUCH_ID}", "GET, HEAD, PUT, PATCH, DELETE"),
        ("/Schemas", "GET, HEAD"),
        ("/ServiceProviderConfig", "GET, HEAD"),
    ],
)
def test_allow_names_what_the_endpoint_does(scim: ScimClient, path: str, allowed: str) -> None:
    assert scim.request("FOO", path).headers["Allow"] == allowed
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        refused = scim.request(method, path, {}).status_code == 405
        assert refused is (method not in allowed.split(", "))


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_method_cannot_be_overridden(scim: ScimClient, header: str) -> None:
    body = scim.create("ann@example.com")
    headers = {f"HTTP_{header.upper().replace('-', '_')}": "DELETE"}

    assert scim.request("GET", f"/Users/{body['id']}", **headers).status_code == 200
    assert is_error(scim.request("POST", f"/Users/{body['id']}?_method=DELETE", b"_method=DELETE", **headers), 405)
    assert scim.get(f"/Users/{body['id']}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "//",
        "//Users",
        "/Users//",
        "///Users",
        "/./Users",
        "/%2e/Users",
        "/../Users",
        "/%2e%2e/Users",
        "/..;/Users",
        "/Users/..%2f..%2fadmin/",
        "/Users%2f",
        "/Users%00",
        "/Users%0a",
        "/Users%20",
        "/Users;jsessionid=1",
        "/Users.json",
        "/Users/.search/x",
        "/users",
        "/USERS",
        "/Us%65rs/x/y",
        "/user",
        "/v2/Users",
        "/Groupsx",
        "/Schemas/a/b",
        "/admin/",
        "/%ff",
        "/%E0%A4%A",
        "/💥",
        "/" + "a" * 5000,
        "/" + "a/" * 2000,
    ],
)
def test_paths_that_are_not_endpoints_are_a_scim_404(scim: ScimClient, anonymous: ScimClient, path: str) -> None:
    for client in (anonymous, scim):
        for method in ("GET", "POST", "DELETE"):
            response = client.request(method, path, person("evil@example.com"))
            if path == "/Users%2f":  # the server decodes it: that is /Users/
                assert response.status_code != 404
            else:
                assert is_error(response, 404)


def test_percent_encoding_of_plain_letters_makes_no_difference(scim: ScimClient, anonymous: ScimClient) -> None:
    assert scim.get("/Us%65rs").status_code == 200
    assert is_error(anonymous.get("/Us%65rs"), 401)


@pytest.mark.parametrize("slash", ["", "/"])
def test_slash_at_the_end_is_served_and_never_redirected(scim: ScimClient, slash: str) -> None:
    body = scim.post(f"/Users{slash}", person("ann@example.com")).json()
    path = f"/Users/{body['id']}{slash}"

    assert scim.get(f"/Users{slash}").json()["totalResults"] == 1
    assert scim.get(path).json() == body
    assert scim.put(path, body).status_code == 200
    assert scim.patch(path, {"op": "add", "path": "title", "value": "x"}).status_code == 200
    assert scim.get(path).json()["meta"]["location"] == f"http://testserver{MOUNT}/Users/{body['id']}"
    assert scim.delete(path).status_code == 204


def test_me_is_501_for_a_credential_that_is_nobodys(scim: ScimClient) -> None:
    for path in ("/Me", "/Me/"):
        for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
            assert is_error(scim.request(method, path, {}), 501)
