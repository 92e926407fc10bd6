"""Where identity providers reach this site."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from ..conf import app_settings


def path() -> str:
    """The path below which the site has SCIM, quoted as in a URL.

    :raises NoReverseMatch: nothing is mounted.
    """
    return reverse("scim_provider:users").removesuffix("/").removesuffix("/Users")


def is_mounted() -> bool:
    """Whether this site answers SCIM itself; with ``BASE_URL`` another one may do it."""
    try:
        path()
    except NoReverseMatch:
        return False
    return True


def base_url(request: HttpRequest) -> str | None:
    """The base URL to hand to an identity provider, without a trailing slash; ``None`` if nothing is mounted."""
    if app_settings.BASE_URL is not None:
        return app_settings.BASE_URL
    return request.build_absolute_uri(path()) if is_mounted() else None
