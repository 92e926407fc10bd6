"""Whether a name is free: asked before every creation, and nearly always it is, so the question is compiled once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db import connections
from django.db.models import CharField, IntegerField, Q, QuerySet, TextField, Value

from ..adapters import UserAdapter
from ..models import ScimConnection, ScimUser
from ..protocol.keys import fold
from . import prepared
from .context import Context
from .prepared import Slot

_SCOPE: Final = Slot(ScimUser._meta.get_field("scope"), ("first scope", "second scope"))
_KEY: Final = Slot(ScimUser._meta.get_field("user_name_key"), ("first key", "second key"))


def any_case_counts(context: Context) -> bool:
    """Whether a name of the host's is taken in any spelling, since not everybody has a row of ours."""
    return context.connection.existing_accounts != ScimConnection.ExistingAccounts.ADOPT


def are_free(context: Context, key: str, columns: Mapping[str, Any]) -> bool:
    """Whether nobody living in the scope has a userName with this key, and no host user one of these unique values.

    One query. A yes is certain, but for what others do at the same moment, which unique constraints settle. After a no
    the slower way is gone, which knows who has the name; so too where a unique column is not plain text.
    """
    adapter, using = context.adapter, context.using
    given = {name: columns[name] for name in adapter.unique_columns if columns.get(name)}
    fields = {name: adapter.column(name).field for name in given}
    if not _can_ask(adapter, fields.values()):
        return False
    values = {"scope": adapter.scope(context.connection), "key": key}
    slots = {"scope": _SCOPE, "key": _KEY}
    for name, value in given.items():
        spellings = {name: value}
        if name in adapter.user_name_columns:
            spellings[f"{name} folded"] = fold(value)
            if any_case_counts(context):
                spellings[f"{name} in any case"] = connections[using].ops.prep_for_iexact_query(value)
        values |= spellings
        slots |= {spelling: Slot(fields[name], (f"first {spelling}", f"second {spelling}")) for spelling in spellings}

    def build(wanted: Mapping[str, Any]) -> QuerySet[Any, Any]:
        conditions = []
        for name in given:
            conditions.append(Q((f"{name}__in", [wanted[s] for s in (name, f"{name} folded") if s in wanted])))
            if f"{name} in any case" in wanted:
                conditions.append(Q((f"{name}__iexact", wanted[f"{name} in any case"])))
        return _holders(context, wanted["scope"], [wanted["key"]], conditions)

    return not prepared.run(("names", adapter, *values), using, build, slots, values)


def all_are_free(context: Context, keys: Collection[str], columns: Collection[Mapping[str, Any]]) -> bool:
    """``are_free`` for many people at once, who must not have one name among themselves either. One query."""
    adapter = context.adapter
    given = {name: [row[name] for row in columns if row.get(name)] for name in adapter.unique_columns}
    if not _can_ask(adapter, (adapter.column(name).field for name in given)) or len(set(keys)) < len(keys):
        return False
    conditions = []
    for name, values in given.items():
        if any(len(set(map(spell, values))) < len(values) for spell in (str.upper, str.casefold)):
            return False
        conditions.append(Q((f"{name}__in", [*values, *map(fold, values)])))
        if any_case_counts(context):
            conditions += [Q((f"{name}__iexact", value)) for value in values]
    return not _holders(context, adapter.scope(context.connection), keys, conditions)[:1]


def _can_ask(adapter: UserAdapter, fields: Iterable[Any]) -> bool:
    """Whether the adapter looks for takers as we do, in columns of text."""
    return type(adapter).taken is UserAdapter.taken and all(map(_is_text, fields))


def _holders(context: Context, scope: str, keys: Collection[str], conditions: Sequence[Q]) -> QuerySet[Any, Any]:
    """A row for everybody living in the scope with one of the keys, and for every host user whom a condition finds."""
    mine = ScimUser.objects.using(context.using).filter(scope=scope, user_name_key__in=keys, alive=True)
    if not conditions:
        return _ones(mine)
    users = context.adapter.model._base_manager.using(context.using).filter(reduce(or_, conditions))
    # Django 6.1 would order the union by what the first model is ordered by.
    return _ones(mine).union(_ones(users), all=True).order_by()


def _ones(rows: QuerySet[Any, Any]) -> QuerySet[Any, Any]:
    ones: QuerySet[Any, Any] = rows.order_by().annotate(one=Value(1, output_field=IntegerField())).values_list("one")
    return ones


def _is_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField) and type(field).__module__.startswith("django.db.models.")
