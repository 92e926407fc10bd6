"""What identity providers send does the same to members of an organization as to the people of a site."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import transaction

from api.helpers import with_setting
from corpus.player import Player, recordings
from corpus.world import World
from factories import ConnectionFactory, HostUserFactory
from hosts.tenants.models import Membership, Organization

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
RECORDINGS = 90
TRUSTING = "hosts.tenants.scim.TrustingAdapter"


class TenantWorld(World):
    def make_person(self, **facts: Any) -> None:
        is_active = facts.pop("is_active", True)
        # Adopted as a member on a verified domain, and what the host does next is followed.
        organization = Organization.objects.get(slug="acme")
        membership = Membership.objects.create(user=HostUserFactory(**facts), organization=organization)
        if not is_active:
            membership.is_active = False
            membership.save()

    def make_crowd(self, people: Iterable[dict[str, Any]]) -> None:
        for person in people:
            self.make_person(**person)

    def may_sign_in(self, user: Any) -> bool:
        return Membership.objects.filter(user=user, is_active=True).exists()


class TenantPlayer(Player):
    World = TenantWorld


def test_every_recording_gets_what_its_provider_expects(
    organizations: dict[str, Any], issue_token: Callable[..., str]
) -> None:
    played, failed = 0, []
    with with_setting(ADAPTERS={"User": TRUSTING}):
        for recording in recordings():
            with transaction.atomic():
                options = {"existing_accounts": "verified", **recording.content.get("connection", {})}
                connection = ConnectionFactory(provider=recording.dialects[0], tenant="acme", **options)
                try:
                    TenantPlayer(recording, connection, issue_token(connection)).play()
                except AssertionError as error:
                    failed.append(str(error))
                played += 1
                transaction.set_rollback(True)
    assert not failed, "\n".join(failed)
    assert played >= RECORDINGS
