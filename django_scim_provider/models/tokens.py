from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .connections import ScimConnection
from .fields import KeyField
from .token_format import KEY_ID_LENGTH, PREFIX


class ScimToken(models.Model):
    """A bearer credential of one connection. Only the digest is stored; several live tokens may overlap."""

    class Scopes(models.TextChoices):
        WRITE = "write", _("Read and write")
        READ = "read", _("Read only")

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="tokens", verbose_name=_("connection")
    )
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    key_id = KeyField(_("key id"), max_length=KEY_ID_LENGTH, editable=False)
    digest = KeyField(max_length=64, editable=False)
    scopes = models.CharField(_("scopes"), max_length=10, choices=Scopes.choices, default=Scopes.WRITE)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    last_used_ip = models.GenericIPAddressField(_("last used from"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    warned_days = models.PositiveSmallIntegerField(null=True, editable=False)
    """The warning that was sent last, by the days that were left then."""
    # Of the form that asked for the token: sent twice, it must not make two. Elsewhere NULL, never a duplicate.
    request_id = KeyField(max_length=32, null=True, editable=False)

    class Meta:
        verbose_name = _("SCIM token")
        verbose_name_plural = _("SCIM tokens")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key_id"], name="scim_token_key_id"),
            models.UniqueConstraint(fields=["request_id"], name="scim_token_request_id"),
        ]
        permissions: ClassVar = [("manage_scimtoken", _("Can issue, rotate and revoke SCIM tokens"))]

    def __str__(self) -> str:
        return self.starts_with

    @property
    def starts_with(self) -> str:
        """What may be shown of a token: the prefix and the key id."""
        return f"{PREFIX}{self.key_id}…"

    def is_live(self, at: datetime | None = None) -> bool:
        """Whether the token would be accepted, were its connection enabled."""
        return self.revoked_at is None and self.expires_at > (at or timezone.now())
