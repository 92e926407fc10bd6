"""How a simulated identity provider reaches a server: in this process, or with answers that get lost."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.test import Client, override_settings

from ..conf import SETTING


class NoAnswer(Exception):
    """The connection failed, or no answer came in time; the server may have done what it was asked."""


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    json: Any = None
    """What the body says; ``None`` where there is none or it is not JSON."""
    text: str = ""
    """The body as it came."""
    seconds: float = 0.0

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes, seconds: float) -> Self:
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        names = {name.lower(): value for name, value in headers.items()}
        return cls(status, names, document, content.decode(errors="replace"), seconds)


class Transport(ABC):
    """Sends requests below the mount; while it is entered, requests may be sent."""

    @abstractmethod
    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        """
        :param target: path and query below the mount, encoded, as in ``/Users?count=1``.
        :param body: what to send as JSON; ``None`` for no body.
        :raises NoAnswer: none came.
        """

    def pause(self, seconds: float) -> None:
        """The provider waits; in simulated time, unless the server's time matters."""
        return

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class InProcess(Transport):
    """Django's test client: the project's own middleware, URLconf and views, over what looks like HTTPS.

    Days pass in seconds, so the limit of requests a second (``THROTTLE_RATE``) is off meanwhile.
    """

    def __init__(self, token: str, mount: str = "/scim/v2") -> None:
        self.mount = mount.rstrip("/")
        self.client = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)

    def __enter__(self) -> Self:
        values = getattr(settings, SETTING, None) or {}
        self.limits = override_settings(**{SETTING: {**values, "THROTTLE_RATE": None}})
        self.limits.enable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.limits.disable()

    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        data = b"" if body is None else json.dumps(body).encode()
        started = time.perf_counter()
        response = self.client.generic(method, f"{self.mount}{target}", data, secure=True, headers=headers)
        seconds = time.perf_counter() - started
        return Answer.of(response.status_code, response.headers, response.getvalue(), seconds)


class Wrapper(Transport):
    """Another transport with something in between."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        return self.transport.send(method, target, headers=headers, body=body)

    def pause(self, seconds: float) -> None:
        self.transport.pause(seconds)

    def __enter__(self) -> Self:
        self.transport.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.transport.__exit__(kind, error, trace)


class Flaky(Wrapper):
    """Loses one answer in ``every``, after the server has done what it was asked."""

    def __init__(self, transport: Transport, every: int = 10) -> None:
        super().__init__(transport)
        self.every = every
        self.sent = 0

    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        answer = super().send(method, target, headers=headers, body=body)
        self.sent += 1
        if self.sent % self.every == 0:
            raise NoAnswer("the answer was lost")
        return answer
