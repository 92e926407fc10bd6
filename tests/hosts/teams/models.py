from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models


class Worker(AbstractUser):
    class Role(models.TextChoices):
        GUEST = "guest", "Guest"
        MEMBER = "member", "Member"
        ADMIN = "admin", "Admin"
        OWNER = "owner", "Owner"

    role = models.CharField(max_length=20, choices=Role.choices, blank=True, default="")


class Organization(models.Model):
    slug = models.SlugField(unique=True)

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    class Level(models.TextChoices):
        VIEWER = "viewer", "Viewer"
        EDITOR = "editor", "Editor"
        MANAGER = "manager", "Manager"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    level = models.CharField(max_length=20, choices=Level.choices, default=Level.VIEWER)

    def __str__(self) -> str:
        return f"{self.user_id} {self.level}"


class Team(models.Model):
    name = models.CharField(max_length=255)
    color = models.CharField(max_length=20, default="blue")

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    note = models.CharField(max_length=50, blank=True, default="")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["team", "user"], name="teams_member")]

    def __str__(self) -> str:
        return f"{self.team_id}: {self.user_id}"
