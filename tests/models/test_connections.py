from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (["Acme Okta", "Acme, Okta!", "Acme - Okta", "Acme (Okta)"], "acme-okta-"),
        (["会社", "компания", "…"], "scim-"),
        (["a" * 100, "a" * 99 + "!"], "a" * 99),
    ],
)
def test_slugs_differ_where_names_differ_only_in_what_a_slug_drops(names: list[str], start: str) -> None:
    slugs = [ConnectionFactory(name=name).slug for name in names]

    assert len(set(slugs)) == len(names)
    assert all(slug.startswith(start) and len(slug) <= 110 for slug in slugs)


def test_slug_survives_a_new_name() -> None:
    connection = ConnectionFactory(name="Acme")
    slug = connection.slug
    connection.name = "Umbrella"
    connection.save()

    connection.refresh_from_db()
    assert (connection.name, connection.slug) == ("Umbrella", slug)


@pytest.mark.parametrize("field", ["slug", "name"])
def test_name_and_slug_are_unique(field: str) -> None:
    first = ConnectionFactory(name="Acme")
    second = ScimConnection(name="Umbrella", slug="umbrella")
    setattr(second, field, getattr(first, field))

    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
    assert ScimConnection.objects.count() == 1


def test_tenants_that_differ_in_case_or_accent_are_two() -> None:
    for tenant in ("acme", "Acme", "acmé", "acme "):
        ConnectionFactory(tenant=tenant)

    for tenant in ("acme", "Acme", "acmé", "acme "):
        assert ScimConnection.objects.filter(tenant=tenant).count() == 1


def test_new_connection_is_off_and_does_nothing_irrevocable() -> None:
    connection = ScimConnection.objects.create(name="Acme")

    assert str(connection) == "Acme"
    assert not connection.enabled
    assert connection.on_deactivate == connection.on_delete == "suspend"
    assert connection.existing_accounts == "never"
    assert connection.guard == "tell"
    assert connection.raw_token == "refuse"


@pytest.mark.hosts
def test_people_and_events_outlive_a_connection(connection: ScimConnection) -> None:
    user, moment = HostUserFactory(), timezone.now()
    ScimUser.objects.all().delete()
    ScimUser.objects.create(
        connection=connection, user=user, user_name="a", user_name_key="a", created_at=moment, modified_at=moment
    )
    ScimEvent.objects.create(connection=connection, connection_name=connection.name, at=moment, action="enable")
    connection.delete()

    user.refresh_from_db()
    assert not ScimUser.objects.exists()
    event = ScimEvent.objects.get()
    assert (event.connection, event.connection_name) == (None, connection.name)
