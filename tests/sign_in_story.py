"""Plays what docs/howto/sign-in.rst promises, in a project made of its blocks; run by tests/test_sign_in_page.py.

The views, allauth and SCIM are the real ones. Only the identity provider is made up: a server on the loopback interface.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import django

PEOPLE: dict[str, dict[str, str]] = {}
"""Code to the claims of whoever signs in with it."""


class IdentityProvider(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer({"issuer": ISSUER, **{f"{name}_endpoint": f"{ISSUER}/{name}" for name in ("authorization", "token")},
                      "jwks_uri": f"{ISSUER}/keys", "token_endpoint_auth_methods_supported": ["client_secret_post"]})  # fmt: skip

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        claims = {"iss": ISSUER, "aud": "client", "exp": int(time.time()) + 60, "iat": int(time.time())}
        token = jwt.encode(claims | PEOPLE[form["code"][0]], "k" * 32, algorithm="HS256")
        self._answer({"access_token": "a", "token_type": "Bearer", "id_token": token})

    def _answer(self, document: dict[str, object]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


SLUG = "acme-entra-3f2a81c0"
ISSUER = sys.argv[1]
django.setup()

import jwt  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402

from django_scim_provider.models import ScimConnection, ScimUser  # noqa: E402
from django_scim_provider.services import tokens  # noqa: E402
from django_scim_provider.services.context import Context  # noqa: E402


def sign_in(**claims: str) -> tuple[Client, int]:
    """Go to the provider and come back as this person."""
    browser = Client()
    away = browser.post(f"/accounts/oidc/{SLUG}/login/")
    assert away.status_code == 302
    state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    PEOPLE["code"] = claims
    back = browser.get(f"/accounts/oidc/{SLUG}/login/callback/", {"code": "code", "state": state})
    return browser, back.status_code


def scim(method: str, path: str, body: dict[str, object]) -> None:
    answer = Client().generic(
        method, f"/scim/v2{path}", json.dumps(body), "application/scim+json", HTTP_AUTHORIZATION=f"Bearer {TOKEN}"
    )
    assert answer.status_code in (200, 201), answer.content[:300]


def activate(active: bool) -> None:
    path = f"/Users/{ScimUser.objects.get(user_name='alice@acme.com').scim_id}"
    scim("PATCH", path, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                         "Operations": [{"op": "replace", "value": {"active": active}}]})  # fmt: skip


def user_of(browser: Client) -> str | None:
    return browser.get("/accounts/email/").wsgi_request.user.get_username() or None


server = ThreadingHTTPServer(("127.0.0.1", urlsplit(ISSUER).port or 0), IdentityProvider)
threading.Thread(target=server.serve_forever, daemon=True).start()
call_command("migrate", verbosity=0)
call_command(*sys.argv[2:])
connection = ScimConnection.objects.get()
assert connection.slug == f"acme-entra-{connection.id.hex[:8]}"
# The page was written for one whose id begins otherwise.
ScimConnection.objects.update(slug=SLUG)
TOKEN = tokens.issue(Context(connection)).text
ALICE = {"sub": "pairwise", "oid": "0a21f0f2", "email": "alice@acme.com"}

# Not provisioned yet: whatever address the claims hold, there is no account.
User.objects.create_user("victim", "alice@acme.com")
browser, status = sign_in(**ALICE)
assert (status, user_of(browser)) == (401, None)

schemas = ["urn:ietf:params:scim:schemas:core:2.0:User"]
scim("POST", "/Users", {"schemas": schemas, "userName": "alice@acme.com", "externalId": "0a21f0f2"})
browser, status = sign_in(**ALICE)
assert (status, user_of(browser)) == (302, "alice@acme.com"), (status, user_of(browser))

# Another person of the same directory, who claims her address.
stranger, status = sign_in(sub="x", oid="somebody else", email="alice@acme.com")
assert (status, user_of(stranger)) == (401, None)

activate(False)
assert user_of(browser) is None
late, status = sign_in(**ALICE)
assert (status, user_of(late)) == (401, None)

activate(True)
assert user_of(browser) is None
again, status = sign_in(**ALICE)
assert (status, user_of(again)) == (302, "alice@acme.com")
assert User.objects.count() == 2
sys.stdout.write("done\n")
