from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models


def scim_column(**options: Any) -> Any:
    return models.CharField(max_length=254, null=True, default=None, **options)


class Department(models.Model):
    name = models.CharField(max_length=300)
    scim_id = scim_column(unique=True)
    scim_external_id = scim_column(db_index=True)
    scim_display_name = scim_column(db_index=True)

    def __str__(self) -> str:
        return self.name


class Person(AbstractUser):
    scim_id = scim_column(unique=True)
    scim_external_id = scim_column(db_index=True)
    scim_username = scim_column(db_index=True)
    departments = models.ManyToManyField(Department, related_name="user_set", through="Assignment")
    follows = models.ManyToManyField("self", symmetrical=False)

    class Meta(AbstractUser.Meta):
        ordering: ClassVar = ["-date_joined"]


class Assignment(models.Model):
    """Somebody may be named twice."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    department = models.ForeignKey(Department, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"{self.person_id} in {self.department_id}"
