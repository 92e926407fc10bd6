"""Sign-in beside SCIM: whom an assertion of the identity provider (SAML, OpenID Connect) is about."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied

from .models import ScimConnection, ScimUser
from .protocol.errors import InvalidValue
from .protocol.filter_grammar import CONTROL
from .protocol.keys import user_name_key
from .services.context import Context
from .services.rows import host_columns, people

__all__ = ["ScimSocialAccountAdapterMixin", "resolve_user"]


def resolve_user(connection: ScimConnection, *, external_id: str | None = None, user_name: str | None = None) -> Any:
    """The active user whom a connection manages under this ``externalId``, this ``userName``, or both; else ``None``.

    ``None`` too where the connection is disabled, where several people have the externalId, and for everybody who was
    deactivated, deleted, or is another connection's. Match identities by nothing else: an e-mail address can be
    claimed by anybody. One query.
    """
    if not connection.enabled or not (external_id or user_name):
        return None
    context = Context(connection)
    found = people(context).select_related("user")
    key = None
    if external_id:
        if CONTROL.search(external_id):
            return None  # nobody has one, and not every database can be asked
        found = found.filter(external_id=external_id)
    if user_name:
        try:
            key = user_name_key(user_name)
        except InvalidValue:
            return None
        found = found.filter(user_name_key=key)
    rows = list(found.order_by("pk")[:2])
    if len(rows) != 1 or not context.adapter.is_active(rows[0].user, connection):
        return None
    return rows[0].user if key is None or _is_called(context, rows[0], key) else None


def _is_called(context: Context, row: ScimUser, key: str) -> bool:
    """Whether the name is still the person's: the host may have changed it where nobody could see."""
    shown = context.adapter.shown(row.attributes, host_columns(context, row.user))
    try:
        return user_name_key(shown["userName"]) == key
    except InvalidValue:
        return False


class ScimSocialAccountAdapterMixin:
    """For the social account adapter of django-allauth, SAML and OpenID Connect alike: who signs in through an
    identity provider that also provisions is whom SCIM knows, and nobody else.

    Put it before ``DefaultSocialAccountAdapter`` among the bases and say in ``scim_connection`` which connection
    belongs to which sign-in. It imports nothing of allauth.
    """

    def scim_connection(self, request: Any, sociallogin: Any) -> ScimConnection | None:
        """The connection of the identity provider that somebody comes from; ``None`` leaves the login to allauth."""
        raise NotImplementedError

    def scim_identity(self, request: Any, sociallogin: Any) -> dict[str, str | None]:
        """What ``resolve_user`` is asked for. Default: the account's ``uid`` as ``userName``.

        With SAML that is the NameID. For OpenID Connect return ``externalId`` from a claim that people cannot change
        themselves, such as ``oid`` of Entra ID.
        """
        return {"user_name": sociallogin.account.uid}

    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        """
        :raises PermissionDenied: SCIM knows nobody active under this identity, or somebody else than the account that
            was linked to it before.
        """
        super().pre_social_login(request, sociallogin)  # type: ignore[misc]
        connection = self.scim_connection(request, sociallogin)
        if connection is None:
            return
        user = resolve_user(connection, **self.scim_identity(request, sociallogin))
        if user is None or (sociallogin.is_existing and sociallogin.user.pk != user.pk):
            raise PermissionDenied("Nobody is provisioned here under this identity.")
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)
