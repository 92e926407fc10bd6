"""A provider's own directory: people and groups, and what becomes of them from day to day, all drawn from a seed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final, TypeVar

GIVEN: Final = (  # noqa: SIM905 - read as one line
    "Anna Zoë Łukasz José Siân Ólafur Ngọc Ибрагим Δήμητρα 李娜 Mary-Jane D'Arcy Jean-Luc Fatma Søren Chloé Björk Amir"
).split()
FAMILY: Final = (  # noqa: SIM905 - the same
    "Berg O'Brien García Müller Ångström Nguyễn Петрова Παπαδόπουλος 王 Smith-Jones McDonald Đorđević D'Souza Haddad"
).split()
TITLES: Final = ("Engineer", "Head of “Special Projects”", "Vertriebsleiterin", "VP, R&D", "Réceptionniste", "")
DEPARTMENTS: Final = ("Sales", "R&D", "Ops / Köln", "開発部", "Office of the CEO's staff", "")
PHONES: Final = ("+44 20 7946 0123", "+1 (201) 555-0123", "+49 30 123456-78", "")
LANGUAGES: Final = ("en-US", "de-DE", "pl-PL", "vi-VN")
GROUPS: Final = ('Sales "EMEA"', "R&D", "Ops / München", "O'Hare team", "開発", "Equipe Sécurité", "All staff: London")
THERE_AT_FIRST: Final = 0.9

_Thing = TypeVar("_Thing")


class State(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"
    """Gone, but can be restored."""
    PURGED = "purged"
    """Gone for good."""


@dataclass(frozen=True)
class Person:
    """Somebody on some day."""

    key: str
    """The provider's own id."""
    user_name: str
    given_name: str
    family_name: str
    display_name: str
    title: str
    department: str
    employee_number: str
    phone: str
    language: str
    manager: str = ""
    """The key of another person."""
    password: str = ""
    """A new one that the provider passes on; empty until there is one."""
    state: State = State.ACTIVE

    @property
    def is_active(self) -> bool:
        return self.state is State.ACTIVE


@dataclass(frozen=True)
class Group:
    """A group on some day."""

    key: str
    name: str
    members: frozenset[str] = frozenset()
    """Keys of people."""
    is_deleted: bool = False


Change = Person | Group
"""Somebody or something as they are from now on."""


