"""The OpenAPI document, and requests that somebody else makes up from it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as configured
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver
from rest_framework.authentication import BaseAuthentication
from rest_framework.schemas.generators import EndpointEnumerator

from conftest import MOUNT, ScimClient
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol.openapi import openapi_document
from django_scim_provider.protocol.urns import ENTERPRISE_USER

pytestmark = pytest.mark.skipif(
    not apps.is_installed("hosts.inventory"), reason="for the host that has more than people"
)


@pytest.fixture
def document(settings: Any) -> dict[str, Any]:
    adapters = {"User": "hosts.inventory.scim.StaffAdapter", "Device": "hosts.inventory.scim.DeviceAdapter"}
    settings.SCIM_PROVIDER = {**configured.SCIM_PROVIDER, "ADAPTERS": adapters}
    output = StringIO()
    call_command("scim_openapi", "--title", "Staff", stdout=output)
    made: dict[str, Any] = json.loads(output.getvalue())
    return made


BEARER = {"type": "http", "scheme": "bearer"}
BASIC = {"type": "http", "scheme": "basic"}
DIGEST = {"type": "http", "scheme": "digest"}
API = "django_scim_provider.api.authentication"


class OwnAuthentication(BaseAuthentication):
    """A host's own, which does not say what it is."""


@pytest.mark.parametrize(
    ("classes", "wanted"),
    [
        ([f"{API}.BearerAuthentication"], {"bearer": BEARER}),
        ([f"{API}.BasicAuthentication", f"{API}.BearerAuthentication"], {"basic": BASIC, "bearer": BEARER}),
        (["interop.test_openapi.OwnAuthentication"], {"OwnAuthentication": {"type": "apiKey"}}),
    ],
)
def test_the_document_names_what_the_host_authenticates_by(
    classes: list[str], wanted: dict[str, Any], settings: Any
) -> None:
    settings.SCIM_PROVIDER = {**configured.SCIM_PROVIDER, "AUTHENTICATION": classes}
    output = StringIO()
    call_command("scim_openapi", stdout=output)
    made = json.loads(output.getvalue())
    schemes = made["components"]["securitySchemes"]
    assert {name: {key: schemes[name][key] for key in scheme} for name, scheme in wanted.items()} == wanted
    assert made["security"] == [{name: []} for name in schemes] == [{name: []} for name in wanted]
    assert made["paths"]["/Schemas"]["get"]["security"] == [{}, *made["security"]]


def schemes_of(*schemes: dict[str, Any]) -> dict[str, Any]:
    made = openapi_document([], title="x", version="1", base_url="/", authentication_schemes=schemes)
    found: dict[str, Any] = made["components"]["securitySchemes"]
    assert made["security"] == [{name: []} for name in found]
    assert all(re.fullmatch(r"[a-zA-Z0-9._-]+", name) for name in found)
    return found


def test_a_name_that_can_be_no_key_is_made_one() -> None:
    certificate = {"type": "custom", "name": "Client certificate", "description": "Checked by the gateway."}
    assert schemes_of(certificate) == {
        "Client-certificate": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "Checked by the gateway.",
        }
    }
    names = ["Client/certificate", "Client certificate!", "bearer", "\u8a3c\u660e\u66f8", ""]
    others = [{"type": "custom", "name": name, "description": name} for name in names]
    token = {"type": "oauthbearertoken", "name": "Token", "description": "x"}
    assert list(schemes_of(certificate, token, *others)) == [
        "Client-certificate",
        "bearer",
        "Client-certificate-2",
        "Client-certificate-3",
        "bearer-2",
        "custom",
        "custom-2",
    ]


def test_schemes_that_look_alike_are_one() -> None:
    kinds = ("oauth2", "oauthbearertoken", "httpbasic", "httpdigest")
    schemes = [{"type": kind, "name": kind, "description": kind} for kind in kinds]
    assert schemes_of(*schemes) == {"bearer": BEARER, "basic": BASIC, "digest": DIGEST}


def test_a_scheme_that_says_little_of_itself_is_described_as_far_as_it_goes() -> None:
    assert schemes_of({}, {"name": "Own"}) == {
        name: {"type": "apiKey", "in": "header", "name": "Authorization"} for name in ("custom", "Own")
    }


