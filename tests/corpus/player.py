"""Plays recordings of identity providers against the app, and checks after every step; README.rst has the format."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.http import HttpResponse

from conftest import ScimClient
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.protocol.keys import user_name_key
from factories import HostUserFactory

HERE: Final = Path(__file__).parent
KEYS: Final = {"title", "why", "sources", "dialects", "connection", "given", "headers", "steps"}
STEP_KEYS: Final = {
    "why", "method", "path", "headers", "body", "body_from", "set", "drop",
    "status", "answer", "database", "capture", "strict",
}  # fmt: skip
ABSENT: Final = object()
READING: Final = ("GET", "HEAD")


@dataclass(frozen=True)
class Recording:
    """One file: what an identity provider sends in one situation, and what it must get."""

    path: Path

    def __str__(self) -> str:
        return self.path.relative_to(HERE).with_suffix("").as_posix()

    @property
    def idp(self) -> str:
        return self.path.parent.name

    @cached_property
    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return content

    @property
    def steps(self) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = self.content["steps"]
        return steps

    @property
    def provider(self) -> str:
        """The provider that an administrator would choose for this identity provider."""
        return self.idp if self.idp in ScimConnection.Provider.values else ScimConnection.Provider.GENERIC


def recordings() -> list[Recording]:
    return [Recording(path) for path in sorted(HERE.glob("*/*.json"))]


@dataclass
class Player:
    """One identity provider: it remembers what it captured, as the real one remembers the ids it was given."""

    recording: Recording
    connection: ScimConnection
    token: str
    repeat: int = 1
    """How often each request is sent; what is checked is the first answer, and the state that the last one leaves."""
    captured: dict[str, Any] = field(default_factory=dict)

    def play(self) -> None:
        self._prepare()
        for number, step in enumerate(self.recording.steps, 1):
            with_why = f"{self.recording}, step {number}: {step['why']}"
            try:
                self._play_step(step)
            except AssertionError as error:
                raise AssertionError(f"{with_why}\n{error}") from error

    def play_strict(self) -> int:
        """Play, and before each step that a strict connection refuses let one refuse it; returns how many did."""
        self._prepare()
        refused = 0
        for number, step in enumerate(self.recording.steps, 1):
            if "strict" in step:
                self._choose(ScimConnection.Provider.STRICT)
                self._check_refusal(self._send(step), step["strict"], f"{self.recording}, step {number}, strict")
                self._choose(self.connection.provider)
                refused += 1
            self._play_step(step)
        return refused

    def _choose(self, provider: str) -> None:
        ScimConnection.objects.filter(pk=self.connection.pk).update(provider=provider)

    def _prepare(self) -> None:
        self.captured = {"token": self.token}
        given = self.recording.content.get("given", {})
        for person in given.get("people", ()):
            HostUserFactory(**person)
        for number in range(given.get("crowd", 0)):
            HostUserFactory(name=f"crowd{number:04}", is_active=number % 10 != 0)

    # One step ----------------------------------------------------------------------------------------------

    def _play_step(self, step: dict[str, Any]) -> None:
        before = self._counts()
        response = self._send(step)
        assert response.status_code == step["status"], f"{response.status_code}: {response.content.decode()}"
        answer = json.loads(response.content) if response.content else None
        self._check_every_answer(response, answer)
        self._check_bookkeeping(step, response, before)
        for _ in range(self.repeat - 1):
            self._send(step)
        for name, pointer in step.get("capture", {}).items():
            self.captured[name] = at(answer, pointer)
            assert self.captured[name] is not ABSENT, f"nothing to capture at {pointer}"
        for pointer, expected in step.get("answer", {}).items():
            check(at(answer, pointer), self._filled(expected), pointer)
        self._check_database(step.get("database", {}))

    def _send(self, step: dict[str, Any]) -> HttpResponse:
        headers = {
            "Authorization": "Bearer {{token}}",
            **self.recording.content.get("headers", {}),
            **step.get("headers", {}),
        }
        client = ScimClient(None)
        path = self._filled(step["path"])
        return client.request(step["method"], path, self._body(step), headers=self._filled(headers))

    def _body(self, step: dict[str, Any]) -> Any:
        if "body_from" not in step:
            return self._filled(step.get("body"))
        body = copy.deepcopy(self.captured[step["body_from"]])
        for pointer, value in step.get("set", {}).items():
            put(body, pointer, self._filled(value))
        for pointer in step.get("drop", ()):
            put(body, pointer, ABSENT)
        return body

    def _filled(self, value: Any) -> Any:
        """The value with ``{{name}}`` replaced by what was captured under the name, however deep."""
        if isinstance(value, str):
            return re.sub(r"\{\{(\w+)\}\}", lambda match: str(self.captured[match[1]]), value)
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, dict):
            return {self._filled(name): self._filled(item) for name, item in value.items()}
        return value

    # What must hold after any step -------------------------------------------------------------------------

    @staticmethod
    def _counts() -> tuple[int, int, int]:
        return ScimUser.objects.count(), get_user_model()._base_manager.count(), ScimEvent.objects.count()

    def _check_bookkeeping(self, step: dict[str, Any], response: HttpResponse, before: tuple[int, int, int]) -> None:
        """Reads write nothing; every write, and every refusal but that of an unknown id, is one event."""
        after = self._counts()
        if step["method"] in READING:
            assert after[:2] == before[:2], "a read has written"
            quiet = response.status_code in (200, 404)
            assert after[2] - before[2] == (0 if quiet else 1)
        else:
            assert after[2] - before[2] == 1, "not one event"

    def _check_every_answer(self, response: HttpResponse, answer: Any) -> None:
        if response.status_code == 204:
            assert answer is None
            return
        assert not _mentions(answer, "password"), "a password was shown"
        if response.status_code >= 400:
            assert answer["schemas"] == [urns.ERROR]
            assert answer["status"] == str(response.status_code), "status must be a string"
            assert answer["detail"], "an error must say what to do"
            return
        if "Resources" in answer:
            assert answer["schemas"] == [urns.LIST_RESPONSE]
            for name in ("totalResults", "startIndex", "itemsPerPage"):
                assert type(answer[name]) is int, f"{name} must be an integer"
            assert answer["itemsPerPage"] == len(answer["Resources"]) <= answer["totalResults"]
            resources = answer["Resources"]
        else:
            resources = [answer]
            if urns.USER in answer["schemas"] and "meta" in answer:
                assert response.headers["Location"] == answer["meta"]["location"]
        for resource in resources:
            if urns.USER in resource["schemas"]:
                assert isinstance(resource["id"], str)

    @staticmethod
    def _check_refusal(response: HttpResponse, expected: dict[str, Any], where: str) -> None:
        answer = response.json()
        assert response.status_code == expected["status"], f"{where}: {response.status_code} {answer}"
        assert answer.get("scimType") == expected.get("scimType"), f"{where}: {answer}"

    # The database ------------------------------------------------------------------------------------------

    def _check_database(self, expected: dict[str, Any]) -> None:
        rows = ScimUser.objects.filter(connection=self.connection)
        for what, value in expected.items():
            if what == "people":
                assert rows.filter(alive=True).count() == value, "people"
            elif what == "accounts":
                assert get_user_model()._base_manager.count() == value, "accounts"
            elif what == "gone":
                keys = [user_name_key(name) for name in self._filled(value)]
                assert not rows.filter(user_name_key__in=keys, alive=True).exists(), "gone"
            else:
                assert what == "person", f"unknown check {what}"
                for name, facts in self._filled(value).items():
                    row = rows.select_related("user").get(user_name_key=user_name_key(name), alive=True)
                    self._check_person(row, facts)

    @staticmethod
    def _check_person(row: ScimUser, facts: dict[str, Any]) -> None:
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
                found = bool(user and user.is_active and getattr(user, "deleted_at", None) is None)
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


# JSON pointers (RFC 6901) and what may stand for a value ----------------------------------------------------


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def at(document: Any, pointer: str) -> Any:
    """What a pointer points to, or ``ABSENT``."""
    for token in _tokens(pointer):
        if isinstance(document, list) and token.isdigit() and int(token) < len(document):
            document = document[int(token)]
        elif isinstance(document, dict) and token in document:
            document = document[token]
        else:
            return ABSENT
    return document


def put(document: Any, pointer: str, value: Any) -> None:
    """Assign in place, making objects on the way; ``ABSENT`` removes."""
    *way, last = _tokens(pointer)
    for token in way:
        document = document[int(token)] if isinstance(document, list) else document.setdefault(token, {})
    if value is ABSENT:
        del document[int(last) if isinstance(document, list) else last]
    elif isinstance(document, list):
        document[int(last)] = value
    else:
        document[last] = value


def check(found: Any, expected: Any, where: str) -> None:
    """Compare; an object with one key that begins with ``$`` is a predicate rather than a value."""
    key = next(iter(expected)) if isinstance(expected, dict) and len(expected) == 1 else ""
    shown = "nothing" if found is ABSENT else repr(found)
    if key == "$absent":
        assert (found is ABSENT) is expected[key], f"{where} is {shown}"
        return
    assert found is not ABSENT, f"{where} is absent"
    if key == "$matches":
        assert re.fullmatch(expected[key], str(found)), f"{where} is {shown}"
    elif key == "$length":
        assert len(found) == expected[key], f"{where} has {len(found)}: {shown}"
    elif key == "$not":
        assert found != expected[key], f"{where} is {shown}"
    elif key == "$has":
        wanted = expected[key].items()
        assert any(item.items() >= wanted for item in found), f"{where} is {shown}"
    else:
        # 1 == True in Python, and never in JSON.
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True), f"{where} is {shown}"


def _mentions(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return any(key.lower() == name or _mentions(item, name) for key, item in value.items())
    return isinstance(value, list) and any(_mentions(item, name) for item in value)
