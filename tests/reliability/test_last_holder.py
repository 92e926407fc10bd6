"""Two threads remove the two last holders of a protected role at the same moment: one always stays."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from api.helpers import VENDOR, together
from conftest import ScimClient
from django_scim_provider.adapters import GroupRoles, UserAdapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.services import role_mappings
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_support import provision, push

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has one writer at a time: there is no race to lose"),
]
ROUNDS = 1000 if os.environ.get("SCIM_SOAK") else 18


@pytest.mark.timeout(3600)
def test_one_of_the_last_two_always_stays(
    connection: ScimConnection, issue_token: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the same connection and by two, whose guards know nothing of each other; by each way in turn."""
    monkeypatch.setattr(UserAdapter, "roles", GroupRoles(protected=["owner"]))
    owner = Group.objects.create(name="owner")
    second = ConnectionFactory(guard="off")
    ScimConnection.objects.update(guard="off")
    connection.refresh_from_db()
    first_scim, second_scim = (ScimClient(issue_token(one)) for one in (connection, second))
    off = {"op": "replace", "path": "active", "value": False}
    left = []
    for number in range(ROUNDS):
        neighbour = second if number % 2 else connection
        (ann,) = provision(Context(connection), f"ann{number}")
        (bob,) = provision(Context(neighbour), f"bob{number}")
        for one, row in ((connection, ann), (neighbour, bob)):
            role_mappings.save_mapping(Context(one), f"Owners {row.pk}", "owner")
        groups = [
            push(scim, f"Owners {row.pk}", str(row.scim_id))["id"]
            for scim, row in ((first_scim, ann), (second_scim if number % 2 else first_scim, bob))
        ]

        def ways(scim: ScimClient, scim_id: object, group: str, way: int) -> Callable[[], int]:
            return (
                lambda: scim.patch(f"/Users/{scim_id}", off).status_code,
                lambda: scim.delete(f"/Users/{scim_id}").status_code,
                lambda: scim.delete(f"/Groups/{group}").status_code,
            )[way % 3]

        answers = together(
            [
                ways(first_scim, ann.scim_id, groups[0], number // 2),
                ways(second_scim if number % 2 else first_scim, bob.scim_id, groups[1], number // 6),
            ]
        )
        assert sorted(answers) in ([200, 403], [204, 403]), (number, answers)
        holders = get_user_model().objects.filter(groups=owner, is_active=True)
        left.append(holders.count())
        holders.delete()
    assert left == [1] * ROUNDS
