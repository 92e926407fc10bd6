"""Tokens over the console: shown once, made by the same person and right now, and once for each request."""

from __future__ import annotations

import copy
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.signals import got_request_exception
from django.test import Client
from django.utils import timezone
from django.views.debug import ExceptionReporter

from admin.browser import TOKEN
from api.fixtures import threads
from api.helpers import apart, together
from conftest import ScimClient
from console.caller import PASSWORD, Caller, error
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.services import connections, tokens
from django_scim_provider.services.confirmation import MAX_ATTEMPTS
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

__all__ = ["threads"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(connection: ScimConnection) -> str:
    return f"/connections/{connection.pk}/tokens"


def dump() -> str:
    return repr([list(model._default_manager.values()) for model in apps.get_models()])


@pytest.mark.hosts
def test_the_life_of_a_token(root: Caller, path: str, log: pytest.LogCaptureFixture) -> None:
    issued = root.confirmed(path, name="Okta", days=30, scopes="read")
    assert issued.status_code == 201, issued.content
    secret, token = issued.json()["secret"], issued.json()["token"]
    assert TOKEN.fullmatch(secret)
    assert (token["name"], token["scopes"], token["is_live"]) == ("Okta", "read", True)
    assert token["starts_with"] == f"{secret[:19]}…"
    life = timezone.datetime.fromisoformat(token["expires_at"]) - timezone.now()
    assert round(life / timedelta(days=1)) == 30
    assert (ScimClient(secret).get("/Users").status_code, secret[20:] in dump(), secret[20:] in log.text) == (
        200,
        False,
        False,
    )

    rotated = root.confirmed(f"{path}/{token['id']}/rotate", overlap_hours=0).json()
    assert (rotated["token"]["name"], rotated["token"]["scopes"]) == ("Okta", "read")
    assert ScimClient(secret).get("/Users").status_code == 401
    later = root.confirmed(f"{path}/{rotated['token']['id']}/rotate").json()
    assert ScimClient(rotated["secret"]).get("/Users").status_code == 200
    ends = ScimToken.objects.get(pk=rotated["token"]["id"]).expires_at
    assert round((ends - timezone.now()) / timedelta(hours=1)) == 24

    listed = root.get(path)
    assert [found["id"] for found in listed.json()["results"]] == [
        later["token"]["id"],
        rotated["token"]["id"],
        token["id"],
    ]
    assert [found["is_live"] for found in listed.json()["results"]] == [True, True, False]
    assert not TOKEN.search(listed.content.decode())
    for _ in range(2):
        revoked = root.post(f"{path}/{later['token']['id']}/revoke").json()
        assert revoked["revoked_at"]
        assert not revoked["is_live"]
    assert ScimClient(later["secret"]).get("/Users").status_code == 401
    done = ScimEvent.objects.filter(actor=root.user.pk).order_by("pk").values_list("action", flat=True)
    assert list(done) == ["token_issue", "token_issue", "token_revoke", "token_issue", "token_revoke"]


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Any:
    with caplog.at_level(0):
        yield caplog


def test_what_no_token_can_be_is_refused(root: Caller, path: str, connection: ScimConnection) -> None:
    token = tokens.issue(Context(connection)).token
    for field, value in (("days", 0), ("days", 731), ("name", "x" * 101), ("scopes", "all"), ("request_id", "x")):
        assert root.confirmed(path, **{field: value}).json()["fields"].keys() == {field}
    for hours in (-1, 73, "x"):
        response = root.confirmed(f"{path}/{token.pk}/rotate", overlap_hours=hours)
        assert response.json()["fields"].keys() == {"overlap_hours"}
    assert root.post(f"{path}/{token.pk}/revoke", {"reason": "x"}).status_code == 400
    assert ScimToken.objects.get().is_live()
    tokens.revoke(Context(connection), token)
    assert error(root.confirmed(f"{path}/{token.pk}/rotate")) == (409, "conflict")
    connections.disable(Context(connection))
    assert error(root.confirmed(path)) == (409, "conflict")
    assert ScimToken.objects.count() == 1


# The same person, right now ---------------------------------------------------------------------------------


def makers(caller: Caller) -> list[tuple[str, dict[str, Any]]]:
    """Each request that makes a token, ready to be sent."""
    connection, off = ConnectionFactory(), ConnectionFactory(enabled=False)
    token = tokens.issue(Context(connection)).token
    return [
        ("/connections", {"name": "Acme"}),
        (f"/connections/{off.pk}/enable", {}),
        (f"/connections/{connection.pk}/tokens", {}),
        (f"/connections/{connection.pk}/tokens/{token.pk}/rotate", {"overlap_hours": 0}),
    ]


def test_without_the_right_password_no_token_is_made(root: Caller) -> None:
    made = makers(root)
    before = dump()
    for path, body in made:
        for wrong in ({}, {"password": "wrong"}):
            refused = root.post(path, body | wrong)
            assert (error(refused), refused.json()["fields"].keys()) == ((400, "validation"), {"password"})
    for _ in range(MAX_ATTEMPTS):
        refused = root.post(*made[2])
        root.post(made[2][0], {"password": "wrong"})
    assert "Too many" in str(root.confirmed(made[2][0]).json()["fields"]["password"])
    assert dump() == before


@pytest.mark.hosts
def test_people_without_a_password_need_a_fresh_login() -> None:
    caller = Caller(is_superuser=True, password=None)
    made = makers(caller)

    def logged_in(ago: timedelta) -> None:
        get_user_model().objects.filter(pk=caller.user.pk).update(last_login=timezone.now() - ago)

    logged_in(timedelta(minutes=11))
    before = dump()
    for path, body in made:
        refused = caller.post(path, body)
        assert error(refused) == (403, "forbidden")
        assert "Sign in again" in refused.json()["detail"]
    assert dump() == before
    logged_in(timedelta(minutes=9))
    for path, body in made:
        assert "secret" in caller.post(path, body).json()


# Only once --------------------------------------------------------------------------------------------------


def test_a_request_that_is_sent_again_makes_no_second_token_and_shows_none(root: Caller) -> None:
    for number, (path, body) in enumerate(makers(root)):
        assert "secret" in root.confirmed(path, f"key {number}", **body).json(), path
        before = dump()
        for again in (body, body | {"password": "wrong"}, body | {"name": "Another"}):
            refused = root.confirmed(path, f"key {number}", **again)
            assert error(refused) == (409, "conflict"), path
            assert not TOKEN.search(refused.content.decode())
        assert dump() == before


def test_an_idempotency_key_is_of_use_to_one_person(root: Caller, path: str) -> None:
    for caller in (root, Caller(is_superuser=True)):
        assert caller.confirmed(path, "x" * 300).status_code == 201
    assert ScimToken.objects.count() == 2
    # Without one every request stands for itself.
    assert [root.confirmed(path).status_code for _ in range(2)] == [201, 201]


def test_a_request_that_was_refused_may_be_sent_again_with_its_key(root: Caller, path: str) -> None:
    assert error(root.post(path, {"password": "wrong"}, **{"Idempotency-Key": "k"})) == (400, "validation")
    assert root.confirmed(path, "k").status_code == 201


def test_reports_of_errors_show_no_password(root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[str] = []

    def report(request: Any, **kwargs: Any) -> None:
        reports.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    def fail(*args: Any) -> None:
        raise RuntimeError("The directory is down.")

    monkeypatch.setattr(get_user_model(), "check_password", fail)
    got_request_exception.connect(report)
    root.client.raise_request_exception = False
    try:
        body = {"name": "Acme", "password": PASSWORD}
        response = root.client.post("/api/scim/connections", body, "application/json")
    finally:
        got_request_exception.disconnect(report)
    assert response.status_code == 500
    assert "The directory is down." in reports[0]
    assert "run_validation" in reports[0]
    assert PASSWORD not in reports[0]


@pytest.mark.slow
@pytest.mark.usefixtures("threads")
def test_requests_sent_at_once_with_one_key_make_one_token() -> None:
    def prepare() -> tuple[Caller, list[tuple[str, dict[str, Any]]]]:
        caller = Caller(is_superuser=True)
        return caller, makers(caller)

    caller, made = apart(prepare)
    for number, (path, body) in enumerate(made):

        def send(path: str = path, body: dict[str, Any] = body, key: str = f"key {number}") -> int:
            same = copy.copy(caller)
            same.client = Client()
            same.client.cookies = caller.client.cookies
            return same.confirmed(path, key, **body).status_code

        created, *refused = sorted(together([send] * 4))
        assert (created in (200, 201), refused) == (True, [409, 409, 409]), path
    assert apart(ScimToken.objects.count) == 5
