"""The last active holder of a protected role stays, whichever way the identity provider tries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from api.helpers import dump, is_error
from conftest import ScimClient
from django_scim_provider.adapters import ChoiceRoles, GroupRoles, UserAdapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from factories import HostUserFactory
from group_hosts import on_teams_host
from group_support import group_body, last_event, provision, push, roles_of
from services.people import activity, update

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

OFF = {"op": "replace", "path": "active", "value": False}


class Site:
    """Ann and Bob are owners, because they are in the group Owners; Cy is nobody special."""

    def __init__(self, scim: ScimClient, context: Context) -> None:
        self.scim = scim
        self.ann, self.bob, self.cy = (str(row.scim_id) for row in provision(context, "ann", "bob", "cy"))
        role_mappings.save_mapping(context, "Owners", "owner")
        self.owners = push(scim, "Owners", self.ann, self.bob)["id"]

    def row(self, scim_id: str) -> ScimUser:
        return ScimUser.objects.select_related("user").get(scim_id=scim_id)

    def bulk(self, method: str, path: str, data: Any = None) -> Any:
        operation = {"method": method, "path": path} | ({"data": data} if data else {})
        response = self.scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": [operation]})
        (result,) = response.json()["Operations"]
        return result

    def ways(self) -> dict[str, Callable[[], Any]]:
        """How Ann could be removed or demoted, alone."""
        body = self.scim.get(f"/Users/{self.ann}").json()
        patch = {"schemas": [urns.PATCH_OP], "Operations": [OFF]}
        out = {"op": "remove", "path": f'members[value eq "{self.ann}"]'}
        only_cy = group_body("Owners", self.cy)
        return {
            "PATCH": lambda: self.scim.patch(f"/Users/{self.ann}", OFF),
            "PATCH without a path": lambda: self.scim.patch(
                f"/Users/{self.ann}", {"op": "replace", "value": {"active": "False"}}
            ),
            "PUT": lambda: self.scim.put(f"/Users/{self.ann}", body | {"active": False}),
            "DELETE": lambda: self.scim.delete(f"/Users/{self.ann}"),
            "Bulk PATCH": lambda: self.bulk("PATCH", f"/Users/{self.ann}", patch),
            "Bulk DELETE": lambda: self.bulk("DELETE", f"/Users/{self.ann}"),
            "leaving the group": lambda: self.scim.patch(f"/Groups/{self.owners}", out),
            "an inactive successor": lambda: self.scim.put(f"/Groups/{self.owners}", only_cy),
            "an empty group": lambda: self.scim.put(f"/Groups/{self.owners}", group_body("Owners")),
            "DELETE of the group": lambda: self.scim.delete(f"/Groups/{self.owners}"),
        }


@pytest.fixture
def site(scim: ScimClient, context: Context, roles: dict[str, Group], monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(UserAdapter, "roles", GroupRoles(protected=["owner"]))
    return Site(scim, context)


def test_the_last_active_holder_stays_whatever_is_asked(site: Site) -> None:
    for other in (site.bob, site.cy):
        site.scim.patch(f"/Users/{other}", OFF)
    before = dump(events=False)
    for way, ask in site.ways().items():
        answer = ask()
        if way.startswith("Bulk"):
            assert answer["status"] == "403", (way, answer)
        else:
            assert is_error(answer, 403), way
            assert "last active holder of the role “owner”" in answer.json()["detail"]
        assert dump(events=False) == before, way
        assert (last_event().outcome, last_event().status) == (ScimEvent.Outcome.REFUSED, 403), way


@pytest.mark.parametrize("way", ["PATCH", "PUT", "DELETE", "Bulk DELETE", "leaving the group"])
def test_another_active_holder_lets_one_go(site: Site, way: str) -> None:
    answer = site.ways()[way]()
    assert int(answer["status"] if way.startswith("Bulk") else answer.status_code) in (200, 204)
    ann = site.row(site.ann)
    assert not ann.alive or not ann.user.is_active or "owner" not in roles_of(ann)


def test_a_holder_whom_scim_does_not_manage_counts(site: Site, roles: dict[str, Group]) -> None:
    site.scim.patch(f"/Users/{site.bob}", OFF)
    stranger = HostUserFactory(name="stranger")
    stranger.groups.add(roles["owner"])
    update(stranger, **activity(False))
    assert is_error(site.scim.delete(f"/Users/{site.ann}"), 403)
    update(stranger, **activity(True))
    assert site.scim.delete(f"/Users/{site.ann}").status_code == 204


def test_a_successor_in_the_same_request_counts(site: Site) -> None:
    answer = site.scim.put(f"/Groups/{site.owners}", group_body("Owners", site.cy))
    assert answer.status_code == 200
    assert roles_of(site.row(site.cy)) == {"owner"}


def test_who_is_inactive_holds_nothing_up(site: Site) -> None:
    """Nobody active holds the role any more, by the application's own doing; the group can be put in order."""
    for scim_id in (site.ann, site.bob):
        update(site.row(scim_id).user, **activity(False))
    assert site.scim.delete(f"/Users/{site.ann}").status_code == 204
    assert site.scim.delete(f"/Groups/{site.owners}").status_code == 204


