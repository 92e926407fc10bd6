"""The example project's own server, as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from django.core.management.base import CommandError

HOST = "127.0.0.1"
START_TIMEOUT = 30
STOP_TIMEOUT = 10
MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


class Server:
    def __init__(self, port: int, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.port = port
        self.process = process
        self.log = log

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def output(self, lines: int = 20) -> str:
        """The end of what the server printed."""
        self.log.seek(0)
        return "\n".join(self.log.read().decode(errors="replace").splitlines()[-lines:])

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urlopen(f"{self.url}/scim/v2/ServiceProviderConfig", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise CommandError(f"The server did not start:\n{self.output()}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(port: int) -> Iterator[Server]:
    """Serve on a port of the loopback interface until the block is left."""
    environment = {
        **os.environ,
        "ALLOWED_HOSTS": f"{HOST},localhost",
        # Only this machine can reach it.
        "SCIM_REQUIRE_HTTPS": "false",
        "PYTHONUNBUFFERED": "1",
    }
    command = [sys.executable, str(MANAGE), "runserver", "--noreload", "--no-color", f"{HOST}:{port}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        server = Server(port, process, log)
        try:
            server.wait_until_it_answers()
            yield server
        finally:
            server.stop()


def usable_port(port: int | None) -> int:
    """The port asked for, or a free one.

    :raises CommandError: it is taken.
    """
    try:
        with socket.create_server((HOST, port or 0)) as listener:
            found: int = listener.getsockname()[1]
            return found
    except (OSError, OverflowError) as error:
        raise CommandError(f"Port {port} cannot be used: {error}. Choose another, or leave --port out.") from error
