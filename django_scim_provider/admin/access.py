"""Who may do what, to which connections."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Q, QuerySet

from ..adapters import get_user_adapter
from ..conf import app_settings
from ..models import ScimConnection, ScimEvent
from ..services.context import database

APP_LABEL: Final = "scim_provider"
VIEW: Final = "view_scimconnection"
MANAGE: Final = "manage_scimconnection"
MANAGE_TOKENS: Final = "manage_scimtoken"
VIEW_EVENTS: Final = "view_scimevent"
MAP_ROLES: Final = "map_scim_roles"


def has(user: Any, permission: str) -> bool:
    """Whether a person holds one of the permissions above; superusers hold all."""
    return bool(user.has_perm(f"{APP_LABEL}.{permission}"))


def administers_all(user: Any) -> bool:
    """Whether every connection is the person's to see, those that are gone included."""
    return _administered(user) is None


def connections(user: Any) -> QuerySet[ScimConnection]:
    """The connections whose tenants a person administers: where every query of the panel starts."""
    found = ScimConnection.objects.using(database())
    condition = _administered(user)
    return found.all() if condition is None else found.filter(condition)


def events(user: Any) -> QuerySet[ScimEvent]:
    """Their events; what belongs to no connection, such as an unknown token, is seen by who sees all."""
    found = ScimEvent.objects.using(database())
    return found.all() if administers_all(user) else found.filter(connection__in=connections(user))


def tenants(user: Any, portal: str) -> list[str] | None:
    """The tenants of a portal that a person administers; ``None`` is all."""
    found = None if user.is_superuser else get_user_adapter(portal).administered_tenants(user)
    return None if found is None else sorted(set(found))


def _administered(user: Any) -> Q | None:
    portals = list(app_settings.PORTALS)
    answers = {portal: tenants(user, portal) for portal in portals}
    # A connection whose portal is no longer configured is judged like one without a portal.
    elsewhere = tenants(user, "")
    if elsewhere is None and all(answer is None for answer in answers.values()):
        return None
    conditions = [_within(Q(portal=portal), answer) for portal, answer in answers.items()]
    return reduce(or_, conditions, _within(~Q(portal__in=portals), elsewhere))


def _within(condition: Q, answer: list[str] | None) -> Q:
    return condition if answer is None else condition & Q(tenant__in=answer)
