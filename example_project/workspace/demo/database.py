"""What a request changed in the database, read past SCIM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.contrib.auth import get_user_model

from django_scim_provider.models import ScimUser

ACCOUNTS: Final = "auth_user"
MEMBERSHIPS: Final = "workspace_membership"
RESOURCES: Final = "scim_provider_scimuser"
_COLUMNS: Final = ("username", "first_name", "last_name", "email", "is_active", "password")
_ABSENT: Final = "(none)"

Rows = Mapping[tuple[str, Any], Mapping[str, Any]]
"""By table and primary key."""


class Change(NamedTuple):
    """A column that changed, or with ``column`` empty a row that came or went."""

    table: str
    who: str
    column: str
    before: Any
    after: Any

    def __str__(self) -> str:
        if not self.column:
            sign = "+1" if self.after is not None else "-1"
            return f"{self.table} {sign}: {self.who}{_activity(self.after or self.before)}"
        if self.column == "password":
            return f"{self.table} {self.who}: password drawn anew, so every session ends"
        return f"{self.table} {self.who}: {self.column} {_shown(self.before)} → {_shown(self.after)}"


def rows() -> Rows:
    """Accounts and memberships as they are; SCIM resources with the attributes that no column of the account holds."""
    accounts = get_user_model()._default_manager.values("pk", *_COLUMNS)
    found: dict[tuple[str, Any], dict[str, Any]] = {(ACCOUNTS, row.pop("pk")): row for row in map(dict, accounts)}
    for row in _memberships():
        found[MEMBERSHIPS, row.pk] = {
            "username": row.user.get_username(),
            "is_active": row.is_active,
            "level": row.level,
        }
    for row in ScimUser.objects.filter(alive=True):
        kept = {name: row.attributes.get(name) for name in ("displayName", "title", "locale")}
        found[RESOURCES, row.pk] = {"username": row.user_name, "externalId": row.external_id, **kept}
    return found


def has_memberships() -> bool:
    """Whether people are members of organizations here; the story is also told where there are none."""
    return apps.is_installed("workspace")


def _memberships() -> Iterable[Any]:
    return apps.get_model("workspace.Membership").objects.select_related("user") if has_memberships() else ()


def changes(before: Rows, after: Rows) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys(), key=str):
        table = key[0]
        old, new = before.get(key), after.get(key)
        if old is None or new is None:
            row = new or old or {}
            yield Change(table, row["username"], "", old, new)
            continue
        for column in old:
            # Other rows have the name only to be told by it.
            is_told = column != "username" or table in (ACCOUNTS, RESOURCES)
            if is_told and old[column] != new[column]:
                yield Change(table, new["username"], column, old[column], new[column])


def _activity(row: Mapping[str, Any]) -> str:
    return {True: ", active", False: ", inactive"}.get(row.get("is_active", ""), "")


def _shown(value: Any) -> str:
    return _ABSENT if value in (None, "") else str(value)