def test_lists_are_paged_by_cursor_too_and_all_types_together_are_not(document: dict[str, Any]) -> None:
    def asked(path: str) -> set[str]:
        return {parameter["name"] for parameter in document["paths"][path]["get"]["parameters"]}

    assert asked("/Users") == asked("/Devices") == asked("/") | {"cursor"}
    schemas = document["components"]["schemas"]
    assert "nextCursor" in schemas["UserList"]["properties"]
    assert asked("/Users") | {"schemas"} == schemas["SearchRequest"]["properties"].keys()
    for path in ("/Users/.search", "/Groups/.search", "/Devices/.search", "/.search", "/Bulk"):
        assert document["paths"][path].keys() == {"post"}
    assert document["paths"]["/Me"].keys() == {"description", "get", "put", "patch"}


def test_every_component_is_referred_to_and_every_reference_leads_to_one(document: dict[str, Any]) -> None:
    referred = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert referred == document["components"]["schemas"].keys()


def test_the_document_follows_the_schemas(document: dict[str, Any]) -> None:
    assert (document["openapi"], document["info"]["title"], document["servers"]) == ("3.1.0", "Staff", [{"url": MOUNT}])
    assert {"/Users", "/Users/{id}", "/Groups", "/Devices", "/Devices/{id}", "/Schemas"} <= document["paths"].keys()
    shown = document["components"]["schemas"]["DeviceResource"]["properties"]
    sent = document["components"]["schemas"]["DeviceInput"]
    assert shown["owner"]["readOnly"] is True
    assert "owner" not in sent["properties"]
    assert sent["required"] == ["schemas", "serialNumber"]
    assert sent["properties"]["boughtAt"]["format"] == "date-time"
    assert "color" not in shown
    person = document["components"]["schemas"]["UserInput"]["properties"]
    assert ENTERPRISE_USER in person
    assert person["emails"]["items"]["properties"]["type"]["examples"]


def test_the_hosts_own_document_leaves_scim_out() -> None:
    """REST framework's generators, drf-spectacular's among them, know nothing of these views."""
    assert not [
        path for path, *_ in EndpointEnumerator(get_resolver().url_patterns).get_api_endpoints() if "scim" in path
    ]


@pytest.mark.slow
def test_what_is_made_up_from_the_document_is_answered_as_it_says(
    document: dict[str, Any],
    scim: ScimClient,
    connection: ScimConnection,
    issue_token: Callable[..., str],
    request: pytest.FixtureRequest,
) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    hypothesis = pytest.importorskip("hypothesis")
    site = get_wsgi_application()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/openapi.json":
            return site(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(document).encode()]

    schema = schemathesis.openapi.from_wsgi("/openapi.json", application)
    schema.config.generation.update(modes=[schemathesis.GenerationMode.POSITIVE])
    headers = {"Authorization": f"Bearer {issue_token(connection)}"}
    checks = schemathesis.checks.CHECKS.get_by_names(
        ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    )
    statuses: Counter[int] = Counter()

    def exercise(operation: Any, scim_id: str | None) -> None:
        @hypothesis.settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            if scim_id:
                case.path_parameters["id"] = scim_id
            answer = case.call_and_validate(headers=headers, checks=checks)
            statuses[answer.status_code] += 1

        ask()

    known = []
    # A token is nobody's: 501.
    for found in schema.exclude(path="/Me").get_all_operations():
        operation = found.ok()
        endpoint, one, _ = operation.path.partition("/{id}")
        name = f"{endpoint}-{operation.method}"
        body = {"userName": name, "displayName": name, "serialNumber": name}
        known.append((operation, scim.post(endpoint, body).json()["id"] if one else None))
    # From here on: Django's test client lets requests close the database again after each of its own.
    request.getfixturevalue("in_process")
    for operation, scim_id in known:
        exercise(operation, scim_id)
    assert {operation.path for operation, _ in known} == document["paths"].keys() - {"/Me"}
    print(statuses)  # noqa: T201
    # It is not all refusals.
    assert statuses[200] > 30, statuses
    assert statuses[201] > 5, statuses
    assert not [status for status in statuses if status >= 500]
