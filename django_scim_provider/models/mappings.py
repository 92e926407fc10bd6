from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .connections import ScimConnection
from .fields import KeyField
from .resources import KEY_LENGTH, ScimGroup, ScimUser


class GroupRoleMapping(models.Model):
    """Which role the members of a pushed group receive; by name until the group arrives, by row from then on."""

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="role_mappings", verbose_name=_("connection")
    )
    group = models.ForeignKey(
        ScimGroup, on_delete=models.SET_NULL, null=True, blank=True, related_name="mappings", verbose_name=_("group")
    )
    group_name = models.CharField(_("group name"), max_length=255)
    group_name_key = KeyField(max_length=KEY_LENGTH, editable=False)
    role = models.CharField(_("role"), max_length=255)
    priority = models.PositiveIntegerField(
        _("priority"), default=0, help_text=_("The mapping with the highest number wins where one role is held.")
    )

    class Meta:
        verbose_name = _("group to role mapping")
        verbose_name_plural = _("group to role mappings")
        ordering: ClassVar = ["-priority", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "group", "role"], name="scim_mapping_role"),
        ]
        indexes: ClassVar = [models.Index(fields=["connection", "group_name_key"], name="scim_mapping_name")]
        permissions: ClassVar = [("map_scim_roles", _("Can map SCIM groups to roles"))]

    def __str__(self) -> str:
        return f"{self.group_name} → {self.role}"


class RoleGrant(models.Model):
    """A role that SCIM gave, so that a role given by hand is never taken away."""

    connection = models.ForeignKey(
        ScimConnection, on_delete=models.CASCADE, related_name="role_grants", verbose_name=_("connection")
    )
    scim_user = models.ForeignKey(
        ScimUser, on_delete=models.CASCADE, related_name="role_grants", verbose_name=_("person")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("user")
    )
    role = models.CharField(_("role"), max_length=255)
    created_at = models.DateTimeField(_("granted at"), auto_now_add=True)

    class Meta:
        verbose_name = _("role granted by SCIM")
        verbose_name_plural = _("roles granted by SCIM")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scim_user", "role"], name="scim_role_grant"),
        ]

    def __str__(self) -> str:
        return f"{self.scim_user_id}: {self.role}"
