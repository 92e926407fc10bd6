"""Whether a name is free: asked before every creation, and nearly always it is, so the question is compiled once.

A "yes" is certain, but for what others do at the same moment, which unique constraints settle. After a "no" the slower
way is gone, which knows who has the name and what follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any

from django.db import connections
from django.db.models import CharField, Q, QuerySet, TextField

from ..adapters import UserAdapter
from ..models import ScimUser
from ..protocol.keys import fold
from . import prepared
from .context import Context
from .prepared import Slot

_SCOPE = Slot(ScimUser._meta.get_field("scope"), ("first scope", "second scope"))
_KEY = Slot(ScimUser._meta.get_field("user_name_key"), ("first key", "second key"))


def is_free_here(context: Context, key: str) -> bool:
    """Whether nobody living in the connection's scope has a userName with this key."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimUser, Any]:
        rows = ScimUser.objects.using(context.using)
        return (
            rows.filter(scope=values["scope"], user_name_key=values["key"], alive=True).order_by().values_list("pk")[:1]
        )

    values = {"scope": context.adapter.scope(context.connection), "key": key}
    return not prepared.run("name", context.using, build, {"scope": _SCOPE, "key": _KEY}, values)


def are_free_at_host(context: Context, columns: Mapping[str, Any], *, any_case: bool) -> bool:
    """Whether certainly no host user has one of these unique values; what is not plain text is never certain."""
    adapter = context.adapter
    given = {name: columns[name] for name in adapter.unique_columns if columns.get(name)}
    fields = {name: adapter.column(name).field for name in given}
    if type(adapter).taken is not UserAdapter.taken or not given or not all(map(_is_text, fields.values())):
        return False
    ops = connections[context.using].ops
    values: dict[str, Any] = {}
    for name, value in given.items():
        values[name] = value
        if name in adapter.user_name_columns:
            values[f"{name} folded"] = fold(value)
            if any_case:
                values[f"{name} in any case"] = ops.prep_for_iexact_query(value)

    def build(wanted: Mapping[str, Any]) -> QuerySet[Any, Any]:
        conditions = [
            Q((f"{name}__in", [wanted[key] for key in (name, f"{name} folded") if key in wanted])) for name in given
        ]
        conditions += [
            Q((f"{name}__iexact", wanted[f"{name} in any case"])) for name in given if f"{name} in any case" in wanted
        ]
        return (
            adapter.model._base_manager.using(context.using)
            .filter(reduce(or_, conditions))
            .order_by()
            .values_list("pk")[:1]
        )

    slots = {
        key: Slot(fields[key.partition(" ")[0]], (f"first {number}", f"second {number}"))
        for number, key in enumerate(values)
    }
    return not prepared.run(("names", adapter, *values), context.using, build, slots, values)


def _is_text(field: Any) -> bool:
    return isinstance(field, CharField | TextField) and type(field).__module__.startswith("django.db.models.")
