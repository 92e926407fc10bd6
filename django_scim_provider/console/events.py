"""What was asked of a connection, and what came of it."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ScimEvent
from ..services import access, event_log
from . import answers, bodies
from .base import ConsoleView
from .operations import operation


class EventsView(ConsoleView):
    @operation(
        "Its events, newest first.",
        access.VIEW_EVENTS,
        query=bodies.EventsQuery,
        answer=answers.EventSerializer,
        is_page=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context, asked = self.open(connection_id), self.asked()
        found = ScimEvent.objects.using(context.using).filter(connection=context.connection)
        found = event_log.search(found, asked["search"])
        if "since" in asked:
            found = found.filter(at__gte=asked["since"])
        for name in ("outcome", "action"):
            if name in asked:
                found = found.filter(**{name: asked[name]})
        return self.page(found.select_related("actor").order_by("-pk"))
