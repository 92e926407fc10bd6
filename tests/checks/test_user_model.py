from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser, AbstractUser, BaseUserManager, User, UserManager
from django.db import models
from django.db.models import Value
from django.db.models.functions import Lower

from checks.wiring import APP_LABEL, Wire, ids
from django_scim_provider.adapters import Attr, Not, PrimaryValue, UserAdapter
from django_scim_provider.checks.user_model import check_sign_in, check_user_model
from django_scim_provider.mixins import LiveUserManager, SoftDeleteUserMixin

Make = Callable[..., type[models.Model]]


def related_model(name: str = "Profile", **content: Any) -> type[models.Model]:
    meta = type("Meta", (), {"app_label": APP_LABEL})
    return type(name, (models.Model,), {"__module__": __name__, "Meta": meta, **content})


def test_the_stock_user_is_right(wire: Wire) -> None:
    wire()
    assert ids(check_user_model()) == []


def test_a_well_made_user_model_is_right(make_user_model: Make) -> None:
    make_user_model()
    assert ids(check_user_model()) == []


@pytest.mark.parametrize("model", [None, "auth.User", object()])
def test_a_model_that_is_none_is_reported(wire: Wire, model: Any) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {"model": model}))
    assert ids(check_user_model()) == ["E040"]


@pytest.mark.usefixtures("isolated")
def test_a_model_that_is_not_the_projects_user_model_is_reported(wire: Wire) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {"model": related_model(), "attributes": {}}))
    assert ids(check_user_model()) == ["E040"]


@pytest.mark.usefixtures("isolated")
def test_a_proxy_of_the_user_model_is_right(wire: Wire) -> None:
    meta = type("Meta", (), {"proxy": True, "app_label": APP_LABEL})
    proxy = type("Colleague", (User,), {"__module__": __name__, "Meta": meta})
    wire(adapter=type("Adapter", (UserAdapter,), {"model": proxy}))
    assert ids(check_user_model()) == []


def test_a_user_model_without_djangos_password_is_reported(make_user_model: Make) -> None:
    make_user_model(bases=(models.Model,))
    assert ids(check_user_model()) == ["W041"]


# Signing in ------------------------------------------------------------------------------------------------


def test_an_activity_that_django_does_not_ask_for_is_reported(make_user_model: Make) -> None:
    locked = models.BooleanField(default=False)
    make_user_model({"active": Not("is_locked")}, is_locked=locked, is_active=None)
    assert ids(check_user_model()) == ["W033"]
    make_user_model({"active": Not("is_locked")}, is_locked=locked, is_active=property(lambda self: not self.is_locked))
    assert ids(check_user_model()) == []
    make_user_model({"active": None}, is_active=None)
    assert ids(check_user_model()) == []


def test_passwords_that_are_kept_are_reported(make_user_model: Make) -> None:
    make_user_model(adapter={"rotate_password": False})
    assert ids(check_user_model()) == ["W036"]


def test_json_web_tokens_that_outlive_a_deactivation_are_reported(settings: Any) -> None:
    authentication = "rest_framework_simplejwt.authentication"
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": [f"{authentication}.JWTAuthentication", UserAdapter]}
    assert ids(check_sign_in()) == ["W037"]
    settings.SIMPLE_JWT = {"CHECK_REVOKE_TOKEN": True}
    assert ids(check_sign_in()) == []
    settings.REST_FRAMEWORK = {
        "DEFAULT_AUTHENTICATION_CLASSES": [f"{authentication}.JWTStatelessUserAuthentication", UserAdapter]
    }
    assert ids(check_sign_in()) == ["W038"]


def test_a_model_that_protects_nobody_is_reported(make_user_model: Make) -> None:
    make_user_model(is_superuser=None)
    assert ids(check_user_model()) == ["I035"]
    make_user_model(is_superuser=None, adapter={"is_protected": lambda self, user: user.pk == 1})
    assert ids(check_user_model()) == []


@pytest.mark.parametrize("name", ["AllowAllUsersModelBackend", "AllowAllUsersRemoteUserBackend"])
def test_a_sign_in_for_everybody_is_reported(settings: Any, name: str) -> None:
    assert ids(check_sign_in()) == []
    settings.AUTHENTICATION_BACKENDS = [f"django.contrib.auth.backends.{name}"]
    assert ids(check_sign_in()) == ["W034"]


# The column of the userName --------------------------------------------------------------------------------


def meta(**options: Any) -> type:
    return type("Meta", (), options)


