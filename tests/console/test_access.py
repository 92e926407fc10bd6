"""Who reaches what: every endpoint for every kind of person, and nobody another tenant's."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAdminUser
from rest_framework.throttling import BaseThrottle

from api.helpers import with_setting
from console.caller import (
    EVERYTHING,
    MANAGE,
    MANAGE_TOKENS,
    MAP_ROLES,
    MOUNT,
    PASSWORD,
    VIEW,
    VIEW_EVENTS,
    Caller,
    error,
)
from console.owners import OwnedAdapter
from django_scim_provider.console.base import ConsoleView
from django_scim_provider.models import (
    ConnectionGuard,
    GroupRoleMapping,
    ScimConnection,
    ScimEvent,
    ScimOAuthClient,
    ScimToken,
)
from django_scim_provider.services import access, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

ENDPOINTS: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", ""): (VIEW,),
    ("PATCH", ""): (VIEW, MANAGE),
    ("DELETE", ""): (VIEW, MANAGE),
    ("POST", "/enable"): (VIEW, MANAGE),
    ("GET", "/enable/preview"): (VIEW, MANAGE),
    ("POST", "/disable"): (VIEW, MANAGE),
    ("POST", "/self-test"): (VIEW, MANAGE),
    ("POST", "/rehearsal"): (VIEW, MANAGE),
    ("GET", "/tokens"): (VIEW,),
    ("POST", "/tokens"): (VIEW, MANAGE_TOKENS),
    ("POST", "/tokens/{token}/rotate"): (VIEW, MANAGE_TOKENS),
    ("POST", "/tokens/{token}/revoke"): (VIEW, MANAGE_TOKENS),
    ("GET", "/oauth-clients"): (VIEW,),
    ("DELETE", "/oauth-clients/{client}"): (VIEW, MANAGE_TOKENS),
    ("GET", "/people"): (VIEW,),
    ("GET", "/groups"): (VIEW,),
    ("GET", "/roles"): (VIEW,),
    ("GET", "/mappings"): (VIEW,),
    ("POST", "/mappings"): (VIEW, MAP_ROLES),
    ("POST", "/mappings/preview"): (VIEW, MAP_ROLES),
    ("GET", "/mappings/{mapping}/preview"): (VIEW, MAP_ROLES),
    ("PATCH", "/mappings/{mapping}"): (VIEW, MAP_ROLES),
    ("DELETE", "/mappings/{mapping}"): (VIEW, MAP_ROLES),
    ("GET", "/guard"): (VIEW, MANAGE),
    ("GET", "/removals"): (VIEW, MANAGE),
    ("GET", "/removals/held"): (VIEW, MANAGE),
    ("POST", "/removals/release"): (VIEW, MANAGE),
    ("POST", "/removals/undo"): (VIEW, MANAGE),
    ("GET", "/events"): (VIEW, VIEW_EVENTS),
}
"""What each needs, below one connection."""
GENERAL: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/connections"): (VIEW,),
    ("POST", "/connections"): (VIEW, MANAGE),
    ("POST", "/connections/preview"): (VIEW, MANAGE),
}


def state() -> Any:
    """Everything that an endpoint could change."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (ScimConnection, ConnectionGuard, ScimToken, ScimOAuthClient, ScimEvent, GroupRoleMapping)
    ]


class Things:
    """A connection with a token, an OAuth client and a mapping."""

    def __init__(self, **options: Any) -> None:
        self.connection = ConnectionFactory(**options)
        self.token = tokens.issue(Context(self.connection)).token
        self.client = ScimOAuthClient.objects.create(
            connection=self.connection, application_key=self.token.key_id, client_id="entra-production"
        )
        self.mapping = GroupRoleMapping.objects.create(
            connection=self.connection, group_name="Staff", group_name_key="staff", role="editor"
        )

    def path(self, suffix: str, pk: object = None) -> str:
        return f"/connections/{pk or self.connection.pk}{self.below(suffix)}"

    def below(self, suffix: str) -> str:
        return suffix.format(token=self.token.pk, client=self.client.pk, mapping=self.mapping.pk)


@pytest.fixture
def acme() -> Things:
    return Things(name="Acme", tenant="acme")


@pytest.fixture
def globex() -> Things:
    return Things(name="Globex", tenant="globex")


