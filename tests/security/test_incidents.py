"""What went wrong in other products and has no test of its own elsewhere; docs/explanation/attacks.csv has all of them."""

from __future__ import annotations

import ast
import hmac
import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client, override_settings
from django.utils import timezone

import django_scim_provider
from api.helpers import NO_SUCH_ID, dump, host_of, is_error, statements
from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.models.token_format import new_token
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import HostUserFactory

pytestmark = pytest.mark.django_db

PACKAGE = Path(django_scim_provider.__file__).parent


# T-GL2: an address that SCIM writes proves nothing -----------------------------------------------------------


def test_reset_link_of_before_dies_with_a_new_address(scim: ScimClient) -> None:
    """The one who had the old mailbox must not be able to set the password of the one who has the new one."""
    body = scim.create("ann@example.com")
    user = host_of(body)
    user.set_password("of her own")
    user.save()
    link = default_token_generator.make_token(user)
    assert default_token_generator.check_token(host_of(body), link)

    value = [{"value": "ann@elsewhere.example", "primary": True}]
    changed = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "emails", "value": value})

    assert changed.status_code == 200
    assert host_of(body).email == "ann@elsewhere.example"
    assert not default_token_generator.check_token(host_of(body), link)


# T-TIME: every well-formed token costs the same --------------------------------------------------------------


def test_every_well_formed_token_is_compared_once_by_a_comparison_of_constant_time(
    connection: ScimConnection, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, expired, revoked, wrong = (tokens.issue(context) for _ in range(4))
    tokens.revoke(context, revoked.token)
    ScimToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(days=1))
    ScimToken.objects.filter(pk=wrong.token.pk).update(digest="0" * 64)
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def noting(left: Any, right: Any) -> bool:
        compared.append((len(left), len(right)))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", noting)
    for text in (good.text, expired.text, revoked.text, wrong.text, new_token().text):
        compared.clear()
        sql = statements(lambda text=text: ScimClient(text).get("/Users"))
        # Beside it Django and the event log compare nothing.
        assert compared == [(64, 64)]
        assert len([line for line in sql if "FROM" in line and "scimtoken" in line and line.startswith("SELECT")]) == 1


# T-FILT, CVE-2025-64459: names of the ORM are no names of attributes -----------------------------------------

NOT_ATTRIBUTES = [
    "is_superuser", "is_staff", "last_login", "date_joined", "pk", "user", "connection", "scope", "origin", "alive",
    "user.password", "user__password", "user__password__startswith", "groups__permissions", "user_permissions",
    "connection__tokens__digest", "tokens.digest", "_connector", "_negated", "__class__", "username__iregex",
    "emails.user.password", "name.password", "groups.connection", f"{urns.USER}:is_superuser",
    f"{urns.ENTERPRISE_USER}:password",
]  # fmt: skip


