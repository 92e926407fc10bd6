"""An Okta-like synchronisation, step by step; every step is held against what it must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from django.contrib.auth.hashers import is_password_usable

from .database import ACCOUNTS, MEMBERSHIPS, RESOURCES, Change, Rows, changes, has_memberships, rows
from .okta import Answer, Okta
from .people import PEOPLE, Person

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PAGE = 5
_MANY = 1000

Effects = Mapping[tuple[str, str, str], Any]
"""Table, userName and column (empty: the row itself) to the value afterwards, or to a function that judges it."""
Check = Callable[[Any], Iterator[str]]


class Step(NamedTuple):
    """What was asked, what came of it, and what was wrong with that."""

    method: str
    path: str
    status: int
    changes: list[Change]
    remark: str
    problems: list[str]


class Story:
    """Plays the synchronisation; ``tell`` and ``show`` are called with each chapter's title and each step."""

    def __init__(self, okta: Okta, tell: Callable[[str], None], show: Callable[[Step], None]) -> None:
        self.okta = okta
        self.tell = tell
        self.show = show
        self.rows: Callable[[], Rows] = rows
        self.steps: list[Step] = []
        self.ids: dict[int, str] = {}
        """Our id of each person, as Okta would remember it."""

    def play(self) -> None:
        self._connection_test()
        self._assign()
        self._update()
        self._deactivate()
        self._reactivate()
        self._assign_again()
        self._import()
        self._leave()

    # Chapters --------------------------------------------------------------------------------------------------

    def _connection_test(self) -> None:
        self.tell("Okta tests the connection")
        self._get({"startIndex": 1, "count": 2}, is_list, lambda body: f"{body['totalResults']} there")

    def _assign(self) -> None:
        self.tell(f"Okta assigns {len(PEOPLE)} people: is there one of that name? If not, create")
        for person in PEOPLE:
            self._look_up(person, [])
            body = person.as_resource()
            answer = self._send(
                "POST",
                "/Users",
                body=body,
                status=201,
                effects={
                    (ACCOUNTS, person.user_name, ""): partial(_is_account_of, person),
                    **({(MEMBERSHIPS, person.user_name, ""): _is_membership} if has_memberships() else {}),
                    (RESOURCES, person.user_name, ""): partial(_is_resource_of, person),
                },
                check=partial(_created, body),
                remark=_display_name,
            )
            self.ids[person.number] = member(answer.body, "id")

    def _update(self) -> None:
        self.tell("Profiles change: Okta reads the resource, changes it, and puts the whole of it back")
        anna, bruno, clara = PEOPLE[:3]
        self._put(
            anna,
            {"name": {"givenName": anna.given, "familyName": "Gipfel"}, "displayName": f"{anna.given} Gipfel"},
            {
                (ACCOUNTS, anna.user_name, "last_name"): "Gipfel",
                (RESOURCES, anna.user_name, "displayName"): "Anna Gipfel",
            },
        )
        # A stock Django user has no column for it, and it is kept all the same.
        self._put(bruno, {"title": "Head Cook"}, {(RESOURCES, bruno.user_name, "title"): "Head Cook"})
        married = clara._replace(family="Himmel")
        name = married.user_name
        self._put(
            clara,
            {key: married.as_resource()[key] for key in ("userName", "name", "emails", "displayName")},
            {
                (ACCOUNTS, name, "username"): name,
                (ACCOUNTS, name, "email"): name,
                (ACCOUNTS, name, "last_name"): "Himmel",
                (RESOURCES, name, "username"): name,
                (RESOURCES, name, "displayName"): "Clara Himmel",
            },
        )

    def _deactivate(self) -> None:
        self.tell("Two people are unassigned: PATCH is what apps from Okta's catalog send, PUT what custom ones do")
        david, elif_ = PEOPLE[3:5]
        self._patch_active(david, False)
        self._put(elif_, {"active": False}, _access_changes(elif_, active=False))

    def _reactivate(self) -> None:
        self.tell("They come back: the look-up has to find the inactive, under the id they had")
        david, elif_ = PEOPLE[3:5]
        for person in (david, elif_):
            self._look_up(person, [self.ids[person.number]], active=False)
        self._patch_active(david, True)
        self._put(elif_, {"active": True}, _access_changes(elif_, active=True))

    def _assign_again(self) -> None:
        self.tell("A second create for a name in other letters is refused")
        body = PEOPLE[5].as_resource()
        body["userName"] = body["userName"].upper()
        detail = partial(member, name="detail")
        self._send("POST", "/Users", body=body, status=409, effects={}, check=_duplicate, remark=detail)

    def _import(self) -> None:
        self.tell("Okta imports everybody, a page at a time")
        seen: list[str] = []
        total, start = 1, 1
        while start <= total < _MANY:
            body = self._get({"startIndex": start, "count": PAGE}, is_list, _names).body
            seen += [member(resource, "id") for resource in resources(body)]
            found = member(body, "totalResults")
            total, start = found if isinstance(found, int) else 0, start + PAGE
        problems = []
        if len(set(seen)) != len(seen) or len(seen) != total:
            problems.append(
                f"{len(seen)} resources on the pages, {len(set(seen))} of them different, {total} announced"
            )
        if missing := set(self.ids.values()) - set(seen):
            problems.append(f"{len(missing)} of the people are on no page")
        self._note(Step("", "all pages together", 0, [], f"{len(seen)} people", problems))

    def _leave(self) -> None:
        self.tell("One of them leaves for good")
        self._patch_active(PEOPLE[-1], False)

    # Requests --------------------------------------------------------------------------------------------------

    def _look_up(self, person: Person, expected: list[str], *, active: bool = True) -> None:
        def check(body: Any) -> Iterator[str]:
            yield from is_list(body)
            found = resources(body)
            if [member(resource, "id") for resource in found] != expected:
                yield f"found {len(found)} people, expected {len(expected)}"
            elif any(member(resource, "active") is not active for resource in found):
                yield f"active is not {active}"

        self._get(
            {"filter": f'userName eq "{person.user_name}"', "startIndex": 1, "count": 100},
            check,
            lambda body: f"{body['totalResults']} found" + (", inactive" if expected and not active else ""),
        )

    def _get(self, params: dict[str, Any], check: Check, remark: Callable[[Any], str]) -> Answer:
        return self._send("GET", "/Users", params=params, status=200, effects={}, check=check, remark=remark)

    def _put(self, person: Person, change: dict[str, Any], effects: Effects) -> None:
        path = f"/Users/{self.ids[person.number]}"
        found = partial(shows, {"id": self.ids[person.number], "userName": person.user_name})
        read = self._send("GET", path, status=200, effects={}, check=found, remark=_display_name)
        body = {**(read.body if isinstance(read.body, dict) else {}), **change}
        self._send(
            "PUT", path, body=body, status=200, effects=effects, check=partial(shows, change), remark=_display_name
        )

    def _patch_active(self, person: Person, active: bool) -> None:
        effects = _access_changes(person, active=active)
        self._send(
            "PATCH",
            f"/Users/{self.ids[person.number]}",
            body={"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": active}}]},
            status=200,
            effects=effects,
            check=partial(shows, {"active": active, "userName": person.user_name}),
            remark=_display_name,
        )

    def _send(
        self,
        method: str,
        path: str,
        *,
        status: int,
        effects: Effects,
        check: Check,
        params: dict[str, Any] | None = None,
        body: Any = None,
        remark: Callable[[Any], str] | None = None,
    ) -> Answer:
        before = self.rows()
        answer = self.okta.send(method, path, params, body)
        made = list(changes(before, self.rows()))
        problems = []
        if answer.status != status:
            problems.append(f"status {answer.status}, expected {status}: {answer.body}")
        elif not answer.headers.get("Content-Type", "").startswith("application/scim+json"):
            problems.append(f"Content-Type {answer.headers.get('Content-Type')}")
        else:
            problems += check(answer.body)
        problems += _unexpected(made, effects)
        said = remark(answer.body) if remark and not problems else ""
        shown = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        self._note(Step(method, f"{path}?{shown}" if shown else path, answer.status, made, said, problems))
        return answer

    def _note(self, step: Step) -> None:
        self.steps.append(step)
        self.show(step)


