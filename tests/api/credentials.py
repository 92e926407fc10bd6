"""Credentials, good and bad, and where a secret could leak to: what the tests of every way to authenticate share."""

from __future__ import annotations

import base64
import logging
import sys
from typing import Any

from django.core import mail
from django.views.debug import ExceptionReporter

from api.helpers import is_error
from conftest import ScimClient

ALL_BAD = (
    b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401","detail":"A valid token is required."}'
)


def ask(authorization: str | None, path: str = "/Users", method: str = "GET", **extra: Any) -> Any:
    if authorization is not None:
        extra["HTTP_AUTHORIZATION"] = authorization
    return ScimClient(None).request(method, path, **extra)


def assert_refused(response: Any, challenge: str = 'Bearer realm="SCIM"') -> None:
    assert is_error(response, 401)
    assert response.content == ALL_BAD
    assert response.headers["WWW-Authenticate"] == challenge
    assert response.headers["Cache-Control"] == "no-store, private"


def bad_headers(token: str) -> dict[str, str | None]:
    typo = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]
    swapped = token[:-2] + token[-1] + token[-2] if token[-1] != token[-2] else token[:-1]
    return {
        "no header": None,
        "empty header": "",
        "spaces": "   ",
        "scheme alone": "Bearer",
        "scheme and a space": "Bearer ",
        "scheme and spaces": "Bearer      ",
        "null": "Bearer null",
        "undefined": "Bearer undefined",
        "None": "Bearer None",
        "false": "Bearer false",
        "prefix only": "Bearer djscim_",
        "key id only": f"Bearer {token[:19]}",
        "cut short": f"Bearer {token[:-1]}",
        "too long": f"Bearer {token}x",
        "typo": f"Bearer {typo}",
        "swapped characters": f"Bearer {swapped}",
        "lower case": f"Bearer {token.lower()}",
        "two tokens": f"Bearer {token} {token}",
        "two headers joined": f"Bearer {token}, Bearer {token}",
        "two headers joined by a server": f"Bearer {token},Bearer {token}",
        "quoted": f'Bearer "{token}"',
        "parameter": f'Bearer token="{token}"',
        "tab for the space": f"Bearer\t{token}",
        "line feed for the space": f"Bearer\n{token}",
        "trailing line feed inside": f"Bearer {token}\nX: y",
        "NUL": f"Bearer {token}\x00",
        "not UTF-8": "Bearer \xff\xfe",
        "not UTF-8 in a token": f"Bearer {token[:-1]}\xff",
        "full width": "Bearer " + "".join(chr(ord(char) + 0xFEE0) if char.isalnum() else char for char in token),
        "one megabyte": "Bearer " + "A" * 1_000_000,
        "one megabyte of prefix": "Bearer " + "djscim_" * 150_000,
        "another scheme": f"Token {token}",
        "digest": 'Digest username="x"',
        "basic": "Basic " + base64.b64encode(b"admin:password").decode(),
        "token as basic password": "Basic " + base64.b64encode(f"scim:{token}".encode()).decode(),
        "raw token": token,
        "scheme twice": f"Bearer Bearer {token}",
        "JWT": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "key of another product": "Bearer sk_live_" + "a" * 40,
    }


class Reports(logging.Handler):
    """Everything that a site would keep of a fault: log lines, mails to the administrators, error reports."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s %(args)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))
        self.texts += [str(value) for key, value in vars(record).items() if key not in ("request", "exc_info")]

    def report(self, request: Any, **kwargs: Any) -> None:
        # With DEBUG nothing is masked: what such a report holds, any tool that collects variables gets.
        self.texts.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    def kept(self) -> list[str]:
        mails = [str(message.message()) for message in mail.outbox]
        return [*self.texts, *mails, *(body for message in mail.outbox for body, _ in message.alternatives)]


def found(secret: str, texts: list[str]) -> list[str]:
    return [text[max(0, text.find(secret) - 300) : text.find(secret) + 50] for text in texts if secret in text]
