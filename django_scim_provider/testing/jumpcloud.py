"""JumpCloud, custom SCIM: https://jumpcloud.com/support/troubleshoot-custom-scim-integrations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from random import Random
from typing import Any, ClassVar, Final

from ..protocol.urns import ENTERPRISE_USER, GROUP, PATCH_OP, USER
from .directory import Group, Person
from .judging import Doing, Fault, Trouble
from .profile import MOBILE, Profile, changed, document
from .provider import IdentityProvider

_PHONE: Final = 'phoneNumbers[type eq "work"].value'
_FULL_PUSH_EVERY: Final = 5
_EVENTS: Final = {
    Doing.LOOK_UP: "user_lookup_provision",
    Doing.CREATE: "user_create_provision",
    Doing.UPDATE: "user_update_provision",
    Doing.DEACTIVATE: "user_deprovision",
    Doing.DELETE: "user_delete_provision",
    Doing.GROUP: "group_update_provision",
}


class JumpCloud(IdentityProvider):
    """Updates by PUT of the whole resource, or by PATCH with one operation for each attribute.

    The test of the connection makes a person and a group, changes both and deletes them. People are deactivated, never
    deleted.
    """

    name = "jumpcloud"
    label = "JumpCloud"
    variants = ("put", "patch")
    overlooks: ClassVar = frozenset({Fault.MEDIA_TYPE, Fault.NO_NUMBERS})

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.has_tried = False
        self.specimen = ""
        """The id of the person whom the test of the connection makes."""

    @staticmethod
    def new_key(random: Random) -> str:
        return f"{random.getrandbits(96):024x}"

    def headers(self, method: str) -> Mapping[str, str]:
        return {"Accept": "application/scim+json", "Content-Type": "application/scim+json"}

    def connection_tests(self) -> Iterable[Callable[[], None]]:
        return [self.connect, *([self._try_group] if self.directory.group_count else []), self._clean_up]

    def connect(self) -> None:
        name = f"jumpcloud.test@{self.directory.domain}"
        for found in self.listing(Doing.CONNECT, f"/Users?{self.having('userName', name)}"):
            if not self.has_tried:
                raise Trouble(Fault.CONFLICT, Doing.CONNECT, f"GET /Users: {name}")
            self.written(Doing.CONNECT, "DELETE", f"/Users/{found['id']}", allowed=(404,))
        self.has_tried = True
        body: dict[str, Any] = {
            "schemas": [USER, ENTERPRISE_USER],
            "userName": name,
            "active": True,
            "name": {"givenName": "JumpCloud", "familyName": "Test"},
            "emails": [{"value": name, "type": "work", "primary": True}],
        }
        self.specimen = self.resource(Doing.CONNECT, "POST", "/Users", body)["id"]
        body |= {"id": self.specimen, "name": {"givenName": "JumpCloud", "familyName": "Tested"}}
        self.resource(Doing.CONNECT, "PUT", f"/Users/{self.specimen}", body)

    def _try_group(self) -> None:
        name = f"JumpCloud test {self.directory.seed}"
        found = self.listing(Doing.CONNECT, f"/Groups?{self.having('displayName', name)}")
        link = found[0]["id"] if found else self._new_group(Doing.CONNECT, name)
        for op in ("add", "remove"):
            operation = {"op": op, "path": "members", "value": [{"value": self.specimen}]}
            self.patch(Doing.CONNECT, f"/Groups/{link}", [operation])
        self.written(Doing.CONNECT, "DELETE", f"/Groups/{link}", allowed=(404,))

    def _clean_up(self) -> None:
        target = f"/Users/{self.specimen}"
        operations = [{"op": "replace", "path": "active", "value": False}]
        self.written(Doing.CONNECT, "PATCH", target, {"schemas": [PATCH_OP], "Operations": operations}, allowed=(404,))
        self.written(Doing.CONNECT, "DELETE", target, allowed=(404,))

    # People --------------------------------------------------------------------------------------------------

    def profile(self, person: Person) -> Profile:
        values = dict(super().profile(person))
        phone = values.pop(MOBILE)
        return {**values, _PHONE: f"tel:{phone}" if phone else "", "preferredLanguage": person.language[:2]}

    def assign(self, person: Person) -> None:
        found = self.listing(Doing.LOOK_UP, f"/Users?{self.having('userName', person.user_name)}")
        if found:
            self.link(person, found[0])
            self._put(person, Doing.UPDATE)
        else:
            self.link(person, self.resource(Doing.CREATE, "POST", "/Users", self._body(person)))

    def update(self, person: Person) -> None:
        different = changed(self.profile(self.pushed[person.key]), self.profile(person))
        if different:
            self._write(person, Doing.UPDATE, different)

    def deactivate(self, person: Person) -> None:
        self._write(person, Doing.DEACTIVATE, {"active": False})

    def _write(self, person: Person, doing: Doing, values: Profile) -> None:
        if self.variant == "put":
            self._put(person, doing)
            return
        operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
        self.patch(doing, f"/Users/{self.links[person.key]}", operations)

    def _put(self, person: Person, doing: Doing) -> None:
        link = self.links[person.key]
        body = {"id": link, "addresses": [], "photos": [], "phoneNumbers": [], **self._body(person)}
        body[ENTERPRISE_USER].setdefault("manager", {})
        self.resource(doing, "PUT", f"/Users/{link}", body)

    def _body(self, person: Person) -> dict[str, Any]:
        return {"schemas": [USER, ENTERPRISE_USER], **document(self.profile(person))}

    def end_day(self, day: int) -> None:
        if (day + 1) % _FULL_PUSH_EVERY == 0 or day + 1 == self.directory.days:
            for person in [person for person in self.pushed.values() if person.is_active]:
                self.attempt(partial(self._put, person, Doing.UPDATE), person.user_name)

    # Groups --------------------------------------------------------------------------------------------------

    def create_group(self, group: Group) -> str:
        return self._new_group(Doing.GROUP, group.name)

    def _new_group(self, doing: Doing, name: str) -> str:
        return str(self.resource(doing, "POST", "/Groups", {"schemas": [GROUP], "displayName": name})["id"])

    def rename_group(self, link: str, group: Group) -> None:
        self.patch(Doing.GROUP, f"/Groups/{link}", [{"op": "replace", "path": "displayName", "value": group.name}])

    def change_members(self, link: str, group: Group, added: list[Person], removed: list[str]) -> None:
        for op, links in (("remove", removed), ("add", [self.links[person.key] for person in added])):
            if links:
                value = [{"value": member} for member in links]
                self.patch(Doing.GROUP, f"/Groups/{link}", [{"op": op, "path": "members", "value": value}])

    # What the administrator reads ----------------------------------------------------------------------------

    def words(self, trouble: Trouble, who: str) -> str:
        if trouble.doing is Doing.CONNECT:
            return f"Connection test failed: {_CAUSES.get(trouble.fault, trouble.reason)}"
        return f"{_EVENTS[trouble.doing]} of {who} failed: {trouble.reason}. {trouble.detail}".rstrip()


_CAUSES: Final = {
    Fault.ID_TYPE: "type mismatch on id, only a string is supported",
    Fault.CONFLICT: "the test user's e-mail is in use, it must be new",
    Fault.MISSING: "not found; is there a trailing / in the Base URL?",
}
