"""T8 of the threat list: bulk bombs, and what bulk could reach that single requests cannot."""

from __future__ import annotations

import json
import random
import time
import tracemalloc

import pytest

from api.helpers import dump, is_error
from api.test_bulk import bulk, group, patch, send, statuses, user
from conftest import ScimClient
from django_scim_provider.models import ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.protocol.bulk import parse_bulk, steps

pytestmark = pytest.mark.django_db


def test_bombs_are_refused_quickly_and_in_little_memory(scim: ScimClient) -> None:
    head = b'{"schemas":["' + urns.BULK_REQUEST.encode() + b'"],"Operations":['
    bombs = {
        head + b",".join([b"{}"] * 400_000) + b"]}": 413,
        head + b"[" * 400_000: 400,
        head + b'{"method":"POST","data":' + b'{"a":' * 40 + b"1" + b"}" * 42: 400,
        b" " * 5_000_000: 413,
        head + b'"' + b"x" * 1_000_000 + b'"]}': 400,
    }
    before = dump(events=False)
    for body, status in bombs.items():
        tracemalloc.start()
        began = time.process_time()
        response = scim.post("/Bulk", body)
        taken, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert is_error(response, status, response.json().get("scimType")), body[:200]
        assert taken < 5
        assert peak < 64_000_000
    assert dump(events=False) == before


def test_references_come_before_what_refers_to_them_in_any_graph() -> None:
    dice = random.Random(7644)
    for _ in range(300):
        size = dice.randrange(1, 30)
        refs = [[dice.randrange(size) for _ in range(dice.choice([0, 0, 1, 1, 2]))] for _ in range(size)]
        operations = [
            {
                "method": "POST",
                "path": "/Groups",
                "bulkId": str(number),
                "data": {"x": [f"bulkId:{ref}" for ref in needed]},
            }
            for number, needed in enumerate(refs)
        ]
        request = parse_bulk({"Operations": operations}, max_operations=size)
        order = list(steps(request.operations))
        place = {number: position for position, numbers in enumerate(order) for number in numbers}
        assert sorted(place) == list(range(size))
        assert all(place[ref] <= place[number] for number, needed in enumerate(refs) for ref in needed)
        # Together are exactly those that reach each other.
        reach = {number: {number} for number in range(size)}
        for _ in range(size):
            for number, needed in enumerate(refs):
                reach[number] |= set().union(*(reach[ref] for ref in needed))
        for number in range(size):
            circle = {other for other in reach[number] if number in reach[other]}
            assert set(order[place[number]]) == circle


def test_another_tenant_is_as_unreachable_as_alone(scim: ScimClient, second_scim: ScimClient) -> None:
    foreign = second_scim.create("foreign@example.com")
    own = scim.post("/Groups", {"schemas": [urns.GROUP], "displayName": "Own"}).json()
    unknown = "11111111-1111-4111-8111-111111111111"
    before = dump(events=False)

    def asked(target: str) -> str:
        paths = (f"/Users/{target}", f"/Users/{target}/", f"Users/{target}")
        results = bulk(
            scim,
            *({"method": "DELETE", "path": path} for path in paths),
            {"method": "PUT", "path": paths[0], "data": foreign},
            patch(paths[0], {"op": "replace", "path": "active", "value": False}),
            patch(f"/Groups/{own['id']}", {"op": "add", "path": "members", "value": [{"value": target}]}),
            patch(f"/Groups/{target}", {"op": "replace", "path": "displayName", "value": "x"}),
        )
        assert statuses(results) == ["404"] * 5 + ["200", "404"]
        return json.dumps(results).replace(target, "")

    assert asked(foreign["id"]) == asked(unknown)
    assert dump(events=False) == before
    # A bulkId of an earlier request means nothing in this one.
    assert statuses(bulk(scim, user("ann"))) == ["201"]
    assert statuses(bulk(scim, group("later", "ann"))) == ["400"]


def test_passwords_in_bulk_reach_neither_database_nor_answer_nor_log(
    scim: ScimClient, caplog: pytest.LogCaptureFixture
) -> None:
    for password in ("Tr0ub4dor&3", "bulkId:Tr0ub4dor&3"):
        response = send(
            scim, user(f"ann{len(password)}", password=password), user("bob", password=password, userName="")
        )
        assert "Tr0ub4dor" not in response.content.decode() + caplog.text + str(dump())
    assert ScimEvent.objects.filter(outcome="refused").count() == 3
    assert ScimUser.objects.count() == 1
