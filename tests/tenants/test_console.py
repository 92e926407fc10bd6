"""The console where people belong to organizations: an owner sees the people of their own, as they are there."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import ScimClient
from console.caller import Caller, error
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import HeldRemoval, ScimConnection, ScimRemoval
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from group_support import push
from tenants.people import BOB, memberships, verify

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]


@pytest.fixture
def owner(settings: Any, monkeypatch: pytest.MonkeyPatch, connections: dict[str, ScimConnection]) -> Caller:
    """Owns acme, and is no staff."""
    settings.ROOT_URLCONF = "console.urls"
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "CONSOLE_OWNERS": True}
    monkeypatch.setattr(UserAdapter, "administered_tenants", lambda self, user: ["acme"])
    return Caller(name="owner", is_staff=False)


@pytest.fixture
def path(connections: dict[str, ScimConnection]) -> str:
    return f"/connections/{connections['acme'].pk}"


def test_somebody_of_two_organizations_is_shown_as_in_this_one(
    owner: Caller, path: str, connections: dict[str, ScimConnection], acme: ScimClient, globex: ScimClient
) -> None:
    verify("globex")
    here, there = acme.create(BOB), globex.create(BOB)
    globex.create("eve@example.com")
    push(acme, "Staff", here["id"])
    push(globex, "Chiefs", there["id"])
    role_mappings.save_mapping(Context(connections["acme"]), "Staff", "member")
    role_mappings.save_mapping(Context(connections["globex"]), "Chiefs", "admin")
    assert memberships() == {"acme": (True, "member"), "globex": (True, "admin")}

    (found,) = owner.get(f"{path}/people").json()["results"]
    assert (found["id"], found["user_name"]) == (here["id"], BOB)
    assert [group["display_name"] for group in found["groups"]] == ["Staff"]
    assert [role["key"] for role in found["roles"]] == ["member"]
    (group,) = owner.get(f"{path}/groups").json()["results"]
    assert (group["display_name"], group["people"]) == ("Staff", 1)
    for text in (there["id"], "eve"):
        assert owner.get(f"{path}/people", search=text).json()["count"] == 0


def test_an_owner_sees_to_removals_of_their_own_alone(
    owner: Caller, path: str, connections: dict[str, ScimConnection], acme: ScimClient, globex: ScimClient
) -> None:
    ScimConnection.objects.update(guard="hold", guard_limit=1)
    for slug, scim in (("acme", acme), ("globex", globex)):
        leaver, late = (scim.create(f"{name}@{slug}.example.com")["id"] for name in ("leaver", "late"))
        assert scim.delete(f"/Users/{leaver}").status_code == 204
        assert scim.delete(f"/Users/{late}").status_code == 429
    before = list(ScimRemoval.objects.filter(connection=connections["globex"]).values())
    elsewhere = f"/connections/{connections['globex'].pk}"
    for name in ("guard", "removals", "removals/held"):
        assert owner.get(f"{path}/{name}").status_code == 200
        assert error(owner.get(f"{elsewhere}/{name}")) == (404, "not_found")
    for name in ("removals", "removals/held"):
        assert owner.get(f"{path}/{name}").json()["count"] == 1
    for name in ("removals/undo", "removals/release"):
        assert error(owner.post(f"{elsewhere}/{name}")) == (404, "not_found")
    undone = owner.post(f"{path}/removals/undo").json()
    assert ([one["refusal"] for one in undone["done"]], undone["left"]) == ([""], 0)
    assert list(ScimRemoval.objects.filter(connection=connections["globex"]).values()) == before
    assert HeldRemoval.objects.get().connection == connections["globex"]


def test_an_owner_tries_what_the_identity_provider_will_ask(owner: Caller, path: str) -> None:
    found = owner.post(f"{path}/rehearsal").json()
    assert [step for step in found["steps"] if step["status"] != "ok"] == []
    assert owner.get(f"{path}/people").json()["count"] == 0
