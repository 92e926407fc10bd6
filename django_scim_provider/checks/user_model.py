"""The host's user model as an adapter uses it: what a new row needs, how people are found, who counts as deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004 (Django's name for it)
from django.db import models

from ..adapters import UserAdapter
from ..adapters.fields import HostPath
from .attribute_map import Entry, entries
from .base import check, check_adapters, described, name_of

USUAL_LENGTH: Final = 113
"""The longest userPrincipalName of Entra ID: 64 characters, "@", 48 characters."""

_JWT: Final = "rest_framework_simplejwt"
_OWN_SAVES: Final = (models.Model.save, AbstractBaseUser.save)


@check_adapters
def check_user_model(adapter: UserAdapter) -> Iterator[CheckMessage]:
    place = name_of(adapter)
    model: Any = adapter.model
    user_model = get_user_model()
    if _concrete(model) is not _concrete(user_model):
        yield Error(
            f"The adapter's model is {model!r}, but SCIM's rows point at AUTH_USER_MODEL.",
            hint=f"Let the adapter's model be {user_model._meta.label}, or a proxy of it.",
            obj=place,
            id="scim_provider.E040",
        )
        return
    if not issubclass(model, AbstractBaseUser):
        yield Warning(
            f"{model.__name__} does not inherit from AbstractBaseUser, so a deactivation ends no session.",
            hint="Override end_credentials() of the adapter and end there what your site knows of sessions.",
            obj=place,
            id="scim_provider.W041",
        )
    elif not adapter.rotate_password:
        yield Warning(
            "rotate_password is False, so a deactivation ends neither sessions nor password reset links nor JSON web "
            "tokens for access: after a reactivation those of before work again, and local passwords with them.",
            hint="Remove it, so that the unusable password is drawn anew. Or end in end_credentials() of the adapter "
            "what your site knows of sessions (those that allauth.usersessions tracks end), and silence this.",
            obj=place,
            id="scim_provider.W036",
        )
    found = entries(adapter)
    yield from _activity(adapter, found, place)
    yield from _user_name(found, place)
    yield from _needed(adapter, found, place)
    yield from _soft_deletion(adapter, place)
    yield from _scope_models(adapter, place)


def _concrete(model: object) -> object:
    """The model behind a proxy; ``None`` for what is no model."""
    return getattr(getattr(model, "_meta", None), "concrete_model", None)


# Signing in ------------------------------------------------------------------------------------------------


def _activity(adapter: UserAdapter, found: list[Entry], place: str) -> Iterator[CheckMessage]:
    model = adapter.model
    mapped = any(entry.path.key == "active" for entry in found)
    # A class attribute instead of a column or a property: AbstractBaseUser's, which is True for everybody.
    if mapped and not (adapter.soft_deletes or adapter.shares_accounts) and getattr(model, "is_active", True) is True:
        yield Warning(
            f"{model.__name__}.is_active is True for everybody, so Django lets deactivated people sign in.",
            hint="Give the model a property is_active that says what the column of 'active' says.",
            obj=place,
            id="scim_provider.W033",
        )
    if not hasattr(model, "is_superuser") and type(adapter).is_protected is UserAdapter.is_protected:
        yield Info(
            f"{model.__name__} has no is_superuser, so nobody is protected from the identity provider.",
            hint="Override is_protected() of the adapter: SCIM never renames, deactivates or deletes such a person.",
            obj=place,
            id="scim_provider.I035",
        )


@check
def check_sign_in() -> Iterator[CheckMessage]:
    for path in settings.AUTHENTICATION_BACKENDS:
        if path.rpartition(".")[2].startswith("AllowAllUsers"):
            yield Warning(
                f"AUTHENTICATION_BACKENDS has {path}, which lets deactivated people sign in.",
                hint="Use ModelBackend or RemoteUserBackend, which ask is_active.",
                id="scim_provider.W034",
            )
    yield from _json_web_tokens()


def _json_web_tokens() -> Iterator[CheckMessage]:
    named = getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ())
    paths = [path if isinstance(path, str) else f"{path.__module__}.{path.__name__}" for path in named]
    used = apps.is_installed(_JWT) or apps.is_installed(f"{_JWT}.token_blacklist")
    if not used and not any(path.startswith(f"{_JWT}.") for path in paths):
        return
    if getattr(settings, "SIMPLE_JWT", {}).get("CHECK_REVOKE_TOKEN") is not True:
        yield Warning(
            "JSON web tokens of before a deactivation are good again after a reactivation, until they expire.",
            hint='Set SIMPLE_JWT["CHECK_REVOKE_TOKEN"] to True: a token is then good for the password that it was '
            "issued under, and a deactivation draws that anew.",
            id="scim_provider.W037",
        )
    for path in paths:
        if path.rpartition(".")[2] in ("JWTStatelessUserAuthentication", "JWTTokenUserAuthentication"):
            yield Warning(
                f"DEFAULT_AUTHENTICATION_CLASSES has {path}, which asks nobody: a token of somebody deactivated is "
                "good until it expires.",
                hint="Use JWTAuthentication, which reads the user, or let access tokens live for some minutes only.",
                id="scim_provider.W038",
            )


# Looking people up -----------------------------------------------------------------------------------------


def _user_name(found: list[Entry], place: str) -> Iterator[CheckMessage]:
    mapped = [
        (entry.attr.lookup, column) for entry in found if entry.path.key == "userName" for column in entry.columns
    ]
    for column in (column for lookup, column in mapped if lookup in (None, column.path)):
        field, label = column.field, column.path
        unique, indexed = index_of(column)
        if not unique:
            yield Warning(
                f"{label!r} holds the userName, but two people may have the same value there.",
                hint="Add unique=True to the field: SCIM leaves the second of two such people out.",
                obj=place,
                id="scim_provider.W042",
            )
        if not indexed:
            yield Warning(
                f"{label!r} holds the userName and has no index: a look-up reads the whole table.",
                hint="Add unique=True or db_index=True to the field; an index on an expression is not used.",
                obj=place,
                id="scim_provider.W043",
            )
        longest = getattr(field, "max_length", None)
        if longest is not None and longest < USUAL_LENGTH:
            yield Info(
                f"{label!r} holds the userName and has room for {longest} characters.",
                hint=f"Names of Entra ID have up to {USUAL_LENGTH}, e-mail addresses up to 254. What is longer is "
                "refused with 400.",
                obj=place,
                id="scim_provider.I044",
            )


def index_of(column: HostPath) -> tuple[bool, bool]:
    """Whether the column is unique, and whether an index answers an exact look-up on it."""
    field: Any = column.field
    if column.is_json_key:
        return False, False
    options: Any = field.model._meta
    unique = field.unique
    indexed = field.unique or field.db_index
    for constraint in options.total_unique_constraints:
        unique = unique or tuple(constraint.fields) == (field.name,)
        indexed = indexed or constraint.fields[0] == field.name
    for constraint in options.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.expressions and constraint.condition is None:
            unique = unique or _mentions(constraint.expressions) == {field.name}
    for together in options.unique_together:
        indexed = indexed or together[0] == field.name
    indexed = indexed or any(index.fields[:1] == [field.name] and index.condition is None for index in options.indexes)
    return unique, indexed


def _mentions(expressions: Iterable[Any]) -> set[str]:
    """The columns that expressions such as ``Lower("email")`` name."""
    names: set[str] = set()
    for expression in expressions:
        parts: list[Any] = list(expression.flatten()) if hasattr(expression, "flatten") else [expression]
        names.update(part.name for part in parts if isinstance(part, models.F))  # type: ignore[attr-defined]
    return names


# What a new row needs --------------------------------------------------------------------------------------


def _needed(adapter: UserAdapter, found: list[Entry], place: str) -> Iterator[CheckMessage]:
    """Columns that stay empty when SCIM inserts a row, although the database or a second person would object."""
    if type(adapter).create is not UserAdapter.create:
        return
    written = {column.path for entry in found if entry.attr.writes for column in entry.columns}
    yield from _needed_by(adapter.model, written, "", place)
    relations = {path.partition("__")[0] for path in written if _is_reverse(adapter.model, path)}
    for relation in sorted(relations):
        related: Any = adapter.model._meta.get_field(relation).related_model
        yield from _needed_by(related, written, f"{relation}__", place)
    yield from _empty_twice(adapter, found, place)


def _is_reverse(model: type[models.Model], path: str) -> bool:
    """Whether a column is in a row that SCIM makes beside the user's."""
    relation, _, rest = path.partition("__")
    field = model._meta.get_field(relation)
    return bool(rest and field.one_to_one and not field.concrete)


