"""What identity providers send does the same to members of an organization as to the people of a site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from api.helpers import with_setting
from corpus.player import Player, recordings
from django_scim_provider.models import ScimUser
from factories import ConnectionFactory, HostUserFactory
from hosts.tenants.models import Membership, Organization

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
RECORDINGS = 40
TRUSTING = "hosts.tenants.scim.TrustingAdapter"


class TenantPlayer(Player):
    def _prepare(self) -> None:
        self.captured = {"token": self.token}
        given = self.recording.content.get("given", {})
        crowd = [
            {"name": f"crowd{number:04}", "is_active": number % 10 != 0} for number in range(given.get("crowd", 0))
        ]
        for person in [*given.get("people", ()), *crowd]:
            is_active = person.get("is_active", True)
            user = HostUserFactory(**{**person, "is_active": True})
            # Adopted as a member on a verified domain, and what the host does next is followed.
            membership = Membership.objects.create(user=user, organization=Organization.objects.get(slug="acme"))
            if not is_active:
                membership.is_active = False
                membership.save()

    @staticmethod
    def _check_person(row: ScimUser, facts: dict[str, Any]) -> None:
        facts = dict(facts)
        if "may_sign_in" in facts:
            is_member = Membership.objects.filter(user=row.user, is_active=True).exists()
            assert is_member == facts.pop("may_sign_in"), f"the membership of {row.user_name}"
        Player._check_person(row, facts)


def test_every_recording_gets_what_its_provider_expects(
    organizations: dict[str, Any], issue_token: Callable[..., str]
) -> None:
    played, failed = 0, []
    with with_setting(ADAPTERS={"User": TRUSTING}):
        for recording in recordings():
            with transaction.atomic():
                options = {"existing_accounts": "verified", **recording.content.get("connection", {})}
                provider = recording.content.get("dialects", [recording.provider])[-1]
                connection = ConnectionFactory(provider=provider, tenant="acme", **options)
                try:
                    TenantPlayer(recording, connection, issue_token(connection)).play()
                except AssertionError as error:
                    failed.append(str(error))
                played += 1
                transaction.set_rollback(True)
    assert not failed, "\n".join(failed)
    assert played >= RECORDINGS
