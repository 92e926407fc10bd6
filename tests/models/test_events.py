from __future__ import annotations

import pytest
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimEvent
from factories import HostUserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(connection: ScimConnection) -> ScimEvent:
    return ScimEvent.objects.create(
        connection=connection, at=timezone.now(), action="create", outcome="success", label="alice"
    )


def test_event_cannot_be_changed(event: ScimEvent) -> None:
    event.label = "mallory"

    for attempt in (event.save, lambda: event.save(update_fields=["label"]), ScimEvent.objects.get(pk=event.pk).save):
        with pytest.raises(TypeError, match="append-only"):
            attempt()
    event.refresh_from_db()
    assert event.label == "alice"


def test_event_cannot_be_deleted(event: ScimEvent) -> None:
    with pytest.raises(TypeError, match="append-only"):
        event.delete()
    assert ScimEvent.objects.filter(pk=event.pk).exists()


def test_event_is_not_written_over_by_get_or_create(event: ScimEvent) -> None:
    with pytest.raises(TypeError, match="append-only"):
        ScimEvent.objects.update_or_create(pk=event.pk, defaults={"label": "mallory"})
    event.refresh_from_db()
    assert event.label == "alice"


@pytest.mark.hosts
def test_event_outlives_the_administrator_who_caused_it() -> None:
    admin = HostUserFactory()
    event = ScimEvent.objects.create(at=timezone.now(), action="enable", outcome="success", actor=admin)
    admin.delete()

    event.refresh_from_db()
    assert event.actor is None


def test_event_prints_as_what_happened_to_whom(event: ScimEvent) -> None:
    assert str(event) == "created alice"
    assert str(ScimEvent(action="enable")) == "enabled SCIM"
    assert "secret" not in str(ScimEvent(action="create", detail="secret", values={"a": "secret"}))


def test_newest_event_comes_first(event: ScimEvent) -> None:
    later = ScimEvent.objects.create(at=timezone.now(), action="delete", outcome="success")

    assert list(ScimEvent.objects.all()) == [later, event]
