"""Twelve people who do not exist."""

from __future__ import annotations

import unicodedata
from typing import Any, Final, NamedTuple

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"


class Person(NamedTuple):
    number: int
    given: str
    family: str
    title: str

    @property
    def user_name(self) -> str:
        plain = unicodedata.normalize("NFKD", f"{self.given}.{self.family}").encode("ascii", "ignore").decode()
        return f"{plain.lower()}@example.com"

    @property
    def external_id(self) -> str:
        """Okta's id of the person."""
        return f"00udemo{self.number:013d}"

    def as_resource(self) -> dict[str, Any]:
        """The body of Okta's POST, read-only ``groups`` and a random password included."""
        return {
            "schemas": [USER],
            "userName": self.user_name,
            "name": {"givenName": self.given, "familyName": self.family},
            "emails": [{"primary": True, "value": self.user_name, "type": "work"}],
            "displayName": f"{self.given} {self.family}",
            "title": self.title,
            "locale": "en-US",
            "externalId": self.external_id,
            "groups": [],
            "password": "1mz050nq",
            "active": True,
        }


PEOPLE: Final = tuple(
    Person(number, *person)
    for number, person in enumerate(
        [
            ("Anna", "Berg", "Captain"),
            ("Bruno", "Tal", "Cook"),
            ("Clara", "Wolke", "Pilot"),
            ("David", "Fluss", "Gardener"),
            ("Elif", "Stern", "Astronomer"),
            ("Farid", "Sonne", "Doctor"),
            ("Greta", "Regen", "Musician"),
            ("Hugo", "Stein", "Mason"),
            ("Ines", "Feld", "Farmer"),
            ("Jürgen", "Wald", "Ranger"),
            ("Kaya", "Meer", "Diver"),
            ("Zoë", "Wind", "Sailor"),
        ],
        start=1,
    )
)
