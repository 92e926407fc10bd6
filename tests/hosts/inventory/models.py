"""What a host has besides people: things of its own, and about people a column of every type."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models


class Device(models.Model):
    class Kind(models.TextChoices):
        LAPTOP = "laptop", "Laptop"
        PHONE = "phone", "Phone"

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    site = models.CharField(max_length=50, default="main")
    serial = models.CharField(max_length=40, validators=[RegexValidator(r"^\S+\Z", "No spaces, please.")])
    label = models.CharField(max_length=80, blank=True, default="")
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True, default="")
    asset_tag = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001 (hosts do this)
    in_use = models.BooleanField(default=True)
    is_loan = models.BooleanField()
    ports = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    bought_at = models.DateTimeField(null=True)
    fingerprint = models.BinaryField(null=True)
    contact = models.CharField(max_length=80, blank=True, default="")
    networks = models.JSONField(null=True)
    details = models.JSONField(default=dict)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["site", "serial"], name="inventory_serial")]

    def __str__(self) -> str:
        return self.serial


class Part(models.Model):
    device = models.ForeignKey(Device, on_delete=models.PROTECT)

    def __str__(self) -> str:
        return str(self.pk)


class Staff(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff")
    badge = models.CharField(max_length=40, unique=True, null=True)  # noqa: DJ001 (hosts do this)
    floor = models.IntegerField(null=True)
    rate = models.DecimalField(max_digits=6, decimal_places=2, null=True)
    hired_at = models.DateTimeField(null=True)
    photo = models.BinaryField(null=True)
    is_contractor = models.BooleanField(default=False)
    skills = models.JSONField(null=True)
    desk = models.JSONField(null=True)

    def __str__(self) -> str:
        return str(self.badge)
