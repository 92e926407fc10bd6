"""``/Me`` (RFC 7644 section 3.11): an alias of the caller's own resource, for credentials that are one person's."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from ..protocol.errors import Forbidden, NotSupported
from ..services import me
from .views import Action, OneResourceView


class MeView(OneResourceView):
    """A token of this package speaks for an identity provider and not for a person: 501, as the RFC asks."""

    depth = 1
    is_personal = True

    @property
    def own_id(self) -> str:
        if self.caller.actor is None:
            raise NotSupported("This credential is no person's, so there is no /Me.")
        return me.own_id(self.caller)

    def get(self, request: Request, scim_id: str = "") -> HttpResponseBase:
        return super().get(request, self.own_id)

    def put(self, request: Request, scim_id: str = "") -> HttpResponse:
        return super().put(request, self._writable(Action.REPLACE))

    def patch(self, request: Request, scim_id: str = "") -> HttpResponse:
        return super().patch(request, self._writable(Action.MODIFY))

    def delete(self, request: Request, scim_id: str = "") -> HttpResponse:
        scim_id = self.own_id
        with self.watched(Action.DELETE, scim_id):
            raise Forbidden("People may not delete themselves here.")

    def post(self, request: Request) -> HttpResponse:
        raise NotSupported("Nobody is created by way of /Me.")

    def _writable(self, action: str) -> str:
        """The id, once it is settled what the caller may change."""
        scim_id = self.own_id
        allowed = frozenset(self.caller.adapter.me_writable)
        with self.watched(action, scim_id):
            if not allowed:
                raise Forbidden("People may not change anything of themselves here.")
        self.context = replace(self.caller, may_change=allowed)
        return scim_id
