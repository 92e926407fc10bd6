"""What only matters in production: ``manage.py check --deploy``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Info, Warning  # noqa: A004 (Django's name for it)
from django.db import connections

from ..conf import app_settings
from ..services.context import database
from .base import check
from .settings import check_settings
from .urlconf import PROBE, find_mounts

_OF_ONE_PROCESS: Final = ("LocMemCache", "DummyCache")


@check
def check_deployment() -> Iterator[CheckMessage]:
    if any(message.is_serious() for message in check_settings()):
        return
    yield from _https()
    yield from _proxies()
    yield from _throttling()
    yield from _addresses()
    yield from _redirects()
    yield from _connections()


def _https() -> Iterator[CheckMessage]:
    if not app_settings.REQUIRE_HTTPS:
        yield Warning(
            "SCIM accepts plain HTTP, which shows the token to everybody on the way.",
            hint="Remove REQUIRE_HTTPS from SCIM_PROVIDER and set DEBUG = False: plain HTTP is then answered 403.",
            id="scim_provider.W090",
        )
    elif (app_settings.BASE_URL or "").startswith("http:"):
        yield Warning(
            "SCIM_PROVIDER['BASE_URL'] begins with http:, but plain HTTP is answered 403.",
            hint="Write https:.",
            id="scim_provider.W091",
        )


def _proxies() -> Iterator[CheckMessage]:
    behind_proxy = bool(settings.USE_X_FORWARDED_HOST or settings.SECURE_PROXY_SSL_HEADER)
    if app_settings.TRUSTED_PROXIES and app_settings.REQUIRE_HTTPS and not settings.SECURE_PROXY_SSL_HEADER:
        yield Warning(
            "There is a proxy (TRUSTED_PROXIES), but SECURE_PROXY_SSL_HEADER is not set: where the proxy ends TLS, "
            "every request looks like plain HTTP and is answered 403.",
            hint="Let the proxy set X-Forwarded-Proto, and set "
            'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https").',
            id="scim_provider.W092",
        )
    if behind_proxy and not app_settings.TRUSTED_PROXIES:
        yield Warning(
            "The site is behind a proxy, but TRUSTED_PROXIES is 0: all clients have the proxy's address, so that "
            "allow-lists fail and one client's wrong token locks out all.",
            hint="Set SCIM_PROVIDER['TRUSTED_PROXIES'] to the number of proxies that append to X-Forwarded-For.",
            id="scim_provider.W093",
        )


def _throttling() -> Iterator[CheckMessage]:
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    limited = app_settings.THROTTLE_RATE or app_settings.FAILURE_RATE
    if limited and backend.rpartition(".")[2] in _OF_ONE_PROCESS:
        yield Warning(
            f"Requests are counted in the default cache, but {backend} does not share its counts between processes.",
            hint="Use a shared cache, such as Redis or Memcached; or set THROTTLE_RATE and FAILURE_RATE to None.",
            id="scim_provider.W094",
        )


def _addresses() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS and not app_settings.BASE_URL:
        yield Warning(
            "ALLOWED_HOSTS has '*', and BASE_URL is not set: whoever sends a request chooses the host in Location "
            "and meta.location.",
            hint="Name the hosts in ALLOWED_HOSTS, or set SCIM_PROVIDER['BASE_URL'].",
            id="scim_provider.W095",
        )
    if settings.PREPEND_WWW:
        yield Warning(
            "PREPEND_WWW redirects requests without www., and a redirected POST or PATCH loses its body.",
            hint="Give identity providers the address with www., or redirect in the web server, outside the mount.",
            id="scim_provider.W096",
        )


def _redirects() -> Iterator[CheckMessage]:
    if not (settings.SECURE_SSL_REDIRECT and app_settings.REQUIRE_HTTPS and getattr(settings, "ROOT_URLCONF", None)):
        return
    for mount in find_mounts():
        path = f"{mount.route}{PROBE}"
        if mount.path is not None and not any(re.search(exempt, path) for exempt in settings.SECURE_REDIRECT_EXEMPT):
            yield Info(
                f"SECURE_SSL_REDIRECT answers plain HTTP for {mount.path} with a redirect: a client that follows it "
                "goes on sending its token in clear text, and nobody notices.",
                hint=f'Add r"^{re.escape(mount.route)}" to SECURE_REDIRECT_EXEMPT: SCIM then answers 403 and says why.',
                id="scim_provider.I098",
            )


def _connections() -> Iterator[CheckMessage]:
    wrapper = connections[database()]
    values: Any = wrapper.settings_dict
    pooled = bool((values.get("OPTIONS") or {}).get("pool"))
    if wrapper.vendor != "sqlite" and values.get("CONN_MAX_AGE") == 0 and not pooled:
        yield Info(
            "Every request opens a connection to the database (CONN_MAX_AGE is 0), which a sync of thousands feels.",
            hint="Set CONN_MAX_AGE to some seconds and CONN_HEALTH_CHECKS to True, or use a pool.",
            id="scim_provider.I097",
        )
