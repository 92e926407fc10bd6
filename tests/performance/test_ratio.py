"""How long a read takes beside a bare Django view that does the same job; printed, since a busy machine proves nothing.

``SCIM_RATIO=1 pytest tests/performance/test_ratio.py -s``. The benchmark that is held to a figure is another one.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services.context import Context
from performance.population import gather, populate, user_name

PEOPLE = 1000
ROUNDS = int(os.environ.get("SCIM_RATIO_ROUNDS", "300"))

pytestmark = [
    pytest.mark.skipif(not os.environ.get("SCIM_RATIO"), reason="a measurement: set SCIM_RATIO=1"),
    pytest.mark.urls("performance.bare"),
]


@pytest.fixture(autouse=True)
def _in_process() -> Iterator[None]:
    """A request ends without closing the connection that the test's transaction is on."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _caller(path: str, token: str) -> Callable[[], bytes]:
    """A GET by WSGI, without the test client's own work."""
    handler = WSGIHandler()
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "HTTP_ACCEPT": "application/scim+json",
        "wsgi.url_scheme": "http",
    }

    def call() -> bytes:
        started: list[str] = []
        response = handler(environ | {"wsgi.input": io.BytesIO()}, lambda status, headers: started.append(status))
        body = b"".join(response)
        response.close()
        assert started == ["200 OK"], body
        return body

    return call


def _interleaved(*calls: Callable[[], bytes]) -> list[list[float]]:
    """The times of each, in milliseconds and in order."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            times.append((time.perf_counter() - began) * 1000)
    return [sorted(times) for times in taken]


def _told(mine: list[float], floor: list[float]) -> str:
    """The median, and the quickest tenth, which other work on the machine disturbs least."""
    told = []
    for name, pick in (("median", statistics.median), ("quickest tenth", lambda times: times[len(times) // 10])):
        ours, bare = pick(mine), pick(floor)
        told.append(f"{name} {ours:.2f} ms, bare view {bare:.2f} ms, ratio {ours / bare:.2f}")
    return "; ".join(told)


@pytest.mark.parametrize(
    ("what", "path"),
    [
        ("GET one person", "/Users/{id}"),
        ("userName eq", "/Users?filter=" + quote('userName eq "{name}"', safe="{}")),
        ("a page of 100", "/Users?startIndex=1&count=100"),
    ],
)
def test_reads_beside_a_bare_view(
    what: str, path: str, context: Context, connection: ScimConnection, issue_token: Callable[..., str]
) -> None:
    populate(context, range(PEOPLE))
    gather(context)
    name = user_name(PEOPLE // 2)
    scim_id = ScimUser.objects.get(user_name=name).scim_id
    token = issue_token(connection)
    ours, bare = (_caller(f"{mount}{path.format(id=scim_id, name=name)}", token) for mount in ("/scim/v2", "/bare"))

    first, second = json.loads(ours()), json.loads(bare())
    assert first.keys() == second.keys() - {"externalId"}, "the same job"
    assert len(first.get("Resources", ())) == len(second.get("Resources", ()))
    print(f"\n{what}: {_told(*_interleaved(ours, bare))}")  # noqa: T201
