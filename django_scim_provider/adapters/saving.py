"""Writing the columns that an attribute map names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from .fields import HostPath


def save_columns(
    instance: models.Model, columns: Iterable[tuple[HostPath, Any]], using: str, *, extra: Iterable[str] = ()
) -> None:
    """Save an instance first, then rows related to it, each with the fields that were assigned.

    Related rows are looked for once the instance is saved: a host's signal may have made them.

    :param extra: fields of the instance that the caller has assigned.
    """
    paths = list(columns)
    own = [(path, value) for path, value in paths if not path.relations]
    _save_row(instance, {*extra, *(path.write(instance, value)[1] for path, value in own)}, using)
    rows: dict[tuple[str, ...], tuple[models.Model, set[str]]] = {}
    for path, value in paths:
        if path.relations:
            _, field = path.write(instance, value)
            for depth, row in enumerate(path.rows(instance), start=1):
                rows.setdefault(path.relations[:depth], (row, set()))
            rows[path.relations][1].add(field)
    for relations in sorted(rows, key=len):
        _save_row(*rows[relations], using)


def _save_row(row: models.Model, fields: set[str], using: str) -> None:
    if row._state.adding:
        row.save(using=using, force_insert=True)
    elif fields:
        fields |= {field.name for field in row._meta.concrete_fields if getattr(field, "auto_now", False)}
        row.save(using=using, update_fields=fields)
