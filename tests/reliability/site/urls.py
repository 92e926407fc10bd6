from __future__ import annotations

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from django_scim_provider.models import ScimToken
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context


def rotate(request: HttpRequest, name: str, request_id: str) -> JsonResponse:
    """What the panel does when somebody asks for a successor, without the form: 409 for a request that was met."""
    try:
        return _rotate(name, request_id)
    except (InterfaceError, OperationalError):
        # Not one of the package's endpoints, so nobody else says it.
        return JsonResponse({"schemas": [urns.ERROR]}, status=503, headers={"Retry-After": "1"})


def _rotate(name: str, request_id: str) -> JsonResponse:
    (token,) = ScimToken.objects.select_related("connection").filter(name=name, revoked_at=None)
    try:
        issued = tokens.rotate(Context(token.connection), token, request_id=request_id)
    except tokens.AlreadyIssued:
        return JsonResponse({}, status=409)
    return JsonResponse({"token": issued.text}, status=201)


urlpatterns = [
    path("scim/v2/", include("django_scim_provider.urls")),
    path("rotate/<name>/<request_id>", rotate),
]
