"""A first synchronisation as Okta sends it: for every person a look-up and a POST, for every group a POST and a push."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import psycopg

from .measure import tell
from .operations import GROUP, PATCH, body
from .servers import Request, Server

GROUPS = 100
ANALYZED = 1000
"""People after which the database gets new statistics, as autovacuum sees to where it is on, within a minute."""


def run(servers: Sequence[Server], people: int, database: str) -> dict[str, Any]:
    """Seconds by server, one request after the other; the servers by turns, each with people of its own."""
    seconds: dict[str, float] = defaultdict(float)
    ids: dict[str, list[str]] = defaultdict(list)
    for number in range(people):
        for server in servers:
            name = f"sync.{server.name}.{number}@example.com"
            text = quote(f'userName eq "{name}"')
            answer = server.send(Request("GET", f"/Users?filter={text}&startIndex=1&count=100"))
            assert answer.json()["totalResults"] == 0
            made = server.send(Request("POST", "/Users", body(name, number), 201))
            ids[server.name].append(made.json()["id"])
            seconds[server.name] += answer.waited + made.waited
        tell("first sync: people", (number + 1) / people)
        if number % ANALYZED == 0:
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("ANALYZE")
    groups = min(GROUPS, people)
    for number in range(groups):
        for server in servers:
            sent = {"schemas": [GROUP], "displayName": f"Sync {server.name} {number}", "members": []}
            made = server.send(Request("POST", "/Groups", sent, 201))
            members = [{"value": one} for one in ids[server.name][number::groups]]
            push = {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": members}]}
            pushed = server.send(Request("PATCH", f"/Groups/{made.json()['id']}", push))
            assert len(pushed.json()["members"]) == len(members)
            seconds[server.name] += made.waited + pushed.waited
        tell("first sync: groups", (number + 1) / groups)
    return {
        "people": people,
        "groups": groups,
        "requests": 2 * (people + groups),
        "seconds": {name: round(taken, 2) for name, taken in seconds.items()},
    }
