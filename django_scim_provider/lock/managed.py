from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from ..adapters import get_user_adapter
from ..conf import app_settings
from ..models import ScimConnection, ScimUser
from ..services.context import database

SUPERUSERS: Final = "superusers"
_MEMORY: Final = "_scim_provider_managers"


class Manager(NamedTuple):
    """A connection that manages somebody."""

    name: str
    portal: str


def managers(user: Any) -> tuple[Manager, ...]:
    """The enabled connections that manage a user: one query, remembered with the instance.

    A request's ``request.user`` is an instance of its own, so nothing is remembered beyond a request.
    """
    if getattr(user, "pk", None) is None:
        return ()
    remembered: tuple[Manager, ...] | None = getattr(user, _MEMORY, None)
    if remembered is None:
        rows = ScimConnection.objects.using(database()).filter(
            enabled=True, pk__in=ScimUser.objects.filter(user=user.pk, alive=True).values("connection")
        )
        remembered = tuple(Manager(*row) for row in rows.order_by("name").values_list("name", "portal"))
        setattr(user, _MEMORY, remembered)
    return remembered


def is_scim_managed(user: Any) -> bool:
    """Whether an identity provider manages a user: somebody with a living resource in an enabled connection.

    One query, remembered with the instance. Anonymous users and those not saved yet are nobody's.
    """
    return bool(managers(user))


def scim_managed_by(user: Any) -> str:
    """The names of the connections that manage a user, to show to them; empty where none does."""
    return ", ".join(manager.name for manager in managers(user))


def is_scim_locked(user: Any) -> bool:
    """Whether e-mail address, user name and password of a user are the identity provider's to change.

    They are for everybody who is managed, but for those whom SCIM may not change either (``is_protected``) and those
    whom the setting ``LOCK_EXEMPT`` names.
    """
    found = managers(user)
    if not found or any(get_user_adapter(manager.portal).is_protected(user) for manager in found):
        return False
    exempt = app_settings.LOCK_EXEMPT
    if exempt is None:
        return True
    if exempt == SUPERUSERS:
        return not getattr(user, "is_superuser", False)
    return not import_string(exempt)(user)


def locked_fields(user: Any) -> frozenset[str]:
    """The fields of the user model that hold e-mail address, user name and password."""
    model = user._meta.model
    names = {"password", model.USERNAME_FIELD, model.get_email_field_name()}
    for manager in managers(user):
        columns = get_user_adapter(manager.portal).columns_of("userName", "emails")
        names.update(column for column in columns if "__" not in column)
    return frozenset(names) & {field.name for field in model._meta.concrete_fields}


def message(user: Any) -> str:
    """What a person is told who wants to change one of them."""
    return _("This account is managed by %(name)s. Change it there.") % {"name": scim_managed_by(user)}
