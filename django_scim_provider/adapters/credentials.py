"""Credentials that other apps of the site issue: each family is ended where its app is installed.

No library is imported. A family is known by its app and by its models, which a host may have swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import router

Ended = Mapping[str, int | None]
"""What came to an end, a count by name; ``None`` where all ended and nobody can count them."""


def end_all(user: Any) -> dict[str, int | None]:
    """End what every installed family issued to a person; what ended cannot be brought back."""
    return {family.name: family.end(user) for app, family in FAMILIES.items() if apps.is_installed(app)}


def _rows(label: str, user: Any) -> Any:
    """A person's rows in the table of a library."""
    model: Any = apps.get_model(label)
    return model._base_manager.using(router.db_for_write(model, instance=user)).filter(user=user.pk).order_by()


def _delete(label: str, user: Any) -> int:
    try:
        rows = _rows(label, user)
    except LookupError:
        # A release of the library that does not have the model.
        return 0
    return int(rows.delete()[1].get(rows.model._meta.label, 0))


def _authtoken(user: Any) -> int:
    return _delete("authtoken.Token", user)


def _knox(user: Any) -> int:
    return _delete(getattr(settings, "KNOX_TOKEN_MODEL", "knox.AuthToken"), user)


def _oauth(user: Any) -> int:
    """Deleted rather than revoked: a refresh token that is revoked still answers within its grace period."""
    kinds = ("RefreshToken", "AccessToken", "IDToken", "Grant", "DeviceGrant")
    names = ("REFRESH_TOKEN", "ACCESS_TOKEN", "ID_TOKEN", "GRANT", "DEVICE_GRANT")
    labels = [
        getattr(settings, f"OAUTH2_PROVIDER_{name}_MODEL", f"oauth2_provider.{kind}")
        for name, kind in zip(names, kinds, strict=True)
    ]
    return sum(_delete(label, user) for label in labels)


def _refresh_tokens(user: Any) -> int:
    """Blacklisted rather than deleted: what is not on the list is good until it expires."""
    outstanding = _rows("token_blacklist.OutstandingToken", user).filter(blacklistedtoken=None)
    listed: Any = apps.get_app_config("token_blacklist").get_model("BlacklistedToken")
    rows = [listed(token_id=pk) for pk in outstanding.values_list("pk", flat=True)]
    return len(listed._base_manager.using(outstanding.db).bulk_create(rows, ignore_conflicts=True))


def _sessions(user: Any) -> int:
    """The sessions that allauth knows by their keys, on whatever engine keeps them."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    rows = _rows("usersessions.UserSession", user)
    for key in rows.values_list("session_key", flat=True):
        store.delete(key)
    return int(rows.delete()[0])


def _openid(user: Any) -> int:
    return _delete("allauth_idp_oidc.Token", user)


class Family(NamedTuple):
    name: str
    """As events have it."""
    end: Callable[[Any], int]


FAMILIES: Final[Mapping[str, Family]] = {
    "allauth.usersessions": Family("sessions", _sessions),
    "rest_framework.authtoken": Family("API tokens", _authtoken),
    "knox": Family("Knox tokens", _knox),
    "oauth2_provider": Family("OAuth tokens", _oauth),
    "rest_framework_simplejwt.token_blacklist": Family("JWT refresh tokens", _refresh_tokens),
    "allauth.idp.oidc": Family("OpenID Connect tokens", _openid),
}
"""By the app that has to be installed."""
