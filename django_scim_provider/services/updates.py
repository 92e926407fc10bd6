"""Changed columns of our own models: like new rows, put together through the ORM they cost most of their time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Field, Model


class _Table(NamedTuple):
    fields: tuple[Field[Any, Any], ...]
    """Those to be written, and the primary key."""
    sql: str


@lru_cache(maxsize=64)
def _table(model: type[Model], names: tuple[str, ...], using: str) -> _Table:
    meta, quote = model._meta, connections[using].ops.quote_name
    by_name: dict[str, Field[Any, Any]] = {field.name: field for field in meta.concrete_fields}
    columns = ", ".join(f"{quote(str(by_name[name].column))} = %s" for name in names)
    # Names of our own tables and columns.
    sql = f"UPDATE {quote(meta.db_table)} SET {columns} WHERE {quote(str(meta.pk.column))} = %s"  # noqa: S608
    return _Table((*(by_name[name] for name in names), meta.pk), sql)


def update(row: Model, names: Sequence[str], using: str) -> None:
    """Write some fields of a row that is there, locked. No signal of Django's is sent."""
    table, connection = _table(type(row), tuple(names), using), connections[using]
    with connection.cursor() as cursor:
        cursor.execute(
            table.sql,
            [field.get_db_prep_save(field.pre_save(row, add=False), connection) for field in table.fields],
        )
