"""Where a request came from."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from ..conf import app_settings


def remote_address(meta: Mapping[str, Any]) -> str | None:
    """The client's address from ``request.META``.

    ``X-Forwarded-For`` is read only as far back as proxies of ours have written it.
    """
    proxies = app_settings.TRUSTED_PROXIES
    text = meta.get("REMOTE_ADDR", "")
    if proxies:
        hops = [hop.strip() for hop in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        text = hops[-proxies] if len(hops) >= proxies else ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
