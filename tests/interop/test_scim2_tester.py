"""Conformance as somebody else reads the RFCs: scim2-tester over a socket, whatever the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx2
import pytest
from conftest import MOUNT
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from django_scim_provider.models import ScimConnection, ScimUser

FAILURES = (Status.ERROR, Status.CRITICAL, Status.DEVIATION)


def _lines(results: list[CheckResult], *statuses: Status) -> list[str]:
    return [f"{result.title}: {result.reason}" for result in results if result.status in statuses]


@pytest.mark.hosts
def test_scim2_tester_finds_no_error(
    live_server: LiveServer, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(connection)}"}
    with httpx2.Client(base_url=f"{live_server.url}{MOUNT}", headers=headers) as client:
        results = check_server(SyncSCIMClient(client))

    counted = Counter(result.status.name for result in results)
    print("\nscim2-tester:", *(f"{name} {number}" for name, number in sorted(counted.items())), sep="  ")  # noqa: T201
    print(*_lines(results, Status.SKIPPED, Status.ACCEPTABLE), sep="\n")  # noqa: T201
    assert not _lines(results, *FAILURES)
    # Nothing failed because nothing was tried: the tester really has written people, and cleaned up after itself.
    assert counted["SUCCESS"] > 200
    assert {result.resource_type for result in results} >= {"User"}
    assert ScimUser.objects.filter(alive=None).count() > 50
    assert not ScimUser.objects.filter(alive=True).exists()
