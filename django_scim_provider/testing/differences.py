"""What the server has in the end against what the provider's directory has, read back through SCIM."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..protocol.urns import USER
from .profile import Profile, look
from .transports import Answer, NoAnswer, Transport

_CHOICE: Final = re.compile(r"\[.*\]")
_HEADERS: Final = {"Accept": "application/scim+json"}
_PAGE: Final = 100
_TRIES: Final = 5


class Expected(NamedTuple):
    """What must be there, by the ids that the server gave."""

    people: Mapping[str, Profile]
    groups: Mapping[str, tuple[str, frozenset[str]]]
    """Name, and ids of members."""
    missing: list[str]
    """Names of people and groups that the server has not even given an id."""


class Unreadable(Exception):
    """The server does not tell what it has; the text says what it answered."""


def everything(transport: Transport, endpoint: str) -> dict[str, dict[str, Any]]:
    """All resources of an endpoint, by id.

    :raises Unreadable: they cannot be listed.
    """
    found: dict[str, dict[str, Any]] = {}
    start, total = 1, 1
    while start <= total:
        target = f"{endpoint}?startIndex={start}&count={_PAGE}"
        answer = _ask(transport, target)
        try:
            page = {str(resource["id"]): resource for resource in answer.json["Resources"]}
            total = int(answer.json["totalResults"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unreadable(f"GET {target} answered {answer.status}: {answer.text[:200]}") from error
        found |= page
        start += _PAGE
    return found


def declared(transport: Transport) -> set[str]:
    """The attributes of people, and their sub-attributes, that the server says it has.

    :raises Unreadable: it does not say.
    """
    found: set[str] = set()
    for schema, document in everything(transport, "/Schemas").items():
        prefix = "" if schema == USER else f"{schema}:"
        for attribute in document["attributes"]:
            name = f"{prefix}{attribute['name']}"
            found |= {name, *(f"{name}.{sub['name']}" for sub in attribute.get("subAttributes") or ())}
    return found


def differences(transport: Transport, expected: Expected, strangers: set[str], *, with_groups: bool) -> list[str]:
    """A sentence for each difference; what is not in ``/Schemas`` a server may ignore.

    :param strangers: ids that were there before the provider came.
    """
    try:
        people = everything(transport, "/Users")
        groups = everything(transport, "/Groups") if with_groups else {}
        attributes = declared(transport)
    except Unreadable as error:
        return [f"The server cannot be read. {error}"]
    return [
        *(f"{name} is not there." for name in expected.missing),
        *_of_people(people, expected.people, attributes),
        *_of_groups(groups, expected.groups),
        *_of_strangers(people, strangers | expected.people.keys(), "userName"),
        *_of_strangers(groups, strangers | expected.groups.keys(), "displayName"),
    ]


def _of_people(
    found: Mapping[str, Mapping[str, Any]], expected: Mapping[str, Profile], attributes: set[str]
) -> Iterator[str]:
    for link, profile in expected.items():
        name = profile["userName"]
        if link not in found:
            yield f"{name} is not there."
            continue
        for path, value in profile.items():
            if _CHOICE.sub("", path) not in attributes:
                continue
            seen = look(found[link], path)
            if seen != value and (value != "" or seen not in ("", None)):
                yield f"{name}: {path} is {seen!r}, not {value!r}."


def _of_groups(
    found: Mapping[str, Mapping[str, Any]], expected: Mapping[str, tuple[str, frozenset[str]]]
) -> Iterator[str]:
    for link, (name, members) in expected.items():
        if link not in found:
            yield f"The group {name} is not there."
            continue
        if found[link].get("displayName") != name:
            yield f"The group {name} is called {found[link].get('displayName')}."
        there = {member["value"] for member in found[link].get("members") or ()}
        if there != members:
            yield f"The group {name} has {len(there - members)} members too many and lacks {len(members - there)}."


def _of_strangers(found: Mapping[str, Mapping[str, Any]], known: set[str], name: str) -> Iterator[str]:
    for link in found.keys() - known:
        yield f"{found[link].get(name)} is there, and should not be."


def _ask(transport: Transport, target: str) -> Answer:
    for _ in range(_TRIES):
        with contextlib.suppress(NoAnswer):
            return transport.send("GET", target, headers=_HEADERS)
    raise Unreadable(f"GET {target} was not answered.")
