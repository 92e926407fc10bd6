"""Which events tell of which people: ids are unique within a connection only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db.models import Q, QuerySet

from ..models import ScimConnection, ScimEvent
from ..models.resources import is_drawn


def about(rows: QuerySet[Any, Any], connection: ScimConnection, ids: Collection[str]) -> Q:
    """The events, of whatever kind of resource, about those of a connection that have these ids.

    Events stay where they were written when a connection hands over. So what another connection says of an id counts
    as well, unless it has a resource of that id itself; of an id that was imported, only what connections of the same
    scope say.

    :param rows: every ``ScimUser`` or every ``ScimGroup``, tombstones included.
    """
    drawn = {scim_id for scim_id in ids if is_drawn(scim_id)}
    imported = set(ids) - drawn
    found = Q(connection=connection, resource_id__in=ids)
    elsewhere = Q(resource_id__in=drawn)
    for other, theirs in _by_connection(rows.filter(scim_id__in=drawn).exclude(connection=connection)):
        elsewhere &= ~Q(connection=other, resource_id__in=theirs)
    found |= elsewhere
    givers = _givers(connection, imported, rows.db) if imported else []
    kept = dict(_by_connection(rows.filter(scim_id__in=imported, connection__in=givers))) if givers else {}
    for giver in givers:
        found |= Q(connection=giver, resource_id__in=imported - kept.get(giver, set()))
    return found


def _givers(connection: ScimConnection, ids: Iterable[str], using: str) -> list[Any]:
    """Other connections of the scope that have events about these ids."""
    siblings = ScimConnection.objects.using(using).filter(portal=connection.portal, tenant=connection.tenant)
    events = ScimEvent.objects.using(using).filter(resource_id__in=ids, connection__isnull=False)
    found = siblings.filter(pk__in=events.values("connection")).exclude(pk=connection.pk)
    return list(found.values_list("pk", flat=True))


def _by_connection(rows: QuerySet[Any, Any]) -> Iterator[tuple[Any, set[str]]]:
    found: defaultdict[Any, set[str]] = defaultdict(set)
    for connection, scim_id in rows.values_list("connection", "scim_id"):
        found[connection].add(scim_id)
    yield from found.items()
