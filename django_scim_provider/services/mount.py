"""Where identity providers reach this site."""

from __future__ import annotations

from urllib.parse import unquote

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ..conf import app_settings


def mount() -> str:
    """The path under which SCIM is mounted, without a trailing slash.

    :raises NoReverseMatch: it is not.
    """
    return unquote(reverse("scim_provider:users")).removesuffix("/").removesuffix("/Users")


def base_url(request: HttpRequest) -> str | None:
    """The base URL to hand to an identity provider, without a trailing slash; ``None`` if nothing is mounted."""
    if app_settings.BASE_URL is not None:
        return app_settings.BASE_URL
    try:
        path = reverse("scim_provider:users")
    except NoReverseMatch:
        return None
    return request.build_absolute_uri(path.rstrip("/").removesuffix("/Users"))
