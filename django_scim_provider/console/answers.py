"""What is shown, under the names of the models' fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from rest_framework import serializers

from ..adapters import get_user_adapter
from ..models import (
    GroupRoleMapping,
    ScimConnection,
    ScimEvent,
    ScimOAuthClient,
    ScimToken,
    ScimUser,
)
from ..services import policies
from ..services.findings import Status
from ..services.overview import State

POLICIES: Final = (*policies.CHOICES, *policies.ROLES, *policies.FREE)


class Warned(NamedTuple):
    """Something that an administrator should see to."""

    text: str
    holds: Callable[[State], object]


WARNINGS: Final = {
    "no_token": Warned(
        "SCIM is on, no token is valid and no OAuth client linked: issue a token.", lambda state: state.has_no_token
    ),
    "token_expires": Warned("The last token expires within thirty days: rotate it.", lambda state: state.expiring),
    "old_token_in_use": Warned(
        "The identity provider still uses a token that ends within thirty days: give it the new one.",
        lambda state: state.outdated,
    ),
    "removals_held": Warned(
        "Unusually many people were removed, and further removals wait for an administrator: release or undo them.",
        lambda state: state.watch.is_holding,
    ),
    "many_removals": Warned(
        "Unusually many people were removed: undo it, or release it if they are to leave.",
        lambda state: state.watch.alarm_at and not state.watch.is_holding,
    ),
}


class PersonField(serializers.CharField):
    """A host user, by user name."""

    def to_representation(self, value: Any) -> str:
        return str(value.get_username())


class BaseUrlField(serializers.CharField):
    """What to hand to the identity provider beside the token; ``None`` where nothing is mounted."""

    def to_representation(self, value: Any) -> Any:
        return self.context["base_url"]


class TokenSerializer(serializers.ModelSerializer[ScimToken]):
    starts_with = serializers.CharField()
    is_live = serializers.BooleanField(help_text="Whether it would be accepted, were the connection enabled.")
    created_by = PersonField(allow_null=True)

    class Meta:
        model = ScimToken
        fields = (
            "id",
            "name",
            "starts_with",
            "scopes",
            "is_live",
            "created_by",
            "created_at",
            "expires_at",
            "last_used_at",
            "last_used_ip",
            "revoked_at",
        )


class OAuthClientSerializer(serializers.ModelSerializer[ScimOAuthClient]):
    client_id = serializers.CharField(help_text="As it was at the OAuth server when the client was linked.")
    key_id = serializers.CharField(help_text="What events call the client.")
    created_by = PersonField(allow_null=True)

    class Meta:
        model = ScimOAuthClient
        fields = ("id", "client_id", "key_id", "created_by", "created_at")


class EventSerializer(serializers.ModelSerializer[ScimEvent]):
    actor = PersonField(allow_null=True)
    changed = serializers.ListField(child=serializers.CharField())
    warnings = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ScimEvent
        fields = (
            "id",
            "at",
            "action",
            "outcome",
            "status",
            "scim_type",
            "detail",
            "resource_type",
            "resource_id",
            "label",
            "changed",
            "values",
            "warnings",
            "key_id",
            "actor",
            "remote_addr",
            "duration_ms",
            "count",
        )


class StatusSerializer(serializers.Serializer[Any]):
    """How a connection does."""

    managed = serializers.IntegerField(help_text="People whom it manages.")
    active = serializers.IntegerField(help_text="Those of them who are active.")
    live_tokens = serializers.IntegerField()
    oauth_clients = serializers.IntegerField(help_text="Clients of the site's OAuth server that act as it.")
    held_removals = serializers.IntegerField(help_text="Removals that wait for an administrator.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the last token does.")
    warnings = serializers.ListField(
        child=serializers.ChoiceField(choices=[(name, warned.text) for name, warned in WARNINGS.items()])
    )
    problem = EventSerializer(allow_null=True, help_text="The last thing of the past seven days that went wrong.")

    def to_representation(self, instance: ScimConnection) -> dict[str, Any]:
        state: State = self.context["states"][instance.pk]
        return super().to_representation(
            {
                "managed": state.managed,
                "active": state.active,
                "live_tokens": len(state.tokens),
                "oauth_clients": len(state.clients),
                "held_removals": state.watch.held,
                "expires_at": state.lasting and state.lasting.expires_at,
                "warnings": [name for name, warned in WARNINGS.items() if warned.holds(state)],
                "problem": state.problem,
            }
        )


class ConnectionSerializer(serializers.ModelSerializer[ScimConnection]):
    state_changed_by = PersonField(allow_null=True)
    base_url = BaseUrlField(source="*", allow_null=True)
    status = StatusSerializer(source="*")

    class Meta:
        model = ScimConnection
        fields: tuple[str, ...] = (
            "id",
            "name",
            "slug",
            "provider",
            "tenant",
            "portal",
            "enabled",
            "state_changed_at",
            "state_changed_by",
            "created_at",
            "last_seen_at",
            *POLICIES,
            "base_url",
            "status",
        )


class VerifiedDomainsField(serializers.ListField):
    child = serializers.CharField()

    def to_representation(self, data: Any) -> list[str]:
        return sorted(get_user_adapter(data.portal).verified_domains(data))


class OneConnectionSerializer(ConnectionSerializer):
    verified_domains = VerifiedDomainsField(source="*", help_text="As the application has verified them; read-only.")

    class Meta(ConnectionSerializer.Meta):
        fields = (*ConnectionSerializer.Meta.fields, "verified_domains")


class IssuedSerializer(serializers.Serializer[Any]):
    token = TokenSerializer()
    secret = serializers.CharField(help_text="The token itself. Shown this once.")
    base_url = BaseUrlField(source="*", allow_null=True)


class EnabledSerializer(IssuedSerializer):
    connection = OneConnectionSerializer()
    adopted = serializers.IntegerField(help_text="People with an account whom the connection manages now.")
    left_out = serializers.IntegerField(help_text="People who could not be put under its management.")


class EnablingSerializer(serializers.Serializer[Any]):
    """What enabling would do; lists of names are samples."""

    adopted = serializers.IntegerField()
    left_out = serializers.IntegerField()
    protected = serializers.ListField(child=serializers.CharField())
    collisions = serializers.ListField(child=serializers.CharField())
    unusable = serializers.ListField(child=serializers.CharField())


class RoleSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # taken off the class by its metaclass


class MembershipSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="scim_id")
    display_name = serializers.CharField(source="name")
    kind = serializers.ChoiceField(choices=["direct", "indirect"])


class PersonSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(
        source="row.scim_id", help_text="The identity provider's id of the person, as in events."
    )
    user_name = serializers.CharField(source="row.user_name")
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField(help_text="As people read it; may be empty.")
    active = serializers.BooleanField(source="is_active")
    origin = serializers.ChoiceField(choices=ScimUser.Origin.choices)
    created_at = serializers.DateTimeField(source="row.created_at", help_text="Since when the person is managed.")
    modified_at = serializers.DateTimeField(source="row.modified_at")
    groups = MembershipSerializer(many=True)
    roles = RoleSerializer(many=True, help_text="What the person may do here, however they came by it.")


class GroupSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="row.scim_id")
    display_name = serializers.CharField(source="row.display_name")
    external_id = serializers.CharField(source="row.external_id", allow_null=True)
    created_at = serializers.DateTimeField(source="row.created_at")
    modified_at = serializers.DateTimeField(source="row.modified_at")
    people = serializers.IntegerField(help_text="Those directly in it.")
    groups = serializers.IntegerField(help_text="Groups directly in it.")
    roles = RoleSerializer(many=True, help_text="What its members are given.")


class RolesSerializer(serializers.Serializer[Any]):
    is_exclusive = serializers.BooleanField(help_text="Whether a person holds one role: the highest priority wins.")
    roles = RoleSerializer(many=True)


class MappingSerializer(serializers.ModelSerializer[GroupRoleMapping]):
    group = serializers.CharField(
        source="group.scim_id", allow_null=True, default=None, help_text="Null until the group is pushed."
    )

    class Meta:
        model = GroupRoleMapping
        fields = ("id", "group_name", "group", "role", "priority")


class ChangeSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    count = serializers.IntegerField()
    people = serializers.ListField(child=serializers.CharField(), help_text="User names, the first twenty.")


class EffectSerializer(serializers.Serializer[Any]):
    is_pushed = serializers.BooleanField(help_text="Whether there is such a group yet.")
    gains = ChangeSerializer(many=True)
    loses = ChangeSerializer(many=True)


class FindingSerializer(serializers.Serializer[Any]):
    step = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    remarks = serializers.ListField(
        child=serializers.CharField(), help_text="For developers; shown to those who administer every connection."
    )


class SelfTestSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField()
    results = FindingSerializer(many=True)


class AskedSerializer(serializers.Serializer[Any]):
    step = serializers.CharField(help_text="What the identity provider does, in words.")
    request = serializers.CharField(help_text="Method and path; empty where nothing was asked.")
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    remarks = serializers.ListField(child=serializers.CharField(), help_text="What went wrong, and what to change.")
    milliseconds = serializers.IntegerField(allow_null=True)


class RehearsalSerializer(serializers.Serializer[Any]):
    ok = serializers.BooleanField(help_text="Whether no step failed; some may have been skipped.")
    steps = AskedSerializer(many=True)
