"""The whole story of a connection, as an administrator and an identity provider live it together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from browser.conftest import PASSWORD, Tab
from conftest import person
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns

People = get_user_model()


@pytest.fixture
def okta(live_server: Any) -> Iterator[Callable[..., Any]]:
    """The identity provider, over HTTP: ``okta("POST", "/Users", body)``; it has the token that it was given."""
    with httpx.Client(base_url=f"{live_server.url}/scim/v2", headers={"Accept": "application/scim+json"}) as client:

        def ask(method: str, path: str, body: Any = None, *, token: str = "", status: int = 200) -> Any:
            if token:
                client.headers["Authorization"] = f"Bearer {token}"
            response = client.request(method, path, json=body)
            assert response.status_code == status, response.text
            return response.json() if response.content else None

        yield ask


def deactivate(value: bool = False) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": value}]}


def test_from_enabling_to_disabling(new_tab: Callable[..., Tab], administrator: Any, okta: Callable[..., Any]) -> None:
    editors = Group.objects.create(name="Editors")
    tab = new_tab(permissions=["clipboard-read", "clipboard-write"])
    tab.sign_in(administrator)

    # Enable, copy, see it once.
    tab.follow("SCIM connections")
    tab.follow("Enable SCIM")
    tab.do(lambda page: page.get_by_label("Okta").check())
    tab.fill("Name", "Acme · Okta")
    tab.fill("Your password", PASSWORD)
    tab.click("Enable SCIM")
    assert "This token is shown only now." in tab.text()
    token = tab.read("#scim-token")
    tab.do(lambda page: page.locator("[data-scim-copy=scim-token]").click())
    tab.do(lambda page: page.get_by_text("Copied").wait_for())
    assert tab.do(lambda page: page.evaluate("navigator.clipboard.readText()")) == token
    tab.follow("I have stored it")
    tab.back()
    assert token not in tab.source()
    tab.do(lambda page: page.reload())
    assert "Already issued" in tab.text()
    assert token not in tab.source()
    connection = ScimConnection.objects.get()
    setup = f"/admin/scim_provider/scimconnection/{connection.pk}/change/"

    # Test, then provision over HTTP.
    tab.open(setup)
    tab.click("Test the connection")
    assert "Everything that Okta will ask works." in tab.text()
    assert not People.objects.exclude(pk=administrator.pk).exists()
    names = [f"person{number:02}@example.com" for number in range(12)]
    ids = [okta("POST", "/Users", person(name), token=token, status=201)["id"] for name in names]
    group = {"schemas": [urns.GROUP], "displayName": "Writers", "members": [{"value": ids[0]}, {"value": ids[1]}]}
    okta("POST", "/Groups", group, status=201)
    tab.follow("People")
    assert "13 people" in tab.text()  # the administrator was here before
    assert names[0] in tab.text()

    # Map a group, watch a role appear.
    tab.follow("Groups and roles")
    tab.fill("Group", "Writers")
    tab.choose("Role", "Editors")
    tab.click("Show what would change")
    assert "2 people gain Editors." in tab.text()
    assert not editors.user_set.exists()
    tab.click("Save the mapping")
    assert set(editors.user_set.values_list("username", flat=True)) == set(names[:2])
    tab.follow("People")
    tab.follow(names[0])
    assert tab.read("#id_groups_to") == "Editors"

    # A mass removal is held, and undone.
    tab.open(setup)
    tab.follow("Policies")
    tab.do(lambda page: page.get_by_label("Hold further removals").check())
    tab.click("Save")
    for number, scim_id in enumerate(ids):
        okta("PATCH", f"/Users/{scim_id}", deactivate(), status=200 if number < 10 else 429)
    tab.follow("Held removals")
    assert "2 removals are being held." in tab.text()
    assert names[11] in tab.text()
    assert People.objects.filter(is_active=False).count() == 10
    tab.follow("Undo these removals")
    tab.click("Undo")
    assert "10 people got back what they had." in tab.text()
    assert not People.objects.filter(is_active=False).exists()
    assert editors.user_set.count() == 2

    # The events tell it.
    tab.follow("Events")
    assert "Okta created person00@example.com." in tab.text()

    # Disable.
    tab.follow("Set-up")
    tab.follow("Disable SCIM")
    tab.click("Disable SCIM")
    assert "SCIM is off for Acme · Okta." in tab.text()
    okta("GET", "/Users", status=401)
    assert People.objects.filter(is_active=True).count() == 13
