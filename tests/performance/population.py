"""Many people at once: host users by bulk_create, their rows by adoption, and a group that has them all."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model

from django_scim_provider.models import ScimGroup, ScimMembership, ScimUser
from django_scim_provider.services import sync
from django_scim_provider.services.context import Context
from django_scim_provider.services.transactions import now

BATCH = 1000


def user_name(number: int) -> str:
    return f"person{number:05}@example.com"


def _user(model: Any, number: int) -> Any:
    columns = {field.name for field in model._meta.concrete_fields}
    wanted = {
        "username": user_name(number),
        "email": user_name(number),
        "first_name": "Given",
        "last_name": f"Family{number}",
        "full_name": f"Given Family{number}",
        "password": "!unusable",
    }
    return model(**{name: value for name, value in wanted.items() if name in columns})


def populate(context: Context, numbers: range) -> None:
    """Make people and adopt them; a profile for each, where the host has profiles."""
    model: Any = get_user_model()
    users = [_user(model, number) for number in numbers]
    model._base_manager.bulk_create(users, batch_size=BATCH)
    if hasattr(model, "profile"):
        profiles = model.profile.related.related_model
        profiles.objects.bulk_create([profiles(user=user, department="Engines") for user in users], batch_size=BATCH)
    assert sync.adopt(context).adopted == len(numbers)


def gather(context: Context) -> None:
    """One group with everybody in it who is in none."""
    group, _ = ScimGroup.objects.get_or_create(
        connection=context.connection,
        display_name="Everybody",
        display_name_key="everybody",
        unique_key="everybody",
        defaults={"created_at": now(), "modified_at": now()},
    )
    alone = ScimUser.objects.filter(connection=context.connection, memberships=None).values_list("pk", flat=True)
    ScimMembership.objects.bulk_create([ScimMembership(group=group, scim_user_id=pk) for pk in alone], batch_size=BATCH)
