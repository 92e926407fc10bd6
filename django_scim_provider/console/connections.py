"""Connections: made, switched on and off, configured, deleted, tried."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ScimConnection
from ..services import access, connections, rehearsal, selftest, sync
from ..services.addresses import remote_address
from ..services.connections import Enabled
from ..services.context import Context
from ..services.findings import Status
from ..services.in_process import Site, mount
from . import answers, bodies
from .base import ConsoleView
from .errors import Conflict
from .operations import operation


class EnablingView(ConsoleView):
    """What shows the token of a connection that was switched on."""

    def revealed(self, enabled: Enabled) -> Response:
        connection = enabled.context.connection
        found = {
            "connection": connection,
            "token": enabled.issued.token,
            "secret": enabled.issued.text,
            "adopted": enabled.adoption.adopted,
            "left_out": enabled.adoption.left_out,
        }
        return self.answer(found, connection)


class ConnectionsView(EnablingView):
    @operation("Connections, with how they do.", answer=answers.ConnectionSerializer, is_page=True)
    def get(self, request: Request) -> Response:
        return self.page(self.reachable().order_by("name"))

    @operation(
        "Make a connection, enable it and issue its first token.",
        access.MANAGE,
        body=bodies.CreateBody,
        answer=answers.EnabledSerializer,
        status=201,
        is_paid=True,
        shows_secret=True,
    )
    def post(self, request: Request) -> Response:
        with self.once() as request_id:
            wanted = self.sent()
            self.check_plan(ScimConnection(**wanted))
            enabled = connections.create_enabled(
                **wanted,
                actor=request.user,
                remote_addr=remote_address(request._request.META),
                request_id=request_id,
            )
        return self.revealed(enabled)


class PreviewView(ConsoleView):
    @operation(
        "What enabling such a connection would do. Saves nothing.",
        access.MANAGE,
        body=bodies.NewConnectionBody,
        answer=answers.EnablingSerializer,
        is_paid=True,
    )
    def post(self, request: Request) -> Response:
        wanted = self.sent()
        wanted.setdefault("existing_accounts", connections.default_existing_accounts(wanted["portal"]))
        connection = ScimConnection(**wanted)
        self.check_plan(connection)
        return self.answer(_foreseen(Context(connection)))


class ConnectionView(ConsoleView):
    @operation("One connection.", answer=answers.OneConnectionSerializer)
    def get(self, request: Request, connection_id: str) -> Response:
        connection = self.open(connection_id).connection
        return self.answer(connection, connection)

    @operation(
        "Change its name, provider or policies.",
        access.MANAGE,
        body=bodies.PoliciesBody,
        answer=answers.OneConnectionSerializer,
        is_paid=True,
    )
    def patch(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        connections.configure(context, **self.sent(partial=True, connection=context.connection))
        return self.answer(context.connection, context.connection)

    @operation("Delete a connection that is disabled. People and events stay.", access.MANAGE, status=204)
    def delete(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        try:
            connections.delete(context)
        except connections.StillEnabled:
            raise Conflict(_("SCIM is on for this connection. Disable it first, then delete it.")) from None
        return Response(status=self.declared.status)


class EnableView(EnablingView):
    @operation(
        "Enable it again, with a new token.",
        access.MANAGE,
        body=bodies.Confirmed,
        answer=answers.EnabledSerializer,
        is_paid=True,
        shows_secret=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        with self.once() as request_id:
            if context.connection.enabled:
                raise Conflict(_("SCIM is on already."))
            self.sent()
            enabled = connections.enable_again(context, request_id=request_id)
        return self.revealed(enabled)


class EnablePreviewView(ConsoleView):
    @operation(
        "What enabling it again would do. Saves nothing.",
        access.MANAGE,
        answer=answers.EnablingSerializer,
        is_paid=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        if context.connection.enabled:
            raise Conflict(_("SCIM is on already."))
        return self.answer(_foreseen(context))


class DisableView(ConsoleView):
    @operation(
        "Disable it: every token ends now, people keep their accounts.",
        access.MANAGE,
        body=bodies.Body,
        answer=answers.OneConnectionSerializer,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        self.sent()
        if context.connection.enabled:
            connections.disable(context)
        return self.answer(context.connection, context.connection)


class SelfTestView(ConsoleView):
    @operation(
        "Try the life of a person, and leave nothing behind.",
        access.MANAGE,
        body=bodies.Body,
        answer=answers.SelfTestSerializer,
        is_paid=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        self.sent()
        # Remarks quote the database and the host's code, which is none of a customer's business.
        tells = access.administers_all(request.user)
        found = selftest.check(context.connection)
        results = [
            {"step": step, "status": status, "remarks": remarks if tells else ()} for step, status, remarks in found
        ]
        is_ok = all(status != Status.FAILED for _step, status, _remarks in found)
        return self.answer({"ok": is_ok, "results": results})


class RehearsalView(ConsoleView):
    @operation(
        "Ask what its identity provider will ask, through the site's own middleware, and leave nothing behind.",
        access.MANAGE,
        body=bodies.Body,
        answer=answers.RehearsalSerializer,
        is_paid=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        self.sent()
        try:
            mount()
        except NoReverseMatch:
            raise Conflict(_("This site has no SCIM address yet.")) from None
        # As this very request came: what a proxy forgets to say here, it forgets for the identity provider too.
        came = request._request
        site = Site(came.get_host(), came.is_secure(), remote_address(came.META) or "127.0.0.1")
        steps = rehearsal.rehearse(context, site)
        return self.answer({"ok": all(step.status != Status.FAILED for step in steps), "steps": steps})


def _foreseen(context: Context) -> dict[str, Any]:
    found, protected = sync.preview(context)
    return {**vars(found), "protected": protected}
