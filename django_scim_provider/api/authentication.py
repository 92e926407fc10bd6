"""Who asks. Cookies and sessions are never looked at, so there is nothing for a forged request to use.

Each class reads the credentials of its own form and leaves others to the next; what no class reads is refused.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ..models import ScimConnection, ScimToken
from ..models.token_format import PREFIX
from ..protocol.errors import Unauthorized
from ..services import audit, tokens
from ..services.addresses import remote_address
from ..services.tokens import Claim, Presented
from . import throttling

MAX_BASIC: Final = 1024
"""Characters; a short name and a token take a quarter of that."""


class Principal:
    """What ``request.user`` is: nobody of the host's, but somebody."""

    is_authenticated = True
    is_anonymous = False
    pk = None


class PersonalCredential(NamedTuple):
    """What ``request.auth`` is by an authentication class of the host's for a person's own credential: see ``/Me``."""

    connection: ScimConnection
    user: Any
    """The host user whose credential it is."""
    key_id: str = ""
    """Shown in events."""
    scopes: str = ScimToken.Scopes.WRITE


def admit(request: Request, look_up: Callable[[str | None], Presented]) -> tuple[Principal, Presented]:
    """What a credential lets its bearer do; ``look_up`` is called with the client's address.

    The credential is taken out of the request first: no error report can print it then.

    :raises Unauthorized: it is refused. Whatever is wrong, the answer is the same; the event log says more.
    :raises TooManyRequests: too many of this address were refused lately; nothing was looked up.
    """
    request._request.META.pop("HTTP_AUTHORIZATION")
    address = remote_address(request._request.META)
    throttling.check_failures(address)
    presented = look_up(address)
    if presented.refusal:
        throttling.count_failure(address)
        audit.refused_credential(
            reason=presented.refusal,
            key_id=presented.key_id,
            remote_addr=address,
            connection=presented.connection,
        )
        raise Unauthorized
    return Principal(), presented


def refuse_unread(request: Request) -> None:
    """
    :raises Unauthorized: there is a credential, and no class has read it.
    """
    if request._request.META.get("HTTP_AUTHORIZATION"):
        admit(request, lambda address: tokens.present(None, remote_addr=address))


class BearerAuthentication(BaseAuthentication):
    """RFC 6750 section 2.1 with the tokens of this package; without the word Bearer where a connection allows it."""

    def authenticate(self, request: Request) -> tuple[Principal, Presented] | None:
        # The text itself is in no variable here, since error reports print those.
        is_bearer, claim = _read_bearer(request._request.META.get("HTTP_AUTHORIZATION", ""))
        if claim is None:
            return None
        return admit(request, lambda address: tokens.present(claim, remote_addr=address, is_bearer=is_bearer))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="SCIM"'

    def get_scheme(self) -> dict[str, Any]:
        """The entry of ``authenticationSchemes`` in /ServiceProviderConfig (RFC 7643 section 5)."""
        return {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token issued by this application, in the Authorization header (RFC 6750).",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
        }


def _read_bearer(header: str) -> tuple[bool, Claim | None]:
    """Whether the header has the word Bearer, and what its token claims."""
    scheme, _, rest = header.partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return is_bearer, tokens.read(rest.strip() if is_bearer else header)


class BasicAuthentication(BaseAuthentication):
    """RFC 7617: the user name is the connection's short name, the password one of its tokens."""

    def authenticate(self, request: Request) -> tuple[Principal, Presented] | None:
        user_name, claim = _read_basic(request._request.META.get("HTTP_AUTHORIZATION", ""))
        if claim is None:
            return None
        return admit(request, lambda address: tokens.present(claim, remote_addr=address, user_name=user_name))

    def authenticate_header(self, request: Request) -> str:
        return 'Basic realm="SCIM", charset="UTF-8"'

    def get_scheme(self) -> dict[str, Any]:
        return {
            "type": "httpbasic",
            "name": "HTTP Basic",
            "description": "The short name of a connection and a token issued by this application (RFC 7617).",
            "specUri": "https://www.rfc-editor.org/info/rfc7617",
        }


def _read_basic(header: str) -> tuple[str, Claim | None]:
    """The user name, and what the password claims."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic" or len(rest) > MAX_BASIC:
        return "", None
    try:
        user_name, _, password = base64.b64decode(rest.strip(), validate=True).decode("utf-8").partition(":")
    except ValueError:
        return "", None
    # Somebody may have put the token into both fields, and error reports print variables.
    return "" if user_name.startswith(PREFIX) else user_name, tokens.read(password)
