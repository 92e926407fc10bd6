"""Over HTTP, to wherever a SCIM server is mounted. Needs the extra ``testing``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final

import httpx

from .transports import Answer, NoAnswer, Transport

__all__ = ["Remote"]

TIMEOUT: Final = 60.0


class Remote(Transport):
    """
    :param url: where SCIM is mounted, as in ``https://app.example.com/scim/v2``.
    :param longest_pause: seconds to wait at most when a provider pauses, however long it would.
    :param sleep: what waits.
    """

    def __init__(
        self, url: str, token: str, *, longest_pause: float = 10.0, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = url.rstrip("/")
        self.longest_pause = longest_pause
        self.sleep = sleep
        # A redirect is an answer like any other: no provider follows it with a body.
        self.client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT)

    def send(self, method: str, target: str, *, headers: Mapping[str, str], body: Any = None) -> Answer:
        content = None if body is None else json.dumps(body).encode()
        started = time.perf_counter()
        try:
            response = self.client.request(method, f"{self.url}{target}", headers=headers, content=content)
        except httpx.TransportError as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        return Answer.of(response.status_code, response.headers, response.content, time.perf_counter() - started)

    def pause(self, seconds: float) -> None:
        self.sleep(min(seconds, self.longest_pause))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
