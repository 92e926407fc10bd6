"""Names that the tests of checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from django.core.checks import CheckMessage

Wire: TypeAlias = Callable[..., None]
MODULE: Final = "host_under_test"
"""Under this name settings find what a test put into the fixture ``host``."""
APP_LABEL: Final = "humanize"
"""The app of the models that tests make: one without models of its own, or their relations are not seen backwards."""


def ids(messages: Iterable[CheckMessage]) -> list[str]:
    """The ids without their prefix; every message must say what to change."""
    found = list(messages)
    for message in found:
        assert message.hint, message
        assert str(message)
    return [str(message.id).removeprefix("scim_provider.") for message in found]
