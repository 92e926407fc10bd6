"""One exception for each way a SCIM request can fail (RFC 7644 section 3.12).

Raise the most specific class. ``detail`` is English prose for the administrator who reads it in the
identity provider's log: it says what was wrong and what to do, and never holds database text, class names
or the raw request.
"""

from __future__ import annotations

from typing import Any, ClassVar

from .urns import ERROR


class ScimError(Exception):
    """Base class; ``status`` is the HTTP status, ``scim_type`` the keyword of RFC 7644 table 9, or ``None``."""

    status: ClassVar[int] = 500
    scim_type: ClassVar[str | None] = None
    default_detail: ClassVar[str] = "The request could not be processed."

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.default_detail
        super().__init__(self.detail)

    @property
    def headers(self) -> dict[str, str]:
        """Response headers that belong to this error."""
        return {}

    def as_document(self) -> dict[str, Any]:
        """The error message of RFC 7644 section 3.12; ``status`` is a string there."""
        document: dict[str, Any] = {"schemas": [ERROR], "status": str(self.status), "detail": self.detail}
        if self.scim_type is not None:
            document["scimType"] = self.scim_type
        return document


class BadRequest(ScimError):
    """400 without a keyword; its subclasses carry one."""

    status = 400


class InvalidFilter(BadRequest):
    """The filter's syntax, attribute or operator is not supported (RFC 7644 table 9)."""

    scim_type = "invalidFilter"
    default_detail = "The filter is not valid."


class TooMany(BadRequest):
    """The filter yields more results than the server is willing to process (RFC 7644 table 9)."""

    scim_type = "tooMany"


class Mutability(BadRequest):
    """The change is not compatible with the attribute's mutability (RFC 7644 table 9)."""

    scim_type = "mutability"


class InvalidSyntax(BadRequest):
    """The body's structure or schema is not what the endpoint reads (RFC 7644 table 9)."""

    scim_type = "invalidSyntax"


class InvalidPath(BadRequest):
    """A PATCH path is malformed or names no known attribute (RFC 7644 table 9)."""

    scim_type = "invalidPath"


class NoTarget(BadRequest):
    """A PATCH path selects nothing that could be changed (RFC 7644 table 9)."""

    scim_type = "noTarget"


class InvalidValue(BadRequest):
    """A value is missing or does not fit the attribute's type (RFC 7644 table 9)."""

    scim_type = "invalidValue"


class InvalidVersion(BadRequest):
    """The SCIM protocol version asked for is not supported (RFC 7644 table 9)."""

    scim_type = "invalidVers"


class InvalidCursor(BadRequest):
    """The cursor is not one of ours, or not for this query (RFC 9865 table 3)."""

    scim_type = "invalidCursor"
    default_detail = "The cursor is not valid. Begin with an empty one, and send back nextCursor as it was given."


class ExpiredCursor(BadRequest):
    """The cursor is older than ``cursorTimeout`` (RFC 9865 table 3)."""

    scim_type = "expiredCursor"
    default_detail = "The cursor has expired. Begin again with an empty one."


class InvalidCount(BadRequest):
    """``count`` is no number, or not that of the first page (RFC 9865 table 3)."""

    scim_type = "invalidCount"


class Unauthorized(ScimError):
    """401; the same text whatever was wrong with the credential, so that nothing can be probed."""

    status = 401
    default_detail = "A valid token is required."

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="SCIM"'}


class Forbidden(ScimError):
    """403: understood, and refused by policy (RFC 7644 section 3.12)."""

    status = 403
    default_detail = "This operation is not permitted."


class NotFound(ScimError):
    """404: no such resource here; the same bytes for an unknown id and for another tenant's."""

    status = 404
    default_detail = "The requested resource does not exist."


class MethodNotAllowed(ScimError):
    """405, with the methods that the endpoint knows."""

    status = 405

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(f"This endpoint does not support {method}.")

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed)}


class Conflict(ScimError):
    """409 that is not about uniqueness."""

    status = 409


class Uniqueness(Conflict):
    """409: a value is already taken (RFC 7644 table 9)."""

    scim_type = "uniqueness"


class PreconditionFailed(ScimError):
    """412: the resource is not in the version that the request is meant for (RFC 7644 section 3.14)."""

    status = 412
    default_detail = "The resource has changed since the version named in If-Match. Read it again."


class PayloadTooLarge(ScimError):
    """413; the detail names the limit, as RFC 7644 section 3.7.4 demands."""

    status = 413


class UnsupportedMediaType(ScimError):
    """415: the body is neither ``application/scim+json`` nor ``application/json``."""

    status = 415
    default_detail = "Send the body as application/scim+json."


class RetryableError(ScimError):
    """An error that goes away by itself; ``retry_after`` is in whole seconds, at least 1.

    Okta reads the header only as an integer and falls back to five minutes for anything else.
    """

    def __init__(self, detail: str | None = None, *, retry_after: float = 1) -> None:
        self.retry_after = max(1, int(-(-retry_after // 1)))
        super().__init__(detail)

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(RetryableError):
    """429 (RFC 6585 section 4)."""

    status = 429
    default_detail = "Too many requests. Wait as long as Retry-After says."


class InternalError(ScimError):
    """500: a fault of ours; the log has the traceback, the client has this."""

    status = 500
    default_detail = "The server failed to process the request. Its administrators have been told."


class NotSupported(ScimError):
    """501: an operation of the protocol that is not offered here."""

    status = 501
    default_detail = "This server does not support the operation."


class Unavailable(RetryableError):
    """503: a fault of the database or another part; the same request will work later."""

    status = 503
    default_detail = "The service is temporarily unavailable. Try again later."
