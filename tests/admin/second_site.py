"""A host with an admin site of its own that shows connections only."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from django_scim_provider.admin import ScimConnectionAdmin
from django_scim_provider.models import ScimConnection

site = admin.AdminSite(name="second")
site.register(ScimConnection, ScimConnectionAdmin)

urlpatterns = [
    path("second/", site.urls),
    path("admin/", admin.site.urls),
    path("scim/v2/", include("django_scim_provider.urls")),
]
