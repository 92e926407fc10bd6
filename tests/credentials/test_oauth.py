"""OAuth 2.0: access tokens of the site's own server, fetched and sent as identity providers do it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, ProgrammingError
from django.db import connection as database
from django.test import Client, override_settings
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken

from api.credentials import Reports, ask, assert_refused, bad_headers, found
from api.helpers import dump, is_error, statements, with_setting
from conftest import MOUNT, ScimClient
from console.caller import MANAGE_TOKENS, VIEW, Caller
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.api.oauth2 import OAuth2Authentication
from django_scim_provider.checks.paths import check_dotted_paths
from django_scim_provider.models import ScimConnection, ScimEvent, ScimOAuthClient, ScimToken
from django_scim_provider.services import connections, oauth_clients, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory
from test_docs import ROOT, blocks

pytestmark = [pytest.mark.django_db, pytest.mark.credentials]

BEARER = "django_scim_provider.api.authentication.BearerAuthentication"
BASIC = "django_scim_provider.api.authentication.BasicAuthentication"
OAUTH = "django_scim_provider.api.oauth2.OAuth2Authentication"
CHALLENGE = 'Bearer realm="SCIM"'
SECRET = "a client's secret, long enough to sign with"
OKTA_CALLBACK = "https://system-admin.okta.com/admin/app/cpc/acme_scim_1/oauth/callback"


@pytest.fixture(autouse=True)
def _oauth() -> Iterator[None]:
    with with_setting(AUTHENTICATION=[OAUTH, BEARER]):
        yield


def application(grant_type: str = Application.GRANT_CLIENT_CREDENTIALS, **fields: Any) -> Application:
    return Application.objects.create(
        name="Identity provider",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=grant_type,
        client_secret=SECRET,
        **fields,
    )


def linked(connection: ScimConnection, **fields: Any) -> Application:
    made = application(**fields)
    oauth_clients.link(Context(connection), made.client_id)
    return made


def fetch(client: Application, *, by: str = "body", **fields: str) -> dict[str, Any]:
    """What the token endpoint answers, the client's secret being sent in the body or in the header."""
    data = {"grant_type": "client_credentials", "scope": "scim"} | fields
    headers = {}
    if by == "body":
        data |= {"client_id": client.client_id, "client_secret": SECRET}
    else:
        pair = base64.b64encode(f"{client.client_id}:{SECRET}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    response = Client().post("/o/token/", data, headers=headers)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    assert answer["token_type"] == "Bearer"
    return answer


@pytest.fixture
def client(connection: ScimConnection) -> Application:
    """A client that acts as ``connection``."""
    return linked(connection)


@pytest.fixture
def token(client: Application) -> str:
    return str(fetch(client)["access_token"])


def stored(text: str) -> AccessToken:
    return AccessToken.objects.get(token_checksum=hashlib.sha256(text.encode()).hexdigest())


def last_refusal() -> ScimEvent:
    return ScimEvent.objects.filter(action="authenticate", status=401).latest("pk")


def assert_turned_away(text: str, reason: str, connection: ScimConnection | None) -> None:
    """The same 401 as ever, without a trace but the event that says why."""
    # Refusals of one minute are counted together, with the reason of the first.
    ScimEvent.objects.filter(status=401).delete()
    before = dump(events=False)
    assert_refused(ask(f"Bearer {text}"))
    event = last_refusal()
    assert reason in event.detail
    assert (event.connection, event.outcome) == (connection, "refused")
    assert_refused(ask(f"Bearer {text}", method="POST"))
    assert_refused(ask(f"Bearer {text}", "/ServiceProviderConfig"))
    # One row or, where a minute ended meanwhile, two.
    assert sum(event.count for event in ScimEvent.objects.filter(status=401)) == 3
    assert dump(events=False) == before


# As identity providers do it ----------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["body", "header"])
def test_entra_fetches_a_token_by_its_own_credentials_and_tests_the_connection(client: Application, by: str) -> None:
    answer = fetch(client, by=by)
    assert answer["scope"] == "scim"
    entra = ScimClient(answer["access_token"])

    nobody, nothing = uuid4(), uuid4()
    people = entra.get("/Users", filter=f'userName eq "{nobody}"')
    groups = entra.get("/Groups", excludedAttributes="members", filter=f'displayName eq "{nothing}"')

    for response in (people, groups):
        assert response.status_code == 200
        assert (response.json()["totalResults"], response.json()["Resources"]) == (0, [])
    # As it reaches the wire where nothing encodes it.
    raw = entra.request("GET", "/Users", QUERY_STRING=f'aadOptscim062020&filter=userName eq "{nobody}"')
    assert raw.json()["totalResults"] == 0
    # oauthlib would not read this query.
    assert entra.request("GET", "/Users", QUERY_STRING="count=1&x=%zz").status_code == 200
    created = entra.create("ann@example.com", externalId="0a21f0f2")
    event = ScimEvent.objects.get(action="create")
    assert (event.resource_id, event.actor) == (created["id"], None)
    assert event.key_id == ScimOAuthClient.objects.get().key_id


def test_client_that_asks_for_no_scope_gets_the_default_and_none_by_the_address(client: Application) -> None:
    """Where the identity provider has no field for the scope."""
    secret = {"client_id": client.client_id, "client_secret": SECRET}
    fields = secret | {"grant_type": "client_credentials"}
    answer = Client().post("/o/token/", fields).json()
    assert answer["scope"].split() == ["openid", "read", "scim"]
    assert ask(f"Bearer {answer['access_token']}").status_code == 200
    assert Client().post("/o/token/?scope=scim", fields).status_code == 400


def administrator(*permissions: str, **fields: Any) -> Any:
    user = HostUserFactory(is_staff=True, **fields)
    wanted = permissions or ("view_scimconnection", "manage_scimtoken")
    user.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    return user


def consent(client: Application, user: Any, scope: str = "scim") -> dict[str, Any]:
    """The administrator signs in, consents, and is led back; Okta redeems the code."""
    browser = Client()
    assert browser.get(f"/sign-in/{user.pk}").status_code == 204
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": OKTA_CALLBACK,
        "scope": scope,
        "state": "x1",
    }
    assert browser.get("/o/authorize/", asked).status_code == 200
    led_back = browser.post("/o/authorize/", asked | {"allow": "Authorize"})
    assert led_back.status_code == 302
    assert led_back.headers["Location"].startswith(f"{OKTA_CALLBACK}?")
    answer = parse_qs(urlsplit(led_back.headers["Location"]).query)
    assert answer["state"] == ["x1"]
    return fetch(
        client, grant_type="authorization_code", code=answer["code"][0], redirect_uri=OKTA_CALLBACK, scope=scope
    )


