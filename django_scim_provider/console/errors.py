"""Every refusal as ``{"error": ..., "detail": ..., "fields": ...}``."""

from __future__ import annotations

from typing import Any, Final

from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error

from ..protocol.errors import ScimError

WORDS: Final = {
    400: "validation",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    415: "unsupported_media_type",
    429: "throttled",
    503: "unavailable",
}
"""What ``error`` says; 403 may be ``enterprise_required`` as well."""
ENTERPRISE_REQUIRED: Final = "enterprise_required"
OTHER: Final = "error"
"""For a status that only a class of the host's answers."""


class Conflict(exceptions.APIException):
    """The present state does not allow it."""

    status_code = 409


class NotThere(exceptions.NotFound):
    """The same for what does not exist and for what is another tenant's."""

    default_detail = _("There is no such thing here.")


class EnterpriseRequired(exceptions.PermissionDenied):
    """The host's ``IS_ALLOWED`` says no, and why."""


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an exception, as REST framework's own handler; ``None`` for what is a fault of ours."""
    headers: dict[str, str] = {}
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(as_serializer_error(error))
    if isinstance(error, DjangoPermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, ScimError):
        return _response(error.status, WORDS.get(error.status, OTHER), error.detail, error.headers)
    if not isinstance(error, exceptions.APIException):
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"non_field_errors": error.detail}
        return _response(400, WORDS[400], _("The request is not valid."), headers, fields=fields)
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))  # type: ignore[attr-defined]
    is_plan = isinstance(error, EnterpriseRequired)
    word = ENTERPRISE_REQUIRED if is_plan else WORDS.get(error.status_code, OTHER)
    return _response(error.status_code, word, error.detail, headers)


def _response(status: int, word: str, detail: Any, headers: dict[str, str], **more: Any) -> Response:
    return Response({"error": word, "detail": detail, **more}, status, headers=headers)
