"""What every simulated identity provider has: its directory, its memory of what it pushed, and its patience."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import quote

from .differences import Expected, Unreadable, differences, everything
from .directory import Change, Directory, Group, Person
from .judging import Doing, Fault, Trouble
from .profile import DEPARTMENT, EMPLOYEE_NUMBER, MANAGER, MOBILE, WORK_EMAIL, Profile, text
from .report import Report
from .transports import NoAnswer, Transport
from .wire import MINUTE, Wire

HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
Progress = Callable[[int, int], None]


class IdentityProvider(Wire):
    """One application at an identity provider, from the test of its connection to the end of the simulated days.

    :param transport: how it reaches the server.
    :param users: how many people there are; most on the first day, the others later.
    :param groups: how many groups; providers that push none have none.
    :param variant: one of ``variants``; default: the first.
    :raises ValueError: there is no such variant.
    """

    name: ClassVar[str]
    """On the command line."""
    label: ClassVar[str]
    variants: ClassVar[tuple[str, ...]]
    pushes_groups: ClassVar[bool] = True

    def __init__(
        self,
        transport: Transport,
        *,
        users: int = 200,
        groups: int = 20,
        days: int = 10,
        seed: int = 1,
        variant: str | None = None,
    ) -> None:
        self.variant = variant or self.variants[0]
        if self.variant not in self.variants:
            raise ValueError(f"{self.label} has no variant “{variant}”: {', '.join(self.variants)}.")
        super().__init__(transport, Report(f"{self.label} ({self.variant}): {users} users, {days} days, seed {seed}"))
        self.random = Random(seed)  # noqa: S311 - the same seed, the same life
        self.directory = Directory(
            users=users,
            group_count=groups if self.pushes_groups else 0,
            days=days,
            seed=seed,
            domain=f"{self.name}-{seed}.example.com",
            new_key=self.new_key,
        )
        self.links: dict[str, str] = {}
        """Key of a person to the id that the server gave."""
        self.pushed: dict[str, Person] = {}
        """People as they were last pushed."""
        self.group_links: dict[str, str] = {}
        self.pushed_groups: dict[str, tuple[str, frozenset[str]]] = {}
        """Name and ids of members as they were last pushed."""

    # What each provider does its own way ---------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def new_key(random: Random) -> str:
        """An id of a person or a group, as this provider makes them."""

    def connection_tests(self) -> Iterable[Callable[[], None]]:
        """The parts of the test of the connection; each may fail with ``Trouble``."""
        return [self.connect]

    def having(self, attribute: str, value: str) -> str:
        """The query that finds who has a value."""
        return f"filter={quote(f'{attribute} eq {text(value)}', safe='')}"

    @abstractmethod
    def connect(self) -> None: ...

    @abstractmethod
    def assign(self, person: Person) -> None:
        """Find or create somebody, and link."""

    @abstractmethod
    def update(self, person: Person) -> None: ...

    @abstractmethod
    def deactivate(self, person: Person) -> None: ...

    def reactivate(self, person: Person) -> None:
        self.update(person)

    @abstractmethod
    def create_group(self, group: Group) -> str:
        """Create it without members, and return its id."""

    @abstractmethod
    def rename_group(self, link: str, group: Group) -> None: ...

    @abstractmethod
    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None: ...

    def delete_group(self, link: str) -> None:
        self.written(Doing.GROUP, "DELETE", f"/Groups/{link}", allowed=(404,))

    def profile(self, person: Person) -> Profile:
        """The attributes that the provider manages."""
        return {
            "externalId": person.key,
            "userName": person.user_name,
            "name.givenName": person.given_name,
            "name.familyName": person.family_name,
            "displayName": person.display_name,
            WORK_EMAIL: person.user_name,
            MOBILE: person.phone,
            "title": person.title,
            "locale": person.language,
            EMPLOYEE_NUMBER: person.employee_number,
            DEPARTMENT: person.department,
            MANAGER: self.links.get(person.manager, ""),
            "active": person.is_active,
        }

    def expected_profile(self, person: Person) -> Profile:
        """What must be seen of somebody in the end; an empty text must not be seen."""
        return self.profile(person)

    def belongs(self, person: Person) -> bool:
        """Whether the provider pushes the memberships of this person, who is linked."""
        return True

    def begin_day(self, day: int) -> None:
        """What is done in the morning."""

    def end_day(self, day: int) -> None:
        """What is done at night: imports, full pushes."""

    def settle(self) -> None:
        """What is left to do when the last day is over."""

    # The life ------------------------------------------------------------------------------------------------

    def run(self, progress: Progress | None = None) -> Report:
        """Lead the whole life, then compare the server with the directory.

        :param progress: told how many changes are done, of how many.
        """
        with self.transport:
            strangers = self._there()
            # Without a connection no administrator can switch provisioning on.
            if all(self.attempt(test, self.label) for test in self.connection_tests()):
                self.live(progress or (lambda done, total: None))
            self.report.differences = differences(
                self.transport, self.expected(), strangers, with_groups=self.pushes_groups
            )
        return self.report

    def _there(self) -> set[str]:
        """Ids of what is there already."""
        try:
            people = everything(self.transport, "/Users")
            groups = everything(self.transport, "/Groups") if self.pushes_groups else {}
        except Unreadable:
            # The provider will come upon it too.
            return set()
        return people.keys() | groups.keys()

    def expected(self) -> Expected:
        """What the server must have."""
        there = self.directory.people
        people = {link: self.expected_profile(there[key]) for key, link in self.links.items()}
        groups = {
            self.group_links[group.key]: (group.name, frozenset(self.members(group)))
            for group in self.directory.groups.values()
            if group.key in self.group_links
        }
        missing = [p.user_name for p in there.values() if p.is_active and p.key not in self.links]
        missing += [
            g.name for g in self.directory.groups.values() if not g.is_deleted and g.key not in self.group_links
        ]
        return Expected(people, groups, missing)

    def live(self, progress: Progress) -> None:
        done, total = 0, sum(map(len, self.directory.life))
        for day, changes in enumerate(self.directory.life):
            self.clock = max(self.clock, day * DAY)
            self.begin_day(day)
            for change in changes:
                self.directory.apply(change)
                self.changed(change)
                done += 1
                progress(done, total)
            self.end_day(day)
        self.settle()

    def changed(self, change: Change) -> None:
        if isinstance(change, Group):
            self.push_group(change)
            return
        self.push_person(change)
        for group in self.directory.groups_of(change.key):
            self.push_group(group)

    def push_person(self, person: Person) -> None:
        self.attempt(partial(self.sync_person, person), person.user_name)

    def push_group(self, group: Group) -> None:
        members = frozenset(self.members(group))
        if group.is_deleted or self.pushed_groups.get(group.key) != (group.name, members):
            self.attempt(partial(self.sync_group, group), group.name)

    def attempt(self, job: Callable[[], None], who: str) -> bool:
        """Do a job, from its beginning again where an answer does not come; whatever else fails is told and left."""
        attempt = 0
        while True:
            attempt += 1
            try:
                job()
            except NoAnswer as error:
                if attempt == self.attempts:
                    self.complain(Trouble(Fault.UNREACHABLE, Doing.CONNECT, str(error)), who)
                    return False
                self.pause(MINUTE * attempt)
            except Trouble as trouble:
                self.complain(trouble, who)
                return False
            else:
                return True

    def sync_person(self, person: Person) -> None:
        known = self.pushed.get(person.key)
        if person.is_active:
            act = self.assign if known is None else self.update if known.is_active else self.reactivate
            act(person)
        elif person.key in self.links and (known is None or known.is_active):
            self.deactivate(person)
        if person.key in self.links:
            self.pushed[person.key] = person

    def link(self, person: Person, resource: Mapping[str, Any]) -> str:
        """Remember the id; whoever had it before, such as a former employee of the same name, has it no more."""
        found: str = resource["id"]
        self.links = {key: link for key, link in self.links.items() if link != found} | {person.key: found}
        return found

    def unlink(self, key: str) -> None:
        self.links.pop(key, None)
        self.pushed.pop(key, None)

    def members(self, group: Group) -> dict[str, Person]:
        """The members that the provider pushes, by id."""
        linked = (self.directory.people[key] for key in sorted(group.members) if key in self.links)
        return {self.links[person.key]: person for person in linked if self.belongs(person)}

    def sync_group(self, group: Group) -> None:
        if group.is_deleted:
            if group.key in self.group_links:
                self.delete_group(self.group_links[group.key])
                del self.group_links[group.key], self.pushed_groups[group.key]
            return
        if group.key not in self.group_links:
            self.group_links[group.key] = self.find_group(group.name) or self.create_group(group)
            self.pushed_groups[group.key] = (group.name, frozenset())
        link = self.group_links[group.key]
        name, ids = self.pushed_groups[group.key]
        if name != group.name:
            self.rename_group(link, group)
            self.pushed_groups[group.key] = (group.name, ids)
        members = self.members(group)
        if ids != members.keys():
            added = [person for found, person in members.items() if found not in ids]
            self.change_members(link, group, added, sorted(ids - members.keys()))
            self.pushed_groups[group.key] = (group.name, frozenset(members))

    def find_group(self, name: str) -> str:
        """The id of a group of that name that is there already, or nothing."""
        found = self.listing(Doing.GROUP, f"/Groups?{self.having('displayName', name)}")
        return str(found[0]["id"]) if found else ""
