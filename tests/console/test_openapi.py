"""The console's OpenAPI document, held against what the console answers."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from jsonschema_rs import Draft202012Validator
from rest_framework.schemas.generators import EndpointEnumerator

from conftest import person
from console.caller import MOUNT, PASSWORD, Caller
from django_scim_provider.console import bodies
from django_scim_provider.console.errors import ENTERPRISE_REQUIRED, WORDS
from django_scim_provider.console.openapi import ROUTES
from django_scim_provider.models import (
    ConnectionGuard,
    HeldRemoval,
    ScimConnection,
    ScimOAuthClient,
    ScimRemoval,
    ScimUser,
)
from django_scim_provider.services import groups, role_mappings, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_support import group_body


def printed(*options: str) -> dict[str, Any]:
    output = StringIO()
    call_command("scim_openapi", "--console", *options, stdout=output)
    made: dict[str, Any] = json.loads(output.getvalue())
    return made


def test_the_document_follows_routes_and_serializers() -> None:
    document = printed("--title", "Console")
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": MOUNT}])
    assert document["info"]["title"] == "Console"
    assert document["paths"].keys() == {f"/{path}" for path, *_ in ROUTES}
    schemas = document["components"]["schemas"]
    assert schemas["CreateBody"]["required"] == ["name"]
    assert schemas["CreateBody"]["properties"].keys() == bodies.CreateBody().fields.keys()
    assert schemas["CreateBody"]["additionalProperties"] is False
    assert "verified_domains" not in schemas["CreateBody"]["properties"]
    assert schemas["IssueBody"]["properties"]["days"]["maximum"] == 730
    assert schemas["Token"]["properties"]["last_used_at"] == {"type": ["string", "null"], "format": "date-time"}
    issue = document["paths"]["/connections/{connection_id}/tokens"]["post"]
    assert issue["responses"].keys() == {"201", "default"}
    assert [parameter["name"] for parameter in issue["parameters"]] == ["Idempotency-Key"]
    asked = document["paths"]["/connections/{connection_id}/events"]["get"]["parameters"]
    assert [parameter["name"] for parameter in asked] == ["search", "outcome", "action", "since", "limit", "offset"]
    assert printed("--base-url", "https://app.example.com/scim")["servers"] == [{"url": "https://app.example.com/scim"}]
    served = Client().get(f"{MOUNT}/openapi.json").json()
    assert served["servers"] == [{"url": f"http://testserver{MOUNT}"}]
    assert served["paths"] == document["paths"]


def test_the_reference_lists_every_endpoint() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "console.rst").read_text(encoding="utf-8")
    rows = re.findall(
        r"^   \* - ([A-Z]+)\n     - ``(.+)``\n     - ?(?:``(.+)``)?\n     - ?(yes)?\n", page, re.MULTILINE
    )
    served = [
        (method.upper(), path, "".join(declared.needs), "yes" if declared.is_paid else "")
        for path, view, _name in ROUTES
        for method in ("get", "post", "patch", "delete")
        if (declared := getattr(getattr(view, method, None), "operation", None))
    ]
    assert rows == served
    assert {word for word in [*WORDS.values(), ENTERPRISE_REQUIRED] if f"     - ``{word}``\n" not in page} == set()


def test_a_console_that_is_not_mounted_has_no_document(settings: Any) -> None:
    settings.ROOT_URLCONF = "hosts.urls"
    with pytest.raises(CommandError, match="not in the URLconf"):
        printed()


def test_the_hosts_own_document_leaves_the_console_out() -> None:
    found = EndpointEnumerator(get_resolver().url_patterns).get_api_endpoints()
    assert not [path for path, *_ in found if path.startswith(MOUNT)]


@pytest.mark.django_db
def test_answers_are_what_the_document_says(root: Caller) -> None:
    document = printed()

    def check(method: str, path: str, body: Any = None, **ids: Any) -> Any:
        address = path.format(**ids)
        response = root.request(method.upper(), address, body)
        declared = document["paths"][path][method]["responses"]
        schema = declared.get(str(response.status_code), declared["default"])["content"]["application/json"]["schema"]
        found = response.json()
        Draft202012Validator({**schema, "components": document["components"]}).validate(found)
        return found

    ConnectionFactory()
    made = check("post", "/connections", {"name": "Acme", "password": PASSWORD})
    ids = {"connection_id": made["connection"]["id"], "token_id": made["token"]["id"]}
    one = "/connections/{connection_id}"
    check("get", "/connections")
    check("get", one, **ids)
    check("patch", one, {"name": "Acme Inc."}, **ids)
    check("post", "/connections", {"name": ""})
    check("get", one, connection_id="nonsense")
    check("get", f"{one}/tokens", **ids)
    check("post", f"{one}/tokens/{{token_id}}/rotate", {"password": PASSWORD}, **ids)
    ScimOAuthClient.objects.create(
        connection_id=ids["connection_id"], application_key="1", client_id="entra", created_by=root.user
    )
    check("get", f"{one}/oauth-clients", **ids)
    check("get", f"{one}/events", **ids)
    check("get", f"{one}/roles", **ids)
    check("get", f"{one}/guard", **ids)
    held = {"resource_type": "User", "resource_id": "1", "first_at": timezone.now(), "last_at": timezone.now()}
    HeldRemoval.objects.create(connection_id=ids["connection_id"], **held)
    connection = ScimConnection.objects.get(name="Acme Inc.")
    row = users.create_user(Context(connection), person("alice@example.com"))
    removed = {"scim_user": ScimUser.objects.get(scim_id=row.id), "kind": "delete", "at": timezone.now()}
    ScimRemoval.objects.create(connection_id=ids["connection_id"], **removed)
    groups.create_group(Context(connection), group_body("Staff", row.id))
    Group.objects.create(name="editors")
    role_mappings.save_mapping(Context(connection), "Staff", "editors")
    check("get", f"{one}/people", **ids)
    check("get", f"{one}/groups", **ids)
    check("get", f"{one}/removals/held", **ids)
    check("get", f"{one}/removals", **ids)
    ConnectionGuard.objects.update(alarm_at=timezone.now())
    assert check("post", f"{one}/removals/undo", **ids)["done"]
    check("post", f"{one}/removals/release", **ids)
    check("post", f"{one}/self-test", **ids)
    assert check("post", f"{one}/rehearsal", **ids)["ok"] is True
    check("post", f"{one}/disable", **ids)
    check("get", f"{one}/enable/preview", **ids)
    check("post", f"{one}/enable", {"password": PASSWORD}, **ids)
    check("post", "/connections/preview", {"name": "Globex"})
