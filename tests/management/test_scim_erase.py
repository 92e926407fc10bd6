from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_scim_provider.models import ScimUser
from django_scim_provider.services import users
from django_scim_provider.services.context import Context
from services.people import ALICE, post

pytestmark = pytest.mark.django_db
Manage = Callable[..., Any]


def test_somebody_who_left_is_erased(manage: Manage, context: Context) -> None:
    scim_id = post(context)
    manage("scim_erase", ALICE, fails="is managed by .*Delete the person there first")
    users.delete_user(context, scim_id)
    assert manage("scim_erase", ALICE, "--dry-run").out == "Would erase 1 person, 2 events, 1 kept removal.\n"
    assert manage("scim_erase", ALICE, "--json").json == {"people": 1, "events": 2, "removals": 1}
    assert manage("scim_erase", ALICE).err == "Nothing is known of this person.\n"
    assert ALICE not in ScimUser.objects.get().user_name
