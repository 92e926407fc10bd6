"""HTTP Basic (RFC 7617), and several ways to authenticate side by side."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import ProgrammingError
from django.db import connection as database
from django.test import Client
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from api.credentials import Reports, ask, assert_refused, bad_headers, found
from api.helpers import dump, is_error, statements, with_setting
from conftest import MOUNT, person
from django_scim_provider.api.authentication import MAX_BASIC
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.models.token_format import new_token
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db

BEARER = "django_scim_provider.api.authentication.BearerAuthentication"
BASIC = "django_scim_provider.api.authentication.BasicAuthentication"
CHALLENGE = 'Basic realm="SCIM", charset="UTF-8"'
BOTH = f'Bearer realm="SCIM", {CHALLENGE}'


@pytest.fixture(autouse=True)
def _both() -> Iterator[None]:
    with with_setting(AUTHENTICATION=[BEARER, BASIC]):
        yield


def encoded(pair: bytes) -> str:
    return f"Basic {base64.b64encode(pair).decode()}"


def basic(user_name: str, password: str) -> str:
    return encoded(f"{user_name}:{password}".encode())


# As identity providers send it --------------------------------------------------------------------------------


@pytest.mark.hosts
def test_okta_tests_its_connector_with_basic_authentication(
    connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    okta = Client(
        headers={
            "Authorization": basic(connection.slug, issue_token(connection)),
            "User-Agent": "Okta SCIM Client 1.0.0",
            "Accept": "application/scim+json",
            "Accept-Charset": "utf-8",
        }
    )
    for path, query in (("/Users", "startIndex=1&count=2"), ("/Groups", "startIndex=1&count=100")):
        response = okta.generic(
            "GET", f"{MOUNT}{path}", QUERY_STRING=query, content_type="application/scim+json; charset=utf-8"
        )
        assert response.status_code == 200
        document = response.json()
        assert (document["totalResults"], document["startIndex"], document["Resources"]) == (0, 1, [])

    body = json.dumps(person("ann@example.com"))
    created = okta.generic("POST", f"{MOUNT}/Users", body, content_type="application/json")
    assert created.status_code == 201
    event = ScimEvent.objects.get(action="create")
    assert (event.connection, event.key_id) == (connection, ScimToken.objects.get().key_id)


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("space", [" ", "   "])
def test_scheme_is_read_in_any_case(
    connection: ScimConnection, issue_token: Callable[..., str], scheme: str, space: str
) -> None:
    value = basic(connection.slug, issue_token(connection)).removeprefix("Basic ")
    assert ask(f"{scheme}{space}{value} ").status_code == 200


def test_it_costs_one_statement_and_is_noted_as_used(connection: ScimConnection, context: Context) -> None:
    issued = tokens.issue(context)
    header = basic(connection.slug, issued.text)

    assert ask(header, "/Schemas", REMOTE_ADDR="203.0.113.9").status_code == 200
    assert len(statements(lambda: ask(header, "/Schemas"))) == 1

    token = ScimToken.objects.get()
    assert token.last_used_ip == "203.0.113.9"
    assert ScimConnection.objects.get().last_seen_at == token.last_used_at


def test_what_a_token_may_holds_for_it_as_a_password(
    connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    reader = basic(connection.slug, issue_token(connection, scopes="read"))

    assert ask(reader).status_code == 200
    assert is_error(ask(reader, method="POST"), 403)
    ScimConnection.objects.update(ip_allowlist="198.51.100.0/24")
    assert is_error(ask(reader), 403)


# Refused ------------------------------------------------------------------------------------------------------


def bad_basic(slug: str, token: str) -> dict[str, str]:
    raw = f"{slug}:{token}".encode()
    whole = base64.b64encode(raw).decode()
    return {
        "scheme alone": "Basic",
        "scheme and a space": "Basic ",
        "not base64": "Basic !!!!",
        "cut short": f"Basic {whole[:-1]}",
        "a character too many": f"Basic {whole}=A",
        "line feed inside": f"Basic {whole[:8]}\n{whole[8:]}",
        "two values": f"Basic {whole} {whole}",
        "two headers joined": f"Basic {whole}, Basic {whole}",
        "quoted": f'Basic "{whole}"',
        "tab for the space": f"Basic\t{whole}",
        "without a colon": encoded(slug.encode()),
        "token alone": encoded(token.encode()),
        "token as the user name": basic(token, ""),
        "token twice": basic(token, token),
        "no user name": basic("", token),
        "another user name": basic("scim", token),
        "user name in capitals": basic(slug.upper(), token),
        "user name with a space": basic(f"{slug} ", token),
        "id for the short name": basic(slug.rpartition("-")[2], token),
        "no password": basic(slug, ""),
        "empty": basic("", ""),
        "colon before the token": basic(slug, f":{token}"),
        "space after the token": basic(slug, f"{token} "),
        "NUL after the token": basic(slug, f"{token}\0"),
        "password": basic("admin", "password"),
        "not UTF-8": encoded(b"\xff\xfe:" + token.encode()),
        "UTF-16": encoded(raw.decode().encode("utf-16")),
        "not ASCII outside": f"Basic {whole[:-1]}\xff",
        "full width outside": "Basic " + "".join(chr(ord(char) + 0xFEE0) if char.isalnum() else char for char in whole),
        "URL-safe base64": encoded(b"\xff\xfe\xfd?>" + raw).translate(str.maketrans("+/", "-_")),
        "one megabyte": "Basic " + "QUFB" * 250_000,
        "one megabyte of brackets": "Basic " + "=" * 1_000_000,
        "just over the limit": encoded(raw.ljust(MAX_BASIC, b"x")),
        "raw": f"{slug}:{token}",
        "bearer": f"Bearer {whole}",
        "unknown token": basic(slug, new_token().text),
    }


@pytest.mark.parametrize("name", list(bad_basic("acme-0", new_token().text)))
def test_bad_credentials_of_every_shape_are_the_same_401(
    connection: ScimConnection, issue_token: Callable[..., str], name: str
) -> None:
    header = bad_basic(connection.slug, issue_token(connection))[name]
    before = dump(events=False)

    assert_refused(ask(header), BOTH)
    assert_refused(ask(header, method="POST"), BOTH)
    assert_refused(ask(header, "/ServiceProviderConfig"), BOTH)

    assert dump(events=False) == before
    assert sum(event.count for event in ScimEvent.objects.filter(action="authenticate", status=401)) == 3


def test_what_is_no_bearer_token_stays_none_beside_basic(
    connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    for header in bad_headers(issue_token(connection)).values():
        assert_refused(ask(header), BOTH)


def test_token_of_another_connection_is_refused_and_the_log_says_why(
    connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    other = ConnectionFactory()
    token = issue_token(other)

    assert_refused(ask(basic(connection.slug, token), REMOTE_ADDR="203.0.113.9"), BOTH)

    event = ScimEvent.objects.get(action="authenticate")
    assert (event.connection, event.status, event.remote_addr) == (other, 401, "203.0.113.9")
    assert event.detail == "The user name is not the short name of the token's connection."
    assert ScimToken.objects.get().last_used_at is None


def test_token_that_has_ended_is_refused(connection: ScimConnection, context: Context) -> None:
    revoked, expired, good = tokens.issue(context), tokens.issue(context), tokens.issue(context)
    tokens.revoke(context, revoked.token)
    ScimToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now())

    for issued in (revoked, expired):
        assert_refused(ask(basic(connection.slug, issued.text)), BOTH)
    assert ask(basic(connection.slug, good.text)).status_code == 200
    ScimConnection.objects.update(enabled=False)
    assert_refused(ask(basic(connection.slug, good.text)), BOTH)


def test_guessing_is_stopped_before_any_query(connection: ScimConnection, issue_token: Callable[..., str]) -> None:
    token = issue_token(connection)
    with with_setting(FAILURE_RATE="2/d", AUTHENTICATION=[BEARER, BASIC]):
        assert_refused(ask(basic("scim", token)), BOTH)
        assert_refused(ask(basic(connection.slug, "guess")), BOTH)
        answers: list[Any] = []
        sql = statements(lambda: answers.extend([ask(basic(connection.slug, token)), ask(basic("x", "y"))]))
    assert [answer.status_code for answer in answers] == [429, 429]
    assert sql == []


def test_session_is_no_credential_beside_basic(connection: ScimConnection) -> None:
    browser = Client()
    browser.force_login(HostUserFactory(name="root", is_superuser=True, is_staff=True))
    assert_refused(browser.get(f"{MOUNT}/Users"), BOTH)


def _fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    raise ProgrammingError("relation does not exist")


@pytest.mark.parametrize("debug", [False, True])
def test_password_is_in_no_log_no_mail_and_no_error_report(
    connection: ScimConnection, issue_token: Callable[..., str], reports: Reports, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    token = issue_token(connection)
    header = basic(connection.slug, token)

    for path in ("/Users", "/Users/x", "/Nonsense"):
        ask(header, path)
        ask(basic("scim", token), path)
    with database.execute_wrapper(_fail):
        for credential in (header, basic(token, token), basic(token, "x")):
            assert ask(credential).status_code in (401, 500)

    kept = reports.kept()
    assert len(reports.texts) > 5
    assert found(token[20:63], kept) == []
    assert found(header.removeprefix("Basic ")[:-8], kept) == []


# Side by side -------------------------------------------------------------------------------------------------


class HeaderAuthentication(BaseAuthentication):
    """A host's own, which reads another header and tells nothing of itself."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        if "HTTP_X_GATEWAY" not in request._request.META:
            return None
        return object(), tokens.Presented(ScimConnection.objects.get(), "gateway", "write", "")