# What must be true ---------------------------------------------------------------------------------------------


def member(body: Any, name: str) -> Any:
    """A member of a JSON object; ``None`` where it is missing, or no object."""
    return body.get(name) if isinstance(body, dict) else None


def resources(body: Any) -> list[Any]:
    found = member(body, "Resources")
    return found if isinstance(found, list) else []


def _activity(person: Person) -> tuple[str, str, str]:
    """The column that lets a person in: the membership's, where there are any."""
    return (MEMBERSHIPS if has_memberships() else ACCOUNTS, person.user_name, "is_active")


def _access_changes(person: Person, *, active: bool) -> Effects:
    return {
        _activity(person): active,
        # Drawn anew, though unusable before and after: sessions are made from it, on every session engine. At a return
        # as well, so that nothing comes back that was issued meanwhile.
        (ACCOUNTS, person.user_name, "password"): lambda password: not is_password_usable(password),
    }


def _is_account_of(person: Person, row: Mapping[str, Any]) -> bool:
    return not is_password_usable(row["password"]) and row == {
        "username": person.user_name,
        "first_name": person.given,
        "last_name": person.family,
        "email": person.user_name,
        "is_active": True,
        "password": row["password"],
    }


def _is_membership(row: Mapping[str, Any]) -> bool:
    return (row["is_active"], row["level"]) == (True, "member")


