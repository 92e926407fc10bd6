from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from workspace.views import landing

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
    path("scim/v2/", include("django_scim_provider.urls")),
    path("api/scim/", include("django_scim_provider.console.urls")),
]