class PlainAuthentication(BaseAuthentication):
    """As other packages have them: it raises what REST framework has for it."""

    def authenticate(self, request: Request) -> None:
        raise (PermissionDenied if "HTTP_X_KNOWN" in request._request.META else AuthenticationFailed)("Bad luck.")


def test_what_classes_of_other_packages_raise_is_401_or_403(connection: ScimConnection) -> None:
    with with_setting(AUTHENTICATION=["api.test_basic_authentication.PlainAuthentication"]):
        assert_refused(ask(None), 'Bearer realm="SCIM"')
        assert is_error(ask(None, HTTP_X_KNOWN="1"), 403)


GATEWAY = "api.test_basic_authentication.HeaderAuthentication"


@pytest.mark.parametrize("order", [[BEARER, BASIC, GATEWAY], [GATEWAY, BASIC, BEARER]])
def test_classes_leave_to_each_other_what_is_not_theirs(
    connection: ScimConnection, issue_token: Callable[..., str], order: list[str]
) -> None:
    token = issue_token(connection)
    with with_setting(AUTHENTICATION=order):
        assert ask(f"Bearer {token}").status_code == 200
        assert ask(basic(connection.slug, token)).status_code == 200
        assert ask(None, HTTP_X_GATEWAY="1").status_code == 200
        assert is_error(ask("Digest x"), 401)
        assert is_error(ask(None), 401)


