from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models

from django_scim_provider.mixins import SoftDeleteUserMixin


class Person(SoftDeleteUserMixin, AbstractUser):
    """One account, whatever the organizations; ``kind`` says which of the two portals it is for, if for one."""

    kind = models.CharField(max_length=10, blank=True, default="")


class Organization(models.Model):
    name = models.CharField(max_length=50)
    slug = models.SlugField(unique=True)
    domain = models.CharField(max_length=100, blank=True, default="")
    """Verified by the host."""

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    class Level(models.TextChoices):
        GUEST = "guest", "Guest"
        MEMBER = "member", "Member"
        ADMIN = "admin", "Admin"
        OWNER = "owner", "Owner"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    is_active = models.BooleanField(default=True)
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.GUEST)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "user"], name="tenants_one_membership")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class Seat(models.Model):
    """Where to be a member is to be active, and the tenant's key stands in the row."""

    tenant_key = models.CharField(max_length=50)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="seats")
    level = models.CharField(max_length=10, choices=Membership.Level.choices, default=Membership.Level.GUEST)

    def __str__(self) -> str:
        return f"{self.person_id} in {self.tenant_key}"


class Key(models.Model):
    """What lets a person in to one organization."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return str(self.pk)


class Device(models.Model):
    """What a person of the store portal holds."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="devices")
    policy = models.CharField(max_length=20, default="standard")

    def __str__(self) -> str:
        return str(self.pk)