@pytest.fixture
def okta(connection: ScimConnection) -> Application:
    return linked(connection, grant_type=Application.GRANT_AUTHORIZATION_CODE, redirect_uris=OKTA_CALLBACK)


def okta_tests(token: str) -> list[Any]:
    """Its connection test, in its own headers."""
    return [
        Client().generic(
            "GET",
            f"{MOUNT}{path}",
            QUERY_STRING=query,
            content_type="application/scim+json; charset=utf-8",
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": "Okta SCIM Client 1.0.0",
                "Accept": "application/scim+json",
                "Accept-Charset": "utf-8",
            },
        )
        for path, query in (("/Users", "startIndex=1&count=2"), ("/Groups", "startIndex=1&count=100"))
    ]


def test_okta_is_led_through_consent_and_refreshes_its_token(okta: Application) -> None:
    user = administrator()
    answer = consent(okta, user)
    for response in okta_tests(answer["access_token"]):
        assert response.status_code == 200
        assert response.json()["totalResults"] == len(response.json()["Resources"])

    again = fetch(okta, grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert again["access_token"] != answer["access_token"]
    assert [response.status_code for response in okta_tests(again["access_token"])] == [200, 200]
    # The toolkit ends the old one.
    assert_turned_away(answer["access_token"], "knows no such access token", None)

    # It acts as the connection, not as the administrator who consented.
    scim = ScimClient(again["access_token"])
    scim.create("ann@example.com")
    assert ScimEvent.objects.get(action="create").actor is None
    assert is_error(scim.get("/Me"), 501)


def test_the_settings_of_the_page_carry_both_flows(connection: ScimConnection) -> None:
    made: dict[str, Any] = {}
    names: dict[str, Any] = {}
    for block in blocks(ROOT / "docs" / "howto" / "oauth.rst", "python"):
        if "OAUTH2_PROVIDER = " in block.body:
            exec(block.body, names)
            made |= names["OAUTH2_PROVIDER"]
    assert len(made) == 9
    with override_settings(OAUTH2_PROVIDER=made), with_setting(**names["SCIM_PROVIDER"]):
        assert check_dotted_paths() == []
        okta = linked(
            connection,
            grant_type=Application.GRANT_AUTHORIZATION_CODE,
            client_id="acme-okta",
            redirect_uris=OKTA_CALLBACK,
        )
        answer = fetch(okta, grant_type="refresh_token", refresh_token=consent(okta, administrator())["refresh_token"])
        for text in (answer["access_token"], fetch(linked(connection))["access_token"]):
            assert ask(f"Bearer {text}").status_code == 200
            assert stored(text).token == ""
        # Others have to send a challenge.
        other = linked(connection, grant_type=Application.GRANT_AUTHORIZATION_CODE, redirect_uris=OKTA_CALLBACK)
        browser = Client()
        browser.get(f"/sign-in/{administrator().pk}")
        asked = {"response_type": "code", "client_id": other.client_id, "redirect_uri": OKTA_CALLBACK, "scope": "scim"}
        assert "Code+challenge+required" in browser.get("/o/authorize/", asked).headers["Location"]


# Who consented ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "permissions", [("view_scimconnection",), ("manage_scimtoken",), ("view_scimconnection", "manage_scimconnection")]
)
def test_consent_of_somebody_who_may_not_issue_tokens_is_worth_nothing(
    okta: Application, connection: ScimConnection, permissions: tuple[str, ...]
) -> None:
    answer = consent(okta, administrator(*permissions))
    assert_turned_away(answer["access_token"], "may not manage the tokens", connection)


