"""A real server on a real socket, and clients that other people wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx2
import pytest
from django.core.servers.basehttp import WSGIRequestHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from pytest_django.live_server_helper import LiveServer
from scim2_client.engines.httpx2 import SyncSCIMClient

from conftest import MOUNT
from django_scim_provider.models import ScimConnection


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Django's development server sends head and body apart, and waits 40 ms in between for an acknowledgement."""
    monkeypatch.setattr(WSGIRequestHandler, "disable_nagle_algorithm", True)


@pytest.fixture
def remote(
    live_server: LiveServer, connection: ScimConnection, issue_token: Callable[..., str]
) -> Iterator[SyncSCIMClient]:
    """scim2-client over a socket; it knows nothing of the server yet. Every answer is parsed by strict models."""
    headers = {"Authorization": f"Bearer {issue_token(connection)}"}
    with httpx2.Client(base_url=f"{live_server.url}{MOUNT}", headers=headers) as client:
        yield SyncSCIMClient(client)


@pytest.fixture
def in_process() -> Iterator[None]:
    """Lets a WSGI application be called inside a test's transaction, as Django's own test client is."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)
