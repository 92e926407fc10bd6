"""Okta: https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from ..protocol.urns import ENTERPRISE_USER, GROUP, USER
from . import profile
from .directory import Group, Person
from .judging import Doing, Fault, Trouble
from .profile import MANAGER, Profile
from .provider import IdentityProvider
from .wire import MINUTE

_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PAGE: Final = 100
_FULL_PUSH_EVERY: Final = 5
_IMPORT_EVERY: Final = 3
_APP: Final = "django-scim-provider"
_WHAT: Final = {
    Doing.CONNECT: "Error authenticating",
    Doing.LOOK_UP: "Error while verifying if user {who} exists",
    Doing.CREATE: "Automatic provisioning of user {who} to app {app} failed: Error while creating user {who}",
    Doing.UPDATE: "Automatic profile push of user {who} to app {app} failed: Error while trying to push profile update",
    Doing.DEACTIVATE: "Automatic deprovisioning of user {who} from app {app} failed: Error while deactivating user",
    Doing.IMPORT: "Error while downloading all users",
    Doing.GROUP: "Unable to update Group Push mapping target App group {who}: Error while updating user group {who}",
}


class Okta(IdentityProvider):
    """An app made with the wizard (``aiw``: PUT for everything) or one of the catalogue (``oin``: PATCH for activity,
    passwords and groups).

    It never deletes people. A 429 makes it wait, as ``Retry-After`` says in whole seconds or else five minutes and
    longer each time, ten times. Any other error ends the job, and its task waits for an administrator.
    """

    name = "okta"
    label = "Okta"
    variants = ("aiw", "oin")
    attempts = 10
    overlooks: ClassVar = frozenset({Fault.MEDIA_TYPE, Fault.ID_TYPE})

    @staticmethod
    def new_key(random: Random) -> str:
        return "00u" + "".join(random.choices(_LETTERS, k=17))

    def headers(self, method: str) -> Mapping[str, str]:
        has_body = method not in ("GET", "DELETE")
        return {
            "User-Agent": "Okta SCIM Client 1.0.0" if self.variant == "aiw" else "OKTA SCIM Integration",
            "Accept": f"application/scim+json{'; charset=utf-8' if has_body else ''}",
            "Accept-Charset": "utf-8",
            "Content-Type": "application/json" if has_body else "application/scim+json; charset=utf-8",
        }

    def patience(self, retry_after: str, attempt: int) -> float:
        return float(retry_after) if retry_after.isdigit() else 5 * MINUTE * 2 ** (attempt - 1)

    def having(self, attribute: str, value: str) -> str:
        return f"{super().having(attribute, value)}&startIndex=1&count={_PAGE}"

    # People --------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        self.listing(Doing.CONNECT, "/Users?startIndex=1&count=2")
        if self.directory.group_count:
            self.listing(Doing.CONNECT, f"/Groups?startIndex=1&count={_PAGE}")

    def profile(self, person: Person) -> Profile:
        manager = self.directory.people.get(person.manager)
        # An app's profile has the manager as the directory knows them.
        return {**super().profile(person), MANAGER: manager.employee_number if manager else ""}

    def assign(self, person: Person) -> None:
        found = self._look_up(person)
        if found is None:
            self.link(person, self.resource(Doing.CREATE, "POST", "/Users", self._new_body(person)))
            return
        self.link(person, found)
        self._push(person)

    def update(self, person: Person) -> None:
        before = self.pushed[person.key]
        if person.password != before.password:
            self._put_or_patch(person, Doing.UPDATE, "password", person.password)
        if self.profile(person) != self.profile(before):
            self._put(person, Doing.UPDATE, self.profile(person))

    def deactivate(self, person: Person) -> None:
        self._put_or_patch(person, Doing.DEACTIVATE, "active", False)

    def reactivate(self, person: Person) -> None:
        self.assign(person)

    def _push(self, person: Person) -> None:
        """The whole profile to somebody who was found."""
        self._put(person, Doing.UPDATE, {**self.profile(person), "active": True})
        if self.variant == "oin":
            self._put_or_patch(person, Doing.UPDATE, "active", True)

    def _look_up(self, person: Person) -> dict[str, Any] | None:
        try:
            found = self.listing(Doing.LOOK_UP, f"/Users?{self.having('userName', person.user_name)}")
        except Trouble as trouble:
            # That nobody is there may be said like this.
            if trouble.fault is not Fault.MISSING:
                raise
            return None
        return found[0] if found else None

    def _new_body(self, person: Person) -> dict[str, Any]:
        body = profile.document(self.profile(person))
        extension = body.pop(ENTERPRISE_USER)
        # Sent even where passwords are not to be synchronised.
        password = person.password or f"{self.random.getrandbits(48):x}Aa!"
        return {
            "schemas": [USER, ENTERPRISE_USER],
            **body,
            "groups": [],
            "password": password,
            ENTERPRISE_USER: extension,
        }

    def _put_or_patch(self, person: Person, doing: Doing, name: str, value: Any) -> None:
        if self.variant == "aiw":
            self._put(person, doing, {name: value})
        else:
            operation = {"op": "replace", "value": {name: value}}
            self.patch(doing, f"/Users/{self.links[person.key]}", [operation])

    def _put(self, person: Person, doing: Doing, values: Profile) -> None:
        """Read, change, and write all of it back, the read-only and the unknown too."""
        target = f"/Users/{self.links[person.key]}"
        body = copy.deepcopy(self.resource(doing, "GET", target))
        for path, value in values.items():
            profile.put(body, path, value)
        if ENTERPRISE_USER in body and ENTERPRISE_USER not in body.setdefault("schemas", [USER]):
            body["schemas"].append(ENTERPRISE_USER)
        self.resource(doing, "PUT", target, body)

    def belongs(self, person: Person) -> bool:
        # Who is not assigned to the app is in none of its groups.
        return person.is_active

    # Groups --------------------------------------------------------------------------------------------------

    def create_group(self, group: Group) -> str:
        body = {"schemas": [GROUP], "displayName": group.name, "members": []}
        return str(self.resource(Doing.GROUP, "POST", "/Groups", body)["id"])

    def rename_group(self, link: str, group: Group) -> None:
        if self.variant == "aiw":
            self._put_group(link, group)
        else:
            operation = {"op": "replace", "value": {"id": link, "displayName": group.name}}
            self.patch(Doing.GROUP, f"/Groups/{link}", [operation])

    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None:
        # With PATCH the name goes along each time; with PUT it is in the body.
        self.rename_group(link, group)
        if self.variant == "aiw":
            return
        operations: list[dict[str, Any]] = [
            {"op": "remove", "path": f'members[value eq "{member}"]'} for member in removed
        ]
        if added:
            operations.append({"op": "add", "path": "members", "value": self._values(added)})
        self.patch(Doing.GROUP, f"/Groups/{link}", operations)

    def _put_group(self, link: str, group: Group) -> None:
        members = self._values(list(self.members(group).values()))
        body = {"schemas": [GROUP], "displayName": group.name, "members": members}
        self.written(Doing.GROUP, "PUT", f"/Groups/{link}", body)

    def _push_now(self, group: Group) -> None:
        link = self.group_links[group.key]
        if self.variant == "aiw":
            self._put_group(link, group)
        else:
            members = self._values(list(self.members(group).values()))
            self.patch(Doing.GROUP, f"/Groups/{link}", [{"op": "replace", "path": "members", "value": members}])

    def _values(self, people: list[Person]) -> list[dict[str, str]]:
        return [{"value": self.links[person.key], "display": person.user_name} for person in people]

    # At night ------------------------------------------------------------------------------------------------

    def end_day(self, day: int) -> None:
        is_last = day + 1 == self.directory.days
        if is_last or (day + 1) % _IMPORT_EVERY == 0:
            self.attempt(self._import, "the import")
        if is_last or (day + 1) % _FULL_PUSH_EVERY == 0:
            for person in [person for person in self.pushed.values() if person.is_active]:
                self.attempt(partial(self._put, person, Doing.UPDATE, self.profile(person)), person.user_name)
            for key in self.group_links:
                group = self.directory.groups[key]
                self.attempt(partial(self._push_now, group), group.name)

    def _import(self) -> None:
        """Page after page; whoever is linked and active must be on one of them, once."""
        seen: list[str] = []
        page: dict[str, Any] = {"totalResults": 1}
        while len(seen) < page["totalResults"]:
            target = f"/Users?startIndex={len(seen) + 1}&count={_PAGE}"
            page = self.page(Doing.IMPORT, target)
            if not page["Resources"]:
                break
            seen += [resource["id"] for resource in page["Resources"]]
        active = {self.links[key] for key, person in self.pushed.items() if person.is_active}
        if len(seen) != len(set(seen)) or not active <= set(seen):
            raise Trouble(Fault.INCOMPLETE, Doing.IMPORT, "GET /Users")

    # What the administrator reads ----------------------------------------------------------------------------

    def words(self, trouble: Trouble, who: str) -> str:
        fault, doing = trouble.fault, trouble.doing
        if doing is Doing.CONNECT:
            if fault in (Fault.NOT_JSON, Fault.NO_RESOURCES, Fault.NO_NUMBERS):
                return "No results for users returned"
            if fault is Fault.UNAUTHORIZED:
                return "The credentials used to connect to the API were invalid"
        if fault is Fault.UNREACHABLE:
            return "Error authenticating: Connect timed out"
        if fault is Fault.NO_NUMBERS:
            return f"Automatic provisioning of user {who} to app {_APP} failed: null"
        if fault is Fault.INCOMPLETE or (fault is Fault.MISSING and doing in (Doing.UPDATE, Doing.DEACTIVATE)):
            return "Matching user not found"
        what = _WHAT[doing].format(who=who, app=_APP)
        if doing is Doing.CREATE and trouble.answer and (fault is Fault.NO_ID or not trouble.answer.text):
            return f"{what}: Create new user returned empty user."
        if fault is Fault.NOT_JSON:
            return "Error authenticating: Invalid JSON"
        return f"{what}: {trouble.reason}. Errors reported by remote server: {trouble.detail}"
