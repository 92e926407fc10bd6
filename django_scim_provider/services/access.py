"""Who may do what, to which connections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet

from ..adapters import get_user_adapter
from ..conf import app_settings
from ..models import ScimConnection, ScimEvent
from .context import database

APP_LABEL: Final = "scim_provider"
VIEW: Final = "view_scimconnection"
MANAGE: Final = "manage_scimconnection"
MANAGE_TOKENS: Final = "manage_scimtoken"
VIEW_EVENTS: Final = "view_scimevent"
MAP_ROLES: Final = "map_scim_roles"


def has(user: Any, permission: str) -> bool:
    """Whether a person holds one of the permissions above; superusers hold all."""
    has_perm = getattr(user, "has_perm", None)
    # A user model may do without permissions: then there are owners and nobody else.
    return has_perm is not None and bool(has_perm(f"{APP_LABEL}.{permission}"))


def administers_all(user: Any) -> bool:
    """Whether every connection is the person's to see, those that are gone included."""
    return _administered(lambda portal: tenants(user, portal)) is None


def connections(user: Any) -> QuerySet[ScimConnection]:
    """The connections whose tenants a person administers: where every query of the panel starts."""
    return _within_tenants(lambda portal: tenants(user, portal))


def events(user: Any) -> QuerySet[ScimEvent]:
    """Their events; what belongs to no connection, such as an unknown token, is seen by who sees all."""
    found = ScimEvent.objects.using(database())
    return found.all() if administers_all(user) else found.filter(connection__in=connections(user))


def tenants(user: Any, portal: str) -> list[str] | None:
    """The tenants of a portal that a person administers; ``None`` is all."""
    return None if getattr(user, "is_superuser", False) else _named(user, portal)


# In the host's own front end --------------------------------------------------------------------------------


def may(user: Any, *permissions: str) -> bool:
    """Whether the console lets a person do something at all: by permissions as in the panel, or as an owner."""
    return _permitted(user, permissions) or any(_owned(user, portal) for portal in ("", *app_settings.PORTALS))


def reachable(user: Any, *permissions: str) -> QuerySet[ScimConnection]:
    """The connections with which a person may do what these permissions allow."""
    if _permitted(user, permissions):
        return connections(user)
    return _within_tenants(lambda portal: _owned(user, portal))


def tenants_to_manage(user: Any, portal: str) -> list[str] | None:
    """The tenants of a portal for which a person may make a connection; ``None`` is all."""
    return tenants(user, portal) if _permitted(user, [MANAGE]) else _owned(user, portal)


def may_make(user: Any, portal: str, tenant: str) -> bool:
    """Whether a person may make a connection for a tenant; a portal without tenants has one, which is empty."""
    if bool(tenant) != get_user_adapter(portal).multi_tenant:
        return False
    allowed = tenants_to_manage(user, portal)
    return allowed is None or tenant in allowed


def portals_to_manage(user: Any) -> list[str]:
    """The portals for which a person may make any connection at all; no portal is the empty one, and comes first."""
    return [portal for portal in ("", *sorted(app_settings.PORTALS)) if _may_make_any(user, portal)]


def _may_make_any(user: Any, portal: str) -> bool:
    allowed = tenants_to_manage(user, portal)
    return allowed is None or any(may_make(user, portal, tenant) for tenant in allowed)


def _permitted(user: Any, permissions: Iterable[str]) -> bool:
    return all(has(user, permission) for permission in (VIEW, *permissions))


def _owned(user: Any, portal: str) -> list[str]:
    """What CONSOLE_OWNERS opens: the tenants that the adapter names. "All of them" names none and opens nothing."""
    return (_named(user, portal) or []) if app_settings.CONSOLE_OWNERS else []


# Conditions -------------------------------------------------------------------------------------------------


def _named(user: Any, portal: str) -> list[str] | None:
    found = get_user_adapter(portal).administered_tenants(user)
    return None if found is None else sorted(set(found))


def _within_tenants(answer_for: Callable[[str], list[str] | None]) -> QuerySet[ScimConnection]:
    found = ScimConnection.objects.using(database())
    condition = _administered(answer_for)
    return found.all() if condition is None else found.filter(condition)


def _administered(answer_for: Callable[[str], list[str] | None]) -> Q | None:
    portals = list(app_settings.PORTALS)
    answers = {portal: answer_for(portal) for portal in portals}
    # A connection whose portal is no longer configured is judged like one without a portal.
    elsewhere = answer_for("")
    if elsewhere is None and all(answer is None for answer in answers.values()):
        return None
    conditions = [_within(Q(portal=portal), answer) for portal, answer in answers.items()]
    return reduce(or_, conditions, _within(~Q(portal__in=portals), elsewhere))


def _within(condition: Q, answer: list[str] | None) -> Q:
    return condition if answer is None else condition & Q(tenant__in=answer)
