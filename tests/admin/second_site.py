"""A host with an admin site of its own that shows connections only, and adds a page to the panel."""

from __future__ import annotations

from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path

from django_scim_provider.admin import ScimConnectionAdmin
from django_scim_provider.models import ScimConnection


class ConnectionAdmin(ScimConnectionAdmin):
    def panel_urls(self) -> list[URLPattern]:
        return [self.route("<uuid:connection_id>/report/", self.report_view, "report"), *super().panel_urls()]

    def report_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        return HttpResponse(self.open(request, connection_id).connection.name)


site = admin.AdminSite(name="second")
site.register(ScimConnection, ConnectionAdmin)

urlpatterns = [
    path("second/", site.urls),
    path("admin/", admin.site.urls),
    path("scim/v2/", include("django_scim_provider.urls")),
]
