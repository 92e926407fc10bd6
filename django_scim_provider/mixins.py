"""Optional abstract models for hosts. A leaf module: a host's ``models.py`` may import it at any time."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.contrib.auth.models import UserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

FREED_DOMAIN = "deleted.invalid"
"""Nobody can receive mail there (RFC 2606)."""
_ROOM_FOR_ADDRESS = 28


def freed_value(max_length: int | None) -> str:
    """What takes the place of a name or an address that is freed: nobody else's, and short enough for the column."""
    mark, domain = uuid.uuid4().hex, f"@{FREED_DOMAIN}"
    if max_length is None:
        return mark + domain
    return mark[: max_length - len(domain)] + domain if max_length >= _ROOM_FOR_ADDRESS else mark[:max_length]


class LiveUserManager(UserManager[Any]):
    """Hides soft-deleted users."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(deleted_at__isnull=True)


class SoftDeleteUserMixin(models.Model):
    """Adds ``deleted_at`` to a user model, and a manager that hides the deleted.

    Put it before ``AbstractUser`` among the bases. ``soft_delete()`` frees the user name and the e-mail address for
    somebody else by replacing them; ``all_objects`` still finds the row. SCIM goes on showing the person as before,
    with ``active`` false.
    """

    soft_delete_fields: ClassVar[tuple[str, ...]] = ("username", "email")
    """Fields that identify a person and are obfuscated; those the model does not have are passed over."""

    deleted_at = models.DateTimeField(_("deleted at"), null=True, blank=True, editable=False, db_index=True)
    freed_values = models.JSONField(default=dict, blank=True, editable=False)

    # The first manager is the default one, used by the admin, by related look-ups and by authentication.
    objects = LiveUserManager()
    all_objects = UserManager[Any]()

    class Meta:
        abstract = True
        base_manager_name = "all_objects"

    def _freed_fields(self) -> list[str]:
        names = {field.name for field in self._meta.concrete_fields}
        return [name for name in self.soft_delete_fields if name in names and getattr(self, name)]

    def soft_delete(self) -> list[str]:
        """Mark deleted and free user name and e-mail. Saves; returns the names of the fields written."""
        if self.deleted_at is not None:
            return []
        fields = self._freed_fields()
        room = {field.name: field.max_length for field in self._meta.concrete_fields}
        self.freed_values = {name: getattr(self, name) for name in fields}
        if not getattr(self, "is_active", True):
            self.freed_values["is_active"] = False
        for name in fields:
            setattr(self, name, freed_value(room[name]))
        self.deleted_at = timezone.now()
        written = [*fields, "deleted_at", "freed_values", *self._set_active(False)]
        self.save(update_fields=written)
        return written

    def restore(self) -> Self:
        """Undo ``soft_delete()``; who was inactive before stays so. Saves; somebody who is not deleted is left alone.

        :raises django.db.IntegrityError: user name or e-mail belong to somebody else by now.
        """
        if self.deleted_at is None:
            return self
        values = dict(self.freed_values)
        active = self._set_active(values.pop("is_active", True))
        for name, value in values.items():
            setattr(self, name, value)
        written = [*values, "deleted_at", "freed_values", *active]
        self.deleted_at, self.freed_values = None, {}
        self.save(update_fields=written)
        return self

    def _set_active(self, active: bool) -> list[str]:
        if not any(field.name == "is_active" for field in self._meta.concrete_fields):
            return []
        self.is_active = active
        return ["is_active"]
