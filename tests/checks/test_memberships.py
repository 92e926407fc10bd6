"""What makes people members of tenants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import models

from checks.wiring import APP_LABEL, Wire, ids
from django_scim_provider.adapters import MembershipUserAdapter, UserAdapter
from django_scim_provider.checks.attribute_map import check_attribute_map
from django_scim_provider.checks.groups import check_roles
from django_scim_provider.checks.memberships import check_memberships
from django_scim_provider.checks.user_model import check_user_model

Declare = Callable[..., None]
WELL = {"membership": f"{APP_LABEL}.Membership", "tenant": "organization__slug", "active": "is_active", "role": "level"}


@pytest.fixture
def declare(isolated: Any, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Wires an adapter declared as said, over a membership with the fields and constraints given."""

    def make(name: str, **fields: Any) -> Any:
        return type(name, (models.Model,), {"__module__": __name__, **fields})

    def declare(fields: dict[str, Any] | None = None, *, unique: bool = True, slug: Any = None, **names: Any) -> None:
        bare = type("Meta", (), {"app_label": APP_LABEL})
        together = [models.UniqueConstraint(fields=["user", "organization"], name="one")] if unique else []
        make("Owner", code=models.CharField(max_length=9, unique=True), Meta=bare)
        make(
            "Organization",
            slug=slug or models.SlugField(unique=True),
            owner=models.ForeignKey(f"{APP_LABEL}.Owner", models.CASCADE),
            facts=models.JSONField(default=dict),
            Meta=bare,
        )
        make(
            "Membership",
            user=models.ForeignKey(get_user_model(), models.CASCADE, related_name="+"),
            organization=models.ForeignKey(f"{APP_LABEL}.Organization", models.CASCADE),
            is_active=models.BooleanField(default=True),
            level=models.CharField(max_length=9, default=""),
            Meta=type("Meta", (), {"app_label": APP_LABEL, "constraints": together}),
            **(fields or {}),
        )
        known = apps.get_model
        monkeypatch.setattr(
            apps,
            "get_model",
            lambda label, *rest, **more: (isolated.get_model if APP_LABEL in label else known)(label, *rest, **more),
        )
        wire(adapter=type("Adapter", (MembershipUserAdapter,), {**WELL, **names}))

    return declare


def test_a_declaration_that_works_is_not_spoken_of(declare: Declare) -> None:
    declare()
    found = [*check_memberships(), *check_attribute_map(), *check_user_model(), *check_roles()]
    assert found == []


def test_other_adapters_are_not_looked_at(wire: Wire) -> None:
    wire(adapter=type("Adapter", (UserAdapter,), {}))
    assert check_memberships() == []


@pytest.mark.parametrize(
    "names",
    [
        {"membership": ""},
        {"membership": "Membership"},
        {"membership": "nowhere.Membership"},
        {"membership": f"{APP_LABEL}.Nothing"},
        {"member": "person"},
        {"member": "organization"},
        {"member": "level"},
        {"tenant": ""},
        {"tenant": "organization"},
        {"tenant": "organization__name"},
        {"tenant": "organization__facts__key"},
        {"tenant": "company__slug"},
    ],
)
def test_what_leads_nowhere_is_reported(declare: Declare, names: dict[str, Any]) -> None:
    declare(**names)
    assert ids(check_memberships()) == ["E122"]


def test_a_key_that_two_tenants_may_have_is_reported(declare: Declare) -> None:
    declare(slug=models.SlugField())
    assert ids(check_memberships()) == ["E123"]


def test_a_key_behind_the_tenant_is_reported(declare: Declare) -> None:
    declare(tenant="organization__owner__code")
    assert ids(check_memberships()) == ["E123"]


@pytest.mark.parametrize("active", ["level", "enabled"])
def test_activity_that_is_no_boolean_is_reported(declare: Declare, active: str) -> None:
    declare(active=active)
    assert ids(check_memberships()) == ["E124"]


def test_two_rows_for_one_person_are_warned_of(declare: Declare) -> None:
    declare(unique=False)
    assert ids(check_memberships()) == ["W125"]


def test_what_a_new_row_lacks_is_reported_unless_the_host_makes_it(declare: Declare) -> None:
    declare({"seat": models.IntegerField()})
    assert ids(check_memberships()) == ["E126"]
    assert "Membership.seat" in check_memberships()[0].msg


def test_a_host_that_makes_the_row_itself_knows_what_it_needs(declare: Declare) -> None:
    declare({"seat": models.IntegerField()}, new_membership=lambda self, user, connection: None)
    assert check_memberships() == []


def test_being_a_member_may_be_being_active(declare: Declare) -> None:
    declare(active=None, role=None)
    assert [*check_memberships(), *check_roles()] == []
