"""Numbers and times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_COUNTED_DAYS: Final = 60
"""What lies so near ahead is told in days, not in weeks."""


class Moment(NamedTuple):
    """A time in relation to now; the exact one goes into the title."""

    words: str
    at: datetime


def moment(at: datetime | None) -> Moment | None:
    """``None`` stays ``None``: it never happened."""
    if at is None:
        return None
    now = timezone.now()
    if abs(at - now) < timedelta(minutes=1):
        return Moment(_("just now"), at)
    if at < now:
        return Moment(_("%(time)s ago") % {"time": timesince(at, now, depth=1)}, at)
    days = round((at - now) / timedelta(days=1))
    if 1 < days < _COUNTED_DAYS:
        return Moment(ngettext("in %(count)s day", "in %(count)s days", days) % {"count": number(days)}, at)
    # A year that began today is a year still, not eleven months; in a leap year, 365 days are one, too.
    slack = timedelta(days=2) if days >= _COUNTED_DAYS else timedelta(minutes=1)
    return Moment(_("in %(time)s") % {"time": timeuntil(at + slack, now, depth=1)}, at)


def number(value: int) -> str:
    """With the separators of the reader's language."""
    return number_format(value, use_l10n=True, force_grouping=True)


def people(count: int) -> str:
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": number(count)}


def people_keep_accounts(count: int) -> str:
    """What every way of ending SCIM promises."""
    text = ngettext(
        "%(count)s person keeps their account and their access, exactly as they are now.",
        "%(count)s people keep their accounts and their access, exactly as they are now.",
        count,
    )
    return text % {"count": number(count)}
