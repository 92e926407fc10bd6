"""Microsoft Entra ID: https://learn.microsoft.com/entra/identity/app-provisioning/use-scim-to-provision-users-and-groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import quote_plus
from uuid import UUID

from ..protocol.urns import ENTERPRISE_USER, GROUP, USER
from .directory import Change, Group, Person, State
from .judging import Doing, Fault, Trouble
from .profile import MANAGER, Profile, changed, document, look, text
from .provider import DAY, HOUR, IdentityProvider
from .transports import NoAnswer
from .wire import MINUTE

_OLD_GROUP: Final = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
_CYCLES_A_DAY: Final = 3
_RETRIES: Final = (6 * HOUR, 12 * HOUR, DAY)
"""Pauses before a job that failed is tried again; the last one for ever after."""
_PATIENCE: Final = 28 * DAY
"""How long jobs are tried again, and how long a quarantine lasts before provisioning is disabled."""
_KEPT: Final = 30 * DAY
"""How long a deleted person can be restored."""
_INCOMPATIBLE: Final = "SystemForCrossDomainIdentityManagementServiceIncompatible"
_FILTERING: Final = "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering"
_CODES: Final = {
    Fault.UNAUTHORIZED: "SystemForCrossDomainIdentityManagementCredentialValidationFailure",
    Fault.FILTER: _FILTERING,
    Fault.CONFLICT: _FILTERING,
    Fault.THROTTLED: "TooManyRequests",
    Fault.SERVER_ERROR: "InternalError",
    Fault.UNREACHABLE: "Timeout",
}


@dataclass
class Escrow:
    """A job that failed, until it succeeds."""

    since: float
    due: float
    failures: int


class Entra(IdentityProvider):
    """Cycles: what changed since the last one is brought in line, people first, then their managers, then groups.

    Variants are the old dialect and the one that a flag in the tenant URL asks for. What fails is put in escrow and
    tried again in later cycles, for four weeks. Refused credentials, a list endpoint that is not there, or too large a
    share of failures mean quarantine: one cycle a day, and none after four weeks. Nobody is deleted before 30 days
    have passed or an administrator has emptied the recycle bin. A value that becomes empty is not passed on.
    """

    name = "entra"
    label = "Microsoft Entra ID"
    variants = ("legacy", "aadOptscim062020")
    overlooks: ClassVar = frozenset({Fault.NO_NUMBERS, Fault.ID_TYPE})
    escrow_share: ClassVar[float] = 0.4
    """Failures among the jobs of the run from which on there is quarantine."""
    escrow_minimum: ClassVar[int] = 5000
    """Failures below which there is none."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waiting: dict[str, None] = {}
        """Keys of people and groups that changed since the last cycle."""
        self.escrow: dict[str, Escrow] = {}
        self.targets: dict[str, dict[str, Any]] = {}
        """What is known of the values that the application has."""
        self.deletions: dict[str, float] = {}
        """When somebody is to be deleted for good."""
        self.batch = 1
        self.missed = 0
        self.jobs = self.failures = 0
        self.quarantined_at: float | None = None
        self.next_cycle = 0.0
        self.is_disabled = False

    @staticmethod
    def new_key(random: Random) -> str:
        return str(UUID(int=random.getrandbits(128), version=4))

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Accept": "application/scim+json", "Content-Type": "application/scim+json; charset=utf-8"}

    def url(self, path: str, **query: str) -> str:
        flag = [] if self.variant == "legacy" else [self.variant]
        parameters = "&".join(flag + [f"{name}={quote_plus(value)}" for name, value in query.items()])
        return f"{path}?{parameters}" if parameters else path

    # Cycles --------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Ask for somebody who cannot be there; the same before each cycle, to see whether the service is."""
        nobody = text(self.new_key(self.random))
        self.listing(Doing.CONNECT, self.url("/Users", filter=f"userName eq {nobody}"))
        if self.directory.group_count:
            query = {"excludedAttributes": "members", "filter": f"displayName eq {nobody}"}
            self.listing(Doing.CONNECT, self.url("/Groups", **query))

    def begin_day(self, day: int) -> None:
        self.batch = len(self.directory.life[day]) // _CYCLES_A_DAY + 1

    def changed(self, change: Change) -> None:
        self.waiting[change.key] = None
        if isinstance(change, Person):
            if change.state is State.DELETED:
                self.deletions[change.key] = self.clock + _KEPT
            elif change.state is State.PURGED:
                self.deletions[change.key] = self.clock
        if len(self.waiting) >= self.batch:
            self.cycle()

    def end_day(self, day: int) -> None:
        self.cycle()

    def settle(self) -> None:
        while (self.waiting or self.escrow) and not self.is_disabled:
            moments = [escrow.due for escrow in self.escrow.values()]
            self.clock = max(self.clock, self.next_cycle, min(moments, default=0.0))
            self.cycle()

    def cycle(self) -> None:
        self.clock += 40 * MINUTE
        if self.is_disabled or self.clock < self.next_cycle:
            return
        try:
            self.connect()
        except NoAnswer as error:
            # The next cycle begins with it again.
            self.missed += 1
            if self.missed >= self.attempts:
                self._quarantine(Trouble(Fault.UNREACHABLE, Doing.CONNECT, str(error)))
            return
        except Trouble as trouble:
            self._quarantine(trouble)
            return
        self.quarantined_at, self.missed = None, 0
        due = [key for key, escrow in self.escrow.items() if escrow.due <= self.clock]
        keys = dict.fromkeys([*self.waiting, *due])
        self.waiting = {}
        people = [self.directory.people[key] for key in keys if key in self.directory.people]
        groups = [self.directory.groups[key] for key in keys if key in self.directory.groups]
        for person in people:
            self._try(person.key, person.user_name, partial(self.sync_person, person))
        # What refers to others comes when those others are there.
        for person in self.directory.people.values():
            if person.key in keys or person.manager in keys:
                self._try(person.key, person.user_name, partial(self._refer, person))
        affected = {group.key: group for person in people for group in self.directory.groups_of(person.key)}
        for group in {**affected, **{group.key: group for group in groups}}.values():
            self._try(group.key, group.name, partial(self.sync_group, group))
        for key in [key for key, moment in self.deletions.items() if moment <= self.clock]:
            self._try(key, self.directory.people[key].user_name, partial(self._delete, key))
        if self.failures >= max(self.escrow_minimum, self.escrow_share * self.jobs):
            self._quarantine(None)

    def _try(self, key: str, who: str, job: Callable[[], None]) -> None:
        if key in self.escrow and self.escrow[key].due > self.clock:
            return
        self.jobs += 1
        try:
            try:
                job()
            except NoAnswer:
                # What was done all the same is found: later on the person might have another name.
                job()
        except NoAnswer:
            self._put_off(key)
        except Trouble as trouble:
            self.complain(trouble, who)
            self._put_off(key)
        else:
            self.escrow.pop(key, None)

    def _put_off(self, key: str) -> None:
        self.failures += 1
        escrow = self.escrow.setdefault(key, Escrow(self.clock, 0.0, 0))
        escrow.due = self.clock + _RETRIES[min(escrow.failures, len(_RETRIES) - 1)]
        escrow.failures += 1
        if self.clock - escrow.since > _PATIENCE:
            del self.escrow[key]

    def _quarantine(self, trouble: Trouble | None) -> None:
        """One cycle a day, and after four weeks none.

        :param trouble: why; otherwise because too much fails.
        """
        if trouble is not None:
            self.complain(trouble, self.label)
        else:
            share = f"{self.failures} of {self.jobs} jobs failed"
            self.report.complain(f"EncounteredEscrowProportionThreshold: {share}, so provisioning is in quarantine.")
        if self.quarantined_at is None:
            self.quarantined_at = self.clock
        self.next_cycle = self.clock + DAY
        if self.clock - self.quarantined_at > _PATIENCE:
            self.is_disabled = True
            self.report.complain("Provisioning was in quarantine for four weeks and is disabled.")

    # People --------------------------------------------------------------------------------------------------

    def profile(self, person: Person) -> Profile:
        values = {path: value for path, value in super().profile(person).items() if value != ""}
        values["preferredLanguage"] = values.pop("locale")
        return values

    def assign(self, person: Person) -> None:
        values = _without_manager(self.profile(person))
        found = self.listing(Doing.LOOK_UP, self.url("/Users", filter=f"userName eq {text(person.user_name)}"))
        if found:
            self.link(person, found[0])
            self.targets[person.key] = {path: look(found[0], path) for path in self.profile(person)}
            self._patch(person, Doing.UPDATE, values)
        else:
            self.link(person, self.resource(Doing.CREATE, "POST", self.url("/Users"), _new_body(values)))
            self.targets[person.key] = values

    def update(self, person: Person) -> None:
        answer = self.ask(Doing.UPDATE, "GET", self.url(f"/Users/{self.links[person.key]}"))
        if answer.status == 404:
            self.unlink(person.key)
            self.assign(person)
        else:
            self._patch(person, Doing.UPDATE, _without_manager(self.profile(person)))

    def deactivate(self, person: Person) -> None:
        # Who is disabled stays in scope, and so do other changes of the same cycle.
        self._patch(person, Doing.DEACTIVATE, _without_manager(self.profile(person)))

    def _refer(self, person: Person) -> None:
        manager = self.profile(person).get(MANAGER)
        if manager and person.key in self.links:
            self._patch(person, Doing.UPDATE, {MANAGER: manager})

    def _delete(self, key: str) -> None:
        if key in self.links:
            target = self.url(f"/Users/{self.links[key]}")
            self.written(Doing.DELETE, "DELETE", target, allowed=(404,))
            self.unlink(key)
        del self.deletions[key]

    def _patch(self, person: Person, doing: Doing, values: Profile) -> None:
        known = self.targets[person.key]
        different = changed({path: value for path, value in known.items() if value is not None}, values)
        if different:
            operations = self._operations(different, known)
            self.patch(doing, self.url(f"/Users/{self.links[person.key]}"), operations)
            known.update(different)

    def _operations(self, values: Profile, known: Profile) -> list[dict[str, Any]]:
        if self.variant == "legacy":
            return [
                {
                    "op": "Add" if known.get(path) is None else "Replace",
                    "path": path,
                    "value": str(value) if isinstance(value, bool) else value,
                }
                for path, value in values.items()
            ]
        if values.keys() == {"active"}:
            return [{"op": "replace", "path": "active", "value": values["active"]}]
        alone = [path for path in values if "[" in path or path == MANAGER]
        operations = [{"op": "replace", "path": path, "value": values[path]} for path in alone]
        rest = {path: value for path, value in values.items() if path not in alone}
        return [*operations, {"op": "replace", "value": rest}] if rest else operations

    # Groups --------------------------------------------------------------------------------------------------

    def find_group(self, name: str) -> str:
        query = {"excludedAttributes": "members", "filter": f"displayName eq {text(name)}"}
        found = self.listing(Doing.GROUP, self.url("/Groups", **query))
        return str(found[0]["id"]) if found else ""

    def create_group(self, group: Group) -> str:
        body = {
            "schemas": [GROUP, _OLD_GROUP],
            "externalId": group.key,
            "displayName": group.name,
            "meta": {"resourceType": "Group"},
        }
        return str(self.resource(Doing.GROUP, "POST", self.url("/Groups"), body)["id"])

    def rename_group(self, link: str, group: Group) -> None:
        op = "Replace" if self.variant == "legacy" else "replace"
        self._patch_group(link, [{"op": op, "path": "displayName", "value": group.name}])

    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None:
        self.resource(Doing.GROUP, "GET", self.url(f"/Groups/{link}", excludedAttributes="members"))
        is_legacy = self.variant == "legacy"
        if removed and is_legacy:
            self._patch_group(link, [{"op": "Remove", "path": "members", "value": _references(removed)}])
        elif removed:
            operations = [{"op": "remove", "path": f'members[value eq "{member}"]'} for member in removed]
            self._patch_group(link, operations)
        if added:
            value = _references(self.links[person.key] for person in added)
            self._patch_group(link, [{"op": "Add" if is_legacy else "add", "path": "members", "value": value}])

    def delete_group(self, link: str) -> None:
        self.written(Doing.GROUP, "DELETE", self.url(f"/Groups/{link}"), allowed=(404,))

    def _patch_group(self, link: str, operations: list[dict[str, Any]]) -> None:
        self.patch(Doing.GROUP, self.url(f"/Groups/{link}"), operations)

    # What the administrator reads ----------------------------------------------------------------------------

    def words(self, trouble: Trouble, who: str) -> str:
        fault, is_connecting = trouble.fault, trouble.doing is Doing.CONNECT
        if fault is Fault.UNREACHABLE and is_connecting:
            code = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable"
        else:
            code = _CODES.get(fault, _INCOMPATIBLE)
        return f"{code}: {trouble.doing} {who}. Web Response: {trouble.answer.text[:300] if trouble.answer else ''}"


def _without_manager(values: Profile) -> dict[str, Any]:
    return {path: value for path, value in values.items() if path != MANAGER}


def _new_body(values: Profile) -> dict[str, Any]:
    body = document(values)
    body["name"]["formatted"] = f"{body['name']['givenName']} {body['name']['familyName']}"
    unset = dict.fromkeys(("addresses", "phoneNumbers", "preferredLanguage", "title"))
    return {"schemas": [USER, ENTERPRISE_USER], "meta": {"resourceType": "User"}, "roles": [], **unset, **body}


def _references(links: Iterable[str]) -> list[dict[str, str | None]]:
    return [{"$ref": None, "value": link} for link in links]
