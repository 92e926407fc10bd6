"""The table of ``docs/reference/budgets.rst`` holds, and nothing in it grows with the number of people."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.http import HttpResponse
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from conftest import ScimClient
from django_scim_provider.adapters import get_user_adapter
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol.urns import ENTERPRISE_USER, USER
from django_scim_provider.services.context import Context, database
from performance.population import gather, populate, user_name

TABLE = Path(__file__).parents[2] / "docs" / "reference" / "budgets.rst"
FEW, MANY = 10, 10_000
PROFILE = 2
"""What every request about people may send more where a profile is joined."""
REMOVALS = ("DELETE", "Deactivation")
"""What asks first whether somebody holds a protected role, where there are such roles."""
UNCOUNTED = re.compile(
    r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE SAVEPOINT|UPDATE .*(last_used_at|last_seen_at)", re.IGNORECASE | re.DOTALL
)

SQL_SHOWN = 300

pytestmark = pytest.mark.hosts


def _budgets() -> dict[str, int]:
    rows = [line.strip() for line in TABLE.read_text(encoding="utf-8").splitlines() if re.match(r'   ".*", \d+$', line)]
    return {name: int(number) for name, number in csv.reader(rows, skipinitialspace=True)}


DIVISION = f"{ENTERPRISE_USER}:division"
"""An attribute that no host maps."""


class Requests:
    """One method for each line of the table. Each needs somebody whom no other has touched, by number."""

    def __init__(self, scim: ScimClient, anonymous: ScimClient, size: int, first: int) -> None:
        self.scim, self.anonymous, self.size = scim, anonymous, size
        self.numbers = iter(range(first, first + 10))
        self.page = min(100, size // 2)

    def _somebody(self) -> str:
        return str(ScimUser.objects.get(user_name=user_name(next(self.numbers)), alive=True).scim_id)

    def _read(self, name: str, **params: Any) -> Callable[[], HttpResponse]:
        return lambda: self.scim.get("/Users", filter=name, **params)

    def _patch(self, path: str, value: Any, scim_id: str | None = None) -> Callable[[], HttpResponse]:
        scim_id = scim_id or self._somebody()
        return lambda: self.scim.patch(f"/Users/{scim_id}", {"op": "replace", "path": path, "value": value})

    def _changed(self, scim_id: str) -> dict[str, Any]:
        """The body of a PUT: what was read, with a mapped attribute changed and kept ones added."""
        self.scim.patch(f"/Users/{scim_id}", {"op": "add", "path": DIVISION, "value": "Analysis"})
        body: dict[str, Any] = self.scim.get(f"/Users/{scim_id}").json()
        return body | {"name": {**body["name"], "familyName": "Other"}, "userType": "Contractor", "locale": "en-GB"}

    def by_name(self) -> Iterator[tuple[str, Callable[[], HttpResponse]]]:
        """The table's name of a request, and the request, prepared but not sent."""
        scim, somebody = self.scim, self._somebody()
        ScimUser.objects.filter(scim_id=somebody).update(external_id=somebody)
        name = ScimUser.objects.get(scim_id=somebody).user_name
        yield "Discovery without a token", lambda: self.anonymous.get("/Schemas")
        yield "Discovery with a token", lambda: scim.get("/ServiceProviderConfig")
        yield "GET of a person", lambda: scim.get(f"/Users/{somebody}")
        yield "Filter userName eq, somebody found", self._read(f'userName eq "{name.upper()}"')
        yield "Filter userName eq, nobody found", self._read('userName eq "nobody@example.com"')
        yield "Filter externalId eq", self._read(f'externalId eq "{somebody}"')
        start = self.size - self.page + 1
        yield "Page of 100 people, the last one", lambda: scim.get("/Users", startIndex=start + 1, count=self.page)
        yield "Page of 100 people, others to follow", lambda: scim.get("/Users", startIndex=2, count=self.page)
        size = self.page // 2
        yield "Page of 100 people by cursor, the first", lambda: scim.get("/Users", cursor="", count=size)
        cursor = scim.get("/Users", cursor="", count=size).json()["nextCursor"]
        yield "Page of 100 people by cursor, another", lambda: scim.get("/Users", cursor=cursor, count=size)
        yield "PATCH of a mapped attribute", self._patch("name.familyName", "Other")
        yield "PATCH of a kept attribute", self._patch("userType", "Contractor")
        yield "PATCH of userName", self._patch("userName", f"renamed{self.size}@example.com")
        written, everything = self._somebody(), self._somebody()
        body = self._changed(written)
        yield "PUT", lambda: scim.put(f"/Users/{written}", body)
        whole = self._changed(everything) | {"userName": f"everything{self.size}@example.com"}
        del whole[ENTERPRISE_USER]["division"]
        yield "PUT that renames, adds and takes away", lambda: scim.put(f"/Users/{everything}", whole)
        leaving = self._somebody()
        yield "Deactivation", self._patch("active", False, leaving)
        yield "Reactivation", self._patch("active", True, leaving)
        gone = self._somebody()
        yield "DELETE", lambda: scim.delete(f"/Users/{gone}")
        fresh = {
            "schemas": [USER],
            "userName": f"new{self.size}@example.com",
            "name": {"givenName": "New", "familyName": "Person"},
            "emails": [{"value": f"new@{self.size}.example", "type": "work", "primary": True}],
            "userType": "Contractor",
            "active": True,
        }
        yield "POST", lambda: scim.post("/Users", fresh)


