"""In process and over HTTP, with answers that get lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import override_settings

from django_scim_provider.conf import app_settings
from django_scim_provider.models import ScimConnection
from django_scim_provider.testing import Flaky, Google, InProcess, NoAnswer, Okta
from django_scim_provider.testing.remote import Remote
from testing_support import Meddler

HEADERS = {"Accept": "application/scim+json", "Content-Type": "application/scim+json"}
WORK_HEADERS = {"User-Agent": "OneLogin SCIM", **HEADERS}


@pytest.mark.django_db
def test_in_process_goes_through_the_mounted_views(transport: InProcess) -> None:
    answer = transport.send("GET", "/Users?count=1", headers=HEADERS)
    assert (answer.status, answer.json["totalResults"]) == (200, 0)
    assert answer.headers["content-type"].startswith("application/scim+json")
    assert answer.seconds > 0
    assert transport.send("GET", "/Users/nobody", headers=HEADERS).json["status"] == "404"


@pytest.mark.django_db
@override_settings(SCIM_PROVIDER={"THROTTLE_RATE": "1/d", "REQUIRE_HTTPS": True})
def test_in_process_there_is_no_limit_of_requests_while_it_is_entered(transport: InProcess) -> None:
    with transport:
        assert {transport.send("GET", "/Users", headers=HEADERS).status for _ in range(3)} == {200}
        assert app_settings.REQUIRE_HTTPS
    assert app_settings.THROTTLE_RATE == "1/d"
    assert [transport.send("GET", "/Users", headers=HEADERS).status for _ in range(2)] == [200, 429]


@pytest.mark.django_db
def test_flaky_loses_what_the_server_has_done(transport: InProcess) -> None:
    flaky = Flaky(transport, every=2)
    with flaky:
        assert flaky.send("GET", "/Users", headers=HEADERS).status == 200
        with pytest.raises(NoAnswer):
            flaky.send("POST", "/Users", headers=HEADERS, body={"userName": "ann@example.com"})
        flaky.pause(1e9)
        assert flaky.send("GET", "/Users", headers=HEADERS).json["totalResults"] == 1


# Over HTTP -------------------------------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Says what it was asked; /moved, /broken and /busy answer as they are called."""

    requests: list[tuple[str, str, Any]] = []

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.path, content))
        if self.path.startswith("/scim/broken"):
            self.close_connection = True
            return
        status = 302 if self.path.startswith("/scim/moved") else 429 if self.path.startswith("/scim/busy") else 200
        shown = {name: self.headers.get(name) for name in ("Authorization", "User-Agent", "Accept", "Content-Type")}
        body = json.dumps(shown).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/scim+json")
        self.send_header("Content-Length", str(len(body)))
        if status == 302:
            self.send_header("Location", "/scim/elsewhere")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    Handler.requests = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/scim/"
        server.shutdown()
        thread.join()


def test_remote_sends_what_it_is_told_and_nothing_of_its_own(url: str) -> None:
    with Remote(url, "secret") as remote:
        shown = remote.send("POST", "/Users?", headers=WORK_HEADERS, body={"userName": "zoë"}).json
        target = "/Users?filter=userName+eq+%22x%22&"
        remote.send("GET", target, headers=WORK_HEADERS)
        moved = remote.send("GET", "/moved", headers=WORK_HEADERS)
        with pytest.raises(NoAnswer):
            remote.send("GET", "/broken", headers=WORK_HEADERS)
    assert shown == {"Authorization": "Bearer secret", **WORK_HEADERS}
    assert json.loads(Handler.requests[0][2]) == {"userName": "zoë"}
    assert Handler.requests[1][:2] == ("GET", f"/scim{target}")
    assert (moved.status, moved.headers["location"]) == (302, "/scim/elsewhere")
    assert "/scim/elsewhere" not in {path for _, path, _ in Handler.requests}


def test_remote_waits_in_real_time_but_not_for_ever(url: str) -> None:
    slept: list[float] = []
    with Remote(url, "secret", longest_pause=5, sleep=slept.append) as remote:
        remote.pause(2)
        remote.pause(300)
    assert slept == [2, 5]


def test_a_server_that_is_not_there_gives_no_answer() -> None:
    with Remote("http://127.0.0.1:9", "secret") as remote, pytest.raises(NoAnswer):
        remote.send("GET", "/Users", headers=HEADERS)


@pytest.mark.django_db
def test_a_provider_over_nothing_says_so() -> None:
    report = Okta(Remote("http://127.0.0.1:9", "secret", sleep=lambda seconds: None), users=1, days=1).run()
    assert report.complaints[0].startswith("Error authenticating: Connect timed out")
    assert report.differences == ["The server cannot be read. GET /Users?startIndex=1&count=100 was not answered."]
    assert report.median == report.p95 == 0


@pytest.mark.django_db
def test_a_wrong_token_is_a_complaint_and_a_difference(connection: ScimConnection) -> None:
    wire = Meddler(InProcess("wrong"))
    report = Google(wire, users=1, days=1).run()
    assert report.complaints[0].startswith("Provisioning activation failed: Unauthorized.")
    assert report.differences[0].startswith("The server cannot be read. GET /Users?startIndex=1&count=100 answered 401")
    assert "Bearer" not in report.render()
