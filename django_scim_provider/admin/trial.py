"""The test of a connection: what its provider will ask, asked here and undone, and what to change where it fails."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import ScimConnection
from ..services import access, rehearsal, selftest
from ..services.addresses import remote_address
from ..services.context import Context
from ..services.findings import Status
from ..services.in_process import Site
from ..services.mount import base_url, is_mounted
from . import words
from .base import Panel
from .guides import guide


class TrialPages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:connection_id>/test/", self.test_view, "test"), *super().panel_urls()]

    def test_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        """Says what would happen; only a POST does it."""
        context = self.open(request, connection_id, access.MANAGE)
        address = base_url(request)
        can_ask = is_mounted()
        return self.page(
            request,
            "test",
            title=context.connection.name,
            subtitle=_("Test of the connection"),
            connection=context.connection,
            tab="change",
            base_url=address,
            can_ask=can_ask,
            guide=guide(context.connection.provider),
            remarks=self._remarks(context, address),
            **(self._results(context, request) if request.method == "POST" and can_ask else {}),
        )

    def _results(self, context: Context, request: HttpRequest) -> dict[str, Any]:
        # As this very request came: what a proxy forgets to say here, it forgets for the identity provider too.
        site = Site(request.get_host(), request.is_secure(), remote_address(request.META) or "127.0.0.1")
        steps = rehearsal.rehearse(context, site)
        failed = sum(step.status is Status.FAILED for step in steps)
        if failed:
            text = ngettext("%(count)s step does not work.", "%(count)s steps do not work.", failed)
            headline = text % {"count": words.number(failed)}
        elif any(step.status is Status.SKIPPED for step in steps):
            headline = _("Not everything could be tried.")
        else:
            headline = _("Everything that %(provider)s will ask works.") % {
                "provider": guide(context.connection.provider).name
            }
        developer = [finding for finding in selftest.check(context.connection) if finding.remarks]
        return {"steps": steps, "headline": headline, "is_good": not failed, "developer": developer}

    @staticmethod
    def _remarks(context: Context, address: str | None) -> list[str]:
        """What stands in the provider's way although every request is answered."""
        remarks = []
        if not context.connection.enabled:
            remarks.append(_("SCIM is off for this connection. The test does as if it were on."))
        if address is not None and not is_mounted():
            remarks.append(
                _(
                    "Nothing can be tried here: the base URL is set, but the URLconf of this site does not include "
                    "“django_scim_provider.urls”."
                )
            )
        if address is not None and "_" in address and context.connection.provider == ScimConnection.Provider.OKTA:
            remarks.append(_("Okta refuses base URLs with an underscore. Choose another path or host name."))
        return remarks