def _needed_by(model: Any, written: set[str], prefix: str, place: str) -> Iterator[CheckMessage]:
    tops = {path.removeprefix(prefix).partition("__")[0] for path in written if path.startswith(prefix)}
    for field in model._meta.concrete_fields:
        is_link = bool(prefix) and field.one_to_one
        if field.name in tops or is_link or not lacks_value(field, is_user=not prefix):
            continue
        # A save() of the host's own may well fill it in.
        certain = model.save in _OWN_SAVES
        level: type[Error | Warning] = Error if certain else Warning
        yield level(
            f"{model.__name__}.{field.name} gets no value when SCIM creates a person, "
            + ("and it is unique." if field.unique else "and has no default."),
            hint="Map an attribute to it, give it a default or null=True, or override create() of the adapter.",
            obj=place,
            id="scim_provider.E045" if certain else "scim_provider.W045",
        )


def lacks_value(field: models.Field[Any, Any], *, is_user: bool) -> bool:
    """Whether a column that nothing writes makes the database refuse a row, or the second one.

    :param is_user: the row is of the user model, whose password the adapter fills.
    """
    filled_in = (
        field.primary_key or field.null or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
    )
    filled_in = filled_in or field.generated or field.db_default is not models.NOT_PROVIDED
    if filled_in or (is_user and field.name == "password"):
        return False
    if field.unique:
        # One value for everybody serves one person.
        return not callable(field.default) or field.default is models.NOT_PROVIDED
    return field.get_default() is None


