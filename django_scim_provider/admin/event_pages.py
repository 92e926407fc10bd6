"""The events of one connection: a sentence each, filtered and exported; and what is known of a single one, in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..adapters import UserAdapter
from ..models import ScimEvent
from ..services import access, event_log, lifecycle
from . import words
from .base import Panel, page_of
from .sentences import CHANGES, sentence

PERIODS: Final = {"1": gettext_lazy("24 hours"), "7": gettext_lazy("7 days"), "30": gettext_lazy("30 days")}
ACTIVITY: Final = {
    "deactivated": (gettext_lazy("deactivated"), lifecycle.DEACTIVATED),
    "activated": (gettext_lazy("activated"), lifecycle.ACTIVATED),
}
"""Changes of people that are looked for more often than others, by how their detail begins."""


class EventFilterForm(forms.Form):
    """Which events to show; what is not filled in leaves nothing out."""

    q = forms.CharField(label=gettext_lazy("Person, group, token or detail"), required=False)
    outcome = forms.ChoiceField(
        label=gettext_lazy("Outcome"),
        required=False,
        choices=[("", gettext_lazy("Any")), *ScimEvent.Outcome.choices],
    )
    action = forms.ChoiceField(
        label=gettext_lazy("Action"),
        required=False,
        choices=[
            ("", gettext_lazy("Any")),
            *((key, label) for key, (label, _start) in ACTIVITY.items()),
            *ScimEvent.Action.choices,
        ],
    )
    days = forms.ChoiceField(
        label=gettext_lazy("In the last"), required=False, choices=[("", gettext_lazy("Any time")), *PERIODS.items()]
    )

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="scim-%s")

    def find(self, events: QuerySet[ScimEvent]) -> QuerySet[ScimEvent]:
        """The events asked for, newest first; a filter that nobody offered is none."""
        self.is_valid()
        chosen = self.cleaned_data
        events = event_log.search(events, chosen.get("q", ""))
        if chosen.get("outcome"):
            events = events.filter(outcome=chosen["outcome"])
        if chosen.get("action") in ACTIVITY:
            _label, start = ACTIVITY[chosen["action"]]
            events = events.filter(action__in=CHANGES, resource_type=UserAdapter.name, detail__startswith=start)
        elif chosen.get("action"):
            events = events.filter(action=chosen["action"])
        if chosen.get("days"):
            events = events.filter(at__gte=timezone.now() - timedelta(days=int(chosen["days"])))
        return events.order_by("-pk")


class EventPages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/events/", self.events_view, "events"),
            self.route("<uuid:connection_id>/events/export/<str:file_format>/", self.export_view, "export"),
            *super().panel_urls(),
        ]

    def events_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.VIEW_EVENTS)
        form = EventFilterForm(request.GET)
        found = form.find(access.events(request.user).filter(connection=context.connection))
        page = page_of(request, found.select_related("connection", "actor"))
        wanted = request.GET.copy()
        wanted.pop("p", None)
        return self.page(
            request,
            "events",
            title=context.connection.name,
            subtitle=_("Events"),
            connection=context.connection,
            tab="events",
            page=page,
            form=form,
            is_filtered=any(wanted.values()),
            wanted=wanted.urlencode(),
            exports=[
                (name, f"{self.page_url('export', context.connection.pk, name)}?{wanted.urlencode()}")
                for name in event_log.FORMATS
            ],
            events=[
                {
                    "event": event,
                    "sentence": sentence(event),
                    "at": words.moment(event.at),
                    "url": self.admin_url(ScimEvent, event.pk),
                }
                for event in page
            ],
        )

    def export_view(self, request: HttpRequest, connection_id: UUID, file_format: str) -> HttpResponse:
        context = self.open(request, connection_id, access.VIEW_EVENTS)
        found = EventFilterForm(request.GET).find(access.events(request.user).filter(connection=context.connection))
        return exported(found, file_format)


def exported(events: QuerySet[ScimEvent], file_format: str) -> HttpResponse:
    """A file with these events, sent while it is made.

    :raises Http404: there is no such format.
    """
    media_type = event_log.FORMATS.get(file_format)
    if media_type is None:
        raise Http404
    name = f"scim-events-{timezone.localdate():%Y-%m-%d}.{file_format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store, private"}
    lines = event_log.lines(events, file_format)
    return cast("HttpResponse", StreamingHttpResponse(lines, content_type=media_type, headers=headers))
