"""What may be sent. A field that is not named here is refused, rather than ignored in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from ..adapters import get_user_adapter
from ..conf import app_settings
from ..models import ScimConnection, ScimEvent, ScimToken
from ..services import access, confirmation, policies
from ..services.confirmation import NotConfirmed
from ..services.context import Context
from ..services.tokens import MAX_LIFE
from .answers import POLICIES

MAX_OVERLAP: Final = 72


class Body(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError({name: [_("This cannot be written.")] for name in unknown})
        return super().to_internal_value(data)


class Confirmed(Body):
    """Asks for the password, or for a fresh login where people sign in elsewhere, as the panel does."""

    password = serializers.CharField(
        required=False, trim_whitespace=False, help_text="The caller's own; needed by everybody who has one."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = self.context["user"]
        password = attrs.pop("password", None)
        if not user.has_usable_password():
            try:
                confirmation.check_fresh(user)
            except NotConfirmed as error:
                raise PermissionDenied(error.message) from None
            return attrs
        if password is None:
            raise serializers.ValidationError({"password": [_("Enter your password to confirm.")]})
        try:
            confirmation.check_password(user, password)
        except NotConfirmed as error:
            raise serializers.ValidationError({"password": [error.message]}) from None
        return attrs


class PoliciesBody(Body, serializers.ModelSerializer[ScimConnection]):
    """Settings of a connection; the choices are those that the panel offers."""

    class Meta:
        model = ScimConnection
        fields: tuple[str, ...] = ("name", "provider", *POLICIES)
        # Services look whether the name is free.
        extra_kwargs: ClassVar[dict[str, Any]] = {"name": {"validators": []}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        before: ScimConnection = self.context.get("connection") or ScimConnection()
        portal, tenant = attrs.get("portal", before.portal), attrs.get("tenant", before.tenant)
        adapter = get_user_adapter(portal)
        scope = Context(ScimConnection(portal=portal, tenant=tenant))
        wrong = {}
        for name in attrs.keys() & set(POLICIES) - set(policies.FREE):
            if attrs[name] == getattr(before, name):
                continue
            if name in policies.ROLES:
                offered = {"", *(role.key for role in scope.adapter.roles.assignable(scope.connection))}
            else:
                offered = policies.offered(name, adapter)
            if attrs[name] not in offered:
                wrong[name] = [_("“%(value)s” cannot be chosen here.") % {"value": attrs[name]}]
        if wrong:
            raise serializers.ValidationError(wrong)
        found: dict[str, Any] = super().validate(attrs)
        return found


class NewConnectionBody(PoliciesBody):
    portal = serializers.CharField(required=False, default="", allow_blank=True)
    tenant = serializers.CharField(required=False, default="", allow_blank=True, max_length=255)

    class Meta(PoliciesBody.Meta):
        fields = (*PoliciesBody.Meta.fields, "portal", "tenant")

    def validate_portal(self, portal: str) -> str:
        if portal and portal not in app_settings.PORTALS:
            raise serializers.ValidationError(_("There is no such portal."))
        return portal

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        tenant, is_multi_tenant = attrs["tenant"], get_user_adapter(attrs["portal"]).multi_tenant
        if is_multi_tenant and not tenant:
            raise serializers.ValidationError({"tenant": [_("Choose an organization.")]})
        if not access.may_make(self.context["user"], attrs["portal"], tenant):
            raise serializers.ValidationError({"tenant": [_("This organization cannot be chosen.")]})
        return super().validate(attrs)


class CreateBody(NewConnectionBody, Confirmed):
    """Validates the connection first: a password is asked for once everything else is right."""

    class Meta(NewConnectionBody.Meta):
        fields = (*NewConnectionBody.Meta.fields, "password")


class IssueBody(Confirmed):
    name = serializers.CharField(required=False, allow_blank=True, max_length=100)
    scopes = serializers.ChoiceField(choices=ScimToken.Scopes.choices, required=False)
    days = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_LIFE.days, help_text="How long it lives; default TOKEN_TTL."
    )


class RotateBody(Confirmed):
    overlap_hours = serializers.IntegerField(
        default=24, min_value=0, max_value=MAX_OVERLAP, help_text="How long the old token goes on working."
    )


class MappingBody(Body):
    group_name = serializers.CharField(max_length=255, help_text="It may be one that has not been pushed yet.")
    role = serializers.CharField(max_length=255)
    priority = serializers.IntegerField(default=0, min_value=0, max_value=32767)


class SearchQuery(serializers.Serializer[Any]):
    search = serializers.CharField(
        required=False, allow_blank=True, default="", help_text="A part of the name, or an id as a whole."
    )


class EventsQuery(serializers.Serializer[Any]):
    search = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        help_text="A part of the name of a person, group or token or of what was said, or an id as a whole.",
    )
    outcome = serializers.ChoiceField(choices=ScimEvent.Outcome.choices, required=False)
    action = serializers.ChoiceField(choices=ScimEvent.Action.choices, required=False)
    since = serializers.DateTimeField(required=False)
