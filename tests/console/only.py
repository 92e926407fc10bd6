"""A host with the console alone."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("api/scim/", include("django_scim_provider.console.urls"))]
