"""What is shown of removals, and of what came of an undo."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from ..models import HeldRemoval, ScimConnection, ScimRemoval


class CredentialField(serializers.CharField):
    """What the token or OAuth client is called that a request came with, by its public part."""

    def to_representation(self, value: Any) -> str:
        return str(self.context["credentials"].get(value, value))


class GuardSerializer(serializers.Serializer[Any]):
    """What the guard against mass removals has seen."""

    guard = serializers.ChoiceField(choices=ScimConnection.Guard.choices)
    limit = serializers.IntegerField(help_text="People who may be removed within ten minutes without attention.")
    held = serializers.IntegerField(help_text="Removals that are held.")
    is_holding = serializers.BooleanField(help_text="Whether further removals would be held.")
    alarm_at = serializers.DateTimeField(
        allow_null=True, help_text="When unusually many people were removed; null once somebody has seen to it."
    )
    passes_until = serializers.DateTimeField(allow_null=True, help_text="Until when removals were let pass.")
    to_undo = serializers.IntegerField(help_text="People who would get back what they had.")


class RemovalSerializer(serializers.ModelSerializer[ScimRemoval]):
    person = serializers.CharField(source="scim_user.scim_id")
    user_name = serializers.CharField(source="scim_user.user_name")
    by = CredentialField(source="key_id", help_text="What the token or OAuth client is called.")

    class Meta:
        model = ScimRemoval
        fields = ("id", "person", "user_name", "kind", "at", "key_id", "by", "remote_addr")


class HeldSerializer(serializers.ModelSerializer[HeldRemoval]):
    people = serializers.IntegerField(help_text="Those who would lose something: several for a group.")
    by = CredentialField(source="key_id", help_text="What the token or OAuth client is called.")

    class Meta:
        model = HeldRemoval
        fields = (
            "id",
            "resource_type",
            "resource_id",
            "label",
            "people",
            "first_at",
            "last_at",
            "count",
            "key_id",
            "by",
            "remote_addr",
        )


class UndonePersonSerializer(serializers.Serializer[Any]):
    user_name = serializers.CharField()
    refusal = serializers.CharField(help_text="Why nothing could be given back; empty where something was.")
    missing = serializers.ListField(child=serializers.CharField(), help_text="What does not return.")


class UndoneSerializer(serializers.Serializer[Any]):
    done = UndonePersonSerializer(many=True)
    left = serializers.IntegerField(help_text="People who are still to be undone: call it again.")
