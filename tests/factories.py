"""Host users and our rows, for whichever host project the suite runs under."""

from __future__ import annotations

from typing import Any

import factory
from django.contrib.auth import get_user_model
from factory.django import DjangoModelFactory

from django_scim_provider.models import ScimConnection
from django_scim_provider.services import connections


def _has(field: str) -> bool:
    return any(f.name == field for f in get_user_model()._meta.concrete_fields)


class HostUserFactory(DjangoModelFactory):
    """``HostUserFactory(name="alice")``: a host user whose userName is ``alice@example.com``.

    ``given``, ``family`` and ``is_active`` go to whatever columns the host has for them.
    """

    class Meta:
        model = get_user_model()

    name = factory.Sequence(lambda number: f"person{number}")
    given = "Given"
    family = "Family"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        name, given, family = kwargs.pop("name"), kwargs.pop("given"), kwargs.pop("family")
        address = name if "@" in name else f"{name}@example.com"
        active = kwargs.pop("is_active", True)
        fields: dict[str, Any] = {"email": address}
        if _has("username"):
            fields["username"] = address
        fields |= (
            {"full_name": f"{given} {family}"} if _has("full_name") else {"first_name": given, "last_name": family}
        )
        fields |= {"is_active": active} if _has("is_active") else {"is_locked": not active}
        user = model_class(**fields | kwargs)
        user.set_unusable_password()
        user.save()
        return user

    @classmethod
    def _build(cls, model_class: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Host users are made in the database.")


class ConnectionFactory(DjangoModelFactory):
    """A connection as ``services.connections.create`` makes it, enabled without adopting anybody."""

    class Meta:
        model = ScimConnection

    name = factory.Sequence(lambda number: f"Acme {number}")
    provider = "okta"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> ScimConnection:
        enabled = kwargs.pop("enabled", True)
        connection = connections.create(kwargs.pop("name"), **kwargs)
        if enabled:
            ScimConnection.objects.filter(pk=connection.pk).update(enabled=True)
            connection.refresh_from_db()
        return connection
