from __future__ import annotations

import hashlib
from typing import ClassVar

from django.db import models

from .fields import KeyField
from .resources import KEY_LENGTH, ScimUser

_HEAD = KEY_LENGTH - 65


def bounded_key(key: str) -> str:
    """A key that fits the index: a long one becomes its beginning and a hash, so that equality still holds."""
    if len(key) <= KEY_LENGTH:
        return key
    return f"{key[:_HEAD]}\x1f{hashlib.sha256(key.encode()).hexdigest()}"


class ScimValue(models.Model):
    """The filter index: one row per value that no column of ours or the host's answers for.

    It holds the values of multi-valued attributes and of kept single ones, folded as their attribute compares.
    A row stands for one element of the attribute; ``attribute`` is its canonical path.
    """

    scim_user = models.ForeignKey(ScimUser, on_delete=models.CASCADE, related_name="values")
    attribute = KeyField(max_length=150)
    position = models.PositiveIntegerField(default=0)
    type = KeyField(max_length=KEY_LENGTH, blank=True, default="")
    primary = models.BooleanField(null=True)
    value_key = KeyField(max_length=KEY_LENGTH)

    class Meta:
        verbose_name = "SCIM value"
        verbose_name_plural = "SCIM values"
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scim_user", "attribute", "position"], name="scim_value_position"),
        ]
        indexes: ClassVar = [models.Index(fields=["attribute", "value_key"], name="scim_value_key")]

    def __str__(self) -> str:
        return f"{self.attribute}[{self.position}]"
