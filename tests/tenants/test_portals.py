"""Two portals over one table of accounts: each has its own kind of people, its own connection, its own procedure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import NO_SUCH_ID, is_error
from conftest import ScimClient, person
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.models import ScimConnection, ScimUser
from factories import ConnectionFactory
from hosts.tenants.models import Device
from tenants.people import BOB, account, names, replace, row, show

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]


@pytest.fixture
def portals(db: None) -> dict[str, ScimConnection]:
    return {name: ConnectionFactory(name=name, portal=name) for name in ("dashboard", "store")}


@pytest.fixture
def dashboard(portals: dict[str, ScimConnection], issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(portals["dashboard"]))


@pytest.fixture
def store(portals: dict[str, ScimConnection], issue_token: Callable[..., str]) -> ScimClient:
    return ScimClient(issue_token(portals["store"]))


def test_each_portal_makes_its_own_kind_and_sees_no_other(dashboard: ScimClient, store: ScimClient) -> None:
    made = dashboard.create(BOB)
    other = store.create("eve@example.com")
    assert (account().kind, account("eve@example.com").kind) == ("dashboard", "store")
    assert (names(dashboard), names(store)) == ([BOB], ["eve@example.com"])
    for scim, foreign in ((store, made), (dashboard, other)):
        for method, body in (("GET", None), ("PUT", person("x@example.com")), ("DELETE", None)):
            answers = [scim.request(method, f"/Users/{one}", body) for one in (foreign["id"], NO_SUCH_ID)]
            assert answers[0].status_code == 404
            assert answers[0].content == answers[1].content
        # The name is the account's, whichever portal it is for, and nobody learns which.
        assert is_error(scim.post("/Users", person(foreign["userName"])), 409, "uniqueness")
    assert (names(dashboard), names(store)) == ([BOB], ["eve@example.com"])


def test_whoever_the_host_makes_is_adopted_by_the_portal_of_their_kind(
    dashboard: ScimClient, store: ScimClient
) -> None:
    users = get_user_model().objects
    for kind in ("dashboard", "store", ""):
        users.create_user(f"{kind or 'nobody'}@example.com", kind=kind)
    assert names(dashboard) == ["dashboard@example.com"]
    assert names(store) == ["store@example.com"]


def test_who_changes_portals_is_gone_from_the_first_and_cannot_be_touched_there(
    dashboard: ScimClient, store: ScimClient
) -> None:
    made = dashboard.create(BOB)
    user = account()
    user.kind = "store"
    user.save(update_fields=["kind"])
    assert (show(dashboard, made)["active"], show(dashboard, made)["userName"]) == (False, BOB)
    assert names(dashboard, "active eq false") == [BOB]
    (there,) = store.find(f'userName eq "{BOB}"')
    get_user_model().objects.update(is_active=False)
    back = {"op": "replace", "value": {"active": True, "userName": "eve@example.com"}}
    assert is_error(dashboard.patch(f"/Users/{made['id']}", back), 403)
    replace(dashboard, made, name={"givenName": "Eve"})
    # Nor are its names given to somebody new when the first portal lets go of them.
    assert dashboard.delete(f"/Users/{made['id']}").status_code == 204
    ScimUser.objects.filter(scim_id=there["id"]).update(alive=None)
    assert is_error(dashboard.post("/Users", person(BOB)), 409, "uniqueness")
    assert (account().is_active, account().first_name, account().username) == (False, "Test", BOB)


def test_a_portal_has_its_own_procedure_for_those_who_leave(dashboard: ScimClient, store: ScimClient) -> None:
    ScimConnection.objects.update(on_deactivate="hook")
    for scim, name, policy in ((store, "eve@example.com", "locked"), (dashboard, BOB, "standard")):
        made = scim.create(name)
        device = Device.objects.create(user=account(name))
        replace(scim, made, active=False)
        device.refresh_from_db()
        assert (device.policy, device.user_id is None) == (policy, policy == "locked")
        assert account(name).is_active is False
        assert row(made).user == account(name)


def test_adapters_know_their_portal(portals: dict[str, Any]) -> None:
    adapters = {name: get_user_adapter(name) for name in portals}
    assert {adapter.portal for adapter in adapters.values()} == {"dashboard", "store"}
    assert len({adapter.scope(portals[name]) for name, adapter in adapters.items()}) == len(portals)
