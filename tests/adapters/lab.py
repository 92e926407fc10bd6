"""Host models with one of everything, for tests of what adapters and mixins do to columns.

They live in an app registry of their own; the fixture ``lab`` makes their tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import connection, models
from django.test.utils import isolate_apps

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.mixins import SoftDeleteUserMixin

APP = "messages"
"""An installed app without models, so that nothing of it is in the way."""

with isolate_apps("django.contrib.messages"):

    class Department(models.Model):
        name = models.CharField(max_length=50, unique=True)

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return self.name

    class Home(models.Model):
        city = models.CharField(max_length=50, blank=True)

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return self.city

    class Employee(AbstractBaseUser):
        username = models.CharField(max_length=150, unique=True, validators=[UnicodeUsernameValidator()])
        email = models.EmailField(blank=True)
        first_name = models.CharField(max_length=20, blank=True)
        last_name = models.CharField(max_length=20, blank=True)
        full_name = models.CharField(max_length=40, blank=True)
        is_active = models.BooleanField(default=True)
        is_superuser = models.BooleanField(default=False)
        is_remote = models.BooleanField(null=True)
        metadata = models.JSONField(default=dict)
        extra = models.JSONField(null=True)
        department = models.ForeignKey(Department, on_delete=models.SET_NULL, null=True)
        home = models.OneToOneField(Home, on_delete=models.SET_NULL, null=True)
        number = models.CharField(max_length=10, unique=True, null=True)  # noqa: DJ001 (hosts do this)
        age = models.IntegerField(null=True)
        birthday = models.DateField(null=True)
        salary = models.DecimalField(max_digits=6, decimal_places=2, null=True)
        level = models.SmallIntegerField(default=3)
        size = models.PositiveIntegerField()
        note = models.TextField()
        motto = models.CharField(max_length=20, null=True)  # noqa: DJ001 (hosts do this)
        updated_at = models.DateTimeField(auto_now=True)

        USERNAME_FIELD = "username"

        class Meta:
            app_label = APP

        def save(self, *args: Any, **kwargs: Any) -> None:
            self.saves: list[Any] = [*getattr(self, "saves", []), kwargs.get("update_fields")]
            if self.size is None:
                self.size = 0
            super().save(*args, **kwargs)

    class Card(models.Model):
        user = models.OneToOneField(Employee, on_delete=models.CASCADE, related_name="card")
        nick = models.CharField(max_length=20, blank=True)
        title = models.CharField(max_length=20, null=True)  # noqa: DJ001 (hosts do this)
        seen_at = models.DateTimeField(auto_now=True)

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return self.nick

    class Badge(models.Model):
        card = models.OneToOneField(Card, on_delete=models.CASCADE, related_name="badge")
        code = models.CharField(max_length=20, blank=True)

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return self.code

    class Leaver(SoftDeleteUserMixin, AbstractBaseUser):
        """User name, address and activity, as ``AbstractUser`` has them."""

        username = models.CharField(max_length=150, unique=True)
        email = models.EmailField(unique=True, null=True)  # noqa: DJ001 (hosts do this)
        is_active = models.BooleanField(default=True)

        USERNAME_FIELD = "username"

        class Meta(SoftDeleteUserMixin.Meta):
            app_label = APP

    class Note(models.Model):
        author = models.ForeignKey(Leaver, on_delete=models.CASCADE)

        class Meta:
            app_label = APP

        def __str__(self) -> str:
            return str(self.pk)

    class Stranger(SoftDeleteUserMixin, models.Model):
        """Neither a user name nor a switch for activity, and little room."""

        soft_delete_fields = ("username", "email", "phone")

        email = models.CharField(max_length=30, unique=True)
        phone = models.CharField(max_length=12, blank=True)

        class Meta(SoftDeleteUserMixin.Meta):
            app_label = APP

        def __str__(self) -> str:
            return self.email


MODELS = (Department, Home, Employee, Card, Badge, Leaver, Note, Stranger)


@pytest.fixture(scope="module")
def lab_tables(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            for model in MODELS:
                editor.create_model(model)
        yield
        with connection.schema_editor() as editor:
            for model in reversed(MODELS):
                editor.delete_model(model)


@pytest.fixture
def lab(lab_tables: None, db: None) -> None:
    """The tables of the models above."""


class EmployeeAdapter(UserAdapter):
    """A map on ``Employee``; tests say theirs in ``adapter_for``."""

    model = Employee  # type: ignore[assignment]
    attributes: ClassVar[Any] = UserAdapter.attributes


def adapter_for(attributes: dict[str, Any], **options: Any) -> EmployeeAdapter:
    """An adapter for ``Employee`` with a map of the test's own."""
    made: type[EmployeeAdapter] = type("Adapter", (EmployeeAdapter,), {"attributes": attributes, **options})
    return made()
