"""T2: an id of another tenant's is an id that nobody has, whatever is asked of it, in every byte of the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpResponse

from api.helpers import NO_SUCH_ID
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimGroup, ScimMembership, ScimUser, ScimValue
from django_scim_provider.protocol import urns
from factories import ConnectionFactory

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.tenants,
    pytest.mark.skipif(not apps.is_installed("hosts.tenants"), reason="for the host that has organizations"),
]

CELLS = 400
_MADE_UP = re.compile(
    rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|W/[^ ,}]+"
)


@dataclass
class Tenant:
    connection: ScimConnection
    scim: ScimClient
    ids: dict[str, str] = field(default_factory=dict)
    """Kind to an id of the tenant's."""

    def rows(self) -> list[Any]:
        """All that the database has of the tenant's people and groups."""
        people = ScimUser.objects.filter(connection=self.connection)
        groups = ScimGroup.objects.filter(connection=self.connection)
        accounts = get_user_model()._base_manager.filter(pk__in=people.values("user"))
        rest = (ScimMembership.objects.filter(group__in=groups), ScimValue.objects.filter(scim_user__in=people))
        return [list(rows.order_by("pk").values_list()) for rows in (people, groups, accounts, *rest)]


def _tenant(slug: str, issue_token: Callable[..., str]) -> Tenant:
    apps.get_model("tenants.Organization").objects.create(slug=slug, name=slug)
    connection = ConnectionFactory(name=slug, tenant=slug)
    return Tenant(connection, ScimClient(issue_token(connection)))


@pytest.fixture
def mine(db: None, issue_token: Callable[..., str]) -> Tenant:
    tenant = _tenant("acme", issue_token)
    tenant.ids["user"] = tenant.scim.create("mine@example.com")["id"]
    tenant.ids["group"] = tenant.scim.post("/Groups", {"displayName": "Mine"}).json()["id"]
    return tenant


@pytest.fixture
def theirs(db: None, issue_token: Callable[..., str]) -> Tenant:
    tenant = _tenant("globex", issue_token)
    scim = tenant.scim
    made = {
        kind: scim.create(f"{kind}@globex.example", externalId=f"x-{kind}", title="secret")
        for kind in ("active", "inactive", "deleted")
    }
    scim.patch(f"/Users/{made['inactive']['id']}", {"op": "replace", "path": "active", "value": False})
    scim.delete(f"/Users/{made['deleted']['id']}")
    members = [{"value": made["active"]["id"]}]
    groups = {
        kind: scim.post("/Groups", {"displayName": f"Theirs {kind}", "members": members}).json()["id"]
        for kind in ("group", "deleted group")
    }
    scim.delete(f"/Groups/{groups['deleted group']}")
    account = ScimUser.objects.get(scim_id=made["active"]["id"])
    tenant.ids = {
        **{kind: resource["id"] for kind, resource in made.items()},
        **groups,
        "account": str(account.user_id),
    }
    return tenant


def _patch(**operation: Any) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", **operation}]}


def _bulk(method: str, path: str, data: Any = None) -> tuple[str, str, Any]:
    operation = {"method": method, "path": path, "bulkId": "one"} | ({} if data is None else {"data": data})
    return "POST", "/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": [operation]}


def _search(path: str, condition: str) -> tuple[str, str, Any]:
    return "POST", path, {"schemas": [urns.SEARCH_REQUEST], "filter": condition}


