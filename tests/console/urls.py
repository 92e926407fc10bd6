"""A host with a front end of its own."""

from __future__ import annotations

from django.urls import include, path

from hosts.urls import urlpatterns as ordinary

urlpatterns = [*ordinary, path("api/scim/", include("django_scim_provider.console.urls"))]
