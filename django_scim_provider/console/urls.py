"""Include where your front end looks for it: ``path("api/scim/", include("django_scim_provider.console.urls"))``."""

from __future__ import annotations

import re

from django.urls import URLPattern, re_path

from .base import ConsoleView
from .openapi import ROUTES, OpenAPIView

app_name = "scim_console"


def _route(path: str, view: type[ConsoleView], name: str) -> URLPattern:
    """A path with or without a trailing slash; ids of any shape reach the view, whose 404 is JSON."""
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)
    found: URLPattern = re_path(rf"^{pattern}/?\Z", view.as_view(), name=name)
    return found


urlpatterns = [
    *(_route(path, view, name) for path, view, name in ROUTES),
    re_path(r"^openapi\.json\Z", OpenAPIView.as_view(), name="openapi"),
]
