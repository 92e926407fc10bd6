"""What makes people members of tenants, as a ``MembershipUserAdapter`` declares it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models

from ..adapters import MembershipUserAdapter, UserAdapter
from ..adapters.fields import HostPath, PathError
from .base import check_adapters, name_of
from .groups import foreign_key
from .user_model import index_of, lacks_value

HINT = 'Models are written "app.Model"; member names a foreign key, tenant a column or a path: "organization__slug".'


@check_adapters
def check_memberships(adapter: UserAdapter) -> Iterator[CheckMessage]:
    if not isinstance(adapter, MembershipUserAdapter):
        return
    place = name_of(adapter)
    try:
        model = adapter.tenancy.model
        foreign_key(model, adapter.member, get_user_model())
        tenant = HostPath(model, adapter.tenant)
        if tenant.field.is_relation or tenant.is_json_key:
            raise PathError(f"{adapter.tenant!r} is not a column.")
    except (PathError, LookupError, ValueError, FieldDoesNotExist, FieldError) as error:
        yield Error(
            f"The memberships of the adapter lead nowhere: {error}", hint=HINT, obj=place, id="scim_provider.E122"
        )
        return
    yield from _tenant(adapter, tenant, place)
    yield from _activity(adapter, model, place)
    yield from _rows(adapter, model, place)


def _tenant(adapter: MembershipUserAdapter, tenant: HostPath, place: str) -> Iterator[CheckMessage]:
    if tenant.relations and (len(tenant.relations) > 1 or not index_of(tenant)[0]):
        yield Error(
            f"{adapter.tenant!r} does not name one tenant: two rows may have the same key, and each sees the other's "
            "people.",
            hint="Lead over one foreign key to a column with unique=True.",
            obj=place,
            id="scim_provider.E123",
        )


def _activity(adapter: MembershipUserAdapter, model: type[models.Model], place: str) -> Iterator[CheckMessage]:
    if adapter.active is None:
        return
    try:
        field = model._meta.get_field(adapter.active)
    except FieldDoesNotExist:
        field = None
    if not isinstance(field, models.BooleanField):
        yield Error(
            f"{model.__name__} has no boolean field {adapter.active!r}, by which the adapter tells who is active.",
            hint="Name a BooleanField of the membership, or leave active out where being a member is being active.",
            obj=place,
            id="scim_provider.E124",
        )


def _rows(adapter: MembershipUserAdapter, model: Any, place: str) -> Iterator[CheckMessage]:
    """What a new row needs, and that a person has one."""
    link = adapter.tenant.partition("__")[0]
    pair = {adapter.member, link}
    together = [{*constraint.fields} for constraint in model._meta.total_unique_constraints]
    if not any(fields <= pair for fields in (*together, *map(set, model._meta.unique_together))):
        yield Warning(
            f"A person may have two rows of {model.__name__} in one tenant, and is active while one of them is.",
            hint=f"Add UniqueConstraint(fields={sorted(pair)}, name=...) to the model.",
            obj=place,
            id="scim_provider.W125",
        )
    if type(adapter).new_membership is not MembershipUserAdapter.new_membership:
        return
    for field in model._meta.concrete_fields:
        if field.name not in pair and lacks_value(field, is_user=False):
            yield Error(
                f"{model.__name__}.{field.name} gets no value when SCIM makes somebody a member.",
                hint="Give it a default or null=True, or override new_membership() of the adapter.",
                obj=place,
                id="scim_provider.E126",
            )
