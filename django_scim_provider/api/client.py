"""What a request says about where it comes from and where it went."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from django.http import HttpRequest

from ..conf import app_settings


@lru_cache(maxsize=256)
def _networks(allowlist: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(line.strip(), strict=False) for line in allowlist.splitlines() if line.strip())


def is_allowed_address(address: str | None, allowlist: str) -> bool:
    """Whether an address is in a connection's list; an empty list allows all, an unknown address is in none."""
    if not allowlist.strip():
        return True
    if address is None:
        return False
    found = ipaddress.ip_address(address)
    try:
        networks = _networks(allowlist)
    except ValueError:
        # A list that cannot be read must not let anybody in.
        return False
    return any(found in network for network in networks if network.version == found.version)


def base_url(request: HttpRequest, depth: int) -> str:
    """The address of the mount, without a trailing slash.

    :param depth: how many segments the view's own path has. Cutting them off is fifty times cheaper than ``reverse``.
    :raises django.core.exceptions.DisallowedHost: the Host header is not one of ALLOWED_HOSTS.
    """
    configured = app_settings.BASE_URL
    if configured is not None:
        return configured
    mount = request.path.rstrip("/").rsplit("/", depth)[0]
    return f"{request.scheme}://{request.get_host()}{mount}"