@contextmanager
def _counted() -> Iterator[list[str]]:
    """The statements sent inside, those after the commit included."""
    statements: list[str] = []
    with (
        CaptureQueriesContext(connections[database()]) as queries,
        TestCase.captureOnCommitCallbacks(using=database(), execute=True),
    ):
        yield statements
    statements += [query["sql"] for query in queries if not UNCOUNTED.match(query["sql"])]


def _measure(requests: Requests) -> dict[str, list[str]]:
    measured = {}
    for name, send in requests.by_name():
        with _counted() as statements:
            response = send()
        assert response.status_code < 300, f"{name}: {response.content.decode()}"
        measured[name] = statements
    return measured


def _numbers(measured: dict[str, list[str]]) -> dict[str, int]:
    return {name: len(statements) for name, statements in measured.items()}


def _check(measured: dict[str, list[str]]) -> None:
    more = PROFILE if hasattr(get_user_model(), "profile") else 0
    asks = 1 if get_user_adapter().roles.protected else 0
    over = {
        name: (limit, measured[name])
        for name, limit in _budgets().items()
        if len(measured[name])
        > limit + (0 if name.startswith("Discovery") else more) + (asks if name in REMOVALS else 0)
    }
    print("", *(f"{number:3} {name}" for name, number in _numbers(measured).items()), sep="\n")  # noqa: T201
    assert not over, "\n".join(
        f"{name}: {len(statements)}, at most {limit}\n  " + "\n  ".join(sql[:SQL_SHOWN] for sql in statements)
        for name, (limit, statements) in over.items()
    )


def test_every_line_of_the_table_is_measured(context: Context, scim: ScimClient, anonymous: ScimClient) -> None:
    populate(context, range(FEW))
    measured = [name for name, _ in Requests(scim, anonymous, FEW, 0).by_name()]
    assert sorted(measured) == sorted(_budgets())


def test_budgets_hold_with_ten_people(context: Context, scim: ScimClient, anonymous: ScimClient) -> None:
    populate(context, range(FEW))
    gather(context)
    _check(_measure(Requests(scim, anonymous, FEW, 0)))


@pytest.mark.slow
def test_ten_thousand_people_cost_what_ten_do(context: Context, scim: ScimClient, anonymous: ScimClient) -> None:
    populate(context, range(FEW))
    gather(context)
    few = _measure(Requests(scim, anonymous, FEW, 0))
    # One was deleted and one created above, so the number stands.
    populate(context, range(FEW, MANY))
    gather(context)
    many = _measure(Requests(scim, anonymous, MANY, FEW))
    _check(many)
    assert _numbers(many) == _numbers(few)
