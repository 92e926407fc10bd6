"""Times on a command line."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

_AGO: Final = re.compile(r"(\d{1,6})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
WHEN: Final = 'for example "2h", "30m", "3d" (ago), 2026-11-22 or 2026-11-22T09:00'


def ago(**span: int) -> datetime:
    """So long ago; the span in the words of ``timedelta``.

    :raises argparse.ArgumentTypeError: the calendar does not reach so far back.
    """
    try:
        return timezone.now() - timedelta(**span)
    except OverflowError:
        raise argparse.ArgumentTypeError("the calendar does not reach so far back") from None


def since(text: str) -> datetime:
    """A time in the past: so long ago, a date, or a date and time, in the project's time zone unless it names one."""
    span = _AGO.fullmatch(text)
    if span is not None:
        return ago(**{_UNITS[span[2]]: int(span[1])})
    try:
        moment = parse_datetime(text) if len(text) > len("2026-11-22") else None
        day = parse_date(text)
    except ValueError:
        moment = day = None
    if moment is None and day is not None:
        moment = datetime.combine(day, time.min)
    if moment is None:
        raise argparse.ArgumentTypeError(f"not a time: {text!r}; {WHEN}")
    moment = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
    try:
        # As databases will: its first hours may lie before the first year, its last ones after the last.
        moment.astimezone(UTC)
    except OverflowError:
        raise argparse.ArgumentTypeError(f"the calendar does not reach so far: {text!r}; {WHEN}") from None
    return moment
