"""Servers of a test's own, to be ended without warning: databases in a folder that is thrown away, and gunicorn."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

READY_WITHIN = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while not is_so():
        assert time.monotonic() < deadline, f"{what} within {READY_WITHIN} seconds"
        time.sleep(0.02)


class SQLiteFile:
    """A file has no server, so there is none to end."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'site.sqlite3'}"


class Server:
    """A database server under an account without rights, since root may not run one."""

    account: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(folder, self.account)
        self.make()
        self.start()

    def run(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        if os.geteuid() == 0:
            options["user"] = self.account
            options["group"] = self.account
            options["extra_groups"] = []
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, cwd=self.folder, start_new_session=True, **quiet | options)

    def done(self, *command: str) -> None:
        with (self.folder / "made.log").open("wb") as log:
            status = self.run(*command, stdout=log).wait()
        assert status == 0, (self.folder / "made.log").read_text(errors="replace")

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def make(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def crash(self) -> None:
        """End it at once, in the middle of whatever it does."""
        raise NotImplementedError


def _program(name: str, *places: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([*places, os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        pytest.skip(f"{name} is not installed: there is no server to end")
    return found


class PostgreSQL(Server):
    account = "postgres"

    def make(self) -> None:
        # Debian's wrappers of the same names run as somebody else: the newest version's own programs come first.
        places = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        self.pg_ctl = _program("pg_ctl", *places)
        self.data = str(self.folder / "data")
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.done(
            _program("initdb", *places), "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"
        )

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self.done(self.pg_ctl, "-D", self.data, "-o", options, "-l", str(self.folder / "server.log"), "-w", "start")

    def crash(self) -> None:
        self.done(self.pg_ctl, "-D", self.data, "-m", "immediate", "stop")


class MariaDB(Server):
    account = "mysql"

    def make(self) -> None:
        self.program = _program("mariadbd")
        self.data = str(self.folder / "data")
        self.url = f"mysql://root@127.0.0.1:{self.port}/site"
        (self.folder / "first.sql").write_text("CREATE DATABASE IF NOT EXISTS site CHARACTER SET utf8mb4;")
        self.done(
            _program("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self.data}",
            "--auth-root-authentication-method=normal",
        )

    def start(self) -> None:
        self.process = self.run(
            self.program,
            "--no-defaults",
            f"--datadir={self.data}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder / 'socket'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--log-error={self.folder / 'server.log'}",
            f"--init-file={self.folder / 'first.sql'}",
            "--character-set-server=utf8mb4",
            "--innodb-buffer-pool-size=32M",
        )
        wait_for("MariaDB answers", self.answers)

    def crash(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def database(vendor: str) -> Iterator[Any]:
    """A database of the test's own, of the kind that the suite runs on."""
    folder = Path(tempfile.mkdtemp(prefix="scim-fault-"))
    served: Any = None
    try:
        served = {"sqlite": SQLiteFile, "postgresql": PostgreSQL, "mysql": MariaDB}[vendor](folder)
        yield served
    finally:
        if isinstance(served, Server):
            served.crash()
        shutil.rmtree(folder, ignore_errors=True)


class Site:
    """The site under gunicorn, with two workers, over a database that is empty so far."""

    def __init__(self, url: str, *clients: str) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        settings = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "reliability.site.settings", "PYTHONPATH": path}
        self.environ = {**os.environ, **settings}
        self.tokens: dict[str, str] = json.loads(self._python("reliability.site.fill", *clients).stdout)
        self.port = free_port()
        address = f"127.0.0.1:{self.port}"
        # Loaded once, so that a worker that takes another's place is there at once.
        arguments = ["--workers=2", "--preload", "--no-control-socket", "--log-level=critical", f"--bind={address}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *arguments, "reliability.site.wsgi"], env=self.environ
        )
        wait_for("two workers", lambda: len(self.workers()) == 2)

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_worker(self, number: int) -> None:
        """End one of the workers, and wait for the one that takes its place."""
        doomed = self.workers()[number]
        os.kill(doomed, signal.SIGKILL)
        wait_for("a new worker", lambda: doomed not in self.workers() and len(self.workers()) == 2)

    def broken_invariants(self) -> list[dict[str, Any]]:
        breaches: list[dict[str, Any]] = json.loads(
            self._python("django", "scim_check", "--invariants", "--json", check=False).stdout
        )["breaches"]
        return breaches

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)

    def _python(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or (not check and done.stdout), done.stderr
        return done


@contextmanager
def serving(url: str, *clients: str) -> Iterator[Site]:
    site = Site(url, *clients)
    try:
        yield site
    finally:
        site.stop()
