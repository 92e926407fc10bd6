"""The application, which counts its queries where the client asks for it; it does not while times are taken.

With the count comes the process of the database that answered, so that its work can be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application
from django.db import connection

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    if "HTTP_X_COUNT" not in environ:
        return _django(environ, start_response)
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(sql)
        return execute(sql, params, many, context)

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        more = [("X-Queries", str(len(statements))), ("X-Backend", str(connection.connection.info.backend_pid))]
        return start_response(status, [*headers, *more], *rest)

    with connection.execute_wrapper(note):
        return _django(environ, start)
