"""Clients of the site's OAuth server that act as a connection: listed, and shut out. They are linked on the server."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ScimOAuthClient
from ..services import access, oauth_clients
from ..services.context import Context
from . import answers
from .base import ConsoleView, one_of
from .operations import operation


def _clients(context: Context) -> QuerySet[ScimOAuthClient]:
    clients = ScimOAuthClient.objects.using(context.using).filter(connection=context.connection)
    return clients.select_related("created_by").order_by("created_at", "pk")


class OAuthClientsView(ConsoleView):
    @operation("The OAuth clients that act as it, oldest first.", answer=answers.OAuthClientSerializer, is_page=True)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.page(_clients(self.open(connection_id)))


class OAuthClientView(ConsoleView):
    @operation(
        "Unlink a client: its access tokens are refused from now on. The client itself stays at the OAuth server.",
        access.MANAGE_TOKENS,
        status=204,
    )
    def delete(self, request: Request, connection_id: str, link_id: str) -> Response:
        context = self.open(connection_id)
        oauth_clients.unlink(context, one_of(_clients(context), link_id))
        return Response(status=self.declared.status)
