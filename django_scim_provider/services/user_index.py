"""The filter index of people, and what of it nobody else may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import reduce
from operator import or_

from django.db import connections
from django.db.models import Q

from ..adapters.index import Indexed
from ..models import ScimUser, ScimValue
from ..protocol.errors import Uniqueness
from . import guard
from .context import Context
from .inserts import insert_all
from .rows import Index


def lock_if_unique(context: Context) -> None:
    """Let one writer of the connection at a time compare values that no constraint keeps unique; before other locks."""
    if context.adapter.unique_kept:
        guard.lock(context)


def refuse_taken(context: Context, row: ScimUser, old: Index, new: Index) -> None:
    """One query for each new value of an attribute that its schema calls unique and that has no column.

    :raises Uniqueness: somebody else in the scope has it.
    """
    for key in sorted(context.adapter.unique_kept):
        value = new.get((key, 0))
        if value is None or value == old.get((key, 0)):
            continue
        same = ScimValue.objects.using(context.using).filter(attribute=key, value_key=value.value_key)
        if same.filter(scim_user__scope=row.scope, scim_user__alive=True).exclude(scim_user=row).exists():
            raise Uniqueness(f"The value of {key} is already taken.")


def held(context: Context, pks: Collection[int]) -> Mapping[int, Index]:
    """What the filter index holds of several rows: one query."""
    found: defaultdict[int, dict[tuple[str, int], Indexed]] = defaultdict(dict)
    values = ScimValue.objects.using(context.using).filter(scim_user__in=pks)
    rows = values.values_list("scim_user_id", "attribute", "position", *Indexed._fields)
    for pk, attribute, position, *value in rows:
        found[pk][attribute, position] = Indexed(*value)
    return found


def values_of(row: ScimUser, index: Index) -> list[ScimValue]:
    """The rows of the index, not written yet."""
    return [
        ScimValue(scim_user=row, attribute=attribute, position=position, **value._asdict())
        for (attribute, position), value in index.items()
    ]


def write(context: Context, row: ScimUser, old: Index, new: Index) -> None:
    """Bring the filter index in line: at most one statement for what is new, one for what is gone."""
    values = ScimValue.objects.using(context.using)
    gone = [Q(attribute=attribute, position=position) for attribute, position in old.keys() - new.keys()]
    if gone:
        stale = values.filter(scim_user=row).filter(reduce(or_, gone))
        stale.delete()
    changed = values_of(row, {key: value for key, value in new.items() if old.get(key) != value})
    if not changed:
        return
    if not old:
        insert_all(changed, context.using)
        return
    targeted = connections[context.using].features.supports_update_conflicts_with_target
    values.bulk_create(
        changed,
        update_conflicts=True,
        update_fields=["type", "primary", "value_key"],
        unique_fields=["scim_user", "attribute", "position"] if targeted else None,
    )
