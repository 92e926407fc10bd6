"""People who are removed by mistake; a test module that wants them names this one in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conftest import ScimClient
from django_scim_provider.models import ScimConnection
from django_scim_provider.services.context import Context
from group_support import provision
from services.people import OFF


@pytest.fixture
def mistake(context: Context, connection: ScimConnection, issue_token: Callable[..., str]) -> Callable[..., list[str]]:
    """Twelve people are removed by a rule that is wrong, as far as the policy lets it."""

    def make(guard: str) -> list[str]:
        ScimConnection.objects.update(guard=guard)
        ids = [str(row.scim_id) for row in provision(context, *(f"p{number:02}" for number in range(12)))]
        scim = ScimClient(issue_token(connection, name="Okta production"))
        for scim_id in ids:
            scim.patch(f"/Users/{scim_id}", OFF)
        return ids

    return make
