"""Where the SCIM endpoints are mounted, and whether requests get there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004 (Django's name for it)
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern

from ..conf import SETTING
from .base import TAG, check, configured

PROBE: Final = "ServiceProviderConfig"


class Mount(NamedTuple):
    """One place where the endpoints are included: the patterns on the way there."""

    patterns: tuple[Any, ...]

    @property
    def route(self) -> str:
        return "".join(str(pattern) for pattern in self.patterns)

    @property
    def is_translated(self) -> bool:
        return any(isinstance(pattern, LocalePrefixPattern) for pattern in self.patterns)

    @property
    def has_parameters(self) -> bool:
        return any(
            pattern.regex.groups for pattern in self.patterns if isinstance(pattern, RegexPattern | RoutePattern)
        )

    @property
    def path(self) -> str | None:
        """The path that clients use; ``None`` where it cannot be told from a regular expression."""
        if any(isinstance(pattern, RegexPattern) and str(pattern) for pattern in self.patterns):
            return None
        return f"/{self.route}"


@check
def check_urlconf() -> Iterator[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return
    mounts = find_mounts()
    if not mounts:
        yield Warning(
            "The SCIM endpoints are not in the URLconf.",
            hint=f"Add to urlpatterns in {settings.ROOT_URLCONF}: "
            'path("scim/v2/", include("django_scim_provider.urls")),',
            id="scim_provider.W070",
        )
    if len(mounts) > 1:
        yield Info(
            f"The SCIM endpoints are mounted {len(mounts)} times: {', '.join(repr(mount.route) for mount in mounts)}.",
            hint="Each connection works at each of them. Keep one, so that an id has one address.",
            id="scim_provider.I072",
        )
    for mount in mounts:
        yield from _mount(mount)
    yield from _base_url(mounts)


def find_mounts() -> list[Mount]:
    """Where the URLconf includes the endpoints."""
    return list(_mounts(get_resolver(), ()))


def _mounts(resolver: Any, way: tuple[Any, ...]) -> Iterator[Mount]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            if entry.app_name == TAG:
                yield Mount((*way, entry.pattern))
            else:
                yield from _mounts(entry, (*way, entry.pattern))


def _mount(mount: Mount) -> Iterator[CheckMessage]:
    if mount.is_translated:
        yield Error(
            "The SCIM endpoints are included under i18n_patterns, so their address depends on the language.",
            hint="Move the include out of i18n_patterns into urlpatterns itself.",
            id="scim_provider.E071",
        )
        return
    if mount.has_parameters:
        yield Error(
            f"The SCIM endpoints are mounted at {mount.route!r}, whose parameters no view takes.",
            hint="Mount them at a fixed path; the token tells the connection, and the connection its tenant.",
            id="scim_provider.E073",
        )
        return
    if mount.path is None:
        return
    if mount.path == "/":
        yield Warning(
            "The SCIM endpoints are mounted at the root, so they answer every URL that no earlier pattern matches.",
            hint='Mount them at a path of their own, such as "scim/v2/", or keep the include the last of urlpatterns.',
            id="scim_provider.W075",
        )
    elif not mount.path.endswith("/"):
        yield Error(
            f"The SCIM endpoints are mounted at {mount.route!r}, which lacks a slash at its end.",
            hint=f'Write path("{mount.route}/", include(...)).',
            id="scim_provider.E074",
        )
        return
    if not _reachable(mount.path):
        yield Error(
            f"Another pattern of the URLconf answers for {mount.path}{PROBE}.",
            hint="Move the include of django_scim_provider.urls before patterns that match everything.",
            id="scim_provider.E076",
        )


def _reachable(path: str) -> bool:
    # The mount itself answers at the latest.
    return TAG in get_resolver().resolve(f"{path}{PROBE}").app_names


def _base_url(mounts: list[Mount]) -> Iterator[CheckMessage]:
    base = configured().get("BASE_URL")
    paths = [mount.path.rstrip("/") for mount in mounts if mount.path is not None]
    if not base or not isinstance(base, str) or len(paths) < len(mounts) or not paths:
        return
    told = urlsplit(base).path.rstrip("/")
    if not any(told.endswith(path) for path in paths):
        yield Warning(
            f"{SETTING}['BASE_URL'] is {base!r}, but the endpoints are mounted at {paths[0] or '/'!r}.",
            hint=f"Write the address of the mount, ending with {paths[0]!r}, unless a proxy changes the path.",
            id="scim_provider.W077",
        )
