"""What roles are worked out from, and what comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ..models import ScimUser
from .context import Context

NAMES: Final = 20
"""How many people are named of each role, unless more are asked for."""


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


@dataclass(frozen=True)
class Effect:
    """What becomes of one role."""

    role: str
    count: int
    people: list[str]
    """User names, the first of them."""


class Effects(NamedTuple):
    """What changes come to, role by role."""

    gains: list[Effect]
    loses: list[Effect]


def by_role(context: Context, changes: Iterable[Change], names: int = NAMES) -> Effects:
    """How many people gain and lose each role, with the names of the first: one query."""
    gains: defaultdict[str, list[int]] = defaultdict(list)
    loses: defaultdict[str, list[int]] = defaultdict(list)
    for change in changes:
        for role in change.gains:
            gains[role].append(change.scim_user)
        for role in change.loses:
            loses[role].append(change.scim_user)
    samples = {pk for people in (*gains.values(), *loses.values()) for pk in sorted(people)[:names]}
    rows = ScimUser.objects.using(context.using).filter(pk__in=samples).order_by("user_name_key")
    named = dict(rows.values_list("pk", "user_name"))
    return Effects(_effects(gains, named, names), _effects(loses, named, names))


def _effects(found: Mapping[str, list[int]], named: Mapping[int, str], names: int) -> list[Effect]:
    """:param named: in the order in which people are to be named."""
    effects = []
    for role, people in sorted(found.items()):
        first = set(sorted(people)[:names])
        effects.append(Effect(role, len(people), [name for pk, name in named.items() if pk in first]))
    return effects