@pytest.mark.parametrize(
    ("classes", "challenge", "types"),
    [
        ([BEARER], 'Bearer realm="SCIM"', ["oauthbearertoken"]),
        ([BASIC], CHALLENGE, ["httpbasic"]),
        ([BEARER, BASIC], BOTH, ["oauthbearertoken", "httpbasic"]),
        ([BASIC, BEARER], f'{CHALLENGE}, Bearer realm="SCIM"', ["httpbasic", "oauthbearertoken"]),
        ([BASIC, GATEWAY], CHALLENGE, ["httpbasic", "custom"]),
        # RFC 9110 section 15.5.2: there must be some challenge.
        ([GATEWAY], 'Bearer realm="SCIM"', ["custom"]),
    ],
)
def test_what_is_configured_is_declared_and_asked_for_and_nothing_else(
    connection: ScimConnection, issue_token: Callable[..., str], classes: list[str], challenge: str, types: list[str]
) -> None:
    with with_setting(AUTHENTICATION=classes):
        schemes = ask(None, "/ServiceProviderConfig").json()["authenticationSchemes"]
        assert_refused(ask(None), challenge)
        assert_refused(ask("Nonsense x"), challenge)
        if BASIC not in classes:
            assert_refused(ask(basic(connection.slug, issue_token(connection))), challenge)
    assert [scheme["type"] for scheme in schemes] == types
    assert [scheme.get("primary") for scheme in schemes] == [True, *[None] * (len(types) - 1)]
    assert all(scheme["name"] and scheme["description"] for scheme in schemes)
