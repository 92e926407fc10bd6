"""/Me (RFC 7644 section 3.11): for credentials of the host's that are one person's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api.helpers import dump, host_of, is_error, row_of, with_setting
from conftest import MOUNT, ScimClient
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.api.authentication import PersonalCredential
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

DIVISION = f"{urns.ENTERPRISE_USER}:division"


class PersonAuthentication(BaseAuthentication):
    """A host's own: whoever names themselves is believed."""

    def authenticate(self, request: Request) -> tuple[Any, PersonalCredential] | None:
        pk = request._request.META.get("HTTP_X_PERSON")
        if not pk:
            return None
        user = get_user_model()._base_manager.get(pk=pk)
        scopes = request._request.META.get("HTTP_X_SCOPES", "write")
        return user, PersonalCredential(ScimConnection.objects.earliest("created_at"), user, scopes=scopes)


@pytest.fixture(autouse=True)
def _authentication() -> Iterator[None]:
    bearer = "django_scim_provider.api.authentication.BearerAuthentication"
    with with_setting(AUTHENTICATION=[bearer, "api.test_me.PersonAuthentication"]):
        yield


@pytest.fixture
def ann(scim: ScimClient) -> dict[str, Any]:
    return scim.create("ann@example.com", title="Boss", displayName="Ann", **{urns.ENTERPRISE_USER: {"division": "A"}})


def client_of(user: Any, **headers: str) -> ScimClient:
    return ScimClient(None, **{"X-Person": str(user.pk), **headers})


def writable(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(type(get_user_adapter()), "me_writable", names)


def test_me_is_the_callers_own_resource_under_its_permanent_address(scim: ScimClient, ann: dict[str, Any]) -> None:
    scim.create("bob@example.com")
    me = client_of(host_of(ann))
    response = me.get("/Me/", attributes="userName")
    assert response.json()["userName"] == "ann@example.com"
    assert response.headers["Location"] == f"http://testserver{MOUNT}/Users/{ann['id']}"
    full = me.get("/Me")
    assert full.json() == scim.get(f"/Users/{ann['id']}").json()
    assert full.headers["ETag"] == full.json()["meta"]["version"]


def test_nothing_can_be_changed_unless_the_adapter_says_so(ann: dict[str, Any]) -> None:
    me, before = client_of(host_of(ann)), dump(events=False)
    assert is_error(me.put("/Me", ann), 403)
    assert is_error(me.patch("/Me", {"op": "replace", "path": "displayName", "value": "x"}), 403)
    assert is_error(me.delete("/Me"), 403)
    assert is_error(me.post("/Me", ann), 501)
    assert dump(events=False) == before
    refused = ScimEvent.objects.filter(outcome="refused", resource_id=ann["id"], actor=host_of(ann))
    assert [event.action for event in refused.order_by("pk")] == ["replace", "modify", "delete"]


def test_people_change_what_the_adapter_lists_and_nothing_else(
    scim: ScimClient, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writable(monkeypatch, "displayName", DIVISION)
    me = client_of(host_of(ann))
    changed = me.patch("/Me", {"op": "replace", "path": "displayName", "value": "Annie"})
    assert (changed.status_code, changed.json()["displayName"]) == (200, "Annie")
    assert changed.headers["Location"].endswith(f"/Users/{ann['id']}")
    body = {**changed.json(), urns.ENTERPRISE_USER: {"division": "B"}}
    assert me.put("/Me", body).json()[urns.ENTERPRISE_USER] == {"division": "B"}
    assert me.patch("/Me", {"op": "remove", "path": DIVISION}).status_code == 200
    assert ScimEvent.objects.latest("pk").actor == host_of(ann)

    before = dump(events=False)
    for operation in (
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": "userName", "value": "root@example.com"},
        {"op": "replace", "path": "emails", "value": [{"value": "evil@example.com"}]},
        {"op": "add", "path": f"{urns.ENTERPRISE_USER}:department", "value": "x"},
        {"op": "replace", "value": {"displayName": "fine", "title": "not fine"}},
    ):
        assert is_error(me.patch("/Me", operation), 403)
    assert is_error(me.put("/Me", {name: value for name, value in body.items() if name != "title"}), 403)
    assert dump(events=False) == before
    assert scim.patch(f"/Users/{ann['id']}", {"op": "remove", "path": "title"}).status_code == 200

    writable(monkeypatch, urns.ENTERPRISE_USER)
    assert me.patch("/Me", {"op": "add", "path": f"{urns.ENTERPRISE_USER}:costCenter", "value": "x"}).status_code == 200


def test_a_persons_credential_opens_me_and_discovery_only(
    scim: ScimClient, ann: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    writable(monkeypatch, "displayName")
    me, before = client_of(host_of(ann)), dump(events=False)
    for method, path in (
        ("GET", "/Users"),
        ("GET", f"/Users/{ann['id']}"),
        ("PUT", f"/Users/{ann['id']}"),
        ("POST", "/Users"),
        ("GET", "/"),
        ("POST", "/.search"),
        ("POST", "/Users/.search"),
        ("POST", "/Bulk"),
        ("GET", "/Groups"),
        ("GET", "/Roles"),
    ):
        assert is_error(me.request(method, path, {}), 403), path
    assert me.get("/ServiceProviderConfig").status_code == 200
    reader = client_of(host_of(ann), **{"X-Scopes": "read"})
    assert reader.get("/Me").status_code == 200
    assert is_error(reader.patch("/Me", {"op": "replace", "path": "displayName", "value": "x"}), 403)
    assert dump(events=False) == before


def test_who_has_no_resource_here_gets_none(scim: ScimClient, second_scim: ScimClient, ann: dict[str, Any]) -> None:
    unmanaged = HostUserFactory(name="stranger")
    ScimUser.objects.filter(user=unmanaged).delete()
    stranger = client_of(unmanaged)
    foreign = client_of(host_of(second_scim.create("foreign@example.com")))
    for client in (stranger, foreign):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            assert is_error(client.request(method, "/Me", {}), 404)
    user = host_of(ann)
    row_of(ann).delete()
    assert is_error(client_of(user).get("/Me"), 404)


def test_an_account_that_is_not_active_has_no_me(scim: ScimClient, ann: dict[str, Any]) -> None:
    user = host_of(ann)
    if not hasattr(user, "is_active"):
        pytest.skip("this host has another name for it")
    scim.patch(f"/Users/{ann['id']}", {"op": "replace", "path": "active", "value": False})
    assert is_error(client_of(user).get("/Me"), 403)
