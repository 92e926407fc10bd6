"""The ``SCIM_PROVIDER`` dictionary: its keys, their types, their ranges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)

from ..api.throttling import parse_rate
from ..conf import KEYS, SETTING
from ..protocol.filter_grammar import MAX_DEPTH
from ..services.tokens import MAX_LIFE
from .base import check, configured, near

_LEAST: Final = {
    "DEFAULT_COUNT": 1,
    "MAX_RESULTS": 1,
    "CURSOR_TIMEOUT": 1,
    "MAX_FILTER_LENGTH": 1,
    "MAX_FILTER_TERMS": 1,
    "MAX_FILTER_DEPTH": 1,
    "MAX_PATCH_OPERATIONS": 1,
    "MAX_BODY_SIZE": 1,
    "BULK_MAX_OPERATIONS": 1,
    "BULK_MAX_PAYLOAD_SIZE": 1,
    "GROUP_BODY_LIMIT": 1,
    "TRUSTED_PROXIES": 0,
}
_BOOLEANS: Final = ("EVENT_VALUES", "REQUIRE_HTTPS")
_DURATIONS: Final = {"TOKEN_TTL": MAX_LIFE, "EVENT_RETENTION": timedelta.max}
_RATES: Final = ("THROTTLE_RATE", "FAILURE_RATE")
_UNITS: Final = frozenset(f"{word}{plural}" for word in ("second", "minute", "hour", "day") for plural in ("", "s")) | {
    "s",
    "sec",
    "m",
    "min",
    "h",
    "d",
}
_URLS: Final = ("BASE_URL", "DOCUMENTATION_URI")
_DICTIONARIES: Final = ("ADAPTERS", "PORTALS", "DIALECTS")


@check
def check_settings() -> Iterator[CheckMessage]:
    values = getattr(settings, SETTING, None)
    if values is not None and not isinstance(values, Mapping):
        yield Error(
            f"{SETTING} must be a dictionary, not {type(values).__name__}.",
            hint=f'For example {SETTING} = {{"MAX_RESULTS": 500}}; leave it out for the defaults.',
            id="scim_provider.E001",
        )
    for key in sorted(configured().keys() - KEYS, key=str):
        yield Error(
            f"{SETTING} has no key {key!r}; it has no effect.",
            hint=f"{near(str(key).upper(), KEYS)}The settings page of the documentation lists the keys.",
            id="scim_provider.E002",
        )
    yield from _counts(configured())
    yield from _durations(configured())
    yield from _rates(configured())
    yield from _urls(configured())
    yield from _others(configured())


def _wrong_type(key: str, value: object, wanted: str) -> Error:
    return Error(
        f"{SETTING}[{key!r}] must be {wanted}, not {value!r}.",
        hint="Change its value, or leave the key out for the default.",
        id="scim_provider.E003",
    )


def _out_of_range(key: str, value: object, wanted: str) -> Error:
    return Error(
        f"{SETTING}[{key!r}] is {value!r}; it must be {wanted}.",
        hint="Change its value, or leave the key out for the default.",
        id="scim_provider.E004",
    )


def _counts(values: Mapping[str, Any]) -> Iterator[CheckMessage]:
    numbers: dict[str, int] = {}
    for key, least in _LEAST.items():
        if key not in values:
            continue
        number = _whole(values[key])
        if number is None:
            yield _wrong_type(key, values[key], "a whole number")
        elif number < least:
            yield _out_of_range(key, values[key], f"at least {least}")
        else:
            numbers[key] = number
    if numbers.get("MAX_RESULTS", 200) < numbers.get("DEFAULT_COUNT", 100):
        yield Warning(
            "MAX_RESULTS is smaller than DEFAULT_COUNT, so pages never have DEFAULT_COUNT resources.",
            hint="Lower DEFAULT_COUNT (100 unless set) or raise MAX_RESULTS (200 unless set).",
            id="scim_provider.W006",
        )
    if numbers.get("MAX_FILTER_DEPTH", 0) > MAX_DEPTH:
        yield Warning(
            f"MAX_FILTER_DEPTH is more than {MAX_DEPTH}, and {MAX_DEPTH} is used.",
            hint=f"Set at most {MAX_DEPTH}: reading deeper filters would take more stack than Python has.",
            id="scim_provider.W007",
        )


def _whole(value: object) -> int | None:
    """As ``conf`` reads it, which takes the text of an environment variable; a boolean is a mistake."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        return None
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None


def _durations(values: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for key, most in _DURATIONS.items():
        value = values.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, timedelta | int | float):
            yield _wrong_type(key, value, "a timedelta or a number of days")
            continue
        days = value / timedelta(days=1) if isinstance(value, timedelta) else value
        if not (math.isfinite(days) and 0 < days <= most.days):
            yield _out_of_range(key, value, f"more than 0 and at most {most.days} days")


def _rates(values: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for key in _RATES:
        value = values.get(key) or None
        if value is None:
            continue
        try:
            parse_rate(value)
            valid = value.partition("/")[2].strip().lower() in _UNITS
        except (AttributeError, TypeError, ValueError):
            valid = False
        if not valid:
            yield Error(
                f"{SETTING}[{key!r}] is {value!r}, which is not a rate.",
                hint='Write a number, a slash and s, m, h or d, as in "50/s" or "1000/m"; None is no limit.',
                id="scim_provider.E005",
            )


def _urls(values: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for key in _URLS:
        value = values.get(key) or None
        if value is None:
            continue
        if not isinstance(value, str):
            yield _wrong_type(key, value, "text")
        elif not is_web_address(value, bare=key == "BASE_URL"):
            yield Error(
                f"{SETTING}[{key!r}] is {value!r}, which is not an absolute http or https address.",
                hint='Write scheme, host and path, as in "https://app.example.com/scim/v2".',
                id="scim_provider.E008",
            )


def is_web_address(text: str, *, bare: bool) -> bool:
    """Whether it is absolute; ``bare``: and has neither query nor fragment, so that paths can be appended."""
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
    clean = text == text.strip() and " " not in text and "@" not in parts.netloc
    return parts.scheme in ("http", "https") and named and clean and not (bare and (parts.query or parts.fragment))


def _others(values: Mapping[str, Any]) -> Iterator[CheckMessage]:
    for key in _BOOLEANS:
        if not isinstance(values.get(key, True), bool):
            # bool("False") is True: a text from the environment would switch on what it means to switch off.
            yield _wrong_type(key, values[key], "True or False")
    for key in _DICTIONARIES:
        if not isinstance(values.get(key, {}), Mapping):
            yield _wrong_type(key, values[key], "a dictionary")
    if not isinstance(values.get("AUTHENTICATION", []), list | tuple):
        yield _wrong_type("AUTHENTICATION", values["AUTHENTICATION"], "a list of dotted paths")
    if not isinstance(values.get("IS_ALLOWED") or "", str):
        yield _wrong_type("IS_ALLOWED", values["IS_ALLOWED"], "a dotted path, in quotes")
