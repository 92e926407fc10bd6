"""Locking a person: what comes between the two statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from conftest import person
from django_scim_provider.models import ScimUser
from django_scim_provider.services import guard, rows, users
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def test_an_account_given_while_the_guard_is_waited_for_is_the_one_that_is_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = Context(ConnectionFactory(on_create="ignore"))
    scim_id = users.create_user(context, person("ann@example.com")).id
    account = HostUserFactory(name="ann@example.com")
    take = guard.lock

    def give_meanwhile(asked: Context) -> Any:
        ScimUser.objects.filter(scim_id=scim_id).update(user=account)
        return take(asked)

    monkeypatch.setattr(guard, "lock", give_meanwhile)

    with transaction.atomic():
        row, user = rows.lock(context, scim_id)

    assert (row.user_id, user) == (account.pk, account)
    assert row.user is user