def test_each_permission_opens_what_it_opens_in_the_panel(acme: Things) -> None:
    before = state()
    callers = {kind: Caller(VIEW, kind) for kind in EVERYTHING}
    bare = Caller(MANAGE, MANAGE_TOKENS, MAP_ROLES, VIEW_EVENTS)
    for (method, suffix), needs in {**ENDPOINTS, **GENERAL}.items():
        path = acme.path(suffix) if (method, suffix) in ENDPOINTS else suffix
        for kind, caller in callers.items():
            if kind in needs and needs[-1] != kind:
                continue
            # Nothing valid is sent, so that nothing changes; DELETE is looked at elsewhere.
            if needs[-1] == kind and method == "DELETE":
                continue
            response = caller.request(method, path, {"unknown": 1} if method in ("POST", "PATCH") else None)
            allowed = needs[-1] in (kind, VIEW)
            assert (response.status_code not in (403, 404)) is allowed, (method, path, kind, response.content)
            if not allowed:
                assert error(response) == (403, "forbidden")
        assert error(bare.request(method, path)) == (403, "forbidden")
    assert state() == before


@pytest.mark.hosts
def test_nobody_in_particular_gets_in_nowhere(acme: Things) -> None:
    before = state()
    paths = [(method, acme.path(suffix)) for method, suffix in ENDPOINTS] + list(GENERAL)
    stranger = Caller(is_staff=False)
    for method, path in paths:
        response = Client().generic(method, f"{MOUNT}{path}", b"{}", "application/json")
        assert error(response) == (403, "forbidden"), (method, path)
        assert error(stranger.request(method, path)) == (403, "forbidden"), (method, path)
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(Caller(is_superuser=True).user)
    assert forged.post(f"{MOUNT}{acme.path('/disable')}", {}, "application/json").status_code == 403
    assert state() == before


@pytest.mark.usefixtures("owners")
def test_what_belongs_to_another_tenant_does_not_exist(acme: Things, globex: Things) -> None:
    """With permissions or as an owner, by its own id or below a connection of one's own: always the same 404."""
    before = state()
    made_up = uuid.uuid4()
    for caller in (Caller(*EVERYTHING, name="bob+acme"), Caller(name="ann+acme", is_staff=False)):
        assert caller.get("/connections").json()["count"] == 1
        assert [found["tenant"] for found in caller.get("/connections").json()["results"]] == ["acme"]
        for method, suffix in ENDPOINTS:
            bodies = []
            for path in (
                globex.path(suffix),
                globex.path(suffix, made_up),
                globex.path(suffix, "nonsense"),
                *([acme.path(globex.below(suffix))] if "{" in suffix else []),
                *(
                    [
                        acme.path(suffix.format(token=number, client=number, mapping=number))
                        for number in (0, "9" * 30, "x")
                    ]
                    if "{" in suffix
                    else []
                ),
            ):
                response = caller.request(method, path, {"password": PASSWORD} if method == "POST" else None)
                assert error(response) == (404, "not_found"), (method, path)
                bodies.append(response.content)
            assert len(set(bodies)) == 1
        for tenant in ("globex", "nowhere", ""):
            refused = caller.confirmed("/connections", name="Mine", tenant=tenant)
            assert refused.json()["fields"].keys() == {"tenant"}
    assert state() == before


@pytest.mark.usefixtures("owners")
def test_an_owner_manages_their_own_connections_without_any_permission(acme: Things) -> None:
    owner = Caller(name="ann+acme", is_staff=False)
    made = owner.confirmed("/connections", name="Second", tenant="acme")
    assert made.status_code == 201
    assert made.json()["connection"]["verified_domains"] == ["acme.example.com"]
    assert owner.get("/connections").json()["count"] == 2
    refused = owner.confirmed("/connections", name="Third", tenant="acme", existing_accounts="adopt")
    assert refused.json()["fields"].keys() == {"existing_accounts"}
    assert owner.post(acme.path("/tokens/{token}/revoke")).status_code == 200
    assert owner.request("DELETE", acme.path("/mappings/{mapping}")).status_code == 204
    assert owner.post(acme.path("/disable")).status_code == 200
    assert owner.request("DELETE", acme.path("")).status_code == 204
    assert ScimEvent.objects.filter(actor=owner.user.pk, action="delete").count() == 1
    with with_setting(ADAPTERS={"User": "console.owners.OwnedAdapter"}, CONSOLE_OWNERS=False):
        assert error(owner.get("/connections")) == (403, "forbidden")


@pytest.mark.usefixtures("owners")
def test_a_user_model_without_permissions_has_owners(acme: Things) -> None:
    class Bare:
        email = "ann+acme@example.com"

    assert list(access.reachable(Bare(), access.MANAGE)) == [acme.connection]
    assert access.tenants_to_manage(Bare(), "") == ["acme"]
    with with_setting(CONSOLE_OWNERS=False):
        assert not access.may(Bare())


