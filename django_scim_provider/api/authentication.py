"""Bearer tokens. Cookies and sessions are never looked at, so there is nothing for a forged request to use."""

from __future__ import annotations

from typing import Any, NamedTuple

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ..models import ScimConnection, ScimToken
from ..protocol.errors import Unauthorized
from ..services import audit, tokens
from ..services.addresses import remote_address
from ..services.tokens import Presented
from . import throttling


class Principal:
    """What ``request.user`` is: nobody of the host's, but somebody."""

    is_authenticated = True
    is_anonymous = False
    pk = None


def _read(header: str) -> tuple[bool, tokens.Claim | None]:
    """Whether the header has the word Bearer, and what its token claims."""
    scheme, _, rest = header.partition(" ")
    is_bearer = scheme.lower() == "bearer"
    return is_bearer, tokens.read(rest.strip() if is_bearer else header)


class PersonalCredential(NamedTuple):
    """What ``request.auth`` is by an authentication class of the host's for a person's own credential: see ``/Me``."""

    connection: ScimConnection
    user: Any
    """The host user whose credential it is."""
    key_id: str = ""
    """Shown in events."""
    scopes: str = ScimToken.Scopes.WRITE


class BearerAuthentication(BaseAuthentication):
    """RFC 6750 section 2.1 with the tokens of this package.

    ``request.auth`` becomes a ``tokens.Presented``. Whatever is wrong, the answer is the same 401; the event log says
    more.
    """

    def authenticate(self, request: Request) -> tuple[Principal, Presented] | None:
        if not request._request.META.get("HTTP_AUTHORIZATION"):
            return None
        # Taken out, and in no variable from here on, so that no error report can print it.
        is_bearer, claim = _read(request._request.META.pop("HTTP_AUTHORIZATION"))
        address = remote_address(request._request.META)
        throttling.check_failures(address)
        presented = tokens.present(claim, remote_addr=address, is_bearer=is_bearer)
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

    def get_scheme(self) -> dict[str, Any]:
        """The entry of ``authenticationSchemes`` in /ServiceProviderConfig (RFC 7643 section 5)."""
        return {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token issued by this application, in the Authorization header (RFC 6750).",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": True,
        }
