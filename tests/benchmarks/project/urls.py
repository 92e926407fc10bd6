"""Whichever of the servers this process is, at the same place."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.urls import include, path

MODULES = {
    "package": "django_scim_provider.urls",
    "scim2": "django_scim.urls",
    "floor": "benchmarks.project.floor",
    "limit": "benchmarks.project.limit",
}
served: Any = import_module(MODULES[settings.BENCHMARKED])
where = (served, "scim") if settings.BENCHMARKED == "scim2" else served
urlpatterns = [path("scim/v2/", include(where))]
