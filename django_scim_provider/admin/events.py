"""The event log: sentences, newest first; nobody changes or deletes one, superusers included."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _

from ..models import ScimConnection, ScimEvent
from ..services import access, event_log
from . import words
from .event_pages import exported
from .event_story import related, story
from .sentences import sentence

if TYPE_CHECKING:
    EventAdmin = admin.ModelAdmin[ScimEvent]
else:
    EventAdmin = admin.ModelAdmin


class ConnectionFilter(admin.SimpleListFilter):
    """Names only connections that the reader administers."""

    title = _("connection")
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        found = access.connections(request.user).order_by("name").values_list("pk", "name")
        return [(str(pk), name) for pk, name in found]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        offered = {key for key, _name in self.lookup_choices}
        return queryset.filter(connection=self.value()) if self.value() in offered else queryset


class ScimEventAdmin(EventAdmin):
    list_display = ("sentence", "connection_label", "outcome", "at")
    list_filter = (ConnectionFilter, "outcome", "action", "at")
    list_per_page = 50
    search_fields = ("label", "detail", "resource_id", "key_id")
    search_help_text = _("Search in names, details and ids")
    # Counting the whole log on every page is what makes large admin lists slow.
    show_full_result_count = False
    actions = None
    change_list_template = "admin/scim_provider/event_list.html"

    @admin.display(description=_("what happened"))
    def sentence(self, event: ScimEvent) -> str:
        return sentence(event)

    @admin.display(description=_("connection"), ordering="connection_name")
    def connection_label(self, event: ScimEvent) -> str:
        # The name outlives the connection.
        return event.connection_name

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScimEvent]:
        return access.events(request.user).select_related("connection", "actor").order_by("-pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.has(request.user, access.VIEW_EVENTS)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        export = self.admin_site.admin_view(self.export_view)
        return [path("export/<str:file_format>/", export, name="scim_provider_scimevent_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        query = request.GET.copy()
        query.pop("p", None)
        exports = [(name, f"export/{name}/?{query.urlencode()}") for name in event_log.FORMATS]
        return super().changelist_view(request, {**(extra_context or {}), "exports": exports})

    def export_view(self, request: HttpRequest, file_format: str) -> HttpResponse:
        """What the list shows with the same filters, all pages of it; filters that the list refuses lead back there."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            listed = reverse("admin:scim_provider_scimevent_changelist", current_app=self.admin_site.name)
            return HttpResponseRedirect(f"{listed}?{ERROR_FLAG}=1")
        return exported(found, file_format)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """All that is known of one event, in words; there is nothing to change."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = self.get_object(request, object_id)
        if event is None:
            raise Http404
        request.current_app = self.admin_site.name
        reverse_here = partial(reverse, current_app=self.admin_site.name)
        has_panel = self.admin_site.is_registered(ScimConnection) and access.has(request.user, access.VIEW)
        start = "scimconnection" if has_panel else "scimevent"
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("One event"),
            "connection": event.connection if has_panel else None,
            "overview_url": reverse_here(f"admin:scim_provider_{start}_changelist"),
            "sentence": sentence(event),
            "list_url": reverse_here("admin:scim_provider_scimevent_changelist"),
            **story(event),
            "related": [
                {
                    "event": other,
                    "sentence": sentence(other),
                    "at": words.moment(other.at),
                    "url": reverse_here("admin:scim_provider_scimevent_change", args=[other.pk]),
                }
                for other in related(event, self.get_queryset(request))
            ],
        }
        return TemplateResponse(request, "admin/scim_provider/event.html", context)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self._known(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)

    def _known(self, request: HttpRequest, object_id: str) -> None:
        """
        :raises Http404: also for an event of another tenant; the admin would redirect with its id in a message.
        """
        if self.has_view_permission(request) and self.get_object(request, object_id) is None:
            raise Http404
