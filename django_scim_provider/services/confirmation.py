"""Before a credential is made: the same person, right now (CVE-2026-43640: a session alone sufficed)."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

FRESH: Final = timedelta(minutes=10)
MAX_ATTEMPTS: Final = 5
_LOCKED_FOR: Final = timedelta(minutes=10)
logger = logging.getLogger("django_scim_provider")


class NotConfirmed(Exception):
    """Not the same person, as far as can be told; ``message`` is for them."""

    def __init__(self, message: StrOrPromise) -> None:
        self.message = message
        super().__init__()


def is_fresh(user: Any) -> bool:
    """Whether the person signed in a moment ago."""
    return user.last_login is not None and timezone.now() - user.last_login < FRESH


def check_fresh(user: Any) -> None:
    """For people who have no password here.

    :raises NotConfirmed: they signed in too long ago.
    """
    if not is_fresh(user):
        raise NotConfirmed(
            _("You sign in without a password here, and did so too long ago. Sign in again, then confirm this.")
        )


def check_password(user: Any, password: str) -> None:
    """
    :raises NotConfirmed: the password is wrong, or too many were.
    """
    # Counted before it is looked at, so that guesses sent all at once are counted too.
    if _count_attempt(user) > MAX_ATTEMPTS:
        raise NotConfirmed(_("Too many wrong passwords. Wait ten minutes, then try again."))
    if not user.check_password(password):
        raise NotConfirmed(_("That is not your password. Nothing was changed."))
    with suppress(Exception):
        cache.delete(_attempts(user))


def _attempts(user: Any) -> str:
    return f"scim_provider:confirmation:{user.pk}"


def _count_attempt(user: Any) -> int:
    """Attempts of these minutes; a cache that fails or keeps nothing counts none, since the password still decides."""
    try:
        cache.add(_attempts(user), 0, _LOCKED_FOR.total_seconds())
        return cache.incr(_attempts(user))
    except Exception:
        logger.warning("The cache that counts wrong passwords does not answer.", exc_info=True)
        return 0
