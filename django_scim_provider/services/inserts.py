"""New rows of our own models: putting an INSERT together through the ORM costs ten times what it takes to run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.db import connections
from django.db.models import Field, Model

BATCH: Final = 100


class _Table(NamedTuple):
    fields: tuple[Field[Any, Any], ...]
    """Without the primary key, which the database draws."""
    head: str
    row: str
    returning: str
    """Empty where the database cannot."""


@lru_cache(maxsize=32)
def _table(model: type[Model], using: str) -> _Table:
    meta, connection = model._meta, connections[using]
    quote = connection.ops.quote_name
    fields = tuple(field for field in meta.concrete_fields if not field.primary_key)
    columns = ", ".join(quote(str(field.column)) for field in fields)
    returns = connection.features.can_return_columns_from_insert
    return _Table(
        fields,
        f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ",  # noqa: S608 (names of our own tables and columns)
        f"({', '.join(['%s'] * len(fields))})",
        f" RETURNING {quote(str(meta.pk.column))}" if returns else "",
    )


def insert(row: Model, using: str) -> None:
    """Insert one row, which gets its primary key. No signal of Django's is sent."""
    table, connection = _table(type(row), using), connections[using]
    with connection.cursor() as cursor:
        cursor.execute(table.head + table.row + table.returning, _params(table, row, connection))
        if table.returning:
            row.pk = cursor.fetchone()[0]
        else:
            meta = row._meta
            row.pk = connection.ops.last_insert_id(cursor, meta.db_table, str(meta.pk.column))
    row._state.adding, row._state.db = False, using


def insert_all(rows: Sequence[Model], using: str) -> None:
    """Insert rows of one model, which do not get their primary keys: one statement for all that fit in it."""
    connection = connections[using]
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        table = _table(type(part[0]), using)
        params = [param for row in part for param in _params(table, row, connection)]
        with connection.cursor() as cursor:
            cursor.execute(table.head + ", ".join([table.row] * len(part)), params)


def insert_values(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]], using: str) -> None:
    """Insert rows given as the values of some columns, the others being NULL: as few statements as the database allows.

    Numbers of ours stand in the text itself: looking for thousands of placeholders takes drivers longer than inserting.

    :param rows: whole numbers, text and ``None``; at most one text in a row.
    """
    connection, meta = connections[using], model._meta
    quote = connection.ops.quote_name
    fields: list[Any] = [meta.get_field(name) for name in columns]
    names = ", ".join(quote(field.column) for field in fields)
    head = f"INSERT INTO {quote(meta.db_table)} ({names}) VALUES "  # noqa: S608 (as above)
    size = connection.features.max_query_params or max(len(rows), 1)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        values = ", ".join([f"({', '.join(map(_literal, row))})" for row in part])
        with connection.cursor() as cursor:
            cursor.execute(head + values, [value for row in part for value in row if value and isinstance(value, str)])


def _literal(value: int | str | None) -> str:
    if isinstance(value, int):
        return str(value)
    return "NULL" if value is None else "%s" if value else "''"


def _params(table: _Table, row: Model, connection: Any) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in table.fields]
