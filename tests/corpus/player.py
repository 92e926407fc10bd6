"""Plays recordings of identity providers against the app, and checks after every step; README.rst has the format."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from django.http import HttpResponse

from conftest import ScimClient
from corpus.values import ABSENT, at, check, has_null, mentions, put
from corpus.world import World
from django_scim_provider.dialects import DIALECTS, get_dialect
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol import urns
from django_scim_provider.protocol.schemas import Attribute, ResourceType
from django_scim_provider.services.verbs import resource_types

HERE: Final = Path(__file__).parent
KEYS: Final = {"title", "why", "sources", "dialects", "connection", "given", "headers", "steps"}
STEP_KEYS: Final = {
    "why", "method", "path", "headers", "body", "body_from", "set", "drop",
    "status", "answer", "database", "capture", "strict",
}  # fmt: skip
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

    @property
    def dialects(self) -> list[str]:
        """The shipped dialects that it may be played under, that of its provider first."""
        own = get_dialect(self.provider).name
        chosen: list[str] = self.content.get(
            "dialects", [own, *(name for name in DIALECTS if name not in (own, "strict"))]
        )
        return chosen


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
    met: dict[str, list[str]] = field(default_factory=dict)
    World: ClassVar = World

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
        self.world = self.World(self.connection)
        self.captured = {"token": self.token, **self.world.prepare(self.recording.content.get("given", {}))}

    # One step ----------------------------------------------------------------------------------------------

    def _play_step(self, step: dict[str, Any]) -> None:
        before = self.world.counts()
        response = self._send(step)
        assert response.status_code == step["status"], f"{response.status_code}: {response.content.decode()}"
        answer = json.loads(response.content) if response.content else None
        self._check_every_answer(response, answer)
        self._check_bookkeeping(step, response, before)
        self._check_walk(step, answer)
        for _ in range(self.repeat - 1):
            self._send(step)
        for name, pointer in step.get("capture", {}).items():
            self.captured[name] = at(answer, pointer)
            assert self.captured[name] is not ABSENT, f"nothing to capture at {pointer}"
        for pointer, expected in step.get("answer", {}).items():
            check(at(answer, pointer), self._filled(expected), pointer)
        self.world.check(self._filled(step.get("database", {})))

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

    def _check_bookkeeping(self, step: dict[str, Any], response: HttpResponse, before: tuple[int, ...]) -> None:
        """Reads write nothing; every write, and every refusal but that of an unknown id, is one event."""
        *rows, events = self.world.counts()
        if step["method"] in READING:
            assert rows == list(before[:-1]), "a read has written"
            quiet = response.status_code in (200, 404)
            assert events - before[-1] == (0 if quiet else 1)
        else:
            assert events - before[-1] == 1, "not one event"

    def _check_walk(self, step: dict[str, Any], answer: Any) -> None:
        """Nobody comes twice on the pages of a list."""
        if "Resources" not in (answer or {}):
            return
        query = re.sub(r"[?&]startIndex=-?\d+", "", step["path"], flags=re.IGNORECASE)
        if answer["startIndex"] == 1:
            self.met[query] = []
        met = self.met.setdefault(query, [])
        met += [resource["id"] for resource in answer["Resources"]]
        assert len(met) == len(set(met)), "somebody came twice"

    def _check_every_answer(self, response: HttpResponse, answer: Any) -> None:
        if response.status_code == 204:
            assert answer is None
            return
        assert not mentions(answer, "password"), "a password was shown"
        assert not has_null(answer), "null is as good as absent, and some parsers choke on it"
        if response.status_code >= 400:
            assert answer["schemas"] == [urns.ERROR]
            assert answer["status"] == str(response.status_code), "status must be a string"
            assert answer["detail"], "an error must say what to do"
            is_challenged = response.headers.get("WWW-Authenticate", "").startswith("Bearer")
            assert is_challenged == (response.status_code == 401), "401 names the scheme"
            return
        if "Resources" in answer:
            assert answer["schemas"] == [urns.LIST_RESPONSE]
            for name in ("totalResults", "startIndex", "itemsPerPage"):
                assert type(answer[name]) is int, f"{name} must be an integer"
            assert answer["itemsPerPage"] == len(answer["Resources"]) <= answer["totalResults"]
            resources = answer["Resources"]
        else:
            resources = [answer]
            if {urns.USER, urns.GROUP} & set(answer["schemas"]) and "meta" in answer:
                assert response.headers["Location"] == answer["meta"]["location"]
        for resource in resources:
            self._check_resource(resource)

    def _check_resource(self, resource: dict[str, Any]) -> None:
        for resource_type in resource_types(self.connection.portal):
            if resource_type.schema.id in resource["schemas"]:
                assert isinstance(resource["id"], str)
                assert list(_undeclared(resource, resource_type)) == [], "in no schema"

    @staticmethod
    def _check_refusal(response: HttpResponse, expected: dict[str, Any], where: str) -> None:
        answer = response.json()
        assert response.status_code == expected["status"], f"{where}: {response.status_code} {answer}"
        assert answer.get("scimType") == expected.get("scimType"), f"{where}: {answer}"


def _undeclared(resource: dict[str, Any], resource_type: ResourceType) -> Iterator[str]:
    """What an answer shows and ``/Schemas`` does not: clients with a strict parser refuse it."""
    own = dict(resource)
    for extension in resource_type.extensions:
        yield from _unknown(own.pop(extension.id, {}), extension.get)
    yield from _unknown(own, resource_type.attribute)


def _unknown(values: dict[str, Any], find: Callable[[str], Attribute | None]) -> Iterator[str]:
    for name, value in values.items():
        attribute = find(name)
        if attribute is None or attribute.name != name:
            yield name
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from _unknown(item, attribute.sub)
