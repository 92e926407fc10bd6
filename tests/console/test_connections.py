"""Connections: made, shown with how they do, switched off and on, configured, deleted, tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import ScimClient
from console.caller import Caller, error
from django_scim_provider.models import (
    ConnectionGuard,
    GroupRoleMapping,
    ScimConnection,
    ScimEvent,
    ScimGroup,
    ScimOAuthClient,
    ScimToken,
)
from django_scim_provider.protocol import urns
from django_scim_provider.services import audit, groups, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.hosts
def test_the_life_of_a_connection(root: Caller) -> None:
    HostUserFactory(name="alice")
    wanted = {
        "name": "Acme",
        "provider": "okta",
        "on_delete": "nothing",
        "guard_limit": 5,
        "ip_allowlist": "127.0.0.0/8",
    }
    preview = root.post("/connections/preview/", wanted)
    assert (preview.status_code, preview.json()["adopted"], preview.json()["left_out"]) == (200, 2, 0)
    assert preview.json()["protected"] == [root.user.get_username()]
    assert not ScimConnection.objects.exists()

    made = root.confirmed("/connections/", **wanted)
    assert made.status_code == 201, made.content
    body = made.json()
    connection = ScimConnection.objects.get()
    address = f"/connections/{connection.pk}"
    assert body["adopted"] == 2
    assert body["base_url"] == "http://testserver/scim/v2"
    assert body["token"]["created_by"] == body["connection"]["state_changed_by"] == root.user.get_username()
    assert (body["connection"]["id"], body["connection"]["on_delete"]) == (str(connection.pk), "nothing")
    assert body["connection"]["verified_domains"] == []
    assert ScimClient(body["secret"]).get("/Users").status_code == 200

    shown = root.get(f"{address}/").json()
    assert shown == {**body["connection"], "last_seen_at": shown["last_seen_at"]}
    assert body["secret"] not in str(shown)
    assert shown["status"] | {"expires_at": None} == {
        "managed": 2,
        "active": 2,
        "live_tokens": 1,
        "oauth_clients": 0,
        "held_removals": 0,
        "expires_at": None,
        "warnings": [],
        "problem": None,
    }
    assert shown["status"]["expires_at"] == body["token"]["expires_at"]

    changed = root.request("PATCH", address, {"name": "Acme Inc.", "on_create": "ignore"})
    assert (changed.status_code, changed.json()["name"], changed.json()["on_create"]) == (200, "Acme Inc.", "ignore")
    assert error(root.request("DELETE", address)) == (409, "conflict")
    assert error(root.confirmed(f"{address}/enable/")) == (409, "conflict")
    assert error(root.get(f"{address}/enable/preview")) == (409, "conflict")

    off = root.post(f"{address}/disable/")
    assert (off.status_code, off.json()["enabled"], off.json()["status"]["live_tokens"]) == (200, False, 0)
    assert root.post(f"{address}/disable/").status_code == 200
    assert ScimClient(body["secret"]).get("/Users").status_code == 401
    HostUserFactory(name="bob")
    foreseen = root.get(f"{address}/enable/preview")
    assert (foreseen.status_code, foreseen.json()["adopted"], foreseen.json()["protected"]) == (200, 1, [])
    on = root.confirmed(f"{address}/enable/")
    assert on.json()["adopted"] == 1
    assert (on.status_code, on.json()["connection"]["enabled"]) == (200, True)
    assert ScimClient(on.json()["secret"]).get("/Users").status_code == 200

    root.post(f"{address}/disable/")
    assert root.request("DELETE", address).status_code == 204
    assert not ScimConnection.objects.exists()
    done = ScimEvent.objects.filter(actor=root.user.pk, remote_addr="127.0.0.1").order_by("pk")
    assert list(done.values_list("action", flat=True)) == [
        "token_issue",
        "enable",
        "configure",
        "token_revoke",
        "disable",
        "token_issue",
        "enable",
        "token_revoke",
        "disable",
        "delete",
    ]


def test_lists_cost_the_same_however_long_they_are(root: Caller) -> None:
    first = ConnectionFactory(name="First")

    def cost() -> list[int]:
        costs = []
        for path in (
            "",
            *(f"/{first.pk}/{name}" for name in ("tokens", "oauth-clients", "mappings", "groups", "events")),
        ):
            with CaptureQueriesContext(database) as queries:
                assert root.get(f"/connections{path}", limit=100).json()["results"]
            costs.append(len(queries))
        return costs

    def make() -> None:
        connection = ConnectionFactory()
        for context in (Context(connection, actor=root.user), Context(first, actor=root.user)):
            tokens.issue(context)
            audit.record(context, audit.Action.CREATE, outcome="refused", detail="No.")
            ScimOAuthClient.objects.create(
                connection=context.connection,
                application_key=str(ScimOAuthClient.objects.count()),
                client_id="entra",
                created_by=root.user,
            )
        group = groups.create_group(Context(first), {"schemas": [urns.GROUP], "displayName": connection.name})
        mapped = ScimGroup.objects.get(scim_id=group.id)
        GroupRoleMapping.objects.create(connection=first, group=mapped, role="editor", group_name=connection.name)
        ScimConnection.objects.update(state_changed_by=root.user.pk)

    make()
    once = cost()
    for _ in range(5):
        make()
    assert cost() == once
    page = root.get("/connections", limit=2, offset=5).json()
    assert (page["count"], len(page["results"]), page["next"]) == (7, 2, None)
    assert "offset=3" in page["previous"]
    names = [found["name"] for found in root.get("/connections").json()["results"]]
    assert names == sorted(names)


def test_the_state_says_what_to_do(root: Caller, connection: ScimConnection) -> None:
    def warnings() -> Any:
        return root.get(f"/connections/{connection.pk}").json()["status"]["warnings"]

    assert warnings() == ["no_token"]
    old = tokens.issue(Context(connection)).token
    soon = timezone.now() + timedelta(days=3)
    ScimToken.objects.filter(pk=old.pk).update(expires_at=soon, last_used_at=timezone.now())
    assert warnings() == ["token_expires"]
    tokens.issue(Context(connection))
    assert warnings() == ["old_token_in_use"]
    ScimConnection.objects.update(guard="hold")
    guard = ConnectionGuard.objects.filter(connection=connection)
    guard.update(alarm_at=timezone.now(), held_at=timezone.now())
    assert warnings() == ["old_token_in_use", "removals_held"]
    guard.update(held_at=None)
    assert warnings() == ["old_token_in_use", "many_removals"]
    audit.record(Context(connection), audit.Action.CREATE, outcome="refused", label="alice", detail="No.")
    problem = root.get("/connections").json()["results"][0]["status"]["problem"]
    assert (problem["action"], problem["outcome"], problem["label"], problem["actor"]) == (
        "create",
        "refused",
        "alice",
        None,
    )


def test_where_nothing_is_mounted_there_is_no_base_url(root: Caller, settings: Any, connection: ScimConnection) -> None:
    settings.ROOT_URLCONF = "console.only"
    assert root.get("/connections").json()["results"][0]["base_url"] is None


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 101}, "name"),
    ({"name": "Taken"}, "name"),
    ({"provider": "mainframe"}, "provider"),
    ({"tenant": "acme"}, "tenant"),
    ({"portal": "store"}, "portal"),
    ({"on_delete": "remove"}, "on_delete"),
    ({"on_deactivate": "hook"}, "on_deactivate"),
    ({"on_reprovision": "anew"}, "on_reprovision"),
    ({"existing_accounts": "verified"}, "existing_accounts"),
    ({"default_role": "nobody"}, "default_role"),
    ({"guard_limit": -1}, "guard_limit"),
    ({"ip_allowlist": "everywhere"}, "ip_allowlist"),
    ({"verified_domains": ["example.com"]}, "verified_domains"),
    ({"enabled": True}, "enabled"),
    ({"slug": "mine"}, "slug"),
    ({"id": "7"}, "id"),
    ({"password": "wrong"}, "password"),
    ({"password": None}, "password"),
    ({"password": ""}, "password"),
]


def test_what_is_not_valid_is_named_and_nothing_is_saved(root: Caller) -> None:
    taken = ConnectionFactory(name="Taken", enabled=False)
    before = list(ScimConnection.objects.values())
    for wrong, field in INVALID:
        response = root.confirmed("/connections", **{"name": "Acme", **wrong})
        assert error(response) == (400, "validation"), wrong
        assert response.json()["fields"].keys() == {field}, wrong
        assert root.confirmed(f"/connections/{taken.pk}/enable", name="x").status_code == 400
        if field not in ("name", "password", "portal", "tenant") or wrong == {"name": ""}:
            assert root.request("PATCH", f"/connections/{taken.pk}", wrong).json()["fields"].keys() == {field}, wrong
    for method in ("PATCH", "POST"):
        path = f"/connections/{taken.pk}" if method == "PATCH" else "/connections"
        assert root.request(method, path, ["name"]).json()["fields"].keys() == {"non_field_errors"}
    broken = root.client.post("/api/scim/connections", b"{", "application/json")
    assert error(broken) == (400, "validation")
    assert list(ScimConnection.objects.values()) == before
    assert not ScimEvent.objects.exists()


def test_what_is_chosen_already_may_stay(root: Caller) -> None:
    connection = ConnectionFactory(on_reprovision="anew", default_role="gone", name="Acme")
    wanted = {"on_reprovision": "anew", "default_role": "gone", "name": "Acme", "unmapped_role": ""}
    assert root.request("PATCH", f"/connections/{connection.pk}", wanted).status_code == 200
    assert not ScimEvent.objects.exists()


def test_the_self_test_tells_developers_what_to_change_and_customers_whether_it_works(
    settings: Any, connection: ScimConnection
) -> None:
    adapters = {"User": "console.owners.BrokenAdapter"}
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "ADAPTERS": adapters, "CONSOLE_OWNERS": True}
    connection = ConnectionFactory(tenant="acme")
    path = f"/connections/{connection.pk}/self-test/"
    root, owner = Caller(is_superuser=True), Caller(name="ann+acme", is_staff=False)
    for caller, tells in ((root, True), (owner, False)):
        found = caller.post(path).json()
        (create,) = (step for step in found["results"] if step["step"] == "create")
        assert (found["ok"], create["status"], bool(create["remarks"])) == (False, "failed", tells)
        assert ("BrokenAdapter" in str(found)) is tells
    settings.SCIM_PROVIDER = {"REQUIRE_HTTPS": False}
    assert root.post(path).json()["ok"] is True


@pytest.mark.hosts
def test_the_rehearsal_asks_what_the_provider_will_ask_and_leaves_nothing(root: Caller) -> None:
    connection = ConnectionFactory(provider="entra", enabled=False)
    people = get_user_model()._base_manager.count()
    found = root.post(f"/connections/{connection.pk}/rehearsal").json()
    assert (found["ok"], {step["status"] for step in found["steps"]}) == (True, {"ok"})
    assert len(found["steps"]) > 10
    assert found["steps"][0]["request"].startswith("GET /Users")
    assert get_user_model()._base_manager.count() == people
    assert not ScimToken.objects.exists()
    assert not ScimEvent.objects.exists()
    assert not ScimConnection.objects.get().enabled


def test_the_rehearsal_says_what_to_change(root: Caller, settings: Any, connection: ScimConnection) -> None:
    path = f"/connections/{connection.pk}/rehearsal"
    settings.SCIM_PROVIDER = {"REQUIRE_HTTPS": True}
    found = root.post(path).json()
    assert found["ok"] is False
    first, second = found["steps"][:2]
    assert (first["status"], "SECURE_PROXY_SSL_HEADER" in first["remarks"][0]) == ("failed", True)
    assert (second["status"], second["request"], second["milliseconds"]) == ("skipped", "", None)
    # An address elsewhere is none that could be asked here.
    settings.SCIM_PROVIDER = {"BASE_URL": "https://scim.example.com/scim/v2"}
    settings.ROOT_URLCONF = "console.only"
    assert error(root.post(path)) == (409, "conflict")