@pytest.mark.usefixtures("owners")
def test_all_tenants_are_opened_by_permissions_only(acme: Things) -> None:
    """Staff whom the adapter gives "all" are no owners: what it names one by one it means."""
    assert error(Caller(name="sue+all").get("/connections")) == (403, "forbidden")
    assert Caller(VIEW, name="tom+all").get("/connections").json()["count"] == 1
    both = Caller(VIEW, name="una+acme")
    other = Things(name="Other", tenant="globex")
    assert both.get(acme.path("/events")).status_code == 200
    assert both.get(other.path("")).status_code == 404


@pytest.mark.usefixtures("owners")
def test_portals_are_kept_apart(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "PORTALS": {"store": {}}}
    store, general = Things(tenant="acme", portal="store"), Things(tenant="acme")

    def administered(self: OwnedAdapter, user: Any) -> list[str] | None:
        return ["acme"] if self.portal == "store" else None

    monkeypatch.setattr(OwnedAdapter, "administered_tenants", administered)
    owner = Caller()
    assert owner.get(store.path("")).status_code == 200
    assert error(owner.get(general.path(""))) == (404, "not_found")
    assert owner.confirmed("/connections", name="A", tenant="acme", portal="store").status_code == 201
    assert owner.confirmed("/connections", name="B", tenant="acme").json()["fields"].keys() == {"tenant"}


PAID = {
    ("POST", "/connections"),
    ("POST", "/connections/preview"),
    ("PATCH", ""),
    ("POST", "/enable"),
    ("GET", "/enable/preview"),
    ("POST", "/self-test"),
    ("POST", "/rehearsal"),
    ("POST", "/tokens"),
    ("POST", "/tokens/{token}/rotate"),
    ("POST", "/mappings"),
    ("POST", "/mappings/preview"),
    ("PATCH", "/mappings/{mapping}"),
}


def test_what_is_not_paid_for_can_be_looked_at_and_ended(root: Caller) -> None:
    unpaid = Things(name="unpaid")
    body = {"password": PASSWORD, "name": "unpaid too"}
    with with_setting(IS_ALLOWED="api.helpers.unpaid"):
        before = state()
        for method, path in PAID:
            suffix = path if path.startswith("/connections") else unpaid.path(path)
            response = root.request(method, suffix, body if path == "/connections" else {"name": "unpaid too"})
            assert error(response) == (403, "enterprise_required"), (method, path)
            assert response.json()["detail"] == "SCIM is part of the Enterprise plan."
        assert state() == before
        for method, suffix in [endpoint for endpoint in ENDPOINTS if endpoint not in {*PAID, ("DELETE", "")}]:
            assert root.request(method, unpaid.path(suffix), {}).status_code < 300, (method, suffix)
        assert root.request("DELETE", unpaid.path("")).status_code == 204


def test_the_hosts_own_permission_and_throttle_classes_apply(acme: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            return False

        def wait(self) -> float:
            return 7.5

    class PaymentRequired(APIException):
        status_code = 402

    class Unpaid(BaseThrottle):
        def allow_request(self, request: Any, view: Any) -> bool:
            raise PaymentRequired

    caller = Caller(VIEW, is_staff=False, is_superuser=True)
    assert caller.get("/connections").status_code == 200
    monkeypatch.setattr(ConsoleView, "throttle_classes", [Closed])
    throttled = caller.get("/connections")
    assert (error(throttled), throttled.headers["Retry-After"]) == ((429, "throttled"), "8")
    monkeypatch.setattr(ConsoleView, "throttle_classes", [Unpaid])
    assert error(caller.get("/connections")) == (402, "error")
    monkeypatch.setattr(ConsoleView, "permission_classes", [IsAdminUser])
    assert error(caller.get("/connections")) == (403, "forbidden")


def test_every_refusal_has_the_same_form(root: Caller, acme: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    assert error(root.request("PUT", acme.path(""), {})) == (405, "method_not_allowed")
    assert error(root.request("DELETE", "/connections")) == (405, "method_not_allowed")
    form = root.client.post(f"{MOUNT}/connections", {"name": "Acme"})
    assert error(form) == (415, "unsupported_media_type")
    assert error(root.request("GET", "/connections", Accept="text/html")) == (406, "not_acceptable")

    def refuse(request: HttpRequest) -> None:
        raise PermissionDenied

    monkeypatch.setattr("django_scim_provider.console.base.base_url", refuse)
    assert error(root.get(acme.path("/roles"))) == (403, "forbidden")


def test_basic_credentials_that_are_wrong_are_401_where_the_host_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsoleView, "authentication_classes", [BasicAuthentication])
    response = Client().get(f"{MOUNT}/connections")
    assert error(response) == (401, "not_authenticated")
    assert response.headers["WWW-Authenticate"].startswith("Basic")