def test_consent_of_an_ordinary_person_is_worth_nothing(okta: Application, connection: ScimConnection) -> None:
    assert_turned_away(consent(okta, HostUserFactory())["access_token"], "may not manage the tokens", connection)


@pytest.mark.parametrize("root", [True, False])
def test_consent_lasts_as_long_as_the_permission(okta: Application, connection: ScimConnection, root: bool) -> None:
    user = administrator(is_superuser=root)
    answer = consent(okta, user)
    assert ask(f"Bearer {answer['access_token']}").status_code == 200

    user.user_permissions.clear()
    type(user).objects.filter(pk=user.pk).update(is_superuser=False)
    assert_turned_away(answer["access_token"], "may not manage the tokens", connection)
    # Nor does a fresh token help.
    again = fetch(okta, grant_type="refresh_token", refresh_token=answer["refresh_token"])
    assert_turned_away(again["access_token"], "may not manage the tokens", connection)


@pytest.mark.parametrize("root", [True, False])
def test_consent_of_somebody_who_is_gone_is_worth_nothing(
    okta: Application, connection: ScimConnection, root: bool
) -> None:
    user = administrator(is_superuser=root)
    answer = consent(okta, user)
    type(user)._base_manager.filter(pk=user.pk).update(is_active=False)
    assert_turned_away(answer["access_token"], "may not manage the tokens", connection)


