"""Access tokens of the site's own OAuth 2.0 server, django-oauth-toolkit: the extra ``oauth2``.

Imported only where AUTHENTICATION names it, since the toolkit has to be in INSTALLED_APPS then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

from django.core.checks import CheckMessage, Error
from django.db import router
from oauth2_provider.models import get_access_token_model
from oauth2_provider.scopes import get_scopes_backend
from oauthlib.common import Request as OAuthRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ..models.token_format import PREFIX
from ..services import oauth_clients
from ..services.oauth_clients import Grant
from ..services.tokens import Presented
from .authentication import Principal, admit

_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""RFC 6750 section 2.1."""


class OAuth2Authentication(BaseAuthentication):
    """RFC 6750 section 2.1 with access tokens of a client that is linked to a connection.

    To ask for another scope, inherit and set ``scope``.
    """

    scope: ClassVar[str] = "scim"

    def authenticate(self, request: Request) -> tuple[Principal, Presented] | None:
        checksum = _read(request._request.META.get("HTTP_AUTHORIZATION", ""))
        if checksum is None:
            return None
        return admit(request, lambda _: oauth_clients.present(self._find(checksum, request)))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="SCIM"'

    def get_scheme(self) -> dict[str, Any]:
        return {
            "type": "oauth2",
            "name": "OAuth 2.0",
            "description": f"An access token with the scope {self.scope}, from this application's OAuth 2.0 server.",
            "specUri": "https://www.rfc-editor.org/info/rfc6749",
        }

    @classmethod
    def check(cls) -> Iterator[CheckMessage]:
        """For ``manage.py check``."""
        if cls.scope not in get_scopes_backend().get_all_scopes():
            yield Error(
                f"The OAuth server has no scope {cls.scope!r}, so no access token can have it.",
                hint=f"Add {cls.scope!r} to the SCOPES of OAUTH2_PROVIDER.",
                id="scim_provider.E131",
            )

    def _find(self, checksum: str, request: Request) -> Grant | None:
        model = get_access_token_model()
        # Not from a replica: a token revoked a moment ago would be good there, and a new one unknown.
        found = model._default_manager.using(router.db_for_write(model))
        token = found.select_related("application", "user").filter(token_checksum=checksum).first()
        if token is None or token.application is None:
            return None
        return Grant(
            application_key=str(token.application_id),
            user=token.user,
            issued_at=token.created,
            has_scope=token.allow_scopes([self.scope]),
            refusal=_refusal(token, request),
        )


def _read(header: str) -> str | None:
    """What the toolkit finds an access token by; ``None`` for anything else, tokens of this package included."""
    scheme, _, rest = header.partition(" ")
    text = rest.strip()
    if scheme.lower() != "bearer" or text.startswith(PREFIX) or _TOKEN.fullmatch(text) is None:
        return None
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _refusal(token: Any, request: Request) -> str:
    """Why the toolkit itself would refuse a token. Its ``verify_request`` would put the token into variables."""
    # Without the query, which oauthlib may refuse to read.
    uri = request._request.build_absolute_uri(request._request.path)
    if token.is_expired():
        return "The access token has expired."
    if not token.application.is_usable(OAuthRequest(uri, http_method=request._request.method)):
        return "The OAuth server has disabled the client of the access token."
    if not token.allows_audience(uri):
        return "The access token is for another resource."
    return ""
