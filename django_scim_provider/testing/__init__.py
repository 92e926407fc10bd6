"""Identity providers to play against a server: one class each, which behaves like its original over days and weeks."""

from __future__ import annotations

from typing import Final

from .directory import Directory
from .entra import Entra
from .google import Google
from .jumpcloud import JumpCloud
from .okta import Okta
from .onelogin import OneLogin
from .provider import IdentityProvider
from .report import Report
from .transports import Answer, Flaky, InProcess, NoAnswer, Transport, Wrapper

__all__ = [
    "SIMULATORS",
    "Answer",
    "Directory",
    "Entra",
    "Flaky",
    "Google",
    "IdentityProvider",
    "InProcess",
    "JumpCloud",
    "NoAnswer",
    "Okta",
    "OneLogin",
    "Report",
    "Transport",
    "Wrapper",
]

SIMULATORS: Final[dict[str, type[IdentityProvider]]] = {
    provider.name: provider for provider in (Okta, Entra, OneLogin, JumpCloud, Google)
}
"""By their names on the command line."""