def _empty_twice(adapter: UserAdapter, found: list[Entry], place: str) -> Iterator[CheckMessage]:
    """Unique columns that are "" for everybody who lacks an optional attribute."""
    required = {
        column.path for entry in found if entry.path.target.required and entry.attr.writes for column in entry.columns
    }
    for entry in found:
        for column in entry.columns:
            field = column.field
            if entry.attr.writes and column.path not in required and field.unique and not field.null:
                yield Warning(
                    f"{column.path!r} is unique, but {entry.path.key} is optional: the second person without it is "
                    "refused with 409.",
                    hint="Add null=True to the field, or fill it from userName with Attr(column, get=..., set=...).",
                    obj=place,
                    id="scim_provider.W046",
                )


# Who counts as deleted, what else is watched ---------------------------------------------------------------


def _soft_deletion(adapter: UserAdapter, place: str) -> Iterator[CheckMessage]:
    if not adapter.soft_deletes:
        return
    model = adapter.model
    if not _looks_at_deletion(model._default_manager):
        yield Error(
            f"The default manager of {model.__name__} shows soft-deleted people.",
            hint="Put SoftDeleteUserMixin before AbstractUser among the bases, and let a manager of your own inherit "
            "from django_scim_provider.mixins.LiveUserManager.",
            obj=place,
            id="scim_provider.E047",
        )
    if _looks_at_deletion(model._base_manager):
        yield Error(
            f"The base manager of {model.__name__} hides soft-deleted people, so that nobody can restore them.",
            hint='Let Meta inherit from SoftDeleteUserMixin.Meta, or set base_manager_name = "all_objects".',
            obj=place,
            id="scim_provider.E048",
        )


def _looks_at_deletion(manager: Any) -> bool:
    """Whether a manager's queryset has a condition on ``deleted_at``; nothing is run."""
    nodes = [manager.all().query.where]
    while nodes:
        node = nodes.pop()
        target = getattr(getattr(node, "lhs", None), "target", None)
        if target is not None and target.name == "deleted_at":
            return True
        nodes += getattr(node, "children", [])
    return False


def _scope_models(adapter: UserAdapter, place: str) -> Iterator[CheckMessage]:
    listed: Any = adapter.scope_models
    if not isinstance(listed, list | tuple):
        yield Error(
            f"scope_models is {listed!r}, which is neither a list nor a tuple.",
            hint='A tuple of one needs a comma: scope_models = ("app.Model",).',
            obj=place,
            id="scim_provider.E049",
        )
        return
    for entry in listed:
        problem = _scope_model_problem(entry, adapter.model)
        if problem:
            yield Error(
                f"scope_models names {entry!r}: {problem}",
                hint='Name models ("app.Model", or the class) that have a foreign key "user" to the user model.',
                obj=place,
                id="scim_provider.E049",
            )


def _scope_model_problem(entry: Any, user_model: type[models.Model]) -> str:
    try:
        model: Any = apps.get_model(entry) if isinstance(entry, str) else entry
        if not (isinstance(model, type) and issubclass(model, models.Model)):
            return "it is not a model."
    except (LookupError, ValueError) as error:
        return described(error)
    if not hasattr(model, "user"):
        return "it has no 'user'."
    fields = (*model._meta.fields, *model._meta.many_to_many)
    user = next((field for field in fields if field.name == "user"), None)
    if user is None:
        return ""  # a property
    related = user.related_model if user.many_to_one or user.one_to_one else None
    same = _concrete(related) is _concrete(user_model)
    return "" if same else "its 'user' is not a relation to one row of the user model."
