"""Include at the mount: ``path("scim/v2/", include("django_scim_provider.urls"))``."""

from __future__ import annotations

from django.urls import include, path

app_name = "scim_provider"
urlpatterns = [path("", include("django_scim_provider.api.urls"))]
