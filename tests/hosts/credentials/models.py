from __future__ import annotations

from django.contrib.auth.models import AbstractUser

from django_scim_provider.mixins import SoftDeleteUserMixin


class Person(SoftDeleteUserMixin, AbstractUser):
    pass
