from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .connections import ScimConnection
from .fields import KeyField
from .token_format import KEY_ID_LENGTH, new_key_id


class ScimOAuthClient(models.Model):
    """A client of the site's own OAuth 2.0 server that acts as one connection.

    No foreign key: the table of clients belongs to an app that a host may do without, or may have swapped.
    """

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="oauth_clients", verbose_name=_("connection")
    )
    # What tokens are matched by. A client's id can be given up and taken by somebody else's client; a key never is.
    application_key = KeyField(max_length=64, editable=False)
    """The primary key, as text, of the client's row."""
    client_id = models.CharField(_("client id"), max_length=255)
    """As it was when the client was linked; shown only."""
    key_id = KeyField(_("key id"), max_length=KEY_ID_LENGTH, default=new_key_id, editable=False)
    """What events call the client."""
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("created by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("OAuth client")
        verbose_name_plural = _("OAuth clients")
        ordering: ClassVar = ["created_at", "pk"]
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["application_key"], name="scim_oauth_client_application"),
            models.UniqueConstraint(fields=["key_id"], name="scim_oauth_client_key_id"),
        ]

    def __str__(self) -> str:
        return self.client_id
