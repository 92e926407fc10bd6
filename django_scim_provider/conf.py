"""The ``SCIM_PROVIDER`` setting: one dictionary, one property per key. This class is the settings reference.

Rule of place: code belongs in an adapter, a customer's choice or a secret in a database row, a limit of the
deployment here. Values are read when they are used, so ``override_settings`` works in tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.conf import settings

SETTING: Final = "SCIM_PROVIDER"


class Settings:
    """Typed access to ``SCIM_PROVIDER``; an absent key has the default given with its property."""

    @property
    def _values(self) -> Mapping[str, Any]:
        return getattr(settings, SETTING, None) or {}

    @property
    def ADAPTERS(self) -> Mapping[str, str]:
        """Resource type name to the dotted path of its adapter class. Default: ``UserAdapter`` and ``GroupAdapter``."""
        return {
            "User": "django_scim_provider.adapters.UserAdapter",
            "Group": "django_scim_provider.adapters.GroupAdapter",
            **self._values.get("ADAPTERS", {}),
        }

    @property
    def PORTALS(self) -> Mapping[str, Mapping[str, Any]]:
        """Portal key to ``{"ADAPTERS": {...}}``, for products with several user bases. Default: none."""
        return dict(self._values.get("PORTALS", {}))

    @property
    def DIALECTS(self) -> Mapping[str, str]:
        """Provider key to the dotted path of a ``Dialect``, for additions and replacements. Default: none."""
        return dict(self._values.get("DIALECTS", {}))

    @property
    def AUTHENTICATION(self) -> Sequence[str]:
        """Dotted paths of the authentication classes tried in turn. Default: the bearer tokens of this package."""
        return tuple(
            self._values.get("AUTHENTICATION", ["django_scim_provider.api.authentication.BearerAuthentication"])
        )

    @property
    def TOKEN_TTL(self) -> timedelta:
        """Life of a token where none is asked for, a ``timedelta`` or a number of days. Default 365, at most 730."""
        value = self._values.get("TOKEN_TTL", 365)
        return value if isinstance(value, timedelta) else timedelta(days=value)

    @property
    def DEFAULT_COUNT(self) -> int:
        """Resources on a page when the client names no ``count``. Default 100."""
        return int(self._values.get("DEFAULT_COUNT", 100))

    @property
    def MAX_RESULTS(self) -> int:
        """Resources on a page at most, whatever ``count`` says. Default 200."""
        return int(self._values.get("MAX_RESULTS", 200))

    @property
    def CURSOR_TIMEOUT(self) -> int:
        """Seconds for which a cursor leads to the next page. Default 3600."""
        return int(self._values.get("CURSOR_TIMEOUT", 3600))

    @property
    def MAX_FILTER_LENGTH(self) -> int:
        """Characters in a filter. Default 4096."""
        return int(self._values.get("MAX_FILTER_LENGTH", 4096))

    @property
    def MAX_FILTER_TERMS(self) -> int:
        """Comparisons in a filter. Default 128."""
        return int(self._values.get("MAX_FILTER_TERMS", 128))

    @property
    def MAX_FILTER_DEPTH(self) -> int:
        """Nested brackets in a filter. Default 32."""
        return int(self._values.get("MAX_FILTER_DEPTH", 32))

    @property
    def MAX_PATCH_OPERATIONS(self) -> int:
        """Operations in one PATCH. Default 1000."""
        return int(self._values.get("MAX_PATCH_OPERATIONS", 1000))

    @property
    def MAX_BODY_SIZE(self) -> int:
        """Bytes in a request body. Default 1 MiB."""
        return int(self._values.get("MAX_BODY_SIZE", 1024 * 1024))

    @property
    def BULK_MAX_OPERATIONS(self) -> int:
        """Operations in one bulk request. Default 1000."""
        return int(self._values.get("BULK_MAX_OPERATIONS", 1000))

    @property
    def BULK_MAX_PAYLOAD_SIZE(self) -> int:
        """Bytes in the body of a bulk request. Default 4 MiB."""
        return int(self._values.get("BULK_MAX_PAYLOAD_SIZE", 4 * 1024 * 1024))

    @property
    def GROUP_BODY_LIMIT(self) -> int:
        """Members above which a PATCH of a group answers 204 without a body. Default 1000."""
        return int(self._values.get("GROUP_BODY_LIMIT", 1000))

    @property
    def THROTTLE_RATE(self) -> str | None:
        """Requests of one connection, ``"50/s"`` by default; units s, m, h; ``None`` or ``""`` for no limit."""
        return self._values.get("THROTTLE_RATE", "50/s") or None

    @property
    def FAILURE_RATE(self) -> str | None:
        """Refused credentials of one address before it is told to wait, ``"20/m"`` by default; ``None``: no limit."""
        return self._values.get("FAILURE_RATE", "20/m") or None

    @property
    def EVENT_RETENTION(self) -> timedelta:
        """Age at which ``scim_events --prune`` drops events. A ``timedelta`` or a number of days. Default 90."""
        value = self._values.get("EVENT_RETENTION", 90)
        return value if isinstance(value, timedelta) else timedelta(days=value)

    @property
    def EVENT_VALUES(self) -> bool:
        """Whether events hold the changed values as well as their names. Default ``False``: they are personal data."""
        return bool(self._values.get("EVENT_VALUES", False))

    @property
    def LOCK_EXEMPT(self) -> str | None:
        """Managed people who change their accounts themselves: ``"superusers"``, or the dotted path of
        ``callable(user) -> bool``. Default: nobody but those whom SCIM may not change either."""
        return self._values.get("LOCK_EXEMPT") or None

    @property
    def NOTIFY(self) -> str | Sequence[str] | None:
        """Addresses that mail about alarms and expiring tokens goes to, or the dotted path of
        ``callable(connection) -> addresses``. Default ``None``: the project's ``ADMINS``."""
        return self._values.get("NOTIFY")

    @property
    def TRUSTED_PROXIES(self) -> int:
        """How many proxies of yours append to ``X-Forwarded-For``. Default 0: the header is not read."""
        return int(self._values.get("TRUSTED_PROXIES", 0))

    @property
    def REQUIRE_HTTPS(self) -> bool:
        """Whether plain HTTP gets 403. Default: ``not DEBUG``."""
        return bool(self._values.get("REQUIRE_HTTPS", not settings.DEBUG))

    @property
    def BASE_URL(self) -> str | None:
        """The address of the mount as clients see it, without a trailing slash. Default: taken from the request."""
        value = self._values.get("BASE_URL")
        return value.rstrip("/") if value else None

    @property
    def DOCUMENTATION_URI(self) -> str | None:
        """Shown in ``/ServiceProviderConfig``. Default: none."""
        return self._values.get("DOCUMENTATION_URI") or None

    @property
    def IS_ALLOWED(self) -> str | None:
        """Dotted path of ``callable(connection) -> str | None``; a returned reason makes every request 403."""
        return self._values.get("IS_ALLOWED") or None


KEYS: Final = frozenset(name for name in vars(Settings) if name.isupper())

app_settings: Final = Settings()
