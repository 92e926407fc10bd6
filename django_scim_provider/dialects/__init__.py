"""Translation at the door: which deviations from RFC 7644 a connection's provider is known for."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.utils.module_loading import import_string

from ..conf import app_settings
from ..protocol.tolerance import LENIENT, STRICT
from .base import Dialect

__all__ = ["DIALECTS", "Dialect", "get_dialect"]

GENERIC: Final = Dialect("generic")
"""Accepts every harmless deviation, so that a wrong choice of provider never breaks a sync."""

DIALECTS: Final = {
    "generic": GENERIC,
    "okta": Dialect("okta", lists_roles=True),
    "onelogin": Dialect("onelogin", replace(LENIENT, boolean_digits=True)),
    "strict": Dialect("strict", STRICT),
}


def get_dialect(provider: str) -> Dialect:
    """The dialect of a connection's provider: the host's own, a shipped one, or the generic one."""
    path = app_settings.DIALECTS.get(provider)
    if path is not None:
        dialect: Dialect = import_string(path)
        return dialect
    return DIALECTS.get(provider, GENERIC)
