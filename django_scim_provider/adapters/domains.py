"""Whether a person's addresses are on domains that a tenant has shown to be its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def on_domains(document: Mapping[str, Any], domains: Collection[str]) -> bool:
    """Whether somebody has addresses, and all of them are on these domains.

    :param domains: in lower case.
    """
    addresses = [str(email.get("value", "")) for email in document.get("emails") or []]
    return bool(addresses) and all(_domain(address) in domains for address in addresses)


def _domain(address: str) -> str | None:
    """The domain of an address; ``None`` where it is not plain which it is."""
    local, _, domain = address.lower().partition("@")
    return domain if local and "@" not in domain else None
