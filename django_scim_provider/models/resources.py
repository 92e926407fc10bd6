from __future__ import annotations

import re
import uuid
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .connections import ScimConnection
from .fields import ID_LENGTH, DocumentField, KeyField

KEY_LENGTH = 512


def new_id() -> str:
    """An id that nobody had before."""
    return str(uuid.uuid4())


_DRAWN: Final = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def is_drawn(scim_id: str) -> bool:
    """Whether an id looks like those of ``new_id``, which nothing else has unless an import brought them along."""
    return _DRAWN.fullmatch(scim_id) is not None


class ScimUser(models.Model):
    """A host user as one connection sees it (RFC 7643 section 4.1).

    ``scim_id`` is a UUID drawn here, or what an import brought along; a client never chooses it. ``attributes`` holds
    the resource as last sent, read-only parts left out. ``alive`` is True or, for a deleted resource, NULL: unique
    constraints then keep one living row per name on every database, tombstones aside.
    """

    class Origin(models.TextChoices):
        ADOPTED = "adopted", _("Existed before")
        CREATED = "created", _("Created by the identity provider")

    scim_id = KeyField(_("SCIM id"), max_length=ID_LENGTH, default=new_id, editable=False)
    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="scim_users", verbose_name=_("connection")
    )
    scope = KeyField(max_length=310, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="scim_users",
        verbose_name=_("user"),
    )
    user_name = models.CharField(_("user name"), max_length=254)
    user_name_key = KeyField(max_length=254, editable=False)
    external_id = KeyField(_("external id"), max_length=255, null=True, blank=True)
    attributes = DocumentField(_("attributes as last sent"), default=dict)
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices, default=Origin.CREATED)
    created_at = models.DateTimeField(_("created at"))
    modified_at = models.DateTimeField(_("last changed at"))
    alive = models.BooleanField(null=True, default=True, editable=False)

    class Meta:
        verbose_name = _("SCIM user")
        verbose_name_plural = _("SCIM users")
        ordering: ClassVar = ["pk"]
        permissions: ClassVar = [("remove_managed_people", _("Can delete accounts that SCIM manages"))]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "scim_id"], name="scim_user_scim_id"),
            models.UniqueConstraint(fields=["scope", "user_name_key", "alive"], name="scim_user_name"),
            models.UniqueConstraint(fields=["scope", "user", "alive"], name="scim_user_user"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "external_id"], name="scim_user_external_id"),
            models.Index(fields=["connection", "user_name_key"], name="scim_user_name_key"),
            models.Index(fields=["connection", "alive", "id"], name="scim_user_page"),
            # On PostgreSQL a seventh of the one above, since its entries are alike: totalResults is counted in it.
            models.Index(fields=["connection", "alive"], name="scim_user_alive"),
        ]

    def __str__(self) -> str:
        return self.user_name


class ScimGroup(models.Model):
    """A group that the identity provider pushed (RFC 7643 section 4.2).

    ``unique_key`` is the folded name, or NULL where the connection allows groups of equal name. ``team_key`` is the
    primary key, as text, of the host's own team that stands for the group, where the host has teams.
    """

    scim_id = KeyField(_("SCIM id"), max_length=ID_LENGTH, default=new_id, editable=False)
    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="scim_groups", verbose_name=_("connection")
    )
    display_name = models.CharField(_("name"), max_length=255)
    display_name_key = KeyField(max_length=KEY_LENGTH, editable=False)
    unique_key = KeyField(max_length=KEY_LENGTH, null=True, editable=False)
    external_id = KeyField(_("external id"), max_length=255, null=True, blank=True)
    team_key = KeyField(max_length=64, null=True, editable=False)
    made_team = models.BooleanField(default=False, editable=False)
    version = models.PositiveBigIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created at"))
    modified_at = models.DateTimeField(_("last changed at"))

    class Meta:
        verbose_name = _("SCIM group")
        verbose_name_plural = _("SCIM groups")
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "scim_id"], name="scim_group_scim_id"),
            models.UniqueConstraint(fields=["connection", "unique_key"], name="scim_group_unique_key"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "display_name_key"], name="scim_group_name"),
            models.Index(fields=["connection", "external_id"], name="scim_group_external_id"),
        ]

    def __str__(self) -> str:
        return self.display_name


class ScimMembership(models.Model):
    """One member of a group: a person, or a nested group; never both, never neither."""

    group = models.ForeignKey(ScimGroup, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("group"))
    scim_user = models.ForeignKey(
        ScimUser, on_delete=models.CASCADE, null=True, related_name="memberships", verbose_name=_("person")
    )
    child = models.ForeignKey(
        ScimGroup, on_delete=models.CASCADE, null=True, related_name="parents", verbose_name=_("nested group")
    )
    display = models.CharField(_("name as sent"), max_length=255, blank=True, default="")

    class Meta:
        verbose_name = _("SCIM group membership")
        verbose_name_plural = _("SCIM group memberships")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["group", "scim_user"], name="scim_membership_user"),
            models.UniqueConstraint(fields=["group", "child"], name="scim_membership_child"),
            models.CheckConstraint(
                condition=models.Q(scim_user__isnull=True) ^ models.Q(child__isnull=True),
                name="scim_membership_one_member",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.group_id}: {self.scim_user_id or self.child_id}"
