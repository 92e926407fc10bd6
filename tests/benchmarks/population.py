"""Who is in the databases, by number; what the loader writes and the client expects."""

from __future__ import annotations

SERVERS = ("package", "scim2", "floor", "limit")
TOKEN = "token-of-those-who-have-no-tokens-of-their-own"
BEYOND = 20
"""Members of the large group beyond the round number, so that a PATCH of it is answered alike at every size."""
OUTSIDERS = 80
"""People who are in no group: they come and go."""
SMALL_GROUPS, SMALL_SIZE = 100, 20
SAMPLED = 1000
EVERYBODY = "Everybody"


def user_name(number: int) -> str:
    return f"Person.{number:07}@example.com"


def external_id(number: int) -> str:
    return f"ext-{number:07}"


def total(users: int) -> int:
    return users + BEYOND + OUTSIDERS


def outsiders(users: int) -> range:
    return range(users + BEYOND, total(users))


def sampled(users: int) -> list[int]:
    """The people who are read and written one by one: the first hundred, and others from all over the table."""
    step = max(1, users // (SAMPLED - 100))
    return list(dict.fromkeys([*range(min(100, users)), *range(0, users, step)]))[:SAMPLED]


def replacing(users: int, *, other: bool) -> range:
    """Two lists of members, half of each also in the other."""
    count = replaced(users)
    return range(count // 2, count + count // 2) if other else range(count)


def replaced(users: int) -> int:
    """How many members a group has that is replaced."""
    return min(1000, users // 2)


def memberships(users: int) -> dict[str, list[int]]:
    """Groups by name; of the one that is replaced each server has its own."""
    some = sampled(users)
    groups = {EVERYBODY: list(range(users + BEYOND))}
    for group in range(SMALL_GROUPS):
        members = (some[(group * SMALL_SIZE + place) % len(some)] for place in range(SMALL_SIZE))
        groups[f"Small {group}"] = list(dict.fromkeys(members))
    return groups | {f"Replaced {server}": [] for server in SERVERS}
