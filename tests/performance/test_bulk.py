"""A bulk request that creates people, beside the ORM saving as many users in as many transactions.

``pytest -m slow tests/performance/test_bulk.py -s`` prints the figures. Real commits: a copy in a file on SQLite.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from api.helpers import apart
from conftest import MOUNT
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context, own_write
from factories import ConnectionFactory

PEOPLE = 1000
PARTS = 10
LIMIT = 2


def _operation(name: str) -> dict[str, Any]:
    data = {
        "schemas": [urns.USER],
        "userName": name,
        "externalId": name,
        "name": {"givenName": "Given", "familyName": "Family"},
        "emails": [{"value": name, "type": "work", "primary": True}],
        "active": True,
    }
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def _by_bulk(token: str, names: list[str]) -> None:
    body = json.dumps({"schemas": [urns.BULK_REQUEST], "Operations": [_operation(name) for name in names]})
    response = Client().post(
        f"{MOUNT}/Bulk",
        body,
        content_type="application/scim+json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert {result["status"] for result in response.json()["Operations"]} == {"201"}


def _by_orm(names: list[str]) -> None:
    for name in names:
        user = get_user_model()(username=name, email=name, first_name="Given", last_name="Family", is_active=True)
        user.set_unusable_password()
        # Without what our own receivers do on a save of the host's.
        with own_write(), transaction.atomic():
            user.save()


def _measure() -> tuple[list[float], list[float]]:
    token = tokens.issue(Context(ConnectionFactory())).text
    bulk, orm = [], []
    for part in range(-1, PARTS):  # the first round warms up
        names = [f"{part}.{number}@example.com" for number in range(PEOPLE // PARTS)]
        for work, times in (
            (lambda names=names: _by_orm([f"orm.{name}" for name in names]), orm),
            (lambda names=names: _by_bulk(token, names), bulk),
        ):
            began = time.perf_counter()
            work()
            times.append(time.perf_counter() - began)
    assert ScimUser.objects.count() == PEOPLE // PARTS * (PARTS + 1)
    return bulk[1:], orm[1:]


@pytest.mark.slow
@pytest.mark.skipif(
    sys.gettrace() is not None, reason="coverage slows our Python several times and the database not at all"
)
def test_people_in_bulk_cost_little_more_than_saving_them(threads: None) -> None:
    measure: Callable[[], tuple[list[float], list[float]]] = _measure
    bulk, orm = apart(measure)
    ratio = statistics.median(ours / floor for ours, floor in zip(bulk, orm, strict=True))
    print(f"\n{PEOPLE} people: bulk {sum(bulk):.2f} s, ORM {sum(orm):.2f} s, median ratio {ratio:.2f}")  # noqa: T201
    assert ratio <= LIMIT
