"""Times, taken in turns: in every round every server at every size gets the same request, each in another order."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .operations import Operation
from .servers import Server

LEAST = 2
"""Rounds that even the slowest server has."""
WARM_UP = 3
"""Rounds that are not counted; in the first of them queries are."""
Key = tuple[int, str]
"""The number of people, and the server."""


Times = dict[Key, list[float]]


def median_ratio(times: Times, key: Key, other: Key) -> float | None:
    """The median, over the rounds that both had, of the one's time to the other's."""
    ratios = [ours / theirs for ours, theirs in zip(times.get(key, ()), times.get(other, ()), strict=False)]
    return statistics.median(ratios) if ratios else None


@dataclass
class Series:
    """What was measured of one operation, in milliseconds and by round."""

    operation: Operation
    waited: Times = field(default_factory=lambda: defaultdict(list))
    worked: Times = field(default_factory=lambda: defaultdict(list))
    queries: dict[Key, int] = field(default_factory=dict)

    def as_document(self) -> dict[str, Any]:
        smallest = min(users for users, _ in self.waited)
        return {
            "operation": self.operation.name,
            "is_read": self.operation.is_read,
            "is_flat": self.operation.is_flat,
            "results": [self._row(key, smallest) for key in sorted(self.waited)],
        }

    def _row(self, key: Key, smallest: int) -> dict[str, Any]:
        users, server = key
        waited = sorted(self.waited[key])
        others = {"floor": (users, "floor"), "scim2": (users, "scim2"), "smallest": (smallest, server)}
        return {
            "users": users,
            "server": server,
            "rounds": len(waited),
            "queries": self.queries[key],
            "waited_ms": statistics.median(waited),
            "p95_ms": waited[min(len(waited) - 1, round(len(waited) * 0.95))],
            "worked_ms": statistics.median(self.worked[key]),
            "waited_to": {name: median_ratio(self.waited, key, other) for name, other in others.items()},
            "worked_to": {name: median_ratio(self.worked, key, other) for name, other in others.items()},
        }


def measure(
    block: Sequence[Operation], servers: Mapping[int, Sequence[Server]], *, rounds: int, seconds: float
) -> list[Series]:
    """:param seconds: how long one server at one size may take over an operation; it gets fewer rounds then."""
    found = [Series(operation) for operation in block]
    least, warm_up = min(rounds, LEAST), min(rounds, 1 if block[0].is_large else WARM_UP)
    if block[0].is_large:
        rounds = max(least, rounds // 10)
    everybody = [(users, server) for users, those in servers.items() for server in those]
    everybody = [(users, server) for users, server in everybody if server.name in block[0].servers]
    spent: dict[Key, float] = defaultdict(float)
    for turn in range(-warm_up, rounds):
        # Who has to wait for what another left in the caches changes from round to round.
        shift = turn % len(everybody)
        for users, server in everybody[shift:] + everybody[:shift]:
            key = users, server.name
            counts = turn == -warm_up
            # A server that is slow is warm after its first.
            if spent[key] > seconds and (turn >= least or (turn < 0 and not counts)):
                continue
            for series in found:
                spent[key] += _once(series, server, users, turn, counts=counts)
        tell(" / ".join(operation.name for operation in block), (turn + warm_up + 1) / (rounds + warm_up))
    return found


def _once(series: Series, server: Server, users: int, turn: int, *, counts: bool) -> float:
    # Warming up has people and names of its own.
    request, check = series.operation.prepare(server, users, turn if turn >= 0 else 100_000 - turn)
    answer = server.send(request, counts=counts)
    if answer.body:
        check(answer.json())
    key = users, server.name
    if counts:
        series.queries[key] = answer.queries
    if turn >= 0:
        series.waited[key].append(answer.waited * 1000)
        series.worked[key].append(answer.worked * 1000)
    return answer.waited


def tell(what: str, share: float) -> None:
    """A bar on a terminal, a line at the end elsewhere."""
    if sys.stderr.isatty():
        bar = "#" * round(share * 30)
        sys.stderr.write(f"\r{bar:30} {what[:60]:60}" + ("\n" if share >= 1 else ""))
    elif share >= 1:
        sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


def memory(servers: Iterable[Server], send: Any) -> dict[str, tuple[float, float]]:
    """By server, megabytes before a request and at most while it was answered."""
    found = {}
    for server in servers:
        before = server.memory()
        server.forget_peak()
        send(server)
        found[server.name] = before, server.memory(peak=True)
    return found
