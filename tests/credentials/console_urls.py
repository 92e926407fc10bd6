"""The host's own addresses, and the console."""

from __future__ import annotations

from django.urls import include, path

from hosts.credentials.urls import urlpatterns as ordinary

urlpatterns = [*ordinary, path("api/scim/", include("django_scim_provider.console.urls"))]
