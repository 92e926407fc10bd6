"""``python -m benchmarks``: this package, django-scim2, a bare Django view and hand-written SQL, side by side."""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg

from . import first_sync, measure, operations, report
from .servers import Server, served

PORT = 8470


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--users", default="1000,10000,100000", help="numbers of people, with commas between; 0: the first sync alone"
    )
    parser.add_argument("--rounds", type=int, default=150, help="rounds of each operation, a tenth of it of large ones")
    parser.add_argument("--seconds", type=float, default=15, help="what one server may take over one operation")
    parser.add_argument("--sync", type=int, default=10_000, help="people of the first sync; 0 leaves it out")
    parser.add_argument("--quick", action="store_true", help="few people and rounds: whether it runs, not how fast")
    parser.add_argument(
        "--only", type=re.compile, default="", help="operations whose name has this in it, as a pattern"
    )
    parser.add_argument("--keep", action="store_true", help="copy the databases that were filled last time")
    parser.add_argument("--port", type=int, default=PORT, help="the first of the ports that are used")
    parser.add_argument("--write", action="store_true", help="put the figures into the documentation")
    options = parser.parse_args()
    if options.quick:
        options.users, options.rounds, options.seconds, options.sync = "200", 1, 1, 5
        options.only = re.compile("^(?!bulk of 1,000)")
    return options


def _database(users: int, name: str, *, keep: bool) -> tuple[str, dict[str, Any]]:
    """A database with so many people in it: its URL, and what the client must know.

    It is a copy of one that stays as it was filled.
    """
    url = urlsplit(os.environ["DATABASE_URL"])
    filled = f"{url.path.strip('/')}_{name}"
    copy = f"{filled}_run"
    measure.tell(f"people: {users}", 0)
    with psycopg.connect(url._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{copy}"')
        if not keep:
            connection.execute(f'DROP DATABASE IF EXISTS "{filled}"')
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [filled]).fetchone():
            connection.execute(f'CREATE DATABASE "{filled}"')
            _load(url._replace(path=f"/{filled}").geturl(), users)
        connection.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{filled}"')
    its_url = url._replace(path=f"/{copy}").geturl()
    known = json.loads(_load(its_url, users))
    measure.tell(f"people: {users}", 1)
    return its_url, known


def _load(url: str, users: int) -> bytes:
    command = [sys.executable, "-m", "benchmarks.load", str(users)]
    environ = os.environ | {"DATABASE_URL": url}
    return subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE).stdout


def _memory(servers: dict[int, list[Server]]) -> list[dict[str, Any]]:
    """What rendering the large group takes of each worker, and what it has before."""

    def send(server: Server, users: int) -> None:
        server.send(operations.group(server, users, 0)[0])

    return [
        {"users": users, "server": name, "before_mb": round(before, 1), "peak_mb": round(peak, 1)}
        for users, those in servers.items()
        for name, (before, peak) in measure.memory(those, lambda server, users=users: send(server, users)).items()
    ]


def _measured(options: argparse.Namespace, sizes: Sequence[int], result: dict[str, Any]) -> None:
    databases = {users: _database(users, str(users), keep=options.keep) for users in sizes}
    with served(databases, options.port) as servers:
        result["memory"] = _memory(servers)
        for block in operations.BLOCKS:
            if options.only.search(" / ".join(operation.name for operation in block)):
                found = measure.measure(block, servers, rounds=options.rounds, seconds=options.seconds)
                result["operations"] += [series.as_document() for series in found]
                _save(options, result)


def _save(options: argparse.Namespace, result: dict[str, Any]) -> None:
    """After every block, so that a run that is ended has told what it knew."""
    if options.write:
        report.save(result, report.FOLDER)


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.project.settings"
    options = _options()
    sizes = sorted(int(number) for number in options.users.split(","))
    result: dict[str, Any] = {
        "versions": report.versions(),
        "sizes": sizes,
        "rounds": options.rounds,
        "operations": [],
        "memory": [],
    }
    if sizes[0]:
        _measured(options, sizes, result)
    elif options.write:
        # What was measured before stays beside it.
        result = report.load()
    if options.sync:
        empty = _database(0, "sync", keep=False)
        with served({0: empty}, options.port) as servers:
            result["first_sync"] = first_sync.run(servers[0], options.sync, empty[0])
        _save(options, result)
    report.show(result)


if __name__ == "__main__":
    main()
