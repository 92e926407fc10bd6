"""The event log: sentences, newest first; nobody changes or deletes one, superusers included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from ..models import ScimEvent
from ..services import access
from .sentences import field_label, sentence

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
    list_display = ("sentence", "connection_label", "outcome", "at", "remote_addr")
    list_filter = (ConnectionFilter, "outcome", "action", "at")
    list_per_page = 50
    search_fields = ("label", "detail", "resource_id", "key_id")
    search_help_text = _("Search in names, details and ids")
    # Counting the whole log on every page is what makes large admin lists slow.
    show_full_result_count = False
    actions = None
    fieldsets = (
        (None, {"fields": ("sentence", "at", "connection_label", "outcome", "detail", "warned")}),
        (_("What changed"), {"fields": ("resource_type", "label", "resource_id", "attributes", "values")}),
        (
            _("The request"),
            {"fields": ("actor", "key_id", "remote_addr", "status", "scim_type", "duration_ms", "count")},
        ),
    )
    readonly_fields = ("sentence", "connection_label", "attributes", "warned")

    @admin.display(description=_("what happened"))
    def sentence(self, event: ScimEvent) -> str:
        return sentence(event)

    @admin.display(description=_("connection"), ordering="connection_name")
    def connection_label(self, event: ScimEvent) -> str:
        # The name outlives the connection.
        return event.connection_name

    @admin.display(description=_("changed attributes"))
    def attributes(self, event: ScimEvent) -> str:
        return ", ".join(map(field_label, event.changed))

    @admin.display(description=_("warnings"))
    def warned(self, event: ScimEvent) -> str:
        return ", ".join(event.warnings)

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

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self._known(request, object_id)
        return super().change_view(request, object_id, *args, **kwargs)

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self._known(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)

    def _known(self, request: HttpRequest, object_id: str) -> None:
        """
        :raises Http404: also for an event of another tenant; the admin would redirect with its id in a message.
        """
        if self.has_view_permission(request) and self.get_object(request, object_id) is None:
            raise Http404
