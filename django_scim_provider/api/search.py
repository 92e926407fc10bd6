"""Queries in a body, and queries over all resource types (RFC 7644 sections 3.4.2.1 and 3.4.3)."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from ..protocol.messages import ListQuery, parse_search
from ..services import audit, mixed
from .messages import read_body, read_query, respond
from .views import Action, HostView, ResourceView, ScimView

READING = frozenset({"POST"})
"""It is a read: a token that may only read may send it."""


def read_search(view: ScimView, request: Request) -> ListQuery:
    """The query in the body of a POST."""
    needed = not view.caller.dialect.tolerance.unknown_schemas
    return parse_search(read_body(request._request), schemas_needed=needed)


class SearchView(ResourceView):
    """``/Users/.search``, ``/Groups/.search``."""

    depth = 2
    reading = READING

    def post(self, request: Request) -> HttpResponse:
        with self.watched(Action.READ):
            return self.listed(read_search(self, request))


class RecordsSearchView(HostView, SearchView):
    """``/Devices/.search``."""


class RootView(ScimView):
    """The base URL itself: all resource types."""

    depth = 0

    def get(self, request: Request) -> HttpResponse:
        with audit.refusals(self.caller, Action.READ, ""):
            return self.listed(read_query(request._request))

    def listed(self, query: ListQuery) -> HttpResponse:
        page = mixed.list_everything(self.caller, query)
        return respond(page.as_document(query))


class RootSearchView(RootView):
    """``/.search``."""

    depth = 1
    reading = READING
    http_method_names = ("post",)

    def post(self, request: Request) -> HttpResponse:
        with audit.refusals(self.caller, Action.READ, ""):
            return self.listed(read_search(self, request))
