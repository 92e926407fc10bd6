"""What Okta puts on the wire: https://developer.okta.com/docs/api/openapi/okta-scim/guides/scim-20/."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from itertools import count
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

_HEADERS = {
    "User-Agent": "Okta SCIM Client 1.0.0",
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    # On every request, on those without a body too.
    "Content-Type": "application/scim+json; charset=utf-8",
}
_ATTEMPTS = 10


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: Any
    """What the JSON says; ``None`` without a body; the text where it is not JSON."""


class Okta:
    """A connection to one SCIM server, kept open."""

    def __init__(self, base_url: str, token: str) -> None:
        parts = urlsplit(base_url)
        self.mount = parts.path
        self.http = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        self.headers = {**_HEADERS, "Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str, params: dict[str, Any] | None = None, body: Any = None) -> Answer:
        query = f"?{urlencode(params)}" if params else ""
        data = json.dumps(body).encode() if body is not None else None
        for attempt in count(1):
            self.http.request(method, f"{self.mount}{path}{query}", data, self.headers)
            response = self.http.getresponse()
            answer = Answer(response.status, dict(response.getheaders()), _parsed(response.read()))
            wait = answer.headers.get("Retry-After", "")
            if answer.status != 429 or not wait.isdigit() or attempt == _ATTEMPTS:
                return answer
            time.sleep(int(wait))
        raise AssertionError("unreachable")

    def close(self) -> None:
        self.http.close()


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")
