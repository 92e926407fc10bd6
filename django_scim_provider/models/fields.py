"""Columns whose comparison does not depend on the database's collation."""

from __future__ import annotations

from typing import Any, Final

import orjson
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

ID_LENGTH: Final = 254
"""Of a resource id: those drawn here have 36 characters, those brought along from elsewhere up to as many."""


def binary_collation(connection: BaseDatabaseWrapper) -> str | None:
    """The collation that compares code points, trailing spaces included, on this database."""
    if connection.vendor == "postgresql":
        return "C"
    if connection.vendor == "mysql":
        return "utf8mb4_nopad_bin" if getattr(connection, "mysql_is_mariadb", False) else "utf8mb4_0900_bin"
    return "BINARY" if connection.vendor == "sqlite" else None


class KeyField(models.CharField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text compared byte by byte on every database.

    Case folding happens in Python (``protocol.keys``). MariaDB's default collation takes ``é`` for ``e`` and
    ignores trailing spaces; PostgreSQL's orders by locale. The collation is chosen when the column is made, so one
    migration serves all databases.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        return {**super().db_parameters(connection), "collation": binary_collation(connection)}


class DocumentField(models.JSONField):
    """A JSON document; read with orjson, since every read of a resource passes here."""

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return orjson.loads(value) if isinstance(value, str) else value
