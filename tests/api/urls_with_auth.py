"""The suite's URLs with Django's own login and password reset, as a host has them."""

from __future__ import annotations

from django.urls import include, path

from hosts.urls import urlpatterns as host_patterns

urlpatterns = [*host_patterns, path("accounts/", include("django.contrib.auth.urls"))]
