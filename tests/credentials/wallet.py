"""Everything that lets a person in, really issued and really used over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from allauth.idp.oidc.models import Client as OpenIDClient
from allauth.idp.oidc.models import Token as OpenIDToken
from django.contrib.auth.tokens import default_token_generator
from django.test import Client, override_settings
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from knox.models import AuthToken
from oauth2_provider.models import Application, DeviceGrant
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import RefreshToken, SlidingToken

ENGINES = ("db", "cache", "cached_db", "signed_cookies")
CALLBACK = "https://client.example/callback"
SECRET = "a client's secret, long enough to sign with"
Use = Callable[[], bool]


def alive(uses: dict[str, Use]) -> dict[str, bool]:
    """Use each credential once."""
    return {name: use() for name, use in uses.items()}


def wallet(user: Any) -> dict[str, Use]:
    """One credential of every kind, by name; those that are spent by using them can be used twice."""
    return {
        **{f"session on {engine}": session(user, engine) for engine in ENGINES},
        "session that allauth tracks": session(user, "db", track=True),
        "password reset link": reset_link(user),
        "authtoken": bearer("/authtoken", f"Token {Token.objects.get_or_create(user=user)[0].key}"),
        "knox": bearer("/knox", f"Token {AuthToken.objects.create(user)[1]}"),
        "OpenID Connect token of allauth": openid(user),
        **json_web_tokens(user),
        **oauth(user),
    }


def bearer(path: str, header: str) -> Use:
    return lambda: bool(Client().get(path, headers={"Authorization": header}).status_code == 200)


def browser(user: Any, engine: str = "db", *, track: bool = False) -> Client:
    with override_settings(SESSION_ENGINE=f"django.contrib.sessions.backends.{engine}"):
        client = Client()
        assert client.get(f"/sign-in/{user.pk}", {"track": 1} if track else {}).status_code == 204
    return client


def session(user: Any, engine: str, *, track: bool = False) -> Use:
    client = browser(user, engine, track=track)
    return lambda: bool(client.get("/session").status_code == 200)


def reset_link(user: Any) -> Use:
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    # A good link leads on to the form, a bad one shows that it is bad.
    return lambda: bool(Client().get(f"/reset/{uid}/{token}/").status_code == 302)


def openid(user: Any) -> Use:
    client = OpenIDClient.objects.create(name="Client")
    token = OpenIDToken(type=OpenIDToken.Type.ACCESS_TOKEN, client=client, user=user)
    token.expires_at = timezone.now() + timedelta(hours=1)
    text = uuid4().hex
    token.set_value(text)
    token.set_scopes(["openid"])
    token.save()
    return bearer("/identity/o/api/userinfo", f"Bearer {text}")


def json_web_tokens(user: Any) -> dict[str, Use]:
    refresh, sliding = RefreshToken.for_user(user), SlidingToken.for_user(user)

    def renew(path: str, **body: str) -> Use:
        return lambda: bool(Client().post(path, body, content_type="application/json").status_code == 200)

    return {
        "JWT for access": bearer("/jwt", f"Bearer {refresh.access_token}"),
        "JWT to refresh": renew("/jwt/refresh", refresh=str(refresh)),
        "JWT that slides": bearer("/jwt", f"Bearer {sliding}"),
        "JWT that slides on": renew("/jwt/slide", token=str(sliding)),
    }


def oauth(user: Any) -> dict[str, Use]:
    """By the authorization code flow with OpenID Connect, and by the device flow."""
    web = _application(Application.GRANT_AUTHORIZATION_CODE)
    television = _application(Application.GRANT_DEVICE_CODE)
    client = browser(user)

    def code() -> str:
        query = {"response_type": "code", "client_id": web.client_id, "redirect_uri": CALLBACK, "scope": "openid read"}
        answer = client.get("/o/authorize/", query)
        return parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    def device_code() -> str:
        grant = DeviceGrant.objects.create(
            user=user,
            device_code=uuid4().hex,
            user_code=uuid4().hex,
            client_id=television.client_id,
            scope="read",
            status=DeviceGrant.AUTHORIZED,
            expires=timezone.now() + timedelta(hours=1),
        )
        return str(grant.device_code)

    def ask(application: Any, grant_type: str, **fields: str) -> Any:
        public = {"client_id": application.client_id, "grant_type": grant_type, **fields}
        return Client().post("/o/token/", public | {"client_secret": SECRET})

    def redeem(value: str) -> Any:
        return ask(web, "authorization_code", code=value, redirect_uri=CALLBACK)

    def spend(values: list[str], use: Callable[[str], Any]) -> Use:
        return lambda: bool(use(values.pop()).status_code == 200)

    tokens = redeem(code()).json()
    refresh_tokens = [redeem(code()).json()["refresh_token"] for _ in range(2)]
    hint = {"id_token_hint": tokens["id_token"], "client_id": web.client_id}
    device_grant = "urn:ietf:params:oauth:grant-type:device_code"
    return {
        "OAuth access token": bearer("/oauth", f"Bearer {tokens['access_token']}"),
        "OAuth refresh token": spend(refresh_tokens, lambda value: ask(web, "refresh_token", refresh_token=value)),
        "OAuth code": spend([code(), code()], redeem),
        "OAuth device code": spend(
            [device_code(), device_code()], lambda value: ask(television, device_grant, device_code=value)
        ),
        # Somebody who is not signed in is led on where the hint is good.
        "OAuth id token": lambda: Client().get("/o/logout/", hint).status_code == 302,
    }


def _application(grant_type: str) -> Any:
    return Application.objects.create(
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=grant_type,
        client_secret=SECRET,
        hash_client_secret=False,
        redirect_uris=CALLBACK,
        skip_authorization=True,
        algorithm=Application.HS256_ALGORITHM,
    )
