"""Credentials that other apps of the site issue: each family is ended where its app is installed.

No library is imported. A family is known by its app and by its models, which a host may have swapped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.conf import settings
from django.db import router

Ended = Mapping[str, int | None]
"""What came to an end, a count by name; ``None`` where all ended and nobody can count them."""


def end_all(user: Any) -> dict[str, int | None]:
    """End what every installed family issued to a person; what ended cannot be brought back."""
    return {family.name: family.end(family, user) for family in _installed()}


def left(users: Collection[Any]) -> Iterator[tuple[Any, str]]:
    """What these people (primary keys) have that did not end: whose it is, and its name; reads only."""
    for family in _installed():
        for rows in family.rows(users):
            for pk in rows.values_list("user", flat=True).distinct():
                yield pk, family.name


class Family(NamedTuple):
    """What one library issues."""

    name: str
    """As events have it."""
    labels: Callable[[], Sequence[str]]
    """Its models, each with a ``user``."""
    end: Callable[[Family, Any], int]
    only: Mapping[str, Any] = {}
    """Which of the rows have not ended."""

    def rows(self, users: Collection[Any], instance: Any = None) -> Iterator[Any]:
        """What has not ended, model by model."""
        for label in self.labels():
            try:
                model: Any = apps.get_model(label)
            except LookupError:
                # A release of the library that does not have the model.
                continue
            using = router.db_for_write(model, instance=instance)
            yield model._base_manager.using(using).filter(user__in=users, **self.only).order_by()


def _delete(family: Family, user: Any) -> int:
    rows = family.rows([user.pk], user)
    return sum(int(found.delete()[1].get(found.model._meta.label, 0)) for found in rows)


def _oauth() -> Sequence[str]:
    """Deleted rather than revoked: a refresh token that is revoked still answers within its grace period."""
    kinds = ("RefreshToken", "AccessToken", "IDToken", "Grant", "DeviceGrant")
    names = ("REFRESH_TOKEN", "ACCESS_TOKEN", "ID_TOKEN", "GRANT", "DEVICE_GRANT")
    return [
        getattr(settings, f"OAUTH2_PROVIDER_{name}_MODEL", f"oauth2_provider.{kind}")
        for name, kind in zip(names, kinds, strict=True)
    ]


def _blacklist(family: Family, user: Any) -> int:
    """Rather than delete them: a refresh token that is not on the list is good until it expires."""
    (outstanding,) = family.rows([user.pk], user)
    listed: Any = apps.get_app_config("token_blacklist").get_model("BlacklistedToken")
    rows = [listed(token_id=pk) for pk in outstanding.values_list("pk", flat=True)]
    return len(listed._base_manager.using(outstanding.db).bulk_create(rows, ignore_conflicts=True))


def _end_sessions(family: Family, user: Any) -> int:
    """The sessions that allauth knows by their keys, on whatever engine keeps them."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    (rows,) = family.rows([user.pk], user)
    for key in rows.values_list("session_key", flat=True):
        store.delete(key)
    return int(rows.delete()[0])


FAMILIES: Final[Mapping[str, Family]] = {
    "allauth.usersessions": Family("sessions", lambda: ["usersessions.UserSession"], _end_sessions),
    "rest_framework.authtoken": Family("API tokens", lambda: ["authtoken.Token"], _delete),
    "knox": Family("Knox tokens", lambda: [getattr(settings, "KNOX_TOKEN_MODEL", "knox.AuthToken")], _delete),
    "oauth2_provider": Family("OAuth tokens", _oauth, _delete),
    "rest_framework_simplejwt.token_blacklist": Family(
        "JWT refresh tokens", lambda: ["token_blacklist.OutstandingToken"], _blacklist, {"blacklistedtoken": None}
    ),
    "allauth.idp.oidc": Family("OpenID Connect tokens", lambda: ["allauth_idp_oidc.Token"], _delete),
}
"""By the app that has to be installed."""


def _installed() -> list[Family]:
    return [family for app, family in FAMILIES.items() if apps.is_installed(app)]
