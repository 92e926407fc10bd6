"""A client that calls the mounted views in this process, through the site's own middleware, as the network would."""

from __future__ import annotations

import contextvars
import ipaddress
import json
import sys
import time
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.urls import get_script_prefix

from ..conf import app_settings
from ..protocol.urns import MEDIA_TYPE
from .mount import path


class Site(NamedTuple):
    """How requests reach this site."""

    host: str
    """The Host header that they bear."""
    is_secure: bool
    """Whether they come over HTTPS."""
    address: str = "127.0.0.1"
    """Where they come from."""


class Answer(NamedTuple):
    status: int
    media_type: str
    document: Any
    """What the JSON says; ``None`` where there is none."""
    location: str
    milliseconds: int

    @property
    def is_scim(self) -> bool:
        """Whether it comes from SCIM, rather than from something in front of it."""
        return self.status == 204 or self.media_type == MEDIA_TYPE


def address_in(allowlist: str, default: str = "127.0.0.1") -> str:
    """An address that a connection's list of allowed addresses allows."""
    first = next(iter(allowlist.split()), None)
    return str(ipaddress.ip_network(first, strict=False).network_address) if first else default


def mount() -> str:
    """The path below which the site has SCIM."""
    return unquote(path())


@dataclass
class InProcessClient:
    """Asks what a client on the network would ask.

    Nothing here opens a transaction: who wants the writes undone calls it inside of one.
    """

    site: Site
    token: str = field(repr=False)
    handler: BaseHandler = field(default_factory=BaseHandler)

    def __post_init__(self) -> None:
        self.handler.load_middleware()

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        """:param path: below the mount, with a slash in front."""
        request = WSGIRequest(self._environ(method, path, body, query))
        started = time.monotonic()
        # In a context of its own: middleware activates languages and time zones for the thread.
        response = contextvars.copy_context().run(self.handler.get_response, request)
        milliseconds = round((time.monotonic() - started) * 1000)
        content = getattr(response, "content", b"")  # none while it is streamed
        try:
            document = json.loads(content)
        except ValueError:
            document = None
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        return Answer(response.status_code, media_type, document, response.headers.get("Location", ""), milliseconds)

    def _environ(self, method: str, path: str, body: Any, query: dict[str, Any]) -> dict[str, Any]:
        prefix = get_script_prefix().rstrip("/")
        content = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": _wsgi(prefix),
            "PATH_INFO": _wsgi(mount().removeprefix(prefix) + path),
            "QUERY_STRING": urlencode(query),
            "SERVER_NAME": self.site.host.partition(":")[0],
            "SERVER_PORT": "443" if self.site.is_secure else "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": self.site.host,
            "HTTP_USER_AGENT": "django-scim-provider (test of the connection)",
            "HTTP_ACCEPT": MEDIA_TYPE,
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "REMOTE_ADDR": self.site.address,
            "CONTENT_TYPE": MEDIA_TYPE if content else "",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.site.is_secure else "http",
            "wsgi.input": BytesIO(content),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if app_settings.TRUSTED_PROXIES:
            environ["HTTP_X_FORWARDED_FOR"] = ", ".join([self.site.address] * app_settings.TRUSTED_PROXIES)
        if settings.SECURE_PROXY_SSL_HEADER and self.site.is_secure:
            header, value = settings.SECURE_PROXY_SSL_HEADER
            environ[header] = value
        return environ


def _wsgi(text: str) -> str:
    """PEP 3333: bytes in the guise of text."""
    return text.encode().decode("latin-1")
