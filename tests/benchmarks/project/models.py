"""The tables of a host that provisions by hand or by django-scim2: the columns that django-scim2 wants on users and
groups, and a table of tokens. Only where django-scim2 is served do its mixins bring their ``save()``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Upper

if settings.BENCHMARKED == "scim2":
    from django_scim.models import AbstractSCIMGroupMixin as GroupColumns
    from django_scim.models import AbstractSCIMUserMixin as UserColumns
else:

    def _column(**options: Any) -> Any:
        return models.CharField(max_length=254, null=True, blank=True, default=None, **options)

    class Columns(models.Model):
        scim_id = _column(unique=True)
        scim_external_id = _column(db_index=True)

        class Meta:
            abstract = True

    class UserColumns(Columns):
        scim_username = _column(db_index=True)

        class Meta:
            abstract = True

    class GroupColumns(Columns):
        scim_display_name = _column(db_index=True)

        class Meta:
            abstract = True


class Group(GroupColumns):
    name = models.CharField(max_length=255, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class User(UserColumns, AbstractUser):
    # Django's own is for permissions.
    scim_groups = models.ManyToManyField(Group, related_name="user_set")
    modified_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar = [
            # What finds a name in any case, as every host needs it that looks names up so.
            models.Index(Upper("username"), name="project_user_upper_name"),
        ]

    def __str__(self) -> str:
        return self.username


Membership: Any = User.scim_groups.through


class Token(models.Model):
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.digest[:8]