def test_where_nothing_happens_to_the_account_nobody_is_lost(site: Site, connection: ScimConnection) -> None:
    ScimConnection.objects.update(on_deactivate="nothing")
    site.scim.patch(f"/Users/{site.bob}", OFF)
    assert site.scim.patch(f"/Users/{site.ann}", OFF).status_code == 200
    assert site.row(site.ann).user.is_active


def test_protected_people_lose_no_role(site: Site) -> None:
    """Superusers, as ``is_protected`` says."""
    get_user_model()._base_manager.filter(pk=site.row(site.ann).user_id).update(is_superuser=True)
    out = {"op": "remove", "path": f'members[value eq "{site.ann}"]'}
    refused = site.scim.patch(f"/Groups/{site.owners}", out)
    assert is_error(refused, 403)
    assert "protected" in refused.json()["detail"]
    assert roles_of(site.row(site.ann)) == {"owner"}


def test_an_administrator_may_take_the_role_from_everybody(site: Site, context: Context, connection: Any) -> None:
    mapping = connection.role_mappings.get()
    role_mappings.delete_mapping(Context(connection, actor=HostUserFactory(name="root")), mapping)
    assert roles_of(site.row(site.ann)) == set()


@on_teams_host
@pytest.mark.hosts
def test_a_renamed_group_demotes_nobody_last(
    scim: ScimClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one role is held at a time, another mapping that waits for the new name takes its place."""
    monkeypatch.setattr(type(context.adapter), "roles", ChoiceRoles("role", protected=["admin"]))
    (ann,) = provision(context, "ann")
    role_mappings.save_mapping(context, "Staff", "admin", priority=1)
    role_mappings.save_mapping(context, "Renamed", "member", priority=5)
    group = push(scim, "Staff", str(ann.scim_id))["id"]
    rename = {"op": "replace", "path": "displayName", "value": "Renamed"}
    assert is_error(scim.patch(f"/Groups/{group}", rename), 403)
    HostUserFactory(name="other", role="admin")
    assert scim.patch(f"/Groups/{group}", rename).status_code == 200
    ann.user.refresh_from_db()
    assert ann.user.role == "member"


@on_teams_host
@pytest.mark.hosts
def test_privileged_roles_are_protected_without_a_word(scim: ScimClient, context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    for row in (ann, bob):
        update(row.user, role="owner")
    assert scim.patch(f"/Users/{ann.scim_id}", OFF).status_code == 200
    assert is_error(scim.patch(f"/Users/{bob.scim_id}", OFF), 403)


@on_teams_host
@pytest.mark.hosts
def test_a_role_of_a_membership_is_protected_in_its_tenant(scim: ScimClient, context: Context, settings: Any) -> None:
    from hosts.teams.models import Membership, Organization

    ScimConnection.objects.update(tenant="acme")
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": {"User": "hosts.teams.scim.MemberAdapter"}}
    ann, bob = provision(Context(ScimConnection.objects.get()), "ann", "bob")
    acme, globex = (Organization.objects.create(slug=slug) for slug in ("acme", "globex"))
    Membership.objects.create(organization=acme, user=ann.user, level="manager")
    Membership.objects.create(organization=globex, user=bob.user, level="manager")
    assert is_error(scim.delete(f"/Users/{ann.scim_id}"), 403)
    assert scim.delete(f"/Users/{bob.scim_id}").status_code == 204
