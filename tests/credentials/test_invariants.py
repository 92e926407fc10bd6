"""``scim_check --invariants`` knows what every library has issued to somebody who is shut out."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from conftest import ScimClient
from credentials.wallet import wallet
from django_scim_provider.adapters import credentials
from django_scim_provider.services import invariants

pytestmark = [pytest.mark.django_db, pytest.mark.credentials]

OFF = {"op": "replace", "path": "active", "value": False}


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_a_deactivation_forgot_is_found(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch, forgotten: bool
) -> None:
    ann = scim.create("ann@example.com")
    wallet(get_user_model().objects.get())
    assert not list(invariants.check()), "whoever is active may have all of it"

    if forgotten:
        monkeypatch.setattr(credentials, "end_all", lambda user: {})
    scim.patch(f"/Users/{ann['id']}", OFF)
    monkeypatch.setattr(invariants, "SAMPLES", 10)
    found = {sample for breach in invariants.check() for sample in breach.samples}
    names = [family.name for family in credentials.FAMILIES.values()] if forgotten else []
    assert found == {f"User {ann['id']}: {name}" for name in names}
