"""What a membership costs beside ``docs/reference/budgets.rst``, whatever the number of people."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from django_scim_provider.services import sync
from django_scim_provider.services.context import Context
from hosts.tenants.models import Membership
from performance.population import gather, user_name
from performance.test_budgets import Requests, _budgets, _measure
from tenants.people import verify

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
MORE = 1
"""What every write of a person may send more: the memberships of the account are read with its lock."""
ENDS = {"Deactivation", "Reactivation", "DELETE"}
LEAVING = 2
"""What this host's leavers cost besides: its keys end, and it is asked whether they hold a protected role."""


def _populate(context: Context, organization: Any, numbers: range) -> None:
    users = [
        get_user_model()(username=user_name(one), email=user_name(one), first_name="Given", password="!")
        for one in numbers
    ]
    get_user_model()._base_manager.bulk_create(users)
    Membership.objects.bulk_create(Membership(user=user, organization=organization) for user in users)
    assert sync.adopt(context).adopted == len(numbers)


def test_a_membership_costs_one_statement_a_write_and_none_a_read(
    acme: ScimClient, anonymous: ScimClient, connections: dict[str, ScimConnection], organizations: dict[str, Any]
) -> None:
    verify("acme")
    ScimConnection.objects.update(existing_accounts="verified")
    context = Context(ScimConnection.objects.get(tenant="acme"))
    numbers = []
    for size, first in ((10, 0), (200, 10)):
        _populate(context, organizations["acme"], range(first, size))
        gather(context)
        measured = _measure(Requests(acme, anonymous, size, first))
        numbers.append({name: len(statements) for name, statements in measured.items()})
    limits = _budgets()
    reads = {name for name in limits if name.startswith(("Discovery", "GET", "Filter", "Page"))}
    print("", *(f"{number:3} {name}" for name, number in numbers[1].items()), sep="\n")  # noqa: T201
    more = {name: 0 if name in reads else MORE + LEAVING * (name in ENDS) for name in limits}
    assert {name: n for name, n in numbers[1].items() if n > limits[name] + more[name]} == {}
    assert numbers[0] == numbers[1]