def requests(one: str, mine: Tenant) -> Iterator[tuple[str, str, Any]]:
    """Everything that can be asked about an id: method, path with query, body."""
    user, group = f"/Users/{one}", f"/Groups/{one}"
    me, ours = f"/Users/{mine.ids['user']}", f"/Groups/{mine.ids['group']}"
    members = [{"value": one}]
    for path in (user, group, f"/Roles/{one}", f"/Devices/{one}", f"/Schemas/{one}", f"/ResourceTypes/{one}"):
        yield "GET", path, None
        yield "HEAD", path, None
        yield "GET", f"{path}/", None
        yield "GET", f"{path}?attributes=id,userName,displayName", None
    for path, body in ((user, person("new@example.com")), (group, {"schemas": [urns.GROUP], "displayName": "New"})):
        yield "PUT", path, body
        yield "PUT", path, {"id": one, "userName": "", "displayName": ""}
        yield "PUT", path, b"{"
        yield "PATCH", path, _patch(path="active", value=False)
        yield "PATCH", path, _patch(path="displayName", value="changed")
        yield "PATCH", path, _patch(value={"externalId": "changed", "id": one})
        yield "PATCH", path, {"Operations": [{"op": "nonsense"}]}
        yield "POST", path, body
        yield "DELETE", path, None
        yield _bulk("DELETE", path)
        yield _bulk("PUT", path, body)
        yield _bulk("PATCH", path, _patch(path="externalId", value="changed"))
    yield "PATCH", group, _patch(path="members", value=[{"value": mine.ids["user"]}])
    # As a reference, of what is the caller's own.
    yield "POST", "/Groups", {"schemas": [urns.GROUP], "displayName": "New", "members": members}
    yield "PUT", ours, {"schemas": [urns.GROUP], "displayName": "Mine", "members": members}
    yield "PATCH", ours, {"Operations": [{"op": "add", "path": "members", "value": members}]}
    yield "PATCH", ours, {"Operations": [{"op": "add", "value": {"members": [{"value": one, "type": "Group"}]}}]}
    yield "PATCH", ours, {"Operations": [{"op": "remove", "path": f'members[value eq "{one}"]'}]}
    yield "PATCH", ours, {"Operations": [{"op": "remove", "path": "members", "value": members}]}
    yield "PATCH", ours, _patch(path="members", value=members)
    yield "PATCH", me, _patch(path="groups", value=members)
    yield "PATCH", me, _patch(path="id", value=one)
    yield "PUT", me, person("mine@example.com", id=one, meta={"location": user}, groups=members)
    yield "PATCH", me, _patch(path=f"{urns.ENTERPRISE_USER}:manager", value={"value": "x", "$ref": user})
    yield _bulk("POST", "/Groups", {"schemas": [urns.GROUP], "displayName": "New", "members": members})
    yield _bulk("PATCH", ours, {"Operations": [{"op": "add", "path": "members", "value": members}]})
    # In a filter.
    for endpoint, attributes in (("/Users", ("id", "groups.value")), ("/Groups", ("id", "members.value"))):
        for attribute in attributes:
            condition = f'{attribute} eq "{one}"'
            yield "GET", f"{endpoint}?filter={condition}", None
            yield "GET", f"{endpoint}?filter=not ({condition})", None
            yield _search(f"{endpoint}/.search", condition)
    yield "GET", f'/Users?filter=groups[value eq "{one}"]', None
    yield "GET", f'/Groups?filter=members[value eq "{one}"]', None
    yield _search("/.search", f'id eq "{one}"')
    yield "GET", f"/Users?cursor={one}", None


def _answer(response: HttpResponse, one: str) -> tuple[Any, ...]:
    """Status, body and headers; ids and times that an answer makes up are set aside, and paths that it repeats."""
    headers = {name: _MADE_UP.sub(b"*", value.encode()) for name, value in response.headers.items()}
    del headers["Content-Length"]
    return response.status_code, _MADE_UP.sub(b"*", response.content.replace(f'/{one}"'.encode(), b'/*"')), headers


def test_whatever_is_asked_about_a_foreign_id_is_answered_as_about_nobodys(mine: Tenant, theirs: Tenant) -> None:
    before, cells, statuses = theirs.rows(), 0, set()

    def ask(request: tuple[str, str, Any], one: str) -> tuple[Any, ...]:
        method, path, body = request
        bare, _, query = path.partition("?")
        with transaction.atomic():
            answer = _answer(mine.scim.request(method, bare, body, QUERY_STRING=query), one)
            if method not in ("GET", "HEAD") and "search" not in bare:
                assert theirs.rows() == before, request
            transaction.set_rollback(True)
        return answer

    # An id that nobody has for each way to spell one.
    nobodys = {one.isdigit(): [ask(request, one) for request in requests(one, mine)] for one in (NO_SUCH_ID, "9" * 9)}
    for kind, foreign in theirs.ids.items():
        for request, expected in zip(requests(foreign, mine), nobodys[foreign.isdigit()], strict=True):
            answer = ask(request, foreign)
            assert answer == expected, (kind, request)
            assert b"secret" not in answer[1], (kind, request)
            statuses.add(answer[0])
            cells += 1
    assert cells >= CELLS, cells
    # Not all of it is refused before it is looked at.
    assert {200, 201, 404} <= statuses
    assert theirs.rows() == before