@pytest.mark.parametrize(
    ("email", "options", "expected"),
    [
        (models.EmailField(), {}, ["W042", "W043"]),
        (models.EmailField(db_index=True), {}, ["W042"]),
        (models.EmailField(unique=True), {}, []),
        (models.EmailField(), {"indexes": [models.Index(fields=["email", "is_active"], name="a")]}, ["W042"]),
        (models.EmailField(), {"indexes": [models.Index(fields=["is_active", "email"], name="b")]}, ["W042", "W043"]),
        (models.EmailField(), {"indexes": [models.Index(Lower("email"), name="c")]}, ["W042", "W043"]),
        (
            models.EmailField(),
            {"indexes": [models.Index(fields=["email"], condition=models.Q(is_active=True), name="d")]},
            ["W042", "W043"],
        ),
        (models.EmailField(), {"constraints": [models.UniqueConstraint(fields=["email"], name="e")]}, []),
        (
            models.EmailField(),
            {"constraints": [models.UniqueConstraint(fields=["email", "is_active"], name="f")]},
            ["W042"],
        ),
        (
            models.EmailField(),
            {
                "constraints": [
                    models.UniqueConstraint(fields=["email"], condition=models.Q(is_active=True), name="g"),
                    models.CheckConstraint(condition=models.Q(is_active=True), name="h"),
                ]
            },
            ["W042", "W043"],
        ),
        (models.EmailField(), {"constraints": [models.UniqueConstraint(Lower("email"), name="i")]}, ["W043"]),
        (models.EmailField(db_index=True), {"constraints": [models.UniqueConstraint("email", name="j")]}, []),
        (
            models.EmailField(db_index=True),
            {"constraints": [models.UniqueConstraint(Lower("email"), Value(1), "is_active", name="k")]},
            ["W042"],
        ),
        (models.EmailField(), {"unique_together": [("email", "is_active")]}, ["W042"]),
        (models.EmailField(), {"unique_together": [("is_active", "email")]}, ["W042", "W043"]),
    ],
)
def test_a_user_name_that_is_not_unique_or_not_indexed_is_reported(
    make_user_model: Make, email: models.Field[Any, Any], options: dict[str, Any], expected: list[str]
) -> None:
    make_user_model(email=email, Meta=meta(**options))
    assert ids(check_user_model()) == expected


def test_of_a_user_name_in_two_columns_the_one_for_look_ups_counts(make_user_model: Make) -> None:
    name = models.CharField(max_length=150)
    pair: dict[str, Any] = {"get": lambda email, name: email, "set": lambda value: (value, value)}
    make_user_model({"userName": Attr(("email", "name"), lookup="email", **pair)}, name=name)
    assert ids(check_user_model()) == []
    make_user_model({"userName": Attr(("email", "name"), **pair)}, name=name)
    assert ids(check_user_model()) == ["W042", "W043"]


def test_a_user_name_in_a_json_field_is_reported(make_user_model: Make) -> None:
    make_user_model({"userName": "extra__name"}, extra=models.JSONField(default=dict), email=None)
    assert ids(check_user_model()) == ["W042", "W043"]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (models.CharField(max_length=112, unique=True), ["I044"]),
        (models.CharField(max_length=113, unique=True), []),
        (models.TextField(unique=True), []),
    ],
)
def test_a_user_name_with_little_room_is_reported(
    make_user_model: Make, field: models.Field[Any, Any], expected: list[str]
) -> None:
    make_user_model(email=field)
    assert ids(check_user_model()) == expected


# What a new row needs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        models.IntegerField(),
        models.DateField(),
        models.CharField(max_length=9, unique=True),
        models.CharField(max_length=9, unique=True, default=""),
        models.IntegerField(unique=True, default=0),
    ],
)
def test_a_column_that_nothing_fills_is_reported(make_user_model: Make, field: models.Field[Any, Any]) -> None:
    make_user_model(extra=field)
    assert ids(check_user_model()) == ["E045"]


@pytest.mark.parametrize(
    "field",
    [
        models.IntegerField(null=True),
        models.IntegerField(default=0),
        models.IntegerField(db_default=0),
        models.CharField(max_length=9),
        models.CharField(max_length=9, unique=True, null=True),
        models.UUIDField(unique=True, default=uuid.uuid4),
        models.DateTimeField(auto_now_add=True),
        models.DateTimeField(auto_now=True),
        models.GeneratedField(expression=Lower("email"), output_field=models.EmailField(), db_persist=True),
    ],
)
def test_a_column_that_fills_itself_is_right(make_user_model: Make, field: models.Field[Any, Any]) -> None:
    make_user_model(extra=field)
    assert ids(check_user_model()) == []


