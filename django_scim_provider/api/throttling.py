"""Limits per connection and, for refused credentials, per address; counted in the default cache."""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import Final, NamedTuple

from django.core.cache import cache

from ..conf import app_settings
from ..models import ScimConnection
from ..protocol.errors import TooManyRequests

_PERIODS: Final = {
    spelling: seconds
    for seconds, spellings in {1: "s sec second", 60: "m min minute", 3600: "h hour", 86400: "d day"}.items()
    for spelling in spellings.split()
}
logger = logging.getLogger("django_scim_provider")


class Rate(NamedTuple):
    """``limit`` requests in each window of ``period`` seconds."""

    limit: int
    period: int


@lru_cache(maxsize=32)
def parse_rate(text: str) -> Rate:
    """Read ``"50/s"``.

    :raises ValueError: it has another form.
    """
    limit, _, unit = text.partition("/")
    period = _PERIODS.get(unit.strip().lower())
    if period is None or int(limit) < 1:
        raise ValueError(f"'{text}' is not a rate like 50/s, 1000/m or 10000/h.")
    return Rate(int(limit), period)


def _window(name: str, rate: Rate, moment: float) -> str:
    return f"scim_provider:{name}:{int(moment // rate.period)}"


def _count(key: str, rate: Rate, requests: int = 1) -> int:
    """Raise a counter; a cache that fails counts nothing, since provisioning matters more than its limit."""
    try:
        cache.add(key, 0, rate.period * 2)
        return cache.incr(key, requests)
    except Exception:
        logger.warning("The cache that counts SCIM requests does not answer.", exc_info=True)
        return 0


def check_connection(connection: ScimConnection) -> None:
    """Count a request of a connection.

    :raises TooManyRequests: the connection has used up its rate.
    """
    text = app_settings.THROTTLE_RATE
    if text is None:
        return
    rate, moment = parse_rate(text), time.time()
    if _count(_window(f"connection:{connection.pk}", rate, moment), rate) > rate.limit:
        raise TooManyRequests(retry_after=rate.period - moment % rate.period)


def charge(connection: ScimConnection, requests: int) -> None:
    """Count what a request does beyond one: it goes through, and those that come after it in the window may not."""
    text = app_settings.THROTTLE_RATE
    if text is not None and requests > 0:
        rate = parse_rate(text)
        _count(_window(f"connection:{connection.pk}", rate, time.time()), rate, requests)


def check_failures(address: str | None) -> None:
    """Stop guessing before any query.

    :raises TooManyRequests: too many credentials of this address were refused lately.
    """
    text = app_settings.FAILURE_RATE
    if text is None:
        return
    rate, moment = parse_rate(text), time.time()
    try:
        failures = cache.get(_window(f"failures:{address}", rate, moment), 0)
    except Exception:
        logger.warning("The cache that counts SCIM failures does not answer.", exc_info=True)
        return
    if failures >= rate.limit:
        raise TooManyRequests(
            "Too many refused credentials from this address.", retry_after=rate.period - moment % rate.period
        )


def count_failure(address: str | None) -> None:
    """Note a refused credential of an address."""
    text = app_settings.FAILURE_RATE
    if text is not None:
        rate = parse_rate(text)
        _count(_window(f"failures:{address}", rate, time.time()), rate)
