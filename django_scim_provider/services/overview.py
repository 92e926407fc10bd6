"""The state of connections in a number of queries that does not grow with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import reduce
from itertools import groupby
from operator import or_
from typing import Final
from uuid import UUID

from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from ..adapters import UserAdapter, get_user_adapter
from ..adapters.conditions import EVERYTHING
from ..adapters.query import compile_filter
from ..models import ScimConnection, ScimEvent, ScimOAuthClient, ScimToken, ScimUser
from ..protocol import filters
from . import held
from .context import database
from .held import Watch

EXPIRY_WARNING: Final = timedelta(days=30)
PROBLEM_AGE: Final = timedelta(days=7)


@dataclass
class State:
    """How one connection does."""

    connection: ScimConnection
    managed: int = 0
    active: int = 0
    tokens: list[ScimToken] = field(default_factory=list)
    """Those that are accepted now, or would be."""
    clients: list[ScimOAuthClient] = field(default_factory=list)
    problem: ScimEvent | None = None
    watch: Watch = field(default_factory=Watch)

    @property
    def lasting(self) -> ScimToken | None:
        """The token that lives longest."""
        return max(self.tokens, key=lambda token: token.expires_at, default=None)

    @property
    def has_no_token(self) -> bool:
        return self.connection.enabled and not self.tokens and not self.clients

    @property
    def expiring(self) -> ScimToken | None:
        """The last token, when it is about to expire."""
        token = self.lasting
        if not self.connection.enabled or token is None or token.expires_at - timezone.now() > EXPIRY_WARNING:
            return None
        return token

    @property
    def outdated(self) -> ScimToken | None:
        """The token that is really in use, when it is about to expire while another, not used yet, is not."""
        used = [token for token in self.tokens if token.last_used_at]
        token = max(used, key=lambda token: token.last_used_at or token.created_at, default=None)
        if not self.connection.enabled or token is None or token == self.lasting or self.expiring is not None:
            return None
        return token if token.expires_at - timezone.now() <= EXPIRY_WARNING else None


def states(connections: Sequence[ScimConnection]) -> list[State]:
    """The state of each, in the order given: eight queries, and two more for every further portal."""
    found = {connection.pk: State(connection) for connection in connections}
    by_portal = sorted(connections, key=lambda connection: connection.portal)
    for portal, group in groupby(by_portal, key=lambda connection: connection.portal):
        _count(found, get_user_adapter(portal), list(group))
    tokens = ScimToken.objects.using(database()).filter(connection__in=connections, revoked_at=None)
    for token in tokens.filter(expires_at__gt=timezone.now()):
        found[token.connection_id].tokens.append(token)
    clients = ScimOAuthClient.objects.using(database()).filter(connection__in=connections)
    for client in clients.select_related("created_by"):
        found[client.connection_id].clients.append(client)
    for pk, event in _problems(connections).items():
        found[pk].problem = event
    for pk, watch in held.watch(connections).items():
        found[pk].watch = watch
    return list(found.values())


def _count(found: dict[UUID, State], adapter: UserAdapter, connections: Sequence[ScimConnection]) -> None:
    people = ScimUser.objects.using(database()).filter(connection__in=connections, alive=True)
    counted = people.values("connection").annotate(people=Count("pk")).order_by()
    for pk, managed in counted.values_list("connection", "people"):
        found[pk].managed = managed
    for pk, active in counted.filter(_active(adapter, connections)).values_list("connection", "people"):
        found[pk].active = active


def _active(adapter: UserAdapter, connections: Sequence[ScimConnection]) -> Q:
    """Who is active, as the identity provider's own filter would find them."""
    if adapter.resource_type.attribute("active") is None:
        return EVERYTHING
    node = filters.parse_filter("active eq true", adapter.resource_type)
    if not adapter.multi_tenant:
        return compile_filter(node, adapter, connections[0])
    return reduce(or_, (Q(connection=one) & compile_filter(node, adapter, one) for one in connections))


def _problems(connections: Sequence[ScimConnection]) -> dict[UUID, ScimEvent]:
    """The last thing of these days that went wrong; older ones are in the events."""
    using = database()
    recent = (
        ScimEvent.objects.using(using)
        .filter(connection=OuterRef("pk"), at__gte=timezone.now() - PROBLEM_AGE)
        .exclude(outcome=ScimEvent.Outcome.SUCCESS)
        .order_by("-at", "-pk")
    )
    last = (
        ScimConnection.objects.using(using)
        .filter(pk__in=[connection.pk for connection in connections])
        .values_list("pk", Subquery(recent.values("pk")[:1]))
    )
    event_of = {pk: event for pk, event in last.order_by() if event is not None}
    events = ScimEvent.objects.using(using).select_related("connection", "actor").in_bulk(list(event_of.values()))
    return {pk: events[event] for pk, event in event_of.items() if event in events}
