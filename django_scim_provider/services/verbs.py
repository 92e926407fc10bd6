"""What can be done to each resource type: one table for the endpoints and for everything that spans several types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, Protocol

from ..adapters import ModelAdapter, get_group_adapter, get_model_adapters, get_user_adapter
from ..conf import app_settings
from ..protocol.etags import Match
from ..protocol.projection import Projection
from ..protocol.schemas import ResourceType
from . import groups, kinds, records, user_answers, users
from .context import Context


class Written(Protocol):
    """What a write returns."""

    @property
    def id(self) -> str: ...

    @property
    def version(self) -> str:
        """The entity-tag, as in ``meta.version``."""


class Change(Protocol):
    """Replaces or modifies a resource.

    :raises PreconditionFailed: it is not in the version that is asked for.
    """

    def __call__(
        self, context: Context, scim_id: str, body: Mapping[str, Any], *, if_match: Match | None = None
    ) -> Written: ...


class Delete(Protocol):
    """Deletes a resource.

    :raises PreconditionFailed: it is not in the version that is asked for.
    """

    def __call__(self, context: Context, scim_id: str, *, if_match: Match | None = None) -> None: ...


@dataclass(frozen=True)
class Verbs:
    """The services behind the endpoints of one resource type."""

    kind: Callable[[Context], kinds.Kind[Any]]
    create: Callable[[Context, Mapping[str, Any]], Written]
    replace: Change
    modify: Change
    delete: Delete
    render: Callable[[Context, Any, Projection], dict[str, Any] | None]


USERS: Final = Verbs(
    kinds.Users, users.create_user, users.replace_user, users.modify_user, users.delete_user, user_answers.render
)
GROUPS: Final = Verbs(
    kinds.Groups, groups.create_group, groups.replace_group, groups.modify_group, groups.delete_group, groups.render
)


def verbs_of(context: Context) -> Mapping[str, Verbs]:
    """What can be done in a connection, by the endpoint of the resource type (``/Users``), in the order of a search."""
    own = {adapter.endpoint: _of_model(adapter) for adapter in get_model_adapters(context.connection.portal)}
    return {context.adapter.endpoint: USERS, context.group_adapter.endpoint: GROUPS, **own}


def resource_types(portal: str) -> tuple[ResourceType, ...]:
    """Those of a portal, in the same order."""
    adapters = (get_user_adapter(portal), get_group_adapter(portal), *get_model_adapters(portal))
    return tuple(adapter.resource_type for adapter in adapters)


def is_endpoint(endpoint: str) -> bool:
    """Whether some portal has a resource type of the host's own there."""
    portals = ("", *app_settings.PORTALS)
    return any(adapter.endpoint == endpoint for portal in portals for adapter in get_model_adapters(portal))


@lru_cache(maxsize=64)
def _of_model(adapter: ModelAdapter) -> Verbs:
    return Verbs(
        partial(records.Records, adapter=adapter),
        partial(records.create_record, adapter),
        partial(records.replace_record, adapter),
        partial(records.modify_record, adapter),
        partial(records.delete_record, adapter),
        partial(records.render_record, adapter),
    )
