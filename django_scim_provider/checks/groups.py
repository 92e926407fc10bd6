"""What groups mean in the host: its role backends, and its teams where a group adapter names a model for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models

from ..adapters import GroupAdapter, RoleBackend, UserAdapter
from ..adapters.fields import PathError
from ..adapters.roles import ColumnRoles, MembershipFieldRoles
from .attribute_map import PRIVILEGED
from .base import check_adapters, check_groups, name_of


@check_adapters
def check_roles(adapter: UserAdapter) -> Iterator[CheckMessage]:
    backend: object = adapter.roles
    place = name_of(adapter)
    if not isinstance(backend, RoleBackend):
        yield Error(
            f"roles is {backend!r}, which is no role backend.",
            hint="Make one of django_scim_provider.adapters: GroupRoles(), ChoiceRoles(...), or a subclass's instance.",
            obj=place,
            id="scim_provider.E080",
        )
        return
    if backend.protected and type(backend).holders is RoleBackend.holders:
        yield Error(
            f"roles of {type(backend).__name__} are protected, but nothing says who holds them.",
            hint="Write holders(role, connection, using), which finds everybody who holds a role.",
            obj=place,
            id="scim_provider.E084",
        )
    if isinstance(backend, ColumnRoles):
        yield from _column(backend, place)


def _column(backend: ColumnRoles, place: str) -> Iterator[CheckMessage]:
    try:
        field = backend.column
        if field.is_relation:
            raise PathError(f"{field.name!r} is a relation, not a column.")
        if isinstance(backend, MembershipFieldRoles):
            _check_membership(backend)
    except (PathError, LookupError, ValueError, FieldError) as error:
        yield Error(
            f"roles of {type(backend).__name__} lead nowhere: {error}",
            hint='Models are written "app.Model", paths as in a filter: "profile__role", "organization__slug".',
            obj=place,
            id="scim_provider.E081",
        )
        return
    if field.name in PRIVILEGED or field.primary_key:
        yield Error(
            f"roles of {type(backend).__name__} are in {field.name!r}: an identity provider could make superusers.",
            hint="Keep roles in a column of their own; no group can be mapped to superuser or staff.",
            obj=place,
            id="scim_provider.E082",
        )


def _check_membership(backend: MembershipFieldRoles) -> None:
    """Raise what the look-ups of a request would."""
    backend.model._base_manager.filter(
        **{f"{backend.user}__in": []}, **({backend.tenant: ""} if backend.tenant else {})
    )
    foreign_key(backend.model, backend.user, get_user_model())


@check_groups
def check_group_adapters(adapter: GroupAdapter) -> Iterator[CheckMessage]:
    try:
        _check_teams(adapter)
    except (LookupError, ValueError, FieldDoesNotExist) as error:
        yield Error(
            f"The teams of the adapter lead nowhere: {error}",
            hint='Models are written "app.Model"; team_name, member_team and member_user name fields of theirs.',
            obj=name_of(adapter),
            id="scim_provider.E083",
        )


def _check_teams(adapter: GroupAdapter) -> None:
    if adapter.team is None:
        if adapter.team_members is not None:
            raise ValueError("team_members is given, and team is not.")
        return
    team = apps.get_model(adapter.team)
    team._meta.get_field(adapter.team_name)
    if adapter.team_members is not None:
        through = apps.get_model(adapter.team_members)
        foreign_key(through, adapter.member_team, team)
        foreign_key(through, adapter.member_user, get_user_model())


def foreign_key(model: type[models.Model], name: str, target: type[models.Model]) -> None:
    field: Any = model._meta.get_field(name)
    related = field.related_model if isinstance(field, models.ForeignKey) else None
    if related is None or not issubclass(target, related):
        raise ValueError(f"{model.__name__}.{name} is no foreign key to {target._meta.label}.")