def test_a_column_that_the_map_fills_is_right(make_user_model: Make) -> None:
    make_user_model({"employeeNumber": None, "title": Attr("extra", get=str, set=int)}, extra=models.IntegerField())
    assert ids(check_user_model()) == []
    make_user_model({"title": Attr("extra", get=str, set=None)}, extra=models.IntegerField())
    assert ids(check_user_model()) == ["E045"]


def test_a_host_that_may_fill_the_column_itself_is_warned_or_trusted(make_user_model: Make) -> None:
    def save(self: Any, *args: Any, **kwargs: Any) -> None: ...

    make_user_model(extra=models.IntegerField(), save=save)
    assert ids(check_user_model()) == ["W045"]
    make_user_model(extra=models.IntegerField(), adapter={"create": lambda self, columns, connection, using: None})
    assert ids(check_user_model()) == []


def test_an_e_mail_address_as_the_user_name_of_a_stock_user_leaves_the_username_empty(
    make_user_model: Make,
) -> None:
    make_user_model(bases=(AbstractUser,), groups=None, user_permissions=None)
    messages = check_user_model()
    assert ids(messages) == ["E045"]
    assert messages[0].msg.startswith("Member0.username gets no value when SCIM creates a person, and it is unique.")


def test_a_related_row_that_scim_makes_is_looked_at_as_well(make_user_model: Make) -> None:
    model = make_user_model({"title": "profile__title", "nickName": "profile__extra__nick", "userType": "meta__kind"})
    related_model(
        user=models.OneToOneField(model, models.CASCADE, related_name="profile"),
        title=models.CharField(max_length=9),
        extra=models.JSONField(),
        birthday=models.DateField(),
    )
    messages = check_user_model()
    assert ids(messages) == ["E045"]
    assert "Profile.birthday" in messages[0].msg


def test_a_unique_column_of_an_optional_attribute_is_reported(make_user_model: Make) -> None:
    name = models.CharField(max_length=150, unique=True)
    make_user_model({"userName": "name", "emails": "email"}, name=name)
    assert ids(check_user_model()) == ["W046"]
    make_user_model({"userName": "name", "emails": "email"}, name=name, email=models.EmailField(unique=True, null=True))
    assert ids(check_user_model()) == []
    make_user_model({"emails": PrimaryValue("email")})
    assert ids(check_user_model()) == []


# Soft deletion ---------------------------------------------------------------------------------------------


class Manager(BaseUserManager[Any]):
    pass


class LiveManager(LiveUserManager):
    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(models.Q(is_active=True) | models.Q(email=""))


SOFT = (SoftDeleteUserMixin, AbstractBaseUser)


@pytest.mark.parametrize(
    ("bases", "names", "expected"),
    [
        (SOFT, {}, []),
        (SOFT, {"objects": LiveManager()}, []),
        (SOFT, {"objects": Manager()}, ["E047"]),
        ((AbstractBaseUser, SoftDeleteUserMixin), {"objects": UserManager()}, ["E047"]),
        (SOFT, {"Meta": type("Meta", (), {"base_manager_name": "objects"})}, ["E048"]),
    ],
)
def test_managers_that_mistake_the_deleted_for_the_living_are_reported(
    make_user_model: Make, bases: tuple[type, ...], names: dict[str, Any], expected: list[str]
) -> None:
    make_user_model(bases=bases, **names)
    assert ids(check_user_model()) == expected


# scope_models ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "listed",
    [
        "auth.User",
        ("nowhere.Model",),
        ("no model",),
        (5,),
        (object,),
        ("auth.Group",),
    ],
)
def test_models_that_cannot_be_watched_are_reported(wire: Wire, listed: Any) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {"scope_models": listed}))
    assert ids(check_user_model()) == ["E049"]


@pytest.mark.usefixtures("isolated")
def test_a_user_that_is_somebody_else_is_reported(wire: Wire) -> None:
    good = related_model("Good", user=models.ForeignKey(User, models.CASCADE))
    clever = related_model("Clever", user=property(lambda self: None))
    text = related_model("Text", user=models.CharField(max_length=5))
    wire(adapter=type("Adapter", (UserAdapter,), {"scope_models": [good, clever, "admin.LogEntry", text]}))
    messages = check_user_model()
    assert ids(messages) == ["E049"]
    assert "Text" in messages[0].msg
