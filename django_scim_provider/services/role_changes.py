"""What roles are worked out from, and what comes of it."""

from __future__ import annotations

from typing import Any, NamedTuple


class Wish(NamedTuple):
    """A mapping, as far as working roles out needs it."""

    group: int
    role: str
    priority: int


class Change(NamedTuple):
    """What following the mappings does to one person."""

    scim_user: int
    user: Any
    gains: frozenset[str]
    loses: frozenset[str]
    grants: frozenset[str]
    """Of what they gain, what we have not noted as given by us."""
    ungrants: frozenset[str]
    """What we gave and no group asks for any longer; more than ``loses`` where somebody has taken it by hand."""
    has: frozenset[str] = frozenset()
    """What they held before, however they came by it."""
