"""SoftDeleteUserMixin: a deleted user's name is free, the row stays, and it can come back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.db import IntegrityError, transaction
from django.utils import timezone

from adapters.lab import Leaver, Note, Stranger, lab, lab_tables
from django_scim_provider.mixins import FREED_DOMAIN, SoftDeleteUserMixin, freed_value
from factories import HostUserFactory

__all__ = ["lab", "lab_tables"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lab")]


@pytest.fixture
def alice() -> Leaver:
    return Leaver.objects.create(username="alice", email="alice@example.com", password="x")


def stored(user: Leaver) -> Leaver:
    return Leaver.all_objects.get(pk=user.pk)


def test_soft_deletion_marks_deactivates_and_says_what_it_wrote(alice: Leaver) -> None:
    written = alice.soft_delete()

    found = stored(alice)
    assert timezone.now() - found.deleted_at < timedelta(minutes=1)
    assert not found.is_active
    assert set(written) == {"username", "email", "deleted_at", "freed_values", "is_active"}
    assert found.freed_values == {"username": "alice", "email": "alice@example.com"}


def test_soft_deletion_frees_user_name_and_address_for_somebody_else(alice: Leaver) -> None:
    alice.soft_delete()
    heir = Leaver.objects.create(username="alice", email="alice@example.com")

    found = stored(alice)
    assert found.username.endswith(f"@{FREED_DOMAIN}")
    assert found.email.endswith(f"@{FREED_DOMAIN}")
    assert "alice" not in found.username + found.email
    heir.soft_delete()
    assert len(set(Leaver.all_objects.values_list("username", flat=True))) == 2


def test_deleted_user_is_hidden_from_the_default_manager_only(alice: Leaver) -> None:
    other = Leaver.objects.create(username="bob", email="bob@example.com")
    note = Note.objects.create(author=alice)
    alice.soft_delete()

    assert list(Leaver.objects.all()) == list(Leaver._default_manager.all()) == [other]
    assert list(Leaver.all_objects.order_by("pk")) == [alice, other]
    assert Leaver._base_manager.count() == 2
    assert Note.objects.get(pk=note.pk).author == alice


def test_soft_deletion_a_second_time_changes_nothing(alice: Leaver) -> None:
    alice.soft_delete()
    before = Leaver.all_objects.values().get(pk=alice.pk)

    assert alice.soft_delete() == []
    assert stored(alice).soft_delete() == []
    assert Leaver.all_objects.values().get(pk=alice.pk) == before


def test_soft_deletion_saves_nothing_else(alice: Leaver) -> None:
    alice.password = "not saved"
    alice.soft_delete()

    assert stored(alice).password == "x"


def test_empty_values_are_not_obfuscated() -> None:
    user = Leaver.objects.create(username="alice", email=None)
    user.soft_delete()

    found = stored(user)
    assert (found.email, found.freed_values) == (None, {"username": "alice"})


def test_restoring_brings_everything_back(alice: Leaver) -> None:
    alice.soft_delete()

    assert alice.restore() is alice
    found = Leaver.objects.get(pk=alice.pk)
    assert (found.username, found.email, found.is_active) == ("alice", "alice@example.com", True)
    assert (found.deleted_at, found.freed_values) == (None, {})


def test_who_was_inactive_before_is_inactive_afterwards(alice: Leaver) -> None:
    alice.is_active = False
    alice.save()
    alice.soft_delete()
    alice.restore()

    found = stored(alice)
    assert (found.username, found.is_active, found.freed_values) == ("alice", False, {})


def test_restored_user_can_be_deleted_again(alice: Leaver) -> None:
    alice.soft_delete()
    first = stored(alice).username
    alice.restore().soft_delete()

    assert stored(alice).username not in ("alice", first)
    assert stored(alice).restore().username == "alice"


def test_restoring_somebody_who_was_not_deleted_changes_nothing(alice: Leaver) -> None:
    Leaver.objects.update(is_active=False)
    alice.refresh_from_db()

    alice.restore()
    assert not stored(alice).is_active


def test_restoring_is_refused_when_the_name_belongs_to_somebody_else(alice: Leaver) -> None:
    alice.soft_delete()
    Leaver.objects.create(username="alice", email="other@example.com")
    before = Leaver.all_objects.values().get(pk=alice.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        alice.restore()
    assert Leaver.all_objects.values().get(pk=alice.pk) == before
    with pytest.raises(IntegrityError), transaction.atomic():
        stored(alice).restore()


def test_restoring_is_refused_when_the_address_belongs_to_somebody_else(alice: Leaver) -> None:
    alice.soft_delete()
    Leaver.objects.create(username="other", email="alice@example.com")

    with pytest.raises(IntegrityError), transaction.atomic():
        alice.restore()
    assert stored(alice).deleted_at is not None


def test_model_without_user_name_or_activity_frees_what_it_has() -> None:
    user = Stranger.objects.create(email="alice@example.com", phone="555-0100")
    other = Stranger.objects.create(email="bob@example.com")

    assert set(user.soft_delete()) == {"email", "phone", "deleted_at", "freed_values"}
    assert list(Stranger.objects.all()) == [other]
    Stranger.objects.create(email="alice@example.com").delete()
    user.restore()
    assert Stranger.objects.values_list("email", "phone").get(pk=user.pk) == ("alice@example.com", "555-0100")


def test_what_replaces_a_value_fits_its_column() -> None:
    users = [Stranger.objects.create(email=f"{number}@x", phone="1") for number in range(20)]
    for user in users:
        user.soft_delete()
        user.full_clean(exclude=["deleted_at"])

    freed = Stranger.all_objects.values_list("email", "phone")
    assert len({email for email, _ in freed}) == len({phone for _, phone in freed}) == 20
    assert all(email.endswith(f"@{FREED_DOMAIN}") for email, _ in freed)


@pytest.mark.parametrize("room", [None, 1, 12, 27, 28, 30, 48, 254])
def test_what_replaces_a_value_is_an_address_where_there_is_room_for_one(room: int | None) -> None:
    values = {freed_value(room) for _ in range(20)}

    assert all(len(value) <= (room or 48) for value in values)
    assert all(value.endswith(f"@{FREED_DOMAIN}") is (room is None or room >= 28) for value in values)
    assert len(values) == 20 or room == 1


@pytest.mark.hosts
def test_deleted_user_of_a_real_host_can_neither_sign_in_nor_be_found() -> None:
    user = HostUserFactory(name="alice")
    if not isinstance(user, SoftDeleteUserMixin):
        pytest.skip("this host does not soft-delete")
    user.set_password("correct horse")
    user.save()
    assert authenticate(username=user.get_username(), password="correct horse") == user

    name = user.get_username()
    user.soft_delete()
    model = get_user_model()
    assert authenticate(username=name, password="correct horse") is None
    assert authenticate(username=user.get_username(), password="correct horse") is None
    assert not model._default_manager.filter(pk=user.pk).exists()
    assert model._base_manager.filter(pk=user.pk).exists()
