"""What the self-test finds out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Status(StrEnum):
    OK = "ok"
    ADVICE = "advice"
    """It works, and there is something to change all the same."""
    FAILED = "failed"
    SKIPPED = "skipped"


class Finding(NamedTuple):
    """One step of the check, and what to change."""

    step: str
    status: Status
    remarks: tuple[str, ...] = ()


def different(sent: Mapping[str, Any], shown: Mapping[str, Any], prefix: str = "") -> dict[str, tuple[Any, Any]]:
    """What was sent and what is shown of it, by attribute, where the two differ."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in sent.items():
        answer = shown.get(name)
        if isinstance(value, dict):
            separator = ":" if ":" in name else "."
            found |= different(value, answer or {}, f"{prefix}{name}{separator}")
        elif value != answer:
            found[f"{prefix}{name}"] = (value, answer)
    return found
