"""People through the services, as the views call them, and what the database says of them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings as project
from django.contrib.auth import get_user_model
from django.test import override_settings

from api.helpers import has_column
from conftest import person
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.protocol.urns import PATCH_OP
from django_scim_provider.services import search, user_answers, users
from django_scim_provider.services.context import Context

User = get_user_model()
NAME_COLUMN = User.USERNAME_FIELD
ALICE, BOB = "alice@example.com", "bob@example.com"


def everything(context: Context) -> Projection:
    return Projection.parse((), (), context.adapter.resource_type)


def post(context: Context, user_name: str = ALICE, **attributes: Any) -> str:
    """Create a person; returns the id."""
    return users.create_user(context, person(user_name, **attributes)).id


def put(context: Context, scim_id: str, user_name: str = ALICE, **attributes: Any) -> dict[str, Any]:
    """Replace a person; returns the answer."""
    written = users.replace_user(context, scim_id, person(user_name, **attributes))
    return user_answers.render(context, written, everything(context))


def patch(context: Context, scim_id: str, op: str = "replace", /, **values: Any) -> dict[str, Any]:
    """Change attributes; returns the answer."""
    operations = [{"op": op, "path": path, "value": value} for path, value in values.items()]
    written = users.modify_user(context, scim_id, {"schemas": [PATCH_OP], "Operations": operations})
    return user_answers.render(context, written, everything(context))


def show(context: Context, scim_id: str) -> dict[str, Any]:
    return search.get_user(context, scim_id, everything(context))


def find(context: Context, condition: str | None = None, **query: Any) -> list[str]:
    """The ids of the people whom a filter finds."""
    page = search.list_users(context, ListQuery(filter=condition, **query), everything(context))
    return [resource["id"] for resource in page.resources]


def row(scim_id: str) -> ScimUser:
    return ScimUser.objects.get(scim_id=scim_id)


def host(scim_id: str) -> Any:
    """The host's row, deleted or not, from the database; ``None`` when there is none."""
    return User._base_manager.filter(pk=row(scim_id).user_id).first()


def name_of(user: Any) -> str:
    """The user name that the host has."""
    name: str = getattr(user, NAME_COLUMN)
    return name


def is_active(user: Any) -> bool:
    return not user.is_locked if has_column("is_locked") else user.is_active


def how_many_are_active() -> int:
    """Of the people who are managed, by their accounts."""
    return sum(is_active(row.user) for row in ScimUser.objects.select_related("user"))


OFF = {"op": "replace", "path": "active", "value": False}
"""The operation that shuts somebody out."""


def activity(active: bool) -> dict[str, bool]:
    """The host's columns that say so."""
    return {"is_locked": not active} if has_column("is_locked") else {"is_active": active}


def update(user: Any, **columns: Any) -> None:
    """Change the host's row behind our back."""
    assert User._base_manager.filter(pk=user.pk).update(**columns)


def policies(context: Context, **values: Any) -> None:
    """Give the connection other policies."""
    for name, value in values.items():
        setattr(context.connection, name, value)
    ScimConnection.objects.filter(pk=context.connection.pk).update(**values)
    context.connection.full_clean(exclude=["slug"])


@contextmanager
def listening(*signals: Any) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """What signals tell while the block runs."""
    heard: list[tuple[Any, dict[str, Any]]] = []
    receivers: list[Callable[..., None]] = []
    for signal in signals:

        def receive(*, signal: Any, sender: Any, **kwargs: Any) -> None:
            assert sender is ScimConnection
            heard.append((signal, kwargs))

        signal.connect(receive)
        receivers.append(receive)
    try:
        yield heard
    finally:
        for signal, receiver in zip(signals, receivers, strict=True):
            signal.disconnect(receiver)


def configured(**settings: Any) -> Any:
    """``SCIM_PROVIDER`` with more keys than this host's."""
    return override_settings(SCIM_PROVIDER={**project.SCIM_PROVIDER, **settings})
