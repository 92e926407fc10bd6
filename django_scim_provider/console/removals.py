"""Removals: what the guard has seen and holds, what was done; let them pass, or undo them."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from ..services import access, alarm, held, listings, rows
from ..services.context import Context
from ..services.held import Watch
from . import bodies
from .base import ConsoleView
from .operations import operation
from .removal_answers import GuardSerializer, HeldSerializer, RemovalSerializer, UndoneSerializer


class GuardView(ConsoleView):
    @operation("What its guard has seen, and what an undo would bring back.", access.MANAGE, answer=GuardSerializer)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.answer(_guard(self.open(connection_id)))


class RemovalsView(ConsoleView):
    @operation(
        "Removals that were done and not undone, newest first.",
        access.MANAGE,
        answer=RemovalSerializer,
        is_page=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        found = held.removals(context).select_related("scim_user")
        return self.page(found, credentials=listings.credentials(context))


class HeldView(ConsoleView):
    @operation(
        "Removals that are held, in the order in which they were asked for.",
        access.MANAGE,
        answer=HeldSerializer,
        is_page=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        return self.page(held.held(context), credentials=listings.credentials(context))


class ReleaseView(ConsoleView):
    @operation(
        "Let removals pass for a day: those that are held, once they are asked for again, and all others.",
        access.MANAGE,
        body=bodies.Body,
        answer=GuardSerializer,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        self.sent()
        held.release(context)
        return self.answer(_guard(context))


class UndoView(ConsoleView):
    @operation(
        "Give people back what they lost since the alarm; call it again while people are left.",
        access.MANAGE,
        body=bodies.Body,
        answer=UndoneSerializer,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        self.sent()
        return self.answer(alarm.undo(context))


def _guard(context: Context) -> dict[str, Any]:
    connection = context.connection
    watch = held.watch([connection]).get(connection.pk, Watch())
    return {
        "guard": connection.guard,
        "limit": held.limit(context, rows.count(context)),
        "held": watch.held,
        "is_holding": watch.is_holding,
        "alarm_at": watch.alarm_at,
        "passes_until": watch.passes_until,
        "to_undo": alarm.people(context),
    }
