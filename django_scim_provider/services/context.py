"""Who asks, through which connection: the first argument of every service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from django.db import router

from ..adapters import GroupAdapter, UserAdapter, get_group_adapter, get_user_adapter
from ..conf import app_settings
from ..dialects import Dialect, get_dialect
from ..models import ScimConnection, ScimToken, ScimUser
from ..protocol.filters import Limits


def database() -> str:
    """The alias for every SCIM query, reads included: a lagging replica has emptied other people's groups."""
    return router.db_for_write(ScimUser)


@dataclass(frozen=True)
class Context:
    """One request's credential, or an administrator's action, on one connection."""

    connection: ScimConnection
    base_url: str = ""
    """The mount as the client sees it, without a trailing slash."""
    key_id: str = ""
    scopes: str = ScimToken.Scopes.WRITE
    remote_addr: str | None = None
    actor: Any = None
    """The host user who acts, through admin, console or a command or by ``/Me``; ``None`` for the identity provider."""
    may_change: frozenset[str] | None = None
    """The attributes of people that this caller may change; ``None`` for all."""
    started: float = field(default_factory=time.monotonic)

    @cached_property
    def adapter(self) -> UserAdapter:
        return get_user_adapter(self.connection.portal)

    @cached_property
    def group_adapter(self) -> GroupAdapter:
        return get_group_adapter(self.connection.portal)

    @cached_property
    def dialect(self) -> Dialect:
        return get_dialect(self.connection.provider)

    @cached_property
    def using(self) -> str:
        return database()

    @property
    def is_administrative(self) -> bool:
        """Whether somebody acts in the panel, and not through the endpoints with a credential of theirs."""
        return self.actor is not None and not self.base_url

    @property
    def filter_limits(self) -> Limits:
        return Limits(
            length=app_settings.MAX_FILTER_LENGTH,
            terms=app_settings.MAX_FILTER_TERMS,
            depth=app_settings.MAX_FILTER_DEPTH,
        )

    @property
    def elapsed_ms(self) -> int:
        return round((time.monotonic() - self.started) * 1000)


_writing: Final[ContextVar[bool]] = ContextVar("scim_provider_writing", default=False)


@contextmanager
def own_write() -> Iterator[None]:
    """Marks the host's saves inside as ours, so that the receivers do not answer them."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


def is_own_write() -> bool:
    return _writing.get()
