"""What stands between a simulated provider and the server in tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django_scim_provider.testing import Answer, NoAnswer, Transport, Wrapper

Change = Callable[[str, str, Answer], Answer]
"""From method, target and the true answer to what the provider gets."""


class Sent(NamedTuple):
    method: str
    target: str
    headers: Mapping[str, str]
    body: Any


class Meddler(Wrapper):
    """Remembers what was sent, and may change what comes back."""

    def __init__(self, transport: Transport, change: Change = lambda method, target, answer: answer) -> None:
        super().__init__(transport)
        self.change = change
        self.sent: list[Sent] = []
        self.paused: list[float] = []

    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        # What reads the final state is not the provider's.
        if len(headers) == 1:
            return super().send(method, target, headers=headers, body=body)
        # As it is now: the provider goes on with its dictionaries.
        self.sent.append(Sent(method, target, headers, json.loads(json.dumps(body))))
        return self.change(method, target, super().send(method, target, headers=headers, body=body))

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        super().pause(seconds)


def answered(status: int, document: Any = None, **headers: str) -> Answer:
    """What a server might answer, in the form of this package's errors."""
    content = {"content-type": "application/scim+json"} | {n.replace("_", "-"): v for n, v in headers.items()}
    return Answer(status, content, document, "" if document is None else json.dumps(document))


def html(status: int = 200) -> Answer:
    return Answer(status, {"content-type": "text/html"}, None, "<html>Sign in</html>")


def lost() -> Answer:
    raise NoAnswer("reset by peer")
