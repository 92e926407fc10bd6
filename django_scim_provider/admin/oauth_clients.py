"""Clients of the site's OAuth server that act as a connection: shown, and shut out.

They are linked by ``scim_oauth`` on the server. Whoever could name any client of the whole site here could have
another organization's people sent to a connection of their own.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _

from ..models import ScimOAuthClient
from ..services import access, oauth_clients
from . import words
from .base import Panel


class ClientPages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/clients/<int:client_pk>/unlink/", self.unlink_view, "unlink"),
            *super().panel_urls(),
        ]

    def client_row(self, client: ScimOAuthClient) -> dict[str, Any]:
        return {
            "client": client,
            "linked": words.moment(client.created_at),
            "unlink_url": self.page_url("unlink", client.connection_id, client.pk),
        }

    def unlink_view(self, request: HttpRequest, connection_id: UUID, client_pk: int) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE_TOKENS)
        connection = context.connection
        found = ScimOAuthClient.objects.using(context.using).filter(connection=connection, pk=client_pk).first()
        if found is None:
            raise Http404
        back = self.page_url("change", connection.pk)
        if request.method == "POST":
            oauth_clients.unlink(context, found)
            messages.success(request, _("The OAuth client %(client)s was unlinked.") % {"client": found})
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "confirm",
            title=_("Unlink the OAuth client %(client)s") % {"client": found},
            connection=connection,
            points=[
                _("Whoever uses its access tokens is turned away at once."),
                _("The client itself stays as it is at the OAuth server, and can be linked again on the server."),
            ],
            button=_("Unlink"),
            cancel_url=back,
        )
