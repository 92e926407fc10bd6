"""What a membership costs beside ``docs/reference/budgets.rst``, whatever the number of people."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import statements
from conftest import ScimClient
from django_scim_provider.adapters import MembershipUserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import sync
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from hosts.tenants.models import Membership, Organization
from performance.population import gather, user_name
from performance.test_budgets import Requests, _budgets, _measure
from tenants.people import sign_up, verify

pytestmark = [pytest.mark.django_db, pytest.mark.tenants]
MORE = 1
"""What every write of a person may send more: the memberships of the account are read with its lock."""
ENDS = {"Deactivation", "Reactivation", "DELETE"}
LEAVING = 2
"""What this host's leavers cost besides: its keys end, and it is asked whether they hold a protected role."""


def test_an_account_that_is_saved_asks_nothing_for_each_other_tenant(connections: dict[str, ScimConnection]) -> None:
    ScimConnection.objects.update(existing_accounts="verified")
    for slug in connections:
        verify(slug)
    user = sign_up("ann@example.com", "acme")
    before = len(statements(user.save))
    for number in range(5):
        Organization.objects.create(name=f"Other {number}", slug=f"other{number}")
        ConnectionFactory(name=f"Other {number}", tenant=f"other{number}", existing_accounts="verified")
    assert len(statements(user.save)) == before
    # Whoever joins another tenant is looked at there.
    Membership.objects.create(user=user, organization=Organization.objects.get(slug="globex"))
    rows = ScimUser.objects.filter(user=user, alive=True)
    assert set(rows.values_list("connection__tenant", flat=True)) == {"acme", "globex"}


def test_an_adapter_with_a_scope_of_its_own_is_asked_for_each_connection(
    connections: dict[str, ScimConnection],
) -> None:
    class Everybody(MembershipUserAdapter):
        membership, member, tenant = "tenants.Membership", "user", "organization__slug"

        def get_queryset(self, connection: ScimConnection) -> Any:
            return get_user_model()._base_manager.all()

    user = sign_up("ann@example.com", "acme")
    assert get_user_adapter().tenants_of(user, "default") == {"acme"}
    assert Everybody().tenants_of(user, "default") is None


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
