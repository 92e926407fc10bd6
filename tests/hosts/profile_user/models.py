from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models


class Account(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)


class Profile(models.Model):
    user = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="profile")
    department = models.CharField(max_length=100, blank=True)
    nick = models.CharField(max_length=50, blank=True)
    job_title = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001 (hosts do this)

    def __str__(self) -> str:
        return self.nick
