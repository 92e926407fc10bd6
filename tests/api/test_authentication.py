"""Who may ask: the token, where it comes from, and what a refusal tells (nothing)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import ProgrammingError
from django.db import connection as database
from django.test import Client, override_settings
from django.utils import timezone

from api.credentials import Reports, ask, assert_refused, bad_headers, found
from api.helpers import dump, is_error, statements, with_setting
from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.models.token_format import key_id_of, new_token
from django_scim_provider.protocol import urns
from django_scim_provider.services import connections, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


# Every shape of a credential that is none --------------------------------------------------------------------


@pytest.mark.parametrize("name", list(bad_headers(new_token().text)))
def test_bad_credentials_of_every_shape_are_the_same_401_without_a_look_up(
    connection: ScimConnection, issue_token: Callable[..., str], name: str
) -> None:
    header = bad_headers(issue_token(connection))[name]
    answers: list[Any] = []

    sql = statements(lambda: answers.append(ask(header)))

    assert_refused(answers[0])
    # A raw token is looked up: whether it may come raw is the connection's to say. The rest is the event.
    assert not [line for line in sql if "scimtoken" in line] or name == "raw token"
    assert len(sql) <= (5 if name == "raw token" else 2)
    assert_refused(ask(header, method="POST"))


def test_well_formed_credentials_that_are_not_good_are_the_same_401(
    connection: ScimConnection, issue_token: Callable[..., str], context: Context
) -> None:
    unknown = new_token().text
    mine, other = tokens.issue(context), tokens.issue(context)
    # The key id of one token with the secret of another, and the right checksum.
    forged = _with_checksum(mine.text[:20] + other.text[20:-6])
    revoked = tokens.issue(context)
    tokens.revoke(context, revoked.token)
    expired = tokens.issue(context)
    ScimToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now())
    disabled_connection = ConnectionFactory()
    disabled = issue_token(disabled_connection)
    ScimConnection.objects.filter(pk=disabled_connection.pk).update(enabled=False)
    assert key_id_of(forged) == mine.token.key_id

    for text in (unknown, forged, revoked.text, expired.text, disabled):
        assert_refused(ask(f"Bearer {text}"))
        assert_refused(ask(f"Bearer {text}", "/Users/x", "DELETE"))
    assert ask(f"Bearer {mine.text}").status_code == 200


def _with_checksum(body: str) -> str:
    from django_scim_provider.models import token_format

    return body + token_format._checksum(body)


def test_token_dies_with_its_connection_at_once(connection: ScimConnection, scim: ScimClient) -> None:
    assert scim.get("/Users").status_code == 200
    connections.disable(Context(connection))
    assert_refused(scim.get("/Users"))

    ScimConnection.objects.update(enabled=True)
    assert_refused(scim.get("/Users"))

    connection.delete()
    assert_refused(scim.get("/Users"))


def test_two_live_tokens_overlap_until_the_old_one_expires(connection: ScimConnection, context: Context) -> None:
    old = tokens.issue(context)
    new = tokens.rotate(context, old.token, overlap=timedelta(hours=1))

    assert ask(f"Bearer {old.text}").status_code == ask(f"Bearer {new.text}").status_code == 200
    ScimToken.objects.filter(pk=old.token.pk).update(expires_at=timezone.now())
    assert_refused(ask(f"Bearer {old.text}"))
    assert ask(f"Bearer {new.text}").status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
@pytest.mark.parametrize("space", [" ", "   "])
def test_scheme_is_read_in_any_case(
    connection: ScimConnection, issue_token: Callable[..., str], scheme: str, space: str
) -> None:
    assert ask(f"{scheme}{space}{issue_token(connection)} ").status_code == 200


# What is never a credential ----------------------------------------------------------------------------------


def test_session_of_a_superuser_is_no_credential(connection: ScimConnection) -> None:
    browser = Client()
    browser.force_login(HostUserFactory(name="root", is_superuser=True, is_staff=True))
    before = dump()

    for content_type in (
        "text/plain",
        "application/json",
        "application/scim+json",
        "application/x-www-form-urlencoded",
    ):
        response = browser.post(f"{MOUNT}/Users", b'{"userName":"evil"}', content_type=content_type)
        assert_refused(response)
        assert not response.cookies
    assert_refused(browser.get(f"{MOUNT}/Users"))
    assert dump() == before


@pytest.mark.parametrize("parameter", ["access_token", "token", "Authorization", "authorization", "bearer"])
def test_token_in_query_or_body_is_no_credential(
    connection: ScimConnection, issue_token: Callable[..., str], parameter: str
) -> None:
    token = issue_token(connection)

    assert_refused(ask(None, QUERY_STRING=f"{parameter}={token}"))
    assert_refused(ask(None, QUERY_STRING=f"{parameter}=Bearer+{token}"))
    assert_refused(ask(None, method="POST", body={parameter: token, "userName": "x"}))
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert_refused(ask(None, method="POST", body=f"{parameter}={token}".encode(), **form))


@pytest.mark.parametrize(
    "header",
    ["HTTP_X_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "HTTP_X_API_KEY", "HTTP_COOKIE", "HTTP_X_ORIGINAL_URL"],
)
def test_token_in_another_header_is_no_credential(
    connection: ScimConnection, issue_token: Callable[..., str], header: str
) -> None:
    assert_refused(ask(None, **{header: f"Bearer {issue_token(connection)}"}))


# Policies of a connection and a token ------------------------------------------------------------------------


def test_raw_token_is_taken_only_where_the_connection_says_so(issue_token: Callable[..., str]) -> None:
    refusing, accepting = ConnectionFactory(), ConnectionFactory(raw_token="accept")

    assert_refused(ask(issue_token(refusing)))
    raw = issue_token(accepting)
    assert ask(raw).status_code == 200
    assert ask(f"Bearer {raw}").status_code == 200
    assert_refused(ask(f"Token {raw}"))
    assert_refused(ask(f"{raw} {raw}"))


def test_read_only_token_reads_and_never_writes(connection: ScimConnection, issue_token: Callable[..., str]) -> None:
    body = ScimClient(issue_token(connection)).create("ann@example.com")
    reader = ScimClient(issue_token(connection, scopes="read"))
    before = dump(events=False)

    assert reader.get("/Users").status_code == reader.get(f"/Users/{body['id']}").status_code == 200
    assert reader.get("/Schemas").status_code == 200
    for method, path in (
        ("POST", "/Users"),
        ("PUT", f"/Users/{body['id']}"),
        ("PATCH", f"/Users/{body['id']}"),
        ("DELETE", f"/Users/{body['id']}"),
        ("POST", "/Bulk"),
        ("FOO", "/Users"),
    ):
        assert is_error(reader.request(method, path, person("evil@example.com")), 403)

    assert dump(events=False) == before
    assert ScimEvent.objects.filter(status=403, outcome="refused").count() == 6


@pytest.mark.parametrize(
    ("allowlist", "address", "status"),
    [
        ("", "203.0.113.9", 200),
        ("\n \n", "203.0.113.9", 200),
        ("203.0.113.9", "203.0.113.9", 200),
        ("203.0.113.0/24", "203.0.113.9", 200),
        ("203.0.113.5/24", "203.0.113.9", 200),
        ("198.51.100.0/24\n 203.0.113.0/24 \n", "203.0.113.9", 200),
        ("198.51.100.0/24", "203.0.113.9", 403),
        ("203.0.113.0/24", "::ffff:203.0.113.9", 200),
        ("203.0.113.0/24", "::ffff:198.51.100.1", 403),
        ("2001:db8::/32", "2001:db8::1", 200),
        ("2001:db8::/32", "2001:DB8:0:0::1", 200),
        ("2001:db8::/32", "2001:db9::1", 403),
        ("2001:db8::/32", "203.0.113.9", 403),
        ("0.0.0.0/0", "2001:db8::1", 403),
        ("0.0.0.0/0", "", 403),
        ("::/0", "unknown", 403),
        ("0.0.0.0/0", "203.0.113.9:443", 403),
        ("0.0.0.0/0", "203.0.113", 403),
        ("0.0.0.0/0", "٢٠٣.0.113.9", 403),
        ("0.0.0.0/0", "0xcb007109", 403),
        ("0.0.0.0/0", "203.0.113.9, 10.0.0.1", 403),
    ],
)
def test_only_listed_addresses_are_served(
    issue_token: Callable[..., str], allowlist: str, address: str, status: int
) -> None:
    token = issue_token(ConnectionFactory(ip_allowlist=allowlist))

    response = ask(f"Bearer {token}", REMOTE_ADDR=address)

    assert response.status_code == status
    assert status == 200 or is_error(response, 403)


GOOD, BAD, PROXY = "203.0.113.9", "198.51.100.66", "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "forwarded", "peer", "status"),
    [
        # Without proxies of ours the header means nothing.
        (0, None, GOOD, 200),
        (0, GOOD, BAD, 403),
        (0, f"{GOOD}, {GOOD}", BAD, 403),
        (0, BAD, GOOD, 200),
        # One proxy writes the last entry; whatever stands before it is the client's invention.
        (1, GOOD, PROXY, 200),
        (1, BAD, PROXY, 403),
        (1, f"{GOOD}, {BAD}", PROXY, 403),
        (1, f"{BAD}, {GOOD}", PROXY, 200),
        (1, f"{GOOD},{BAD}", PROXY, 403),
        (1, f" {BAD} ,  {GOOD} ", PROXY, 200),
        (1, f"{GOOD}\t,{BAD}", PROXY, 403),
        (1, None, GOOD, 403),
        (1, "", GOOD, 403),
        (1, f"{GOOD},", PROXY, 403),
        (1, "unknown", PROXY, 403),
        (1, f"{GOOD}:8080", PROXY, 403),
        (1, f'for="{GOOD}"', PROXY, 403),
        (1, f"::ffff:{GOOD}", PROXY, 200),
        (1, "[::1]:80", PROXY, 403),
        # Two proxies: the second from the right.
        (2, f"{GOOD}, {PROXY}", PROXY, 200),
        (2, f"{BAD}, {PROXY}", PROXY, 403),
        (2, f"{GOOD}, {BAD}, {PROXY}", PROXY, 403),
        (2, f"{BAD}, {GOOD}, {PROXY}", PROXY, 200),
        # A request that went around a proxy has too few entries.
        (2, GOOD, PROXY, 403),
        (3, f"{GOOD}, {GOOD}", PROXY, 403),
    ],
)
def test_forwarded_for_is_believed_only_as_far_as_our_proxies_wrote_it(
    issue_token: Callable[..., str], proxies: int, forwarded: str | None, peer: str, status: int
) -> None:
    token = issue_token(ConnectionFactory(ip_allowlist="203.0.113.0/24"))
    extra = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}

    with with_setting(TRUSTED_PROXIES=proxies):
        response = ask(f"Bearer {token}", REMOTE_ADDR=peer, **extra)

    assert response.status_code == status


@pytest.mark.parametrize("header", ["HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_X_CLIENT_IP", "HTTP_TRUE_CLIENT_IP"])
def test_other_headers_that_name_an_address_are_not_read(issue_token: Callable[..., str], header: str) -> None:
    token = issue_token(ConnectionFactory(ip_allowlist="203.0.113.0/24"))

    with with_setting(TRUSTED_PROXIES=1):
        response = ask(f"Bearer {token}", REMOTE_ADDR=BAD, **{header: GOOD})
    assert response.status_code == 403


def test_address_that_is_not_listed_writes_nothing_but_an_event(issue_token: Callable[..., str]) -> None:
    connection = ConnectionFactory(ip_allowlist="203.0.113.0/24")
    scim = ScimClient(issue_token(connection))
    before = dump(events=False)

    assert is_error(scim.post("/Users", person("ann@example.com"), REMOTE_ADDR=BAD), 403)

    assert dump(events=False) == before
    event = ScimEvent.objects.get(status=403)
    assert (event.action, event.outcome, event.remote_addr) == ("authenticate", "refused", BAD)


def test_connection_that_is_not_paid_for_is_403_with_the_reason(issue_token: Callable[..., str]) -> None:
    paid, unpaid = (
        ScimClient(issue_token(ConnectionFactory())),
        ScimClient(issue_token(ConnectionFactory(name="unpaid"))),
    )

    with with_setting(IS_ALLOWED="api.helpers.unpaid"):
        assert paid.get("/Users").status_code == 200
        for response in (unpaid.get("/Users"), unpaid.post("/Users", person("ann@example.com"))):
            assert is_error(response, 403)
            assert response.json()["detail"] == "SCIM is part of the Enterprise plan."


def test_fault_while_asking_for_permission_is_never_a_yes(issue_token: Callable[..., str]) -> None:
    scim = ScimClient(issue_token(ConnectionFactory(name="broken")))

    with with_setting(IS_ALLOWED="api.helpers.unpaid"):
        assert is_error(scim.get("/Users"), 500)
        assert is_error(scim.post("/Users", person("ann@example.com")), 500)


def test_plain_http_is_403_without_a_redirect_and_an_event(scim: ScimClient) -> None:
    with with_setting(REQUIRE_HTTPS=True):
        response = scim.get("/Users")
        spoofed = scim.request("GET", "/Users", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_SSL="on")
        secure = scim.request("GET", "/Users", secure=True)
        with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
            behind_proxy = scim.request("GET", "/Users", HTTP_X_FORWARDED_PROTO="https")

    assert is_error(response, 403)
    assert "rotate" in response.json()["detail"]
    assert is_error(spoofed, 403)
    assert secure.status_code == behind_proxy.status_code == 200
    assert ScimEvent.objects.filter(action="authenticate", status=403).count() == 2


def test_https_is_required_unless_debugging(scim: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER={}, DEBUG=False):
        assert is_error(scim.get("/Schemas"), 403)
    with override_settings(SCIM_PROVIDER={}, DEBUG=True):
        assert scim.get("/Schemas").status_code == 200


# Bookkeeping -------------------------------------------------------------------------------------------------


def test_last_use_is_noted_at_most_once_a_minute(connection: ScimConnection, context: Context) -> None:
    issued = tokens.issue(context)

    def use(address: str) -> list[str]:
        return statements(lambda: ask(f"Bearer {issued.text}", "/Schemas", REMOTE_ADDR=address))

    first = use("203.0.113.1")
    token = ScimToken.objects.get(pk=issued.token.pk)
    assert (token.last_used_at is not None, token.last_used_ip) == (True, "203.0.113.1")
    assert ScimConnection.objects.get(pk=connection.pk).last_seen_at == token.last_used_at
    assert len([line for line in first if line.startswith("UPDATE")]) == 2

    assert len(use("203.0.113.2")) == 1
    assert ScimToken.objects.get(pk=token.pk).last_used_ip == "203.0.113.1"

    stale = timezone.now() - timedelta(seconds=61)
    ScimToken.objects.filter(pk=token.pk).update(last_used_at=stale)
    use("203.0.113.3")
    token.refresh_from_db()
    assert token.last_used_ip == "203.0.113.3"
    assert token.last_used_at is not None
    assert token.last_used_at > stale


def test_refused_token_is_not_noted_as_used(connection: ScimConnection, context: Context) -> None:
    issued = tokens.issue(context)
    tokens.revoke(context, issued.token)

    ask(f"Bearer {issued.text}")

    assert ScimToken.objects.get(pk=issued.token.pk).last_used_at is None
    assert ScimConnection.objects.get(pk=connection.pk).last_seen_at is None


def test_only_the_digest_of_a_token_is_in_the_database(connection: ScimConnection, context: Context) -> None:
    issued = tokens.issue(context, name="Okta")
    ask(f"Bearer {issued.text}")
    secret = issued.text[20:]

    for rows in dump(bookkeeping=True).values():
        assert secret not in str(rows)
        assert issued.text not in str(rows)
    for text in (str(issued.token), repr(issued.token), issued.token.starts_with):
        assert secret not in text
        assert issued.token.key_id in text or text == repr(issued.token)


# Secrets in logs ---------------------------------------------------------------------------------------------


def _fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    raise ProgrammingError("relation does not exist")


@pytest.mark.parametrize("debug", [False, True])
def test_token_is_in_no_log_no_mail_and_no_error_report(
    issue_token: Callable[..., str], reports: Reports, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    good, broken = issue_token(ConnectionFactory()), issue_token(ConnectionFactory(name="broken"))
    unknown, typo = new_token().text, good[:30] + ("A" if good[30] != "A" else "B") + good[31:]

    for token in (good, unknown, typo):
        for path in ("/Users", "/Users/x", "/Nonsense", "/Users?filter=x"):
            ask(f"Bearer {token}", path)
            ask(f"Bearer {token}", path, "POST", body=b"{")
            ask(token, path)
    with with_setting(IS_ALLOWED="api.helpers.unpaid"):
        assert is_error(ask(f"Bearer {broken}"), 500)
    with database.execute_wrapper(_fail):
        # The frames of these faults are those that read the token.
        assert is_error(ask(f"Bearer {good}"), 500)
        assert is_error(ask(good), 500)

    assert len(reports.texts) > 20
    assert mail.outbox
    for token in (good, broken, unknown, typo):
        assert found(token[20:63], reports.kept()) == []


@pytest.mark.parametrize("debug", [False, True])
def test_password_is_in_no_log_no_error_report_and_nowhere_else(
    issue_token: Callable[..., str], reports: Reports, settings: Any, debug: bool
) -> None:
    settings.DEBUG = debug
    scim = ScimClient(issue_token(ConnectionFactory()))
    canary = "correct-horse-battery-canary"
    body = scim.create("ann@example.com", password=canary)
    path = f"/Users/{body['id']}"

    def writes() -> list[Any]:
        return [
            scim.post("/Users", person("beth@example.com", password=canary)),
            scim.put(path, person("ann@example.com", PassWord=canary, **{urns.USER: {"password": canary}})),
            scim.patch(path, {"op": "replace", "path": "password", "value": canary}),
            scim.patch(path, {"op": "replace", "value": {"password": canary, f"{urns.USER}:password": canary}}),
        ]

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "scimuser" in sql:
            raise ProgrammingError("relation does not exist")
        return execute(sql, params, many, context)

    answers = [*writes(), scim.get("/Users", filter=f'password eq "{canary}"')]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 400]
    with database.execute_wrapper(fail):
        failed = writes()
    assert [answer.status_code for answer in failed] == [500, 500, 500, 500]

    texts = [answer.content.decode() for answer in answers + failed]
    assert found(canary, [*texts, *reports.kept(), str(dump(bookkeeping=True))]) == []
