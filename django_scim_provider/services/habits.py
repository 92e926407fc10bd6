"""What each identity provider asks when it tests a connection and afterwards: the requests that a rehearsal plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from ..models import ScimConnection

Provider = ScimConnection.Provider
PUT: Final = "PUT"
PATCH: Final = "PATCH"


@dataclass(frozen=True)
class Habits:
    """How one provider's client works; the defaults are those of a client that takes RFC 7644 at its word."""

    discovers: tuple[str, ...] = ()
    """What it reads to learn what this service can do."""
    people_probe: tuple[tuple[str, str], ...] = (("count", "1"),)
    """The query with which it tests the connection; ``{random}`` becomes something that nobody is called."""
    group_probe: tuple[tuple[str, str], ...] | None = ()
    """The same for groups; ``None`` where it pushes none."""
    paged_lookup: bool = False
    """Whether it asks for a page even when it looks for one person."""
    update: str = PATCH
    """PUT sends the whole resource back as it was read, id and meta included."""
    update_group: str = PATCH
    capitals: bool = False
    """Whether operations are called Add and Replace, and booleans come as text."""
    deletes: bool = True
    """Whether people are deleted at last, and not only deactivated."""

    @property
    def pushes_groups(self) -> bool:
        return self.group_probe is not None

    def people_query(self) -> dict[str, str]:
        return _filled(self.people_probe)

    def group_query(self) -> dict[str, str]:
        return _filled(self.group_probe or ())


def _filled(probe: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return {name: value.replace("{random}", str(uuid4())) for name, value in probe}


_ALL: Final = ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas")
GENERIC: Final = Habits(discovers=_ALL)
HABITS: Final[dict[str, Habits]] = {
    Provider.OKTA: Habits(
        people_probe=(("startIndex", "1"), ("count", "2")),
        group_probe=(("startIndex", "1"), ("count", "100")),
        paged_lookup=True,
        update=PUT,
        update_group=PUT,
        deletes=False,
    ),
    Provider.ENTRA: Habits(
        people_probe=(("filter", 'userName eq "{random}"'),),
        group_probe=(("excludedAttributes", "members"), ("filter", 'displayName eq "{random}"')),
        capitals=True,
    ),
    Provider.ONELOGIN: Habits(discovers=("/ServiceProviderConfig",), update=PUT),
    Provider.JUMPCLOUD: Habits(update=PUT),
    Provider.GOOGLE: Habits(discovers=("/Schemas",), group_probe=None),
    Provider.PING: Habits(),
    Provider.KEYCLOAK: Habits(update=PUT),
    Provider.AUTHENTIK: Habits(discovers=("/ServiceProviderConfig",), update=PUT),
}


def habits_of(provider: str) -> Habits:
    """The provider's habits, or those of any client."""
    return HABITS.get(provider, GENERIC)