@dataclass
class Directory:
    """The whole life is planned at first, then it is led: ``apply`` takes one change after another.

    :param new_key: draws an id as the provider makes them.
    """

    users: int
    group_count: int
    days: int
    seed: int
    domain: str
    new_key: Callable[[Random], str]
    people: dict[str, Person] = field(default_factory=dict)
    """By key, as of now."""
    groups: dict[str, Group] = field(default_factory=dict)
    """By key, as of now."""
    life: list[list[Change]] = field(default_factory=list)
    """What changes on each day, in order."""

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - the same seed, the same life
        self.names: set[str] = set()
        for day in range(self.days):
            changes = []
            for change in self._day(day):
                self.apply(change)
                changes.append(change)
            self.life.append(changes)
        self.people, self.groups = {}, {}

    def apply(self, change: Change) -> None:
        if isinstance(change, Person):
            self.people[change.key] = change
        else:
            self.groups[change.key] = change

    def groups_of(self, key: str) -> list[Group]:
        return [group for group in self.groups.values() if key in group.members]

    # Planning ----------------------------------------------------------------------------------------------

    def _day(self, day: int) -> Iterator[Change]:
        for _ in range(self._arrivals(day, self.users)):
            yield self._newcomer()
        if day:
            yield from self._lives(day)
        for _ in range(self._arrivals(day, self.group_count)):
            yield self._new_group()
        if day:
            yield from self._groups(day)

    def _arrivals(self, day: int, total: int) -> int:
        """Most are there on the first day, the others come one after another."""
        later = 0 if self.days == 1 else round(total * (1 - THERE_AT_FIRST)) or min(total, 1)
        if day == 0:
            return total - later
        rest = self.days - 1
        return later * day // rest - later * (day - 1) // rest

    def _lives(self, day: int) -> Iterator[Change]:
        yield from map(self._renamed, self._some(self._active(), 0.01))
        yield from map(self._promoted, self._some(self._active(), 0.04))
        yield from self._managers(self._some(self._active(), 0.02))
        for person in self._some(self._active(), 0.01):
            yield replace(person, password=f"Pass-{self.random.getrandbits(64):x}-Wort")
        if day % 2 == 0:
            yield from self._returns(day)
        if day % 2 == 1:
            for person in self._some(self._active(), 0.005) + self._some(self._with(State.SUSPENDED), 0.1):
                yield from self._deletion(self.people[person.key])
        for person in self._some(self._active(), 0.02):
            yield replace(person, state=State.SUSPENDED)

    def _returns(self, day: int) -> Iterator[Change]:
        for person in self._some(self._with(State.SUSPENDED), 0.5):
            yield replace(person, state=State.ACTIVE)
        purged = self._with(State.PURGED)
        for person in self._some(purged, 0.5):
            if all(other.user_name != person.user_name or other in purged for other in self.people.values()):
                yield self._described(person.user_name)
        for person in self._some(self._with(State.DELETED), 0.5):
            yield replace(person, state=State.PURGED)

    def _deletion(self, person: Person) -> Iterator[Change]:
        yield replace(person, state=State.DELETED)
        yield from self._managers([other for other in self._active() if other.manager == person.key])
        for group in self.groups_of(person.key):
            yield replace(group, members=group.members - {person.key})

    def _groups(self, day: int) -> Iterator[Change]:
        for group in self._some(self._live_groups(), 0.05):
            name = group.name.upper() if self.random.random() < 0.3 else f"{group.name} ({self.random.randint(2, 99)})"
            yield replace(group, name=name)
        for group in self._some(self._live_groups(), 0.25):
            leaving = self.random.sample(sorted(group.members), min(len(group.members), 2))
            coming = {person.key for person in self._some(self._active(), 0.02)}
            yield replace(group, members=(group.members | coming) - set(leaving))
        if day % 2 == 1:
            for group in self._some(self._live_groups(), 0):
                yield replace(group, members=frozenset())
        elif len(self._live_groups()) > 1:
            for group in self._some(self._live_groups(), 0):
                yield replace(group, is_deleted=True)

    # Who ---------------------------------------------------------------------------------------------------

    def _with(self, state: State) -> list[Person]:
        return [person for person in self.people.values() if person.state is state]

    def _active(self) -> list[Person]:
        return self._with(State.ACTIVE)

    def _live_groups(self) -> list[Group]:
        return [group for group in self.groups.values() if not group.is_deleted]

    def _some(self, things: list[_Thing], share: float) -> list[_Thing]:
        """That share of them, and one at least where there are any."""
        return self.random.sample(things, min(len(things), max(1, round(len(things) * share))))

    # What --------------------------------------------------------------------------------------------------

    def _newcomer(self) -> Person:
        given, family = self.random.choice(GIVEN), self.random.choice(FAMILY)
        person = self._described(self._user_name(given, family))
        display = f"{given} {family}" if self.random.random() < 0.8 else f'{given} "{given[:2]}" {family}'
        return replace(person, given_name=given, family_name=family, display_name=display)

    def _described(self, user_name: str) -> Person:
        """Somebody new under a name that is free, be it again."""
        family, active = self.random.choice(FAMILY), self._active()
        return Person(
            key=self.new_key(self.random),
            user_name=user_name,
            given_name="Kim",
            family_name=family,
            display_name=f"Kim {family}",
            manager=self.random.choice(active).key if active else "",
            title=self.random.choice(TITLES),
            department=self.random.choice(DEPARTMENTS),
            employee_number=str(self.random.randint(1000, 999999)),
            phone=self.random.choice(PHONES),
            language=self.random.choice(LANGUAGES),
        )

    def _user_name(self, given: str, family: str) -> str:
        """Plain letters, as mail systems want them, and never one that somebody has or had."""
        parts = (unicodedata.normalize("NFKD", part).encode("ascii", "ignore").decode() for part in (given, family))
        stem = ".".join(part.strip("'-").replace("'", "").lower() or "x" for part in parts)
        number = 1
        while (name := f"{stem}{number}@{self.domain}") in self.names:
            number += 1
        self.names.add(name)
        return name

    def _renamed(self, person: Person) -> Person:
        family = self.random.choice(FAMILY)
        return replace(
            person,
            family_name=family,
            display_name=f"{person.given_name} {family}",
            user_name=self._user_name(person.given_name, family),
        )

    def _promoted(self, person: Person) -> Person:
        return replace(
            person,
            title=self.random.choice(TITLES),
            department=self.random.choice(DEPARTMENTS),
            phone=self.random.choice(PHONES),
        )

    def _managers(self, people: list[Person]) -> Iterator[Person]:
        for person in people:
            others = [other for other in self._active() if other.key != person.key]
            if others:
                yield replace(self.people[person.key], manager=self.random.choice(others).key)

    def _new_group(self) -> Group:
        number = len(self.groups) + 1
        # The first stays empty for a while.
        members = self._some(self._active(), self.random.uniform(0.02, 0.2)) if number > 1 else []
        name = f"{self.random.choice(GROUPS)} {self.seed}-{number}"
        return Group(self.new_key(self.random), name, frozenset(person.key for person in members))
