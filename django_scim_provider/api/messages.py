"""Bodies in and out: ``application/scim+json`` (RFC 7644 section 8.1) and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import Message
from typing import Any, Final, TypeVar

import orjson
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase

from ..conf import app_settings
from ..protocol.bulk import refuse_too_many
from ..protocol.errors import BadRequest, PayloadTooLarge, ScimError, UnsupportedMediaType
from ..protocol.etags import Match, parse_match
from ..protocol.messages import ListQuery, load_body, parse_query
from ..protocol.urns import MEDIA_TYPE
from ..services.kinds import Found
from .large import LargeResponse, is_large, written_out

_CONTENT_TYPE: Final = f"{MEDIA_TYPE}; charset=utf-8"
ResponseT = TypeVar("ResponseT", bound=HttpResponseBase)
_ACCEPTED: Final = frozenset({MEDIA_TYPE, "application/json"})


def read_body(request: HttpRequest, *, bulk: bool = False) -> dict[str, Any]:
    """The JSON object in a request's body; media type first, then size, then syntax.

    :param bulk: whether the limit is ``BULK_MAX_PAYLOAD_SIZE`` and not ``MAX_BODY_SIZE``, and operations are counted.
    :raises UnsupportedMediaType: not JSON, not UTF-8, or compressed.
    :raises PayloadTooLarge: longer than the limit; nothing of it was parsed.
    :raises InvalidSyntax: see ``load_body``.
    """
    header = Message()
    header["Content-Type"] = request.META.get("CONTENT_TYPE") or "none/none"
    if header.get_content_type() not in _ACCEPTED:
        raise UnsupportedMediaType
    if str(header.get_param("charset", "utf-8")).lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the body in UTF-8.")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body without compression.")
    limit = app_settings.BULK_MAX_PAYLOAD_SIZE if bulk else app_settings.MAX_BODY_SIZE
    try:
        # Read here, not by request.body, whose limit answers in HTML.
        data = request.read(limit + 1)
    except UnreadablePostError:
        raise BadRequest("The connection ended before the body was complete.") from None
    if len(data) > limit:
        raise PayloadTooLarge(
            f"The size of the request exceeds maxPayloadSize ({limit} bytes)."
            if bulk
            else f"The body may have at most {limit} bytes."
        )
    if bulk:
        refuse_too_many(data, app_settings.BULK_MAX_OPERATIONS)
    return load_body(data)


def read_query(request: HttpRequest) -> ListQuery:
    """The query parameters of a list or a projection.

    :raises InvalidValue: see ``parse_query``.
    """
    params = {}
    for name, values in request.GET.lists():
        params[name] = values[-1]
        if len(values) > 1:
            # Given twice is refused just as given in two spellings is.
            params[name.swapcase()] = values[0]
    return parse_query(params)


def read_match(request: HttpRequest) -> Match:
    """The condition of a request for one resource.

    :raises InvalidValue: see ``parse_match``.
    """
    return parse_match(request.META.get("HTTP_IF_MATCH"), request.META.get("HTTP_IF_NONE_MATCH"))


def respond(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A response with a SCIM body, or without one for ``None``."""
    content = b"" if document is None else orjson.dumps(document)
    return _finished(HttpResponse(content, status=status, content_type=_CONTENT_TYPE), headers or {})


def _finished(response: ResponseT, headers: Mapping[str, str]) -> ResponseT:
    response["Cache-Control"] = "no-store, private"
    response["X-Content-Type-Options"] = "nosniff"
    for name, value in headers.items():
        response[name] = value
    return response


def respond_with_found(found: Found, headers: Mapping[str, str]) -> HttpResponseBase:
    """A resource with its ``ETag``, or 304 where the client has it (RFC 7232 section 4.1)."""
    headers, resource = {**headers, "ETag": found.version}, found.resource
    if resource is not None and is_large(resource):
        return _finished(LargeResponse(written_out(resource), content_type=_CONTENT_TYPE), headers)
    return respond(resource, 304 if resource is None else 200, headers)


def respond_with_error(error: ScimError) -> HttpResponse:
    """The error message of RFC 7644 section 3.12."""
    return respond(error.as_document(), error.status, error.headers)
