"""The database that holds the host's users and SCIM's rows, as far as the settings tell; it is never asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)
from django.db import connections, models, router

from ..adapters import ResourceAdapter
from ..services.context import database
from .attribute_map import entries
from .base import check, check_mapped, name_of

SUPPORTED: Final = ("sqlite", "postgresql", "mysql")


@check
def check_database() -> Iterator[CheckMessage]:
    if not settings.USE_TZ:
        yield Error(
            "USE_TZ is False, but SCIM's times carry their zone, so nothing can be written.",
            hint="Set USE_TZ = True.",
            id="scim_provider.E051",
        )
    alias = database()
    wrapper = connections[alias]
    options: Any = wrapper.settings_dict.get("OPTIONS") or {}
    if wrapper.vendor not in SUPPORTED:
        yield Warning(
            f"SCIM's rows are in the database {alias!r}, which is of a kind ({wrapper.vendor}) that is not tested.",
            hint="SQLite, PostgreSQL, MariaDB and MySQL are: there it is known how to compare keys byte by byte.",
            id="scim_provider.W055",
        )
    elif wrapper.vendor == "sqlite":
        yield from _sqlite(alias, options)
    elif wrapper.vendor == "mysql":
        yield from _mysql(alias, options)


def _sqlite(alias: str, options: Any) -> Iterator[CheckMessage]:
    if str(options.get("transaction_mode") or "").upper() not in ("IMMEDIATE", "EXCLUSIVE"):
        yield Warning(
            f"The SQLite database {alias!r} begins its transactions DEFERRED: concurrent SCIM writes fail.",
            hint=f'Set DATABASES[{alias!r}]["OPTIONS"]["transaction_mode"] = "IMMEDIATE".',
            id="scim_provider.W052",
        )


def _mysql(alias: str, options: Any) -> Iterator[CheckMessage]:
    charset = options.get("charset", "utf8mb4")
    if charset != "utf8mb4":
        yield Warning(
            f"The connection to the database {alias!r} uses the character set {charset!r}: names with characters "
            "beyond it are refused.",
            hint=f'Remove "charset" from DATABASES[{alias!r}]["OPTIONS"], or set it to "utf8mb4".',
            id="scim_provider.W053",
        )
    level = options.get("isolation_level", "read committed")
    if str(level).lower() != "read committed":
        yield Warning(
            f"Transactions on the database {alias!r} run at the isolation level {level!r}; SCIM's locks are made for "
            "read committed, Django's default.",
            hint=f'Remove "isolation_level" from DATABASES[{alias!r}]["OPTIONS"].',
            id="scim_provider.W054",
        )


@check_mapped
def check_one_database(adapter: ResourceAdapter) -> Iterator[CheckMessage]:
    ours = database()
    for model in _written_models(adapter):
        theirs = router.db_for_write(model)
        if theirs != ours:
            yield Error(
                f"{model._meta.label} is written to the database {theirs!r}, SCIM's rows to {ours!r}.",
                hint="Route both to one database: a SCIM write changes them in one transaction.",
                obj=name_of(adapter),
                id="scim_provider.E050",
            )


def _written_models(adapter: ResourceAdapter) -> list[type[models.Model]]:
    """The adapter's model and the models of related rows that the map writes."""
    owners = [column.field.model for entry in entries(adapter) if entry.attr.writes for column in entry.columns]
    return list(dict.fromkeys([adapter.model, *owners]))
