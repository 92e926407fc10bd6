"""A small product that organisations share: one account per person, one membership per organisation."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Organization(models.Model):
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, help_text="The key of the organization; SCIM connections name it as tenant.")
    verified_domain = models.CharField(
        max_length=253,
        blank=True,
        default="",
        help_text="A domain of e-mail addresses that the site's staff has seen to be the organization's.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Level(models.TextChoices):
        GUEST = "guest", "Guest"
        MEMBER = "member", "Member"
        ADMIN = "admin", "Administrator"
        OWNER = "owner", "Owner"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.MEMBER)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "organization"], name="workspace_one_membership"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organization}"


class Team(models.Model):
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=100)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, through="TeamMembership", related_name="teams")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "name"], name="workspace_team_name"),
        ]

    def __str__(self) -> str:
        return self.name


class TeamMembership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="team_memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="team_memberships")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="workspace_team_member"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Badge(models.Model):
    """What the front desk knows of a person; SCIM shows it as an extension."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="badge")
    number = models.CharField(max_length=40, unique=True, null=True, blank=True)
    floor = models.IntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.number or f"of {self.user}"


class Device(models.Model):
    """A computer or a telephone; SCIM shows it as a resource type of its own."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="devices")
    serial = models.CharField(max_length=40)
    name = models.CharField(max_length=80, blank=True)
    in_use = models.BooleanField(null=True, blank=True)
    external_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "serial"], name="workspace_device_serial"),
        ]

    def __str__(self) -> str:
        return self.name or self.serial
