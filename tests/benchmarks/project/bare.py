"""What a Django developer would write by hand for the requests that are measured, and nothing beyond them.

No filter language, no content negotiation, no projection, no schema, no validation, no conditional requests, no events,
no signals, one tenant. The views are the same for the floor and the limit; a ``Store`` says how the database is asked.
Each request looks the token up by its digest, then takes one query for what it shows (one more for ``totalResults``
where others follow); a write locks the row, saves it and reads back what it answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import orjson
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
BODY_LIMIT = 1000
"""Members above which a PATCH of a group is answered without them, as the package does by default."""


class Person(NamedTuple):
    pk: int
    external_id: str | None
    username: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    created_at: datetime
    modified_at: datetime
    groups: Collection[Mapping[str, Any]]


class Team(NamedTuple):
    pk: int
    name: str
    created_at: datetime
    modified_at: datetime


class Store(Protocol):
    """How the database is asked. Writes run inside a transaction."""

    def is_live(self, digest: str) -> bool: ...
    def person(self, pk: int) -> Person | None: ...
    def people(self, column: str, value: str, start: int, count: int) -> list[Person]: ...
    def people_after(self, pk: int, count: int) -> list[Person]: ...
    def count(self, column: str, value: str) -> int: ...
    def create_person(self, columns: Mapping[str, Any]) -> int: ...
    def change_person(self, pk: int, columns: Mapping[str, Any]) -> None: ...
    def team(self, pk: int) -> Team | None: ...
    def team_named(self, name: str) -> Team | None: ...
    def members(self, pk: int, limit: int | None) -> list[int]: ...
    def create_team(self, name: str) -> int: ...
    def lock_team(self, pk: int) -> None: ...
    def known(self, pks: Collection[int]) -> int: ...
    def add(self, team: int, pks: Collection[int]) -> None: ...
    def remove(self, team: int, pks: Collection[int]) -> None: ...
    def touch_team(self, pk: int) -> None: ...


def digest_of(request: HttpRequest) -> str:
    text = request.META["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
    return hashlib.sha256(text.encode()).hexdigest()


def _time(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"


def _meta(kind: str, row: Person | Team, base: str) -> dict[str, str]:
    return {
        "resourceType": kind,
        "created": _time(row.created_at),
        "lastModified": _time(row.modified_at),
        "location": f"{base}/{kind}s/{row.pk}",
        "version": f'W/"{row.modified_at.timestamp()}"',
    }


def _person(row: Person, base: str) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "id": str(row.pk),
        "externalId": row.external_id,
        "userName": row.username,
        "name": {"givenName": row.first_name, "familyName": row.last_name},
        "emails": [{"value": row.email, "type": "work", "primary": True}],
        "active": row.is_active,
        "groups": [
            {
                "value": str(group["value"]),
                "$ref": f"{base}/Groups/{group['value']}",
                "display": group["display"],
                "type": "direct",
            }
            for group in row.groups
        ],
        "meta": _meta("User", row, base),
    }


def _team(row: Team, members: Collection[int] | None, base: str) -> dict[str, Any]:
    document: dict[str, Any] = {"schemas": [GROUP], "id": str(row.pk), "displayName": row.name}
    if members is not None:
        document["members"] = [{"value": str(pk), "$ref": f"{base}/Users/{pk}", "type": "User"} for pk in members]
    return document | {"meta": _meta("Group", row, base)}


def _listed(resources: list[dict[str, Any]], total: int, **more: Any) -> dict[str, Any]:
    head = {"schemas": [LIST], "totalResults": total, "itemsPerPage": len(resources)}
    return head | more | {"Resources": resources}


def _columns(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "username": body["userName"],
        "scim_external_id": body.get("externalId"),
        "first_name": body["name"]["givenName"],
        "last_name": body["name"]["familyName"],
        "email": body["emails"][0]["value"],
        "is_active": body["active"],
    }


def respond(document: Any, status: int = 200) -> HttpResponse:
    content = b"" if document is None else orjson.dumps(document)
    return HttpResponse(content, status=status, content_type="application/scim+json")


@method_decorator(csrf_exempt, name="dispatch")
class BareView(View):
    store: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not self.store.is_live(digest_of(request)):
            return respond({"status": "401"}, 401)
        self.base = f"{request.scheme}://{request.get_host()}/scim/v2"
        return super().dispatch(request, *args, **kwargs)


class OnePerson(BareView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.store.person(pk)
        return respond({"status": "404"}, 404) if row is None else respond(_person(row, self.base))

    def put(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change(pk, _columns(orjson.loads(request.body)))

    def patch(self, request: HttpRequest, pk: int) -> HttpResponse:
        operation = orjson.loads(request.body)["Operations"][0]
        return self._change(pk, {{"active": "is_active"}[operation["path"]]: operation["value"]})

    def _change(self, pk: int, columns: dict[str, Any]) -> HttpResponse:
        with transaction.atomic():
            self.store.change_person(pk, columns)
            row = self.store.person(pk)
        return respond(_person(row, self.base))


FILTERS = (
    ("username", re.compile(r'userName eq "([^"]+)"')),
    ("scim_external_id", re.compile(r'externalId eq "([^"]+)"')),
    ("email", re.compile(r'emails\[type eq "work" and value co "([^"]+)"\]')),
)


class People(BareView):
    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET
        count = int(asked.get("count", 100))
        if "after" in asked:
            rows = self.store.people_after(int(asked["after"]), count)
            return respond(_listed([_person(row, self.base) for row in rows], -1))
        text = asked.get("filter", "")
        found = [(column, match[1]) for column, pattern in FILTERS if (match := pattern.fullmatch(text))]
        column, value = found[0] if found else ("", "")
        start = int(asked.get("startIndex", 1))
        rows = self.store.people(column, value, start - 1, count)
        last = len(rows) < count and (rows or start == 1)
        total = start - 1 + len(rows) if last else self.store.count(column, value)
        return respond(_listed([_person(row, self.base) for row in rows], total, startIndex=start))

    def post(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            pk = self.store.create_person(_columns(orjson.loads(request.body)))
            row = self.store.person(pk)
        return respond(_person(row, self.base), 201)


class OneTeam(BareView):
    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self.store.team(pk)
        if row is None:
            return respond({"status": "404"}, 404)
        members = None if "excludedAttributes" in request.GET else self.store.members(pk, None)
        return respond(_team(row, members, self.base))

    def patch(self, request: HttpRequest, pk: int) -> HttpResponse:
        operation = orjson.loads(request.body)["Operations"][0]
        removed = re.fullmatch(r'members\[value eq "(\d+)"\]', operation["path"])
        pks = {int(removed[1])} if removed else {int(member["value"]) for member in operation["value"]}
        with transaction.atomic():
            self.store.lock_team(pk)
            if removed:
                self.store.remove(pk, pks)
            else:
                if self.store.known(pks) != len(pks):
                    return respond({"status": "400"}, 400)
                if operation["op"] == "replace":
                    before = set(self.store.members(pk, None))
                    self.store.remove(pk, before - pks)
                    pks -= before
                self.store.add(pk, pks)
            self.store.touch_team(pk)
            row = self.store.team(pk)
            members = self.store.members(pk, BODY_LIMIT + 1)
        return respond(None, 204) if len(members) > BODY_LIMIT else respond(_team(row, members, self.base))


class Teams(BareView):
    def get(self, request: HttpRequest) -> HttpResponse:
        found = re.fullmatch(r'displayName eq "([^"]+)"', request.GET["filter"])
        assert found is not None
        row = self.store.team_named(found[1])
        rows = [] if row is None else [row]
        return respond(_listed([_team(row, None, self.base) for row in rows], len(rows), startIndex=1))

    def post(self, request: HttpRequest) -> HttpResponse:
        body = orjson.loads(request.body)
        pks = {int(member["value"]) for member in body.get("members", ())}
        with transaction.atomic():
            if self.store.known(pks) != len(pks):
                return respond({"status": "400"}, 400)
            pk = self.store.create_team(body["displayName"])
            self.store.add(pk, pks)
            row = self.store.team(pk)
            members = self.store.members(pk, None)
        return respond(_team(row, members, self.base), 201)


class Bulk(BareView):
    """Creates people, each in a transaction of their own."""

    def post(self, request: HttpRequest) -> HttpResponse:
        answers = []
        for operation in orjson.loads(request.body)["Operations"]:
            with transaction.atomic():
                pk = self.store.create_person(_columns(operation["data"]))
            answers.append(
                {
                    "method": "POST",
                    "bulkId": operation["bulkId"],
                    "location": f"{self.base}/Users/{pk}",
                    "status": "201",
                }
            )
        return respond({"schemas": [BULK], "Operations": answers})


def urls(store: Store) -> list[Any]:
    return [
        path("Users", People.as_view(store=store)),
        path("Users/<int:pk>", OnePerson.as_view(store=store)),
        path("Groups", Teams.as_view(store=store)),
        path("Groups/<int:pk>", OneTeam.as_view(store=store)),
        path("Bulk", Bulk.as_view(store=store)),
    ]
