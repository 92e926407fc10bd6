"""``kill -9`` of workers and of database servers, in the middle of everything: what was answered is there, once."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from api.helpers import VENDOR
from reliability.servers import Site, database, serving
from reliability.traffic import withstand

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
SOAK = bool(os.environ.get("SCIM_SOAK"))
KILLS = int(os.environ.get("SCIM_KILLS", "1000" if SOAK else "20"))
CRASHES = int(os.environ.get("SCIM_CRASHES", "200" if SOAK else "3"))
SEED = 20


def report(what: str, counts: Counter[str], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{what} on {VENDOR}: " + ", ".join(f"{name} {number}" for name, number in sorted(counts.items())))  # noqa: T201


@pytest.fixture(scope="module")
def served() -> Iterator[Any]:
    with database(VENDOR) as found:
        yield found


@pytest.fixture(scope="module")
def site(served: Any) -> Iterator[Site]:
    with serving(served.url, "ann", "bob", "cy", "dan") as found:
        yield found


def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = withstand(site, ["ann", "bob"], KILLS, lambda dice: site.kill_worker(dice.randrange(2)), SEED)
    report(f"{KILLS} kills of a worker", counts, capsys)
    assert counts["unanswered"] > 0


@pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has no server to end")
def test_a_database_that_is_ended_and_started_is_503_meanwhile_and_loses_nothing(
    served: Any, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(dice: random.Random) -> None:
        served.crash()
        served.start()

    counts = withstand(site, ["cy", "dan"], CRASHES, crash, SEED)
    report(f"{CRASHES} ends of the database", counts, capsys)
    assert counts["503"] > 0
    assert counts["unanswered"] == 0, "the workers live"
