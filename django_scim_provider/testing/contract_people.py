"""The life of a person: access ends and comes back, names are unique and become free, some people are left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import models

from ..models import ScimConnection, ScimUser
from ..protocol.schemas import BoundPath
from ..services import specimen
from .contract_base import ContractCase, Person

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

_NESTED: Final = {"no": {"such": "value"}}
"""What fits no attribute but a complex one."""


class PeopleContract(ContractCase):
    """One test for each turn in a person's life."""

    # Access ----------------------------------------------------------------------------------------------------

    def test_put_ends_access_and_gives_it_back(self) -> None:
        self._ends_access("PUT", lambda person: self.scim.put(person.url, {**self.read(person), "active": False}))

    def test_patch_with_a_path_ends_access_and_gives_it_back(self) -> None:
        self._ends_access("PATCH with a path", lambda person: self.replace(person, "active", False))

    def test_patch_without_a_path_ends_access_and_gives_it_back(self) -> None:
        self.needs("pathless_patch")
        change = {"op": "replace", "value": {"active": False}}
        self._ends_access("PATCH without a path", lambda person: self.scim.patch(person.url, change))

    def test_patch_with_a_word_for_false_ends_access_and_gives_it_back(self) -> None:
        self.needs("boolean_strings")
        self._ends_access('PATCH with "False"', lambda person: self.replace(person, "active", "False"))

    def _ends_access(self, way: str, deactivate: Callable[[Person], Response]) -> None:
        person = self.person()
        self._must_have_access(person, "A person who was created with active: true")
        self.accepted(deactivate(person), f"{way} of active: false")
        self._must_be_shown(person, False, way)
        if self.connection.on_deactivate != ScimConnection.OnDeactivate.NOTHING:
            self.require(
                not self._has_access(person),
                f"After {way} of active: false the person still has access, as has_access() of this test says "
                '(is_active of the account, unless you wrote your own): map "active" to is_active, or make is_active a '
                "property of the column that it is mapped to.",
            )
        self.accepted(self.replace(person, "active", True), "PATCH of active: true")
        self._must_be_shown(person, True, "PATCH")
        self._must_have_access(person, "A person who was activated again")

    def _has_access(self, person: Person) -> bool:
        row = ScimUser.objects.using(self.context.using).get(scim_id=person.id)
        return row.user_id is not None and self.has_access(self.account(person))

    def _must_have_access(self, person: Person, who: str) -> None:
        self.require(
            self._has_access(person),
            f"{who} has no access, as has_access() of this test says: look at `active` in the attribute map and at "
            "what save() makes of its column.",
        )

    def _must_be_shown(self, person: Person, active: bool, way: str) -> None:
        word = str(active).lower()
        shown = self.read(person).get("active")
        self.require(
            shown is active,
            f"After {way} of active: {word} the person is shown with active {shown!r}: look at `active` in the map.",
        )
        condition = f"active eq {word} and {person.named}"
        self.require(
            self.finds(condition) == [person.id] and self.finds(person.named) == [person.id],
            f"After {way} of active: {word} the filter {condition} does not find the person, or not under the same id: "
            "what `get` and `set` make of the column is not what `lookup` finds in it, or get_queryset() leaves out "
            "whom it must not.",
        )

    def test_a_deactivation_ends_sessions(self) -> None:
        person = self.person()
        account = self.account(person)
        if self.adapter.multi_tenant or not self.adapter.rotate_password or not isinstance(account, AbstractBaseUser):
            self.skipTest("The adapter leaves sessions alone: it is for many tenants, or rotate_password is False.")
        before = account.get_session_auth_hash()
        self.accepted(self.replace(person, "active", False), "PATCH of active: false")
        self.require(
            self.account(person).get_session_auth_hash() != before,
            "After a deactivation the person's sessions go on: end_credentials() of the adapter must call super().",
        )

    # Names -----------------------------------------------------------------------------------------------------

    def test_a_rename_is_shown_and_found(self) -> None:
        person, name = self.person(), specimen.new_name()
        self.accepted(self.replace(person, "userName", name), "PATCH of userName")
        shown = self.read(person)["userName"]
        self.require(shown == name, f"userName was changed to {name!r} and is shown as {shown!r}.")
        self.require(
            self.finds(f'userName eq "{name}"') == [person.id], "After a rename the new userName is not found."
        )
        self.require(self.finds(person.named) == [], "After a rename the old userName is still found.")

    def test_a_second_person_of_the_same_name_is_refused_in_any_case(self) -> None:
        person, other = self.person(), self.person(1)
        for name in (person.user_name, person.user_name.swapcase()):
            self.refused(self.scim.post("/Users", self.body(1, name)), f"A second POST of {name}", 409)
            self.refused(self.replace(other, "userName", name), f"A change of another's userName to {name}", 409)
        self.report(self.unlike({"userName": other.user_name}, self.read(other)))

    def test_who_is_deleted_is_gone_and_the_name_is_free(self) -> None:
        person = self.person()
        self.accepted(self.scim.delete(person.url), "DELETE of a person")
        for method, body in (("GET", None), ("PUT", self.body(0, person.user_name)), ("DELETE", None)):
            self.refused(self.scim.request(method, person.url, body), f"{method} of a deleted person", 404)
        self.refused(self.replace(person, "active", True), "PATCH of a deleted person", 404)
        self.require(self.finds(person.named) == [], "A deleted person is still found.")
        again = self.person(0, person.user_name)
        self.require(again.id != person.id, "Somebody new was given the id of the person who was deleted.")
        self._must_have_access(again, "Somebody who was created under the name of a deleted person")

    # Refusals --------------------------------------------------------------------------------------------------

    def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(self) -> None:
        person = self.person()
        self.report(problem for path, bad in self._unfit() for problem in self._half_written(person, path, bad))

    def _unfit(self) -> Iterator[tuple[BoundPath, Any]]:
        for path, _, columns, _ in self.written():
            if path.target.mutability != "readWrite" or path.attribute.multi_valued:
                continue
            if path.target.type != "complex":
                yield path, _NESTED
            field = columns[0].field
            limit = field.max_length if isinstance(field, models.CharField) and len(columns) == 1 else None
            if path.target.type == "string" and limit is not None:
                yield path, "x" * (limit + 1)

    def _half_written(self, person: Person, path: BoundPath, bad: Any) -> Iterator[str]:
        """Send it behind a change that is in order, and in somebody new."""
        before, held = self.read(person), self.columns(person)
        operations = [{"path": key.key, "value": value} for key, value in (*self.changes(1), (path, bad))]
        response = self.scim.patch(person.url, *({"op": "replace", **operation} for operation in operations))
        if response.status_code in (200, 204):
            wanted: dict[str, Any] = {}
            path.put(wanted, bad)
            yield from self.unlike(wanted, self.read(person))
            return
        if response.status_code not in (400, 409):
            yield f"{self.mapped(path.key)}; {_shortened(bad)} must be refused with 400: {self.told(response)}"
        if (self.read(person), self.columns(person)) != (before, held):
            yield f"A PATCH that was refused for {path.key} left some of its changes: {self.columns(person)!r}."
        name, accounts = specimen.new_name(), self.adapter.model._base_manager.using(self.context.using)
        body, count = self.body(2, name), accounts.count()
        path.put(body, bad)
        self.refused(self.scim.post("/Users", body), f"POST of a person with {path.key} {_shortened(bad)}", 400, 409)
        if self.finds(f'userName eq "{name}"') or accounts.count() != count:
            yield f"A POST that was refused for {path.key} left an account behind."

    def test_protected_people_are_left_alone(self) -> None:
        person = self.person()
        self.protect(self.account(person))
        before, held = self.read(person), self.columns(person)
        self.require(
            self.adapter.is_protected(self.account(person)),
            "is_protected() of the adapter is false for a superuser: whoever runs the identity provider could lock "
            "your administrators out. Say super().is_protected(user) or ..., or override protect() of this test.",
        )
        self.refused(self.replace(person, "active", False), "To deactivate a protected person", 403)
        self.refused(self.replace(person, "userName", specimen.new_name()), "To rename a protected person", 403)
        self.refused(self.scim.delete(person.url), "DELETE of a protected person", 403)
        self.require(
            (self.read(person), self.columns(person)) == (before, held) and self._has_access(person),
            "A protected person was changed all the same.",
        )


def _shortened(value: Any) -> str:
    return f"of {len(value)} characters" if isinstance(value, str) else repr(value)
