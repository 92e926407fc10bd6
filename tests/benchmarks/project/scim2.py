"""django-scim2 as its documentation has a host set it up."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from django.http import HttpRequest, HttpResponse
from django_scim.adapters import SCIMGroup, SCIMUser

from . import floor
from .bare import digest_of


class UserAdapter(SCIMUser):
    # Its own default sorts a list by an id that is text.
    id_field = "id"


class GroupAdapter(SCIMGroup):
    id_field = "id"


class TokenMiddleware:
    """The same look-up of a token as the others do; django-scim2 leaves that to the host."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.user = SimpleNamespace(is_authenticated=floor.Store().is_live(digest_of(request)))  # type: ignore[assignment]
        return self.get_response(request)