def _is_resource_of(person: Person, row: Mapping[str, Any]) -> bool:
    return row == {
        "username": person.user_name,
        "externalId": person.external_id,
        "displayName": f"{person.given} {person.family}",
        "title": person.title,
        "locale": "en-US",
    }


def _unexpected(made: list[Change], effects: Effects) -> Iterator[str]:
    """Where the database did not change exactly as it should."""
    found = {(change.table, change.who, change.column): change for change in made}
    for key, after in effects.items():
        change = found.pop(key, None)
        if change is None or not (after(change.after) if callable(after) else change.after == after):
            yield f"not in the database as it should be: {' '.join(key)}".rstrip()
    for change in found.values():
        yield f"nobody asked for this: {change}"


def is_list(body: Any) -> Iterator[str]:
    """Okta takes numbers as numbers only, and needs Resources even when it is empty."""
    if member(body, "schemas") != [LIST]:
        yield "not a ListResponse"
    for name in ("totalResults", "startIndex", "itemsPerPage"):
        if type(member(body, name)) is not int:
            yield f"{name} is {member(body, name)!r}, not a number"
    if not isinstance(member(body, "Resources"), list) or len(resources(body)) != member(body, "itemsPerPage"):
        yield "Resources is not the list that itemsPerPage announces"


def _created(sent: Mapping[str, Any], body: Any) -> Iterator[str]:
    if not member(body, "id"):
        yield "no id in the answer"
    location = member(member(body, "meta"), "location")
    if not str(location).endswith(f"/Users/{member(body, 'id')}"):
        yield f"meta.location is {location}"
    yield from shows({name: value for name, value in sent.items() if name not in ("password", "groups")}, body)


def shows(wanted: Mapping[str, Any], body: Any) -> Iterator[str]:
    for name, value in wanted.items():
        if member(body, name) != value:
            yield f"{name} is {member(body, name)!r}, expected {value!r}"
    if "password" in (body if isinstance(body, dict) else {}):
        yield "the answer holds a password"


def _duplicate(body: Any) -> Iterator[str]:
    yield from shows({"status": "409", "scimType": "uniqueness"}, body)
    if not member(body, "detail"):
        yield "no detail that says what to do"


def _display_name(body: Any) -> str:
    return f"{member(body, 'displayName')}, {member(body, 'title')}"


def _names(body: Any) -> str:
    return ", ".join(str(member(resource, "userName")).partition("@")[0] for resource in body["Resources"])