def test_consent_reaches_the_tenants_that_the_person_administers(
    okta: Application, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = consent(okta, administrator())["access_token"]
    tenants: list[str] = []
    monkeypatch.setattr(UserAdapter, "administered_tenants", lambda self, user: tenants)
    ScimConnection.objects.update(tenant="acme")
    assert_turned_away(text, "may not manage the tokens", connection)
    tenants.append("globex")
    assert_refused(ask(f"Bearer {text}"))
    tenants.append("acme")
    assert ask(f"Bearer {text}").status_code == 200


def test_owner_of_a_tenant_consents_where_the_console_is_open_to_owners(
    okta: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = HostUserFactory()
    text = consent(okta, owner)["access_token"]
    ScimConnection.objects.update(tenant="acme")
    monkeypatch.setattr(UserAdapter, "administered_tenants", lambda self, user: ["acme"])
    assert_refused(ask(f"Bearer {text}"))
    with with_setting(AUTHENTICATION=[OAUTH], CONSOLE_OWNERS=True):
        assert ask(f"Bearer {text}").status_code == 200
        type(owner)._base_manager.filter(pk=owner.pk).update(is_active=False)
        assert_refused(ask(f"Bearer {text}"))


# Which client -------------------------------------------------------------------------------------------------


def test_client_acts_as_its_own_connection_and_reaches_no_other(client: Application, token: str) -> None:
    other = ConnectionFactory()
    foreign = ScimClient(fetch(linked(other))["access_token"])
    resource = foreign.create("bob@example.com")

    mine = ScimClient(token)
    assert mine.find('userName eq "bob@example.com"') == []
    assert is_error(mine.get(f"/Users/{resource['id']}"), 404)
    assert is_error(mine.delete(f"/Users/{resource['id']}"), 404)
    assert foreign.get(f"/Users/{resource['id']}").status_code == 200


def test_client_that_is_not_linked_is_turned_away() -> None:
    ConnectionFactory()
    assert_turned_away(fetch(application())["access_token"], "acts as no connection", None)


def test_token_without_a_client_is_turned_away(token: str) -> None:
    AccessToken.objects.update(application=None)
    assert_turned_away(token, "knows no such access token", None)


def test_client_is_shut_out_at_once(connection: ScimConnection, client: Application, token: str) -> None:
    link = ScimOAuthClient.objects.get()
    oauth_clients.unlink(Context(ConnectionFactory()), link)
    assert ask(f"Bearer {token}").status_code == 200

    oauth_clients.unlink(Context(connection), link)
    oauth_clients.unlink(Context(connection), link)
    assert_turned_away(token, "acts as no connection", None)
    actions = ScimEvent.objects.filter(action__startswith="client").order_by("pk")
    assert [(event.action, event.label) for event in actions] == [
        ("client_link", client.client_id),
        ("client_unlink", client.client_id),
    ]


@override_settings(ROOT_URLCONF="credentials.console_urls")
def test_client_is_seen_and_shut_out_over_the_console(
    connection: ScimConnection, client: Application, token: str
) -> None:
    path = f"/connections/{connection.pk}"
    caller = Caller(VIEW, MANAGE_TOKENS)
    status = caller.get(path).json()["status"]
    assert (status["live_tokens"], status["oauth_clients"], status["warnings"]) == (0, 1, [])
    (link,) = caller.get(f"{path}/oauth-clients").json()["results"]
    assert link["client_id"] == client.client_id
    assert ask(f"Bearer {token}").status_code == 200

    assert caller.request("DELETE", f"{path}/oauth-clients/{link['id']}").status_code == 204
    assert_turned_away(token, "acts as no connection", None)
    assert caller.get(path).json()["status"]["warnings"] == ["no_token"]


def test_whoever_takes_the_id_of_a_client_that_is_gone_gets_nothing(connection: ScimConnection) -> None:
    # A row in front, so that no database gives its number away again.
    first, last = linked(connection), application()
    client_id = first.client_id
    first.delete()
    impostor = application(client_id=client_id)
    assert impostor.pk not in (first.pk, last.pk)
    assert_turned_away(fetch(impostor)["access_token"], "acts as no connection", None)


def test_client_that_changes_its_id_stays_linked(client: Application, token: str) -> None:
    client.client_id = "okta-production"
    client.save()
    assert ask(f"Bearer {token}").status_code == 200


def test_client_acts_as_one_connection_alone(connection: ScimConnection, client: Application) -> None:
    for context in (Context(connection), Context(ConnectionFactory())):
        with pytest.raises(oauth_clients.NotLinked, match=f"acts as “{connection}” already"):
            oauth_clients.link(context, client.client_id)
    assert ScimOAuthClient.objects.count() == 1
    assert ScimEvent.objects.filter(action="client_link").count() == 1


def test_client_that_is_not_there_cannot_be_linked(context: Context, settings: Any) -> None:
    with pytest.raises(oauth_clients.NotLinked, match="has no client with this id"):
        oauth_clients.link(context, "nobody")
    client = application()
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "oauth2_provider"]
    with pytest.raises(oauth_clients.NotLinked, match="not in INSTALLED_APPS"):
        oauth_clients.link(context, client.client_id)


def test_other_faults_of_the_database_are_not_taken_for_a_link_that_is_there(context: Context) -> None:
    client = application()

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            raise IntegrityError("another constraint")
        return execute(sql, params, many, context)

    with database.execute_wrapper(fail), pytest.raises(IntegrityError):
        oauth_clients.link(context, client.client_id)


def test_two_clients_overlap_so_that_a_secret_is_changed_without_an_outage(
    connection: ScimConnection, client: Application, token: str
) -> None:
    new = fetch(linked(connection))["access_token"]
    assert ask(f"Bearer {token}").status_code == ask(f"Bearer {new}").status_code == 200
    oauth_clients.unlink(Context(connection), ScimOAuthClient.objects.earliest("pk"))
    assert_refused(ask(f"Bearer {token}"))
    assert ask(f"Bearer {new}").status_code == 200


# Which token --------------------------------------------------------------------------------------------------


def test_token_that_has_expired_is_turned_away(connection: ScimConnection, token: str) -> None:
    AccessToken.objects.update(expires=timezone.now())
    assert_turned_away(token, "has expired", connection)


def test_token_that_was_revoked_is_turned_away(client: Application, token: str) -> None:
    data = {"token": token, "client_id": client.client_id, "client_secret": SECRET}
    assert Client().post("/o/revoke_token/", data).status_code == 200
    assert_turned_away(token, "knows no such access token", None)


def test_tokens_end_with_their_connection_and_do_not_come_back_with_it(
    connection: ScimConnection, client: Application, token: str
) -> None:
    context = Context(connection)
    connections.disable(context)
    assert_turned_away(token, "SCIM is disabled", connection)

    connections.enable(context)
    assert_turned_away(token, "before SCIM was enabled", connection)
    assert ask(f"Bearer {fetch(client)['access_token']}").status_code == 200


def test_token_without_the_scope_is_403_and_says_so(client: Application) -> None:
    text = fetch(client, scope="read")["access_token"]
    before = dump(events=False)
    for method, path in (("GET", "/Users"), ("POST", "/Users"), ("GET", "/ServiceProviderConfig")):
        response = ask(f"Bearer {text}", path, method)
        assert is_error(response, 403)
        assert response.json()["detail"] == "This access token does not have the scope that SCIM needs."
    assert dump(events=False) == before
    assert ScimEvent.objects.filter(action="authenticate", status=403, outcome="refused").count() == 3
    assert ask(f"Bearer {fetch(client, scope='read scim')['access_token']}").status_code == 200


class NarrowAuthentication(OAuth2Authentication):
    scope = "read"


def test_a_subclass_asks_for_another_scope(client: Application, token: str) -> None:
    with with_setting(AUTHENTICATION=["credentials.test_oauth.NarrowAuthentication"]):
        assert check_dotted_paths() == []
        assert ask(f"Bearer {fetch(client, scope='read')['access_token']}").status_code == 200
        assert is_error(ask(f"Bearer {token}"), 403)


def test_token_for_another_resource_is_turned_away(connection: ScimConnection, token: str) -> None:
    """RFC 8707."""
    AccessToken.objects.update(resource=["http://testserver/scim/v2"])
    assert ask(f"Bearer {token}").status_code == 200
    AccessToken.objects.update(resource=["http://testserver/api"])
    assert_turned_away(token, "for another resource", connection)


def test_client_that_the_server_disabled_is_turned_away(
    connection: ScimConnection, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def is_usable(self: Application, request: Any) -> bool:
        seen.append((request.http_method, request.uri, request.headers))
        return False

    monkeypatch.setattr(Application, "is_usable", is_usable)
    assert_refused(ask(f"Bearer {token}", "/Users?filter=x", "PATCH"))
    assert seen == [("PATCH", "http://testserver/scim/v2/Users", {})]
    assert "disabled the client" in last_refusal().detail


# What it is like otherwise ------------------------------------------------------------------------------------


def test_tokens_of_this_package_are_taken_beside_it_in_either_order(
    client: Application, token: str, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    own = issue_token(connection)
    for order in ([OAUTH, BEARER, BASIC], [BASIC, BEARER, OAUTH]):
        with with_setting(AUTHENTICATION=order):
            assert ask(f"Bearer {own}").status_code == ask(f"bearer  {token} ").status_code == 200
    with with_setting(AUTHENTICATION=[OAUTH]):
        assert_refused(ask(f"Bearer {own}"))
    with with_setting(AUTHENTICATION=[BEARER]):
        assert_refused(ask(f"Bearer {token}"))


def test_bad_credentials_of_every_shape_are_the_same_401(token: str) -> None:
    before = dump(events=False)
    for header in bad_headers(f"{token}-and-more-of-it-to-cut").values():
        answers: list[Any] = []
        sql = statements(lambda header=header, answers=answers: answers.append(ask(header)))
        assert_refused(answers[0])
        # What has the form of an access token is looked up; the rest is the event.
        assert len([line for line in sql if "accesstoken" in line.lower()]) <= 1
        assert len(sql) <= 3
    assert dump(events=False) == before


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: f"{text}x", lambda text: text.swapcase()])
def test_token_that_is_not_quite_it_is_turned_away(token: str, change: Callable[[str], str]) -> None:
    assert_turned_away(change(token), "knows no such access token", None)


@pytest.mark.parametrize("parameter", ["access_token", "token", "Authorization"])
def test_token_in_query_or_body_is_no_credential(token: str, parameter: str) -> None:
    assert_refused(ask(None, QUERY_STRING=f"{parameter}={token}"))
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert_refused(ask(None, method="POST", body=f"{parameter}={token}".encode(), **form))


def test_token_without_the_word_bearer_is_no_credential(connection: ScimConnection, token: str) -> None:
    ScimConnection.objects.update(raw_token="accept")
    assert_refused(ask(token))
    assert_refused(ask(f"Token {token}"))


def test_session_of_the_administrator_is_no_credential(okta: Application) -> None:
    browser = Client()
    user = administrator(is_superuser=True)
    browser.get(f"/sign-in/{user.pk}")
    assert_refused(browser.get(f"{MOUNT}/Users"))


def test_credentials_of_the_client_are_none_here(client: Application) -> None:
    pair = base64.b64encode(f"{client.client_id}:{SECRET}".encode()).decode()
    with with_setting(AUTHENTICATION=[OAUTH, BASIC]):
        assert_refused(ask(f"Basic {pair}"), f'{CHALLENGE}, Basic realm="SCIM", charset="UTF-8"')


def test_refresh_token_is_no_access_token(okta: Application) -> None:
    answer = consent(okta, administrator())
    assert RefreshToken.objects.count() == 1
    assert_turned_away(answer["refresh_token"], "knows no such access token", None)


def test_address_list_holds_and_guessing_is_stopped_before_any_query(connection: ScimConnection, token: str) -> None:
    ScimConnection.objects.update(ip_allowlist="203.0.113.0/24")
    assert is_error(ask(f"Bearer {token}", REMOTE_ADDR="198.51.100.1"), 403)
    assert ask(f"Bearer {token}", REMOTE_ADDR="203.0.113.1").status_code == 200

    with with_setting(FAILURE_RATE="2/d", AUTHENTICATION=[OAUTH]):
        for text in ("guess", "again"):
            assert_refused(ask(f"Bearer {text}", REMOTE_ADDR="203.0.113.1"))
        answers: list[Any] = []
        sql = statements(lambda: answers.append(ask(f"Bearer {token}", REMOTE_ADDR="203.0.113.1")))
    assert (answers[0].status_code, sql) == (429, [])


def test_last_use_is_noted_at_most_once_a_minute(connection: ScimConnection, token: str) -> None:
    first = statements(lambda: ask(f"Bearer {token}", "/Schemas"))
    assert len([line for line in first if line.startswith("UPDATE")]) == 1
    seen = ScimConnection.objects.get().last_seen_at
    assert seen is not None

    # The access token with its client, and the connection.
    assert len(statements(lambda: ask(f"Bearer {token}", "/Schemas"))) == 2
    assert ScimConnection.objects.get().last_seen_at == seen

    ScimConnection.objects.update(last_seen_at=seen - timedelta(seconds=61))
    ask(f"Bearer {token}", "/Schemas")
    assert ScimConnection.objects.get().last_seen_at > seen - timedelta(seconds=61)


def test_the_budgets_of_the_reference_hold(connection: ScimConnection, okta: Application) -> None:
    granted = {
        "With a client's own access token": fetch(linked(connection))["access_token"],
        "With an access token by consent of a superuser": consent(okta, administrator(is_superuser=True))[
            "access_token"
        ],
        "With an access token by consent of somebody with permissions": consent(okta, administrator())["access_token"],
    }
    counted = {}
    for name, text in granted.items():
        ask(f"Bearer {text}", "/Schemas")
        counted[name] = len(statements(lambda text=text: ask(f"Bearer {text}", "/Schemas")))
    page = (ROOT / "docs" / "reference" / "budgets.rst").read_text(encoding="utf-8")
    table = page.partition("   * - Discovery\n")[2].partition("\n\n")[0]
    assert counted == {name: int(number) for name, number in re.findall(r"   \* - (.+)\n     - (\d+)", table)}


def _fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    raise ProgrammingError("relation does not exist")


@pytest.mark.parametrize("debug", [False, True])
def test_token_is_in_no_log_no_mail_no_error_report_and_no_table_of_ours(
    token: str, reports: Reports, settings: Any, debug: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Issued before anything is kept: oauthlib itself logs a token then, at the level DEBUG.
    settings.DEBUG = debug
    for path in ("/Users", "/Users/x", "/Nonsense"):
        ask(f"Bearer {token}", path)
        ask(f"Bearer {token[:-1]}", path)
    with database.execute_wrapper(_fail):
        assert is_error(ask(f"Bearer {token}"), 500)

    def fail(self: Application, request: Any) -> bool:
        raise RuntimeError("the host's own code")

    monkeypatch.setattr(Application, "is_usable", fail)
    assert is_error(ask(f"Bearer {token}"), 500)

    assert len(reports.texts) > 5
    assert found(token[:-1], [*reports.kept(), str(dump(bookkeeping=True))]) == []


# What is said of it -------------------------------------------------------------------------------------------


def test_it_is_declared_and_asked_for_where_it_is_configured(connection: ScimConnection) -> None:
    with with_setting(AUTHENTICATION=[OAUTH, BEARER, BASIC]):
        schemes = ask(None, "/ServiceProviderConfig").json()["authenticationSchemes"]
        assert_refused(ask(None), f'{CHALLENGE}, Basic realm="SCIM", charset="UTF-8"')
    assert [(scheme["type"], scheme.get("primary")) for scheme in schemes] == [
        ("oauth2", True),
        ("oauthbearertoken", None),
        ("httpbasic", None),
    ]
    assert "scope scim" in schemes[0]["description"]


def test_the_server_describes_itself() -> None:
    """RFC 8414."""
    document = Client().get("/.well-known/oauth-authorization-server").json()
    assert document["token_endpoint"] == "http://testserver/o/token/"
    assert document["authorization_endpoint"] == "http://testserver/o/authorize/"
    assert "scim" in document["scopes_supported"]
    assert {"client_credentials", "authorization_code", "refresh_token"} <= {*document["grant_types_supported"]}
    # There is no private_key_jwt: the documentation says so.
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_post", "client_secret_basic"]


def test_a_client_cannot_prove_itself_by_a_signed_assertion(client: Application) -> None:
    """RFC 7523, which the toolkit does not have. When this fails, howto/oauth.rst has something to tell."""
    data = {
        "grant_type": "client_credentials",
        "scope": "scim",
        "client_id": client.client_id,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "eyJhbGciOiJSUzI1NiJ9.e30.x",
    }
    response = Client().post("/o/token/", data)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_scope_that_the_server_does_not_have_is_found_by_the_checks() -> None:
    assert check_dotted_paths() == []
    with override_settings(OAUTH2_PROVIDER={"SCOPES": {"read": "Read"}}):
        (message,) = check_dotted_paths()
    assert message.id == "scim_provider.E131"
    assert "'scim'" in message.msg


# Commands -----------------------------------------------------------------------------------------------------


def test_clients_are_linked_listed_and_shut_out_on_the_server(manage: Callable[..., Any]) -> None:
    connection = ConnectionFactory(name="Acme Okta", enabled=False)
    client = application()
    assert "Link one: manage.py scim_oauth link" in manage("scim_oauth", "list").err
    made = manage("scim_oauth", "link", "--connection", "Acme Okta", client.client_id)
    assert made.out == f"The OAuth client {client.client_id} acts as “Acme Okta” from now on.\n"
    assert "manage.py scim_connection enable 'Acme Okta'" in made.err
    manage("scim_oauth", "link", "--connection", "Acme Okta", client.client_id, fails="acts as “Acme Okta” already")
    manage("scim_oauth", "link", "--connection", "Acme Okta", "nobody", fails="has no client with this id")

    other = ConnectionFactory(name="Globex")
    (listed,) = manage("scim_oauth", "list", "--json").json
    link = ScimOAuthClient.objects.get()
    assert (listed["client_id"], listed["connection"], listed["key_id"]) == (
        client.client_id,
        connection.name,
        link.key_id,
    )
    assert manage("scim_oauth", "list", "--connection", other.name, "--json").json == []
    assert client.client_id in manage("scim_oauth", "list").out

    manage("scim_oauth", "unlink", "--connection", "Globex", client.client_id, fails="Linked: none")
    manage("scim_oauth", "unlink", "--connection", "Acme Okta", "other", fails=f"Linked: {client.client_id}")
    out = manage("scim_oauth", "unlink", "--connection", "Acme Okta", client.client_id).out
    assert out == f"The OAuth client {client.client_id} is shut out.\n"
    assert not ScimOAuthClient.objects.exists()

    connections.enable(Context(connection))
    linked_again = manage("scim_oauth", "link", "--connection", "Acme Okta", client.client_id, "--json").json
    assert linked_again["client_id"] == client.client_id
    silent = manage("scim_oauth", "unlink", "--connection", "Acme Okta", client.client_id, "--json")
    assert silent.json["client_id"] == client.client_id
    assert manage("scim_oauth", "link", "--connection", "Acme Okta", client.client_id).err == ""


def test_tokens_of_a_connection_are_what_they_were(connection: ScimConnection, context: Context) -> None:
    """The link is no token: revoking all of these leaves it alone."""
    text = fetch(linked(connection))["access_token"]
    tokens.issue(context)
    assert tokens.revoke_all(context) == 1
    assert ScimToken.objects.filter(revoked_at=None).count() == 0
    assert ask(f"Bearer {text}").status_code == 200
