"""The four servers, each in a gunicorn of its own with one worker, and a client that takes times."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from . import population

MOUNT = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
STARTING = 60


class Request(NamedTuple):
    method: str
    path: str
    """Below the mount, with its query."""
    body: Any = None
    status: int = 200


class Answer(NamedTuple):
    waited: float
    """Seconds from sending the first byte to having the last; the connection was made before."""
    worked: float
    """Seconds of a processor that the worker and its part of the database took; other load does not change them."""
    body: bytes
    queries: int

    def json(self) -> Any:
        return orjson.loads(self.body)


class Server:
    """One of the four at one size."""

    def __init__(self, name: str, port: int, database: str, known: dict[str, Any]) -> None:
        self.name, self.port = name, port
        self.is_package = name == "package"
        self.token = known["token"] if self.is_package else population.TOKEN
        self._people = known["ours" if self.is_package else "hosts"]
        self._groups = known["our_groups" if self.is_package else "host_groups"]
        command = [sys.executable, "-m", "gunicorn", "--workers=1", "--worker-class=sync", "--timeout=600"]
        command += [f"--bind=127.0.0.1:{port}", "--log-level=warning", "benchmarks.project.wsgi"]
        environ = os.environ | {"BENCHMARKED": name, "DATABASE_URL": database}
        self._process = subprocess.Popen(command, env=environ)
        self._workers: list[Path] = []
        """What Linux tells of the worker, and of the database's process that serves it where it is on this machine."""

    def person(self, number: int) -> str:
        return str(self._people[str(number)])

    def group(self, name: str) -> str:
        return str(self._groups[name])

    def wait(self) -> None:
        ends = time.monotonic() + STARTING
        while True:
            try:
                self._workers = self._find_workers(self._exchange(Request("GET", "/Users?count=1"), counts=True)[1])
                return
            except OSError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    raise
                time.sleep(0.1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)

    def send(self, request: Request, *, counts: bool = False) -> Answer:
        """
        :raises AssertionError: the answer has another status than the request expects.
        """
        before = self._worked()
        waited, response, body = self._exchange(request, counts=counts)
        what = f"{self.name}: {request.method} {request.path[:200]}: {response.status} {body[:500]!r}"
        assert response.status == request.status, what
        return Answer(waited, self._worked() - before, body, int(response.headers.get("X-Queries", 0)))

    def _exchange(self, request: Request, *, counts: bool) -> tuple[float, http.client.HTTPResponse, bytes]:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": MEDIA_TYPE}
        content = None
        if request.body is not None:
            content = orjson.dumps(request.body)
            headers["Content-Type"] = MEDIA_TYPE
        if counts:
            headers["X-Count"] = "1"
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        link.connect()
        try:
            began = time.perf_counter()
            link.request(request.method, MOUNT + request.path, content, headers)
            response = link.getresponse()
            body = response.read()
            return time.perf_counter() - began, response, body
        finally:
            link.close()

    def _find_workers(self, response: http.client.HTTPResponse) -> list[Path]:
        pid = self._process.pid
        (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        backend = Path("/proc", response.headers["X-Backend"])
        is_here = (backend / "comm").exists() and (backend / "comm").read_text().startswith("postgres")
        return [Path("/proc", worker), *([backend] if is_here else [])]

    def _worked(self) -> float:
        return sum(int((worker / "schedstat").read_text().split()[0]) for worker in self._workers) / 1e9

    def memory(self, *, peak: bool = False) -> float:
        """Megabytes resident, now or at most since ``forget_peak``."""
        wanted = "VmHWM:" if peak else "VmRSS:"
        lines = (self._workers[0] / "status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(wanted))

    def forget_peak(self) -> None:
        (self._workers[0] / "clear_refs").write_text("5")


@contextmanager
def served(databases: dict[int, tuple[str, dict[str, Any]]], first_port: int) -> Iterator[dict[int, list[Server]]]:
    """All four at every size."""
    started: list[Server] = []
    found: dict[int, list[Server]] = {}
    try:
        for users, (database, known) in databases.items():
            found[users] = []
            for name in population.SERVERS:
                server = Server(name, first_port + len(started), database, known)
                started.append(server)
                found[users].append(server)
        for server in started:
            server.wait()
        yield found
    finally:
        for server in started:
            server.stop()
