from __future__ import annotations

import uuid
from ipaddress import ip_network
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from ..conf import app_settings
from .fields import KeyField


class ScimConnection(models.Model):
    """One identity provider's application provisioning one tenant, with the policies its administrator chose."""

    class Provider(models.TextChoices):
        """Chooses the dialect and the set-up guide."""

        GENERIC = "generic", _("Other (any SCIM 2.0 client)")
        OKTA = "okta", "Okta"
        ENTRA = "entra", "Microsoft Entra ID"
        ONELOGIN = "onelogin", "OneLogin"
        JUMPCLOUD = "jumpcloud", "JumpCloud"
        GOOGLE = "google", "Google Workspace"
        PING = "ping", "Ping Identity"
        KEYCLOAK = "keycloak", "Keycloak"
        AUTHENTIK = "authentik", "authentik"
        STRICT = "strict", _("Strict (SCIM interoperability profile)")

    class OnCreate(models.TextChoices):
        CREATE = "create", _("Create an account with the default role")
        IGNORE = "ignore", _("Accept the person, but create no account")

    class OnDeactivate(models.TextChoices):
        SUSPEND = "suspend", _("Suspend: cannot sign in, nothing is deleted")
        REMOVE = "remove", _("Remove from the organization")
        DELETE = "delete", _("Delete the account; this cannot be undone")
        NOTHING = "nothing", _("Do nothing in this application")
        HOOK = "hook", _("Run this application's own procedure")

    class OnReprovision(models.TextChoices):
        REVIVE = "revive", _("Revive the soft-deleted account")
        ANEW = "anew", _("Start anew; the old account stays deleted")

    class ExistingAccounts(models.TextChoices):
        ADOPT = "adopt", _("Manage everybody who is in scope")
        NEVER = "never", _("Never manage accounts that this connection did not create")
        VERIFIED = "verified", _("Manage accounts on verified domains only")

    class RoleMapping(models.TextChoices):
        SYNC = "sync", _("Always in sync with the groups")
        FIRST = "first", _("At first provisioning only")

    class UnknownMember(models.TextChoices):
        SKIP = "skip", _("Skip it and note a warning")
        REFUSE = "refuse", _("Refuse the request")

    class EqualGroupNames(models.TextChoices):
        REFUSE = "refuse", _("Refuse a second group of the same name")
        ALLOW = "allow", _("Allow groups of equal name")

    class RawToken(models.TextChoices):
        REFUSE = "refuse", _("Refuse a token without the word Bearer")
        ACCEPT = "accept", _("Accept a token without the word Bearer")

    class Guard(models.TextChoices):
        TELL = "tell", _("Tell the administrators")
        HOLD = "hold", _("Hold further removals until an administrator releases them")
        OFF = "off", _("Off")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        _("name"), max_length=100, unique=True, help_text=_("Shown to administrators, for example “Acme · Okta”.")
    )
    slug = models.SlugField(_("short name"), max_length=110, unique=True, editable=False)
    provider = models.CharField(
        _("identity provider"), max_length=20, choices=Provider.choices, default=Provider.GENERIC
    )
    tenant = KeyField(
        _("organization"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("The application's own key of the organization; empty in a single-tenant site."),
    )
    portal = KeyField(
        _("portal"), max_length=50, blank=True, default="", help_text=_("A key of the PORTALS setting, or empty.")
    )
    enabled = models.BooleanField(_("enabled"), default=False, editable=False)
    state_changed_at = models.DateTimeField(_("enabled or disabled at"), null=True, editable=False)
    state_changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("enabled or disabled by"),
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    last_seen_at = models.DateTimeField(
        _("last request"), null=True, editable=False, help_text=_("Written at most once a minute.")
    )

    has_nested_groups = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("Whether any group is a member of another; reads look for indirect memberships only then."),
    )

    on_create = models.CharField(
        _("when a person is created"), max_length=20, choices=OnCreate.choices, default=OnCreate.CREATE
    )
    on_deactivate = models.CharField(
        _("when a person is deactivated"), max_length=20, choices=OnDeactivate.choices, default=OnDeactivate.SUSPEND
    )
    on_delete = models.CharField(
        _("when a person is deleted"),
        max_length=20,
        choices=OnDeactivate.choices,
        default=OnDeactivate.SUSPEND,
        help_text=_("Whatever is chosen, the person leaves SCIM at once and the user name becomes free."),
    )
    on_reprovision = models.CharField(
        _("when a soft-deleted person returns"),
        max_length=20,
        choices=OnReprovision.choices,
        default=OnReprovision.REVIVE,
    )
    existing_accounts = models.CharField(
        _("existing accounts"), max_length=20, choices=ExistingAccounts.choices, default=ExistingAccounts.NEVER
    )
    role_mapping = models.CharField(
        _("roles from groups"), max_length=20, choices=RoleMapping.choices, default=RoleMapping.SYNC
    )
    default_role = models.CharField(_("default role"), max_length=255, blank=True, default="")
    unmapped_role = models.CharField(_("role when no group maps"), max_length=255, blank=True, default="")
    unknown_member = models.CharField(
        _("unknown group member"), max_length=20, choices=UnknownMember.choices, default=UnknownMember.SKIP
    )
    equal_group_names = models.CharField(
        _("equal group names"), max_length=20, choices=EqualGroupNames.choices, default=EqualGroupNames.REFUSE
    )
    raw_token = models.CharField(
        _("token without the word Bearer"), max_length=20, choices=RawToken.choices, default=RawToken.REFUSE
    )
    guard = models.CharField(_("mass removal guard"), max_length=20, choices=Guard.choices, default=Guard.TELL)
    guard_limit = models.PositiveIntegerField(
        _("removals in ten minutes that need no attention"),
        null=True,
        blank=True,
        help_text=_("Empty: 10, or 10 % of the people managed where that is more."),
    )
    ip_allowlist = models.TextField(
        _("allowed addresses"),
        blank=True,
        default="",
        help_text=_("Networks in CIDR notation, one a line; empty allows every address."),
    )

    class Meta:
        verbose_name = _("SCIM connection")
        verbose_name_plural = _("SCIM connections")
        ordering: ClassVar = ["name"]
        permissions: ClassVar = [
            ("manage_scimconnection", _("Can enable and disable SCIM and choose its policies")),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        # A suffix of the id keeps slugs apart where names differ only in what slugify drops.
        self.slug = self.slug or f"{slugify(self.name)[:100] or 'scim'}-{self.id.hex[:8]}"
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """
        :raises ValidationError: the portal of a new connection is not configured; a line of ``ip_allowlist`` is no
            network, which would turn every address away.
        """
        super().clean()
        if self._state.adding and self.portal and self.portal not in app_settings.PORTALS:
            raise ValidationError({"portal": _("The PORTALS setting knows no portal of this name.")})
        for network in filter(None, map(str.strip, self.ip_allowlist.splitlines())):
            try:
                ip_network(network, strict=False)
            except ValueError:
                message = _("“%(network)s” is not an address or a network such as 203.0.113.0/24.")
                raise ValidationError({"ip_allowlist": message % {"network": network}}) from None


class ConnectionGuard(models.Model):
    """The lock that orders the writes of one connection that reach beyond one resource: groups, roles, removals.

    A row of its own, since foreign keys take shared locks on the connection's row at every insert.
    """

    connection = models.OneToOneField(ScimConnection, on_delete=models.CASCADE, primary_key=True, related_name="+")
    has_roles = models.BooleanField(default=False)
    """Whether any mapping or grant exists. On this row, because whoever waited for the lock reads it afresh."""
    has_nested_groups = models.BooleanField(default=False)
    """What the connection's field of that name says, for writers: a request may have read the connection before a
    group was nested, and then waited for the lock. To go by that would let two requests close a cycle."""

    counted_from = models.DateTimeField(null=True)
    """Removals before this moment are settled: an administrator released or undid them."""
    released_until = models.DateTimeField(null=True)
    """Until then an administrator lets every removal pass."""
    alarm_at = models.DateTimeField(null=True)
    """Since when more people are being removed than need no attention."""
    alarm_last_at = models.DateTimeField(null=True)
    """When that was last seen to be so."""
    held_at = models.DateTimeField(null=True)
    """Since when further removals are held."""
    removal_limit = models.PositiveIntegerField(null=True)
    """A share of the people there were at ``removal_limit_at``: counting them for each removal would be slow."""
    removal_limit_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "connection guard"
        verbose_name_plural = "connection guards"
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.connection_id)
