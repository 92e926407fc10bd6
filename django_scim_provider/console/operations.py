"""What an endpoint needs, takes and answers: said once, for the views that do it and for the document about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from rest_framework.serializers import BaseSerializer

ViewMethod = TypeVar("ViewMethod", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operation:
    """One method of one endpoint."""

    summary: str
    needs: tuple[str, ...] = ()
    """Permissions besides that to view connections."""
    query: type[BaseSerializer[Any]] | None = None
    body: type[BaseSerializer[Any]] | None = None
    answer: type[BaseSerializer[Any]] | None = None
    is_page: bool = False
    """Whether the answer is a page of such."""
    status: int = 200
    is_paid: bool = False
    """Whether it is refused where ``IS_ALLOWED`` refuses. Reading, ending and deleting never are."""
    shows_secret: bool = False
    """Whether the answer has a token, and so the request an ``Idempotency-Key``."""


def operation(summary: str, *needs: str, **options: Any) -> Callable[[ViewMethod], ViewMethod]:
    """Declare a method of a view; ``options`` are fields of ``Operation``."""

    def declare(method: ViewMethod) -> ViewMethod:
        method.operation = Operation(summary, needs, **options)  # type: ignore[attr-defined]
        return method

    return declare