def test_names_of_columns_relations_and_keywords_of_the_orm_are_refused(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before, shown = dump(events=False), scim.get("/Users").content
    for name in NOT_ATTRIBUTES:
        for condition in (f'{name} eq "x"', f"{name} pr", f'not ({name} sw "a")', f'userName pr or {name} co "a"'):
            assert is_error(scim.get("/Users", filter=condition), 400, "invalidFilter"), condition
        assert scim.get("/Users", sortBy=name).status_code == 400, name
        operation = {"op": "replace", "path": f'emails[{name} eq "x"].value', "value": "x@example.com"}
        assert scim.patch(f"/Users/{body['id']}", operation).status_code == 400, name
        only = scim.get(f"/Users/{body['id']}", attributes=name).json()
        assert only.keys() <= {"schemas", "id", "emails", "name", "groups"}, (name, only)
        # A parameter that SCIM does not have is none.
        for parameter in (name, f"user__{name}"):
            assert scim.get("/Users", **{parameter: "OR"}).content == shown
    assert dump(events=False) == before


def test_no_code_of_ours_runs_or_expands_what_a_client_sends() -> None:
    """Look at a new module with ``filter(**...)`` before it joins the list: no key may come from a request."""
    # Names of columns that the host declared.
    looked_at = {"adapters/users.py", "adapters/groups.py", "adapters/tenancy.py", "adapters/memberships.py"}
    looked_at |= {"adapters/roles.py", "checks/groups.py", "adapters/credentials.py", "testing/contract_groups.py"}
    # Columns that whoever may run a command on the server has named.
    looked_at |= {"services/django_scim2.py", "services/django_scim2_groups.py"}
    looked_at |= {"management/commands/scim_import_django_scim2.py"}
    # Names that stand in the module itself.
    looked_at |= {"services/audit.py", "services/cursors.py", "services/membership.py", "services/mixed.py"}
    looked_at |= {"services/invariants.py", "services/sync.py"}
    # A method called get of a client, which asks no database.
    looked_at |= {"testing/client.py"}
    looked_at |= {"services/removals.py", "services/role_mappings.py", "console/events.py", "admin/event_pages.py"}
    expanding, running = set(), []
    for path in PACKAGE.rglob("*.py"):
        where = path.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in {"filter", "exclude", "annotate", "alias", "get", "Q"}:
                expanding |= {where for keyword in node.keywords if keyword.arg is None}
            if called in {"eval", "exec", "raw", "extra", "RawSQL", "Template", "from_string"}:
                running.append((where, called))
    assert expanding <= looked_at
    assert not running


# T-FLEET: a replica that lags is read by nothing -------------------------------------------------------------


class ReplicaForReading:
    """The usual router of a site with a replica; there is no such database here, so that a read from it fails."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, *args: Any, **hints: Any) -> bool:
        return True


def _a_morning(scim: ScimClient) -> Iterator[Any]:
    """Requests of every kind, the first of a test."""
    people = []
    for name in ("ann", "bob"):
        response = scim.post("/Users", person(f"{name}@example.com", externalId=name))
        yield response
        people.append(response.json()["id"])
    group = {"schemas": [urns.GROUP], "displayName": "Staff", "members": [{"value": people[0]}]}
    response = scim.post("/Groups", group)
    yield response
    staff = f"/Groups/{response.json()['id']}"
    ann = f"/Users/{people[0]}"
    yield scim.patch(staff, {"op": "add", "path": "members", "value": [{"value": people[1]}]})
    yield scim.patch(staff, {"op": "remove", "path": f'members[value eq "{people[0]}"]'})
    yield scim.put(staff, group)
    yield scim.get(staff)
    yield scim.get("/Groups", filter='displayName eq "Staff"')
    yield scim.get("/Users", filter='userName eq "ann@example.com"')
    yield scim.get("/Users", filter='title pr or groups.display eq "Staff"', sortBy="title")
    yield scim.put(ann, person("ann@example.com", title="Engineer"))
    yield scim.patch(ann, {"op": "replace", "path": "active", "value": False})
    yield scim.patch(ann, {"op": "replace", "path": "active", "value": True})
    yield scim.get(ann)
    yield scim.post("/.search", {"schemas": [urns.SEARCH_REQUEST], "filter": 'externalId eq "ann"'})
    operations = [{"method": "DELETE", "path": ann}, {"method": "PATCH", "path": staff, "data": {"Operations": []}}]
    yield scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": operations})
    yield scim.delete(staff)


def test_nothing_is_read_from_a_replica(scim: ScimClient) -> None:
    with override_settings(DATABASE_ROUTERS=[ReplicaForReading()]):
        for response in _a_morning(scim):
            assert response.status_code < 300, response.content
            assert b'"status":"5' not in response.content


# CVE-2019-11290, CVE-2025-48432: what stands in a log --------------------------------------------------------

UNSEEN = "\r\n\x1b[31mFAKE\x00\x07\u202e\u2028\x85"


def test_a_token_in_the_address_is_in_no_log_and_no_event(scim: ScimClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = new_token().text
    for method in ("GET", "POST", "DELETE"):
        for path in (f"/Users?access_token={token}", f"/Users/{NO_SUCH_ID}?token={token}"):
            address, _, query = path.partition("?")
            assert is_error(ScimClient(None).request(method, address, QUERY_STRING=query), 401)
            scim.request(method, address, QUERY_STRING=query)
    assert token not in caplog.text
    assert token[20:] not in str(dump(bookkeeping=True))


def test_what_a_client_sends_forges_no_line_of_a_log(scim: ScimClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    headers = {
        "HTTP_USER_AGENT": UNSEEN, "HTTP_X_REQUEST_ID": UNSEEN, "HTTP_X_FORWARDED_FOR": UNSEEN,
        "HTTP_IF_MATCH": UNSEEN, "HTTP_ACCEPT": UNSEEN,
    }  # fmt: skip
    nasty = quote(UNSEEN.encode())
    for method in ("GET", "DELETE", "PATCH", "PUT"):
        for path in (f"/Users/{nasty}", f"/Groups/{nasty}", f"/{nasty}", f"/Schemas/{nasty}"):
            scim.request(method, path, {"userName": UNSEEN}, QUERY_STRING=f"filter={nasty}&sortBy={nasty}", **headers)
    scim.request("POST", "/Users", person(f"a{UNSEEN}@example.com"), **headers)
    Client(raise_request_exception=False).get(f"{MOUNT}/Users", headers={"Authorization": f"Bearer {UNSEEN}"})

    lines = [record.getMessage() for record in caplog.records if record.name.startswith(("django_scim", "django.req"))]
    assert lines
    for row in ScimEvent.objects.values_list("detail", "resource_id", "label"):
        lines += filter(None, row)
    for line in lines:
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line), ascii(line)


# CVE-2019-19844, Spotify 2013: letters that become others ----------------------------------------------------


def test_letters_that_turn_into_others_reach_no_account(scim: ScimClient) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    HostUserFactory(name="mike.skis@example.com")
    before = dump(events=False)
    # By lower(), upper(), casefold() or NFKC each of these can end as the name above.
    same = ["mi\u212ae.skis@example.com", "MIKE.SKIS@EXAMPLE.COM", "\uff4dike.skis@example.com"]
    refused = ["mike.\u017fkis@example.com", "m\u2170ke.skis@example.com", "mi\u00adke.skis@example.com"]
    refused += ["mike.skis\u200b@example.com", "\u202emike.skis@example.com", "\u1d39ike.skis@example.com"]
    for name in same:
        assert is_error(scim.post("/Users", person(name)), 409, "uniqueness"), ascii(name)
    for name in refused:
        response = scim.post("/Users", person(name))
        assert response.status_code in (400, 409), (ascii(name), response.content)
    assert dump(events=False) == before

    # Who only looks alike is somebody else, or refused where the database takes the two for one; never the same.
    mike = scim.create("mike.skis@elsewhere.example")
    for name in ("m\u0131ke.skis@elsewhere.example", "mik\u0435.skis@elsewhere.example"):
        response = scim.post("/Users", person(name))
        if response.status_code == 201:
            assert host_of(response.json()).pk != host_of(mike).pk
        else:
            assert is_error(response, 409, "uniqueness"), ascii(name)
        for attribute in ("userName", "emails.value"):
            assert mike["id"] not in [item["id"] for item in scim.find(f'{attribute} eq "{name}"')]
        assert [item["id"] for item in scim.find(f'userName eq "{mike["userName"]}"')] == [mike["id"]]
    assert scim.get(f"/Users/{mike['id']}").json() == mike


# Okta, October 2024: long names ------------------------------------------------------------------------------


def test_long_names_of_one_beginning_are_two_people_and_open_nothing(scim: ScimClient) -> None:
    names = ["x" * 120 + f"{number}@example.com" for number in range(2)]
    first, second = (scim.create(name, password="chosen") for name in names)

    assert host_of(first).pk != host_of(second).pk
    for body, name in zip((first, second), names, strict=True):
        assert [item["id"] for item in scim.find(f'userName eq "{name}"')] == [body["id"]]
        for password in ("", "chosen", name, "x" * 72):
            assert not Client().login(username=name, password=password)
    assert scim.find(f'userName eq "{"x" * 120}"') == []


# Doyensec, SciTokens CVE-2026-32716: by whole segments, and by what the server knows -------------------------


def test_paths_are_compared_by_whole_segments(scim: ScimClient, issue_token: Callable[..., str]) -> None:
    body = scim.create("ann@example.com")
    before = dump(events=False)
    for path in (
        f"/Usersx/{body['id']}", f"/users/{body['id']}", f"/Users/{body['id']}x", f"/Users/{body['id']}/x",
        f"/Users/..%2f{body['id']}", f"/Users/{body['id']}%2f..%2fx", f"/Users//{body['id']}", f"/x/Users/{body['id']}",
        f"/Users/./{body['id']}", f"/Users/%2e%2e/Users/{body['id']}", f"/Users;a=b/{body['id']}",
    ):  # fmt: skip
        for method in ("GET", "DELETE"):
            assert is_error(scim.request(method, path), 404), path
    for path in (f"/Users/../Users/{body['id']}", f"{MOUNT}/Users/{body['id']}", "/Usersx/1", "/Users/..%2f1"):
        operation = {"method": "DELETE", "path": path}
        answer = scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": [operation]})
        assert answer.json()["Operations"][0]["status"][0] == "4", path
    assert dump(events=False) == before
