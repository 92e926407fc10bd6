from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .connections import ScimConnection
from .fields import ID_LENGTH, KeyField
from .resources import ScimUser
from .token_format import KEY_ID_LENGTH


class ScimEvent(models.Model):
    """What was asked and what came of it: one row per write and per refusal. Append-only."""

    class Action(models.TextChoices):
        CREATE = "create", _("created")
        REPLACE = "replace", _("replaced")
        MODIFY = "modify", _("changed")
        DELETE = "delete", _("deleted")
        READ = "read", _("read")
        AUTHENTICATE = "authenticate", _("authenticated")
        ADOPT = "adopt", _("began to manage")
        RELEASE = "release", _("stopped managing")
        ENABLE = "enable", _("enabled SCIM")
        DISABLE = "disable", _("disabled SCIM")
        TOKEN_ISSUE = "token_issue", _("issued a token")
        TOKEN_REVOKE = "token_revoke", _("revoked a token")
        CLIENT_LINK = "client_link", _("linked an OAuth client")
        CLIENT_UNLINK = "client_unlink", _("unlinked an OAuth client")
        CONFIGURE = "configure", _("changed the settings")
        ALARM = "alarm", _("removed many people")
        LET_PASS = "let_pass", _("let removals pass")
        UNDO = "undo", _("undid a removal")
        ERASE = "erase", _("erased personal data")

    class Outcome(models.TextChoices):
        SUCCESS = "success", _("done")
        REFUSED = "refused", _("refused")
        FAILED = "failed", _("failed")

    connection = models.ForeignKey(
        ScimConnection,
        on_delete=models.SET_NULL,
        null=True,
        related_name="events",
        verbose_name=_("connection"),
    )
    connection_name = models.CharField(_("connection name"), max_length=100, blank=True, default="")
    at = models.DateTimeField(_("time"), db_index=True)
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    scim_type = models.CharField(_("error type"), max_length=30, blank=True, default="")
    detail = models.TextField(_("detail"), blank=True, default="")
    resource_type = models.CharField(_("kind"), max_length=50, blank=True, default="")
    resource_id = KeyField(_("resource"), max_length=ID_LENGTH, blank=True, default="")
    label = models.CharField(_("name"), max_length=255, blank=True, default="")
    changed = models.JSONField(_("changed attributes"), default=list)
    values = models.JSONField(_("values"), null=True)
    warnings = models.JSONField(_("warnings"), default=list)
    key_id = KeyField(_("token"), max_length=KEY_ID_LENGTH, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("administrator"),
    )
    remote_addr = models.GenericIPAddressField(_("address"), null=True)
    duration_ms = models.PositiveIntegerField(_("duration in milliseconds"), null=True)
    count = models.PositiveIntegerField(_("times"), default=1)

    class Meta:
        verbose_name = _("SCIM event")
        verbose_name_plural = _("SCIM events")
        ordering: ClassVar = ["-pk"]
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["connection", "at"], name="scim_event_connection"),
            models.Index(fields=["resource_id", "at"], name="scim_event_resource"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.label}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            self._refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise TypeError("Events are append-only; EVENT_RETENTION and scim_erase are the ways they go.")


class ScimRemoval(models.Model):
    """What a removal took away, kept so that it can be undone."""

    class Kind(models.TextChoices):
        DEACTIVATE = "deactivate", _("deactivated")
        DELETE = "delete", _("deleted")
        LEAVE = "leave", _("lost a role")

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="removals", verbose_name=_("connection")
    )
    scim_user = models.ForeignKey(ScimUser, on_delete=models.CASCADE, related_name="removals", verbose_name=_("person"))
    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    at = models.DateTimeField(_("time"))
    state = models.JSONField(_("state before"), default=dict)
    """``active``; ``account``, the primary key as text; ``password``, whether the person had one of their own."""
    group_ids = models.JSONField(_("groups before"), default=list)
    roles = models.JSONField(_("roles before"), default=list)
    key_id = KeyField(_("token"), max_length=KEY_ID_LENGTH, blank=True, default="")
    remote_addr = models.GenericIPAddressField(_("address"), null=True)
    undone_at = models.DateTimeField(_("undone at"), null=True)

    class Meta:
        verbose_name = _("SCIM removal")
        verbose_name_plural = _("SCIM removals")
        ordering: ClassVar = ["-pk"]
        default_permissions = ("view",)
        indexes: ClassVar = [models.Index(fields=["connection", "at"], name="scim_removal_connection")]

    def __str__(self) -> str:
        return f"{self.scim_user_id} {self.at:%Y-%m-%d %H:%M}"


class HeldRemoval(models.Model):
    """A removal that was asked for and not done, because the connection's guard holds further ones."""

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="held_removals", verbose_name=_("connection")
    )
    resource_type = models.CharField(_("kind"), max_length=50)
    resource_id = KeyField(_("resource"), max_length=ID_LENGTH)
    label = models.CharField(_("name"), max_length=255, blank=True, default="")
    people = models.PositiveIntegerField(_("people"), default=1)
    first_at = models.DateTimeField(_("first asked for"))
    last_at = models.DateTimeField(_("last asked for"))
    count = models.PositiveIntegerField(_("times"), default=1)
    key_id = KeyField(_("token"), max_length=KEY_ID_LENGTH, blank=True, default="")
    remote_addr = models.GenericIPAddressField(_("address"), null=True)

    class Meta:
        verbose_name = _("held removal")
        verbose_name_plural = _("held removals")
        ordering: ClassVar = ["pk"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "resource_type", "resource_id"], name="scim_held_resource"),
        ]

    def __str__(self) -> str:
        return self.label
