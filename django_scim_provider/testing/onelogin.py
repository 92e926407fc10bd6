"""OneLogin, SCIM Provisioner with SAML: https://developers.onelogin.com/scim/implement-scim-api."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Final
from urllib.parse import quote_plus

from ..protocol.urns import ENTERPRISE_USER, GROUP
from .differences import Expected
from .directory import Group, Person
from .judging import Doing, Fault, Trouble
from .profile import DEPARTMENT, EMPLOYEE_NUMBER, MANAGER, MOBILE, WORK_EMAIL, Profile, text
from .provider import IdentityProvider
from .transports import NoAnswer
from .wire import MINUTE

_CORE_1: Final = "urn:scim:schemas:core:2.0"
_ENTERPRISE_1: Final = "urn:scim:schemas:extension:enterprise:2.0"
_FULL_PUSH_EVERY: Final = 5


class OneLogin(IdentityProvider):
    """Bodies made from a template: every value a text, what is not set empty, addresses an object and not a list.

    Variants are what an administrator lets happen to people who leave: they are suspended, or deleted. Groups are
    entitlements that it reads, adds where one is missing, and gives people one at a time; it neither renames nor
    deletes them.
    """

    name = "onelogin"
    label = "OneLogin"
    variants = ("suspend", "delete")
    overlooks: ClassVar = frozenset({Fault.MEDIA_TYPE, Fault.NO_NUMBERS, Fault.ID_TYPE})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.entitlements: dict[str, str] = {}
        """Names of groups in the app to their ids."""
        self.names: dict[str, str] = {}
        """The other way round, of groups that it gave to people."""

    @staticmethod
    def new_key(random: Random) -> str:
        return str(random.randint(10**7, 10**9))

    def headers(self, method: str) -> Mapping[str, str]:
        return {"User-Agent": "OneLogin SCIM", "Accept": "application/json", "Content-Type": "application/json"}

    def having(self, attribute: str, value: str) -> str:
        return f"filter={quote_plus(f'{attribute} eq {text(value)}')}&"

    def connect(self) -> None:
        self._find(Doing.CONNECT, f"nobody-{self.random.getrandbits(32):x}")
        self._refresh(Doing.CONNECT)

    # People --------------------------------------------------------------------------------------------------

    def profile(self, person: Person) -> Profile:
        values = dict(super().profile(person))
        # The template names the manager in words of its own.
        del values[MANAGER], values["locale"]
        return values

    def assign(self, person: Person) -> None:
        found = self._find(Doing.LOOK_UP, person.user_name)
        if found:
            self.link(person, found[0])
            self._put(person, Doing.UPDATE)
        else:
            self.link(person, self.resource(Doing.CREATE, "POST", "/Users?", self._body(person)))

    def update(self, person: Person) -> None:
        if self._body(person) != self._body(self.pushed[person.key]):
            self._put(person, Doing.UPDATE)

    def deactivate(self, person: Person) -> None:
        if self.variant == "suspend":
            self._put(person, Doing.DEACTIVATE)
        else:
            self.written(Doing.DELETE, "DELETE", f"/Users/{self.links[person.key]}?", allowed=(404,))
            self._forget(person)

    def _forget(self, person: Person) -> None:
        link = self.links[person.key]
        self.unlink(person.key)
        for key, (name, ids) in self.pushed_groups.items():
            self.pushed_groups[key] = (name, ids - {link})

    def _find(self, doing: Doing, user_name: str) -> list[dict[str, Any]]:
        try:
            return self.listing(doing, f"/Users?{self.having('userName', user_name)}")
        except Trouble as trouble:
            # That nobody is there may be said like this.
            if trouble.fault is not Fault.MISSING:
                raise
            return []

    def _put(self, person: Person, doing: Doing) -> None:
        self.resource(doing, "PUT", f"/Users/{self.links[person.key]}?", self._body(person))

    def _body(self, person: Person) -> dict[str, Any]:
        values = self.profile(person)
        manager = self.directory.people.get(person.manager)
        return {
            "schemas": [_CORE_1, _ENTERPRISE_1],
            "userName": values["userName"],
            "active": str(values["active"]).lower(),
            "externalId": values["externalId"],
            "displayName": values["displayName"],
            "name": {
                "givenName": values["name.givenName"],
                "familyName": values["name.familyName"],
                "formatted": values["displayName"],
            },
            "emails": {"value": values[WORK_EMAIL], "type": "work", "primary": "true"},
            "phoneNumbers": [{"value": values[MOBILE], "type": "mobile"}],
            "title": values["title"],
            "groups": "",
            _ENTERPRISE_1: {"department": values[DEPARTMENT]},
            ENTERPRISE_USER: {
                "department": values[DEPARTMENT],
                "employeeNumber": values[EMPLOYEE_NUMBER],
                "manager": {"managerId": "", "displayName": manager.display_name if manager else ""},
            },
        }

    # Groups --------------------------------------------------------------------------------------------------

    def end_day(self, day: int) -> None:
        self.attempt(partial(self._refresh, Doing.GROUP), "the entitlements")
        if (day + 1) % _FULL_PUSH_EVERY == 0 or day + 1 == self.directory.days:
            for person in [person for person in self.pushed.values() if person.is_active]:
                self.attempt(partial(self._put, person, Doing.UPDATE), person.user_name)

    def _refresh(self, doing: Doing) -> None:
        """Read which groups the app has, page after page."""
        if not self.directory.group_count:
            return
        found: list[dict[str, Any]] = []
        page: dict[str, Any] = {"totalResults": 1}
        while len(found) < page["totalResults"]:
            page = self.page(doing, f"/Groups?startIndex={len(found) + 1}" if found else "/Groups?")
            if not page["Resources"]:
                break
            found += page["Resources"]
        self.entitlements = {group["displayName"]: str(group["id"]) for group in found}

    def sync_group(self, group: Group) -> None:
        name, ids = self.pushed_groups.get(group.key, (group.name, frozenset()))
        if group.key in self.group_links and (group.is_deleted or name != group.name):
            # People lose this entitlement, and get that of the new name.
            self.change_members(self.group_links[group.key], group, [], sorted(ids))
            del self.group_links[group.key], self.pushed_groups[group.key]
        if not group.is_deleted:
            super().sync_group(group)

    def find_group(self, name: str) -> str:
        if name not in self.entitlements:
            self._refresh(Doing.GROUP)
        for known, link in self.entitlements.items():
            if known.casefold() == name.casefold():
                self.names[link] = known
                return link
        return ""

    def create_group(self, group: Group) -> str:
        body = {"schemas": [GROUP], "displayName": group.name}
        link = str(self.resource(Doing.GROUP, "POST", "/Groups?", body)["id"])
        self.entitlements[group.name], self.names[link] = link, group.name
        return link

    def rename_group(self, link: str, group: Group) -> None:
        raise NotImplementedError

    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None:
        changes = [("remove", member) for member in removed] + [("add", self.links[p.key]) for p in added]
        for op, member in changes:
            self._change_member(link, {"op": op, "path": "members", "value": [{"value": member}]})

    def _change_member(self, link: str, operation: dict[str, Any]) -> None:
        """A task of its own, which is tried again by itself."""
        for attempt in range(1, self.attempts):
            with contextlib.suppress(NoAnswer):
                return self.patch(Doing.GROUP, f"/Groups/{link}?", [operation])
            self.pause(MINUTE * attempt)
        return self.patch(Doing.GROUP, f"/Groups/{link}?", [operation])

    def expected(self) -> Expected:
        """Entitlements stay under the name that they first had, with nobody in them when they are not used."""
        expected = super().expected()
        members = {link: ids for link, (_, ids) in expected.groups.items()}
        return expected._replace(
            groups={link: (name, members.get(link, frozenset())) for link, name in self.names.items()}
        )

    # What the administrator reads ----------------------------------------------------------------------------

    def words(self, trouble: Trouble, who: str) -> str:
        what = "Enabling the API connection" if trouble.doing is Doing.CONNECT else f"{trouble.doing} {who}"
        return f"{what} failed: {trouble.detail or trouble.reason}"
