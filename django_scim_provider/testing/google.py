"""Google Workspace, automated provisioning: https://support.google.com/a/answer/9338944."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from ..protocol.urns import USER
from .directory import Group, Person, State
from .judging import Doing, Fault, Trouble
from .profile import WORK_EMAIL, Profile, changed, document
from .provider import DAY, IdentityProvider

_ALIAS: Final = 'emails[type eq "other"].value'
_DELAY: Final = DAY
"""After which somebody who was deleted is deleted in the app; an administrator chooses it."""


class Google(IdentityProvider):
    """People and no groups. Suspension and deletion are passed on independently of each other, deletion after a day."""

    name = "google"
    label = "Google Workspace"
    variants = ("patch", "put")
    pushes_groups = False
    overlooks: ClassVar = frozenset({Fault.MEDIA_TYPE, Fault.NO_NUMBERS, Fault.ID_TYPE})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.deletions: dict[str, float] = {}

    @staticmethod
    def new_key(random: Random) -> str:
        return str(random.randint(10**20, 10**21 - 1))

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Accept": "application/scim+json", "Content-Type": "application/scim+json"}

    def connect(self) -> None:
        self.listing(Doing.CONNECT, "/Users?count=1")
        answer = self.page(Doing.CONNECT, "/Schemas")
        attributes = [
            attribute
            for schema in answer["Resources"]
            if schema["id"] == USER
            for attribute in schema.get("attributes") or ()
        ]
        if not attributes or not all({"name", "type", "multiValued", "required"} <= a.keys() for a in attributes):
            # The administrator maps what this lists.
            raise Trouble(Fault.SCHEMA, Doing.CONNECT, "GET /Schemas")

    # People --------------------------------------------------------------------------------------------------

    def profile(self, person: Person) -> Profile:
        return {
            "externalId": person.key,
            "userName": person.user_name,
            "name.givenName": person.given_name,
            "name.familyName": person.family_name,
            WORK_EMAIL: person.user_name,
            _ALIAS: f"{person.user_name}.test-google-a.com",
            "active": person.state is not State.SUSPENDED,
        }

    def begin_day(self, day: int) -> None:
        for key in [key for key, moment in self.deletions.items() if moment <= self.clock]:
            self.attempt(partial(self._delete, key), self.directory.people[key].user_name)

    def settle(self) -> None:
        self.clock += _DELAY
        self.begin_day(self.directory.days)

    def push_person(self, person: Person) -> None:
        if person.state is State.DELETED:
            self.deletions[person.key] = self.clock + _DELAY
        elif person.state is not State.PURGED:
            super().push_person(person)

    def assign(self, person: Person) -> None:
        found = self.listing(Doing.LOOK_UP, f"/Users?{self.having('userName', person.user_name)}")
        if found:
            self.link(person, found[0])
            self._write(person, Doing.UPDATE, self.profile(person))
        else:
            self.link(person, self.resource(Doing.CREATE, "POST", "/Users", self._body(person)))

    def update(self, person: Person) -> None:
        different = changed(self.profile(self.pushed[person.key]), self.profile(person))
        if different:
            self._write(person, Doing.UPDATE, different)

    def deactivate(self, person: Person) -> None:
        self._write(person, Doing.DEACTIVATE, {"active": False})

    def _write(self, person: Person, doing: Doing, values: Profile) -> None:
        target = f"/Users/{self.links[person.key]}"
        if self.variant == "put":
            self.resource(doing, "PUT", target, self._body(person))
        else:
            self.patch(doing, target, [{"op": "replace", "path": path, "value": values[path]} for path in values])

    def _body(self, person: Person) -> dict[str, Any]:
        return {"schemas": [USER], **document(self.profile(person))}

    def _delete(self, key: str) -> None:
        if key in self.links:
            self.written(Doing.DELETE, "DELETE", f"/Users/{self.links[key]}", allowed=(404,))
            self.unlink(key)
        del self.deletions[key]

    # Groups --------------------------------------------------------------------------------------------------

    def create_group(self, group: Group) -> str:
        raise NotImplementedError

    def rename_group(self, link: str, group: Group) -> None:
        raise NotImplementedError

    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None:
        raise NotImplementedError

    # What the administrator reads ----------------------------------------------------------------------------

    def words(self, trouble: Trouble, who: str) -> str:
        if trouble.doing is Doing.CONNECT:
            return f"Provisioning activation failed: {trouble.reason}. {trouble.detail}".rstrip()
        return f"Provisioning failed for {who}: {trouble.doing}, {trouble.reason}. {trouble.detail}".rstrip()
