"""The other side of a recording: who is there before it begins, and what must be in the database after each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model

from corpus.values import at, check
from django_scim_provider.models import ScimConnection, ScimEvent, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.protocol.keys import fold, user_name_key
from django_scim_provider.services import groups, sync
from django_scim_provider.services.context import Context, own_write
from factories import HostUserFactory


class World:
    """The host and its tables, as one connection sees them."""

    def __init__(self, connection: ScimConnection) -> None:
        self.connection = connection

    def prepare(self, given: Mapping[str, Any]) -> dict[str, str]:
        """Make what is given; returns the ids of those that have a name in the recording."""
        known: dict[str, str] = {}
        for person in given.get("people", ()):
            facts = dict(person)
            name = facts.pop("as", None)
            self.make_person(**facts)
            if name is not None:
                known[name] = str(self.person(facts["name"]).scim_id)
        self.make_crowd(
            {"name": f"crowd{number:04}", "is_active": number % 10 != 0} for number in range(given.get("crowd", 0))
        )
        for group in given.get("groups", ()):
            members = [{"value": known[member]} for member in group.get("members", ())]
            body = {"schemas": [urns.GROUP], "displayName": group["name"], "members": members}
            written = groups.create_group(Context(self.connection), body)
            known[group.get("as", "")] = written.id
        return known

    def make_person(self, **facts: Any) -> None:
        HostUserFactory(**facts)

    def make_crowd(self, people: Iterable[dict[str, Any]]) -> None:
        # All are adopted at once: each as the host saves it takes ten times as long.
        with own_write():
            for person in people:
                self.make_person(**person)
        sync.adopt(Context(self.connection))

    def may_sign_in(self, user: Any) -> bool:
        return bool(user and user.is_active and getattr(user, "deleted_at", None) is None)

    def counts(self) -> tuple[int, int, int, int, int]:
        """What only a write may change, events last."""
        return (
            ScimUser.objects.count(),
            get_user_model()._base_manager.count(),
            ScimGroup.objects.count(),
            ScimMembership.objects.count(),
            ScimEvent.objects.count(),
        )

    def person(self, user_name: str) -> ScimUser:
        rows = ScimUser.objects.filter(connection=self.connection, alive=True).select_related("user")
        return rows.get(user_name_key=user_name_key(user_name))

    def check(self, expected: Mapping[str, Any]) -> None:
        people = ScimUser.objects.filter(connection=self.connection, alive=True)
        pushed = ScimGroup.objects.filter(connection=self.connection)
        for what, value in expected.items():
            if what == "people":
                assert people.count() == value, "people"
            elif what == "accounts":
                assert get_user_model()._base_manager.count() == value, "accounts"
            elif what == "groups":
                assert sorted(pushed.values_list("display_name", flat=True)) == sorted(value), "groups"
            elif what == "gone":
                keys = [user_name_key(name) for name in value]
                assert not people.filter(user_name_key__in=keys).exists(), "gone"
            elif what == "person":
                for name, facts in value.items():
                    self._check_person(self.person(name), facts)
            else:
                assert what == "group", f"unknown check {what}"
                for name, facts in value.items():
                    self._check_group(pushed.get(display_name_key=fold(name)), facts)

    def _check_person(self, row: ScimUser, facts: Mapping[str, Any]) -> None:
        user = row.user
        for what, expected in facts.items():
            if what == "id":
                found: Any = str(row.scim_id)
            elif what == "user_name":
                found = row.user_name
            elif what == "external_id":
                found = row.external_id
            elif what == "account":
                found = user is not None
            elif what == "may_sign_in":
                found = self.may_sign_in(user)
            elif what == "login":
                found = user.get_username().lower()
            elif what == "name":
                found = getattr(user, "full_name", None) or f"{user.first_name} {user.last_name}"
            elif what == "usable_password":
                found = user.has_usable_password()
            else:
                assert what == "sent", f"unknown fact {what}"
                for pointer, value in expected.items():
                    check(at(row.attributes, pointer), value, f"attributes {pointer}")
                continue
            assert found == expected, f"{what} of {row.user_name} is {found!r}, not {expected!r}"

    @staticmethod
    def _check_group(row: ScimGroup, facts: Mapping[str, Any]) -> None:
        names = row.memberships.values_list("scim_user__user_name", "child__display_name")
        found = {
            "id": str(row.scim_id),
            "external_id": row.external_id,
            "members": sorted(person or group for person, group in names),
        }
        for what, value in facts.items():
            expected = sorted(value) if isinstance(value, list) else value
            assert found[what] == expected, f"{what} of {row.display_name} is {found[what]!r}, not {expected!r}"
