from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_scim_provider.models import ScimUser
from django_scim_provider.services import users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
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


def test_where_an_id_is_ambiguous_the_connection_is_chosen(manage: Manage, context: Context) -> None:
    other = Context(ConnectionFactory(name="Other"))
    for where, name in ((context, ALICE), (other, "bob@example.com")):
        scim_id = post(where, name)
        users.delete_user(where, scim_id)
        ScimUser.objects.filter(scim_id=scim_id).update(scim_id="42")
    manage("scim_erase", "42", fails="each knew somebody as 42. Give the user name, or the connection")
    manage("scim_erase", "42", "--connection", "Nobody", fails="There is no connection")
    assert manage("scim_erase", "42", "--connection", "Other", "--json").json["people"] == 1
    assert ScimUser.objects.filter(user_name=ALICE).exists()
