"""Why the host's code or database refused a person, in sentences that say what to change."""

from __future__ import annotations

import itertools
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, Final, NamedTuple

import django
from django.db import DatabaseError, models

from ..adapters import ResourceAdapter, UserAdapter
from ..protocol.errors import Forbidden, ScimError

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_DJANGO: Final = Path(django.__file__).resolve().parent
_DISPATCHER: Final = _DJANGO / "dispatch" / "dispatcher.py"

_PROTECTED: Final = (
    "The adapter's is_protected() is true for somebody whom SCIM has just created, so SCIM may not deactivate or "
    "delete them. Let it be true only for people whom the application itself gave a protected role."
)
_NO_VALUE: Final = (
    "The column `{name}` of {model} has no default and is not in the attribute map: new {row}s cannot be saved. "
    "Add it to the map or give it a default."
)
_SAME_VALUE: Final = (
    "The column `{name}` of {model} is unique and is not in the attribute map: only one new {row} can be saved, for "
    "the next one has the same value there. Add it to the map or give it a default that differs from {row} to {row}."
)


def explain(error: Exception, adapter: ResourceAdapter) -> list[str]:
    """What a step of the life cycle ran into: at least one sentence.

    Unlike ``detail`` on the wire these may quote the database, since a developer reads them on a terminal.
    """
    cause = error.__cause__ if isinstance(error, ScimError) and error.__cause__ is not None else error
    if isinstance(cause, DatabaseError):
        return _database(cause, adapter)
    if isinstance(cause, Forbidden) and isinstance(adapter, UserAdapter):
        return [_PROTECTED]
    if isinstance(cause, ScimError):
        kind = f" {cause.scim_type}" if cause.scim_type else ""
        return [f"SCIM answers {cause.status}{kind}: {cause.detail}"]
    return [_code(cause)]


# The database ----------------------------------------------------------------------------------------------


def _database(error: BaseException, adapter: ResourceAdapter) -> list[str]:
    text = str(error)
    named = [sentence for column, sentence in _suspects(adapter) if re.search(rf"\b{re.escape(column)}\b", text)]
    if named:
        return named
    culprit = _culprit(error)
    where = f" in {culprit}" if culprit else ""
    return [f"The database refused a row{where}: {' '.join(text.split())}"]


def _suspects(adapter: ResourceAdapter) -> Iterator[tuple[str, str]]:
    """Columns that get no value of their own when SCIM creates a person, each with what to change."""
    row = "user" if isinstance(adapter, UserAdapter) else "row"
    for field in _unmapped(adapter):
        if field.unique:
            sentence = _SAME_VALUE
        elif field.get_default() is None:
            sentence = _NO_VALUE
        else:
            continue
        yield field.column or field.name, sentence.format(name=field.name, model=field.model._meta.label, row=row)


def _unmapped(adapter: ResourceAdapter) -> Iterator[models.Field[Any, Any]]:
    """NOT NULL columns of the models that SCIM writes, less those that the map fills."""
    paths = [path for mapped in adapter.mapping if mapped.attr.writes for path in mapped.columns]
    filled = {path.field for path in paths}
    for model in dict.fromkeys([adapter.model, *(path.field.model for path in paths)]):
        for field in model._meta.concrete_fields:
            if field not in filled and not field.null and not field.primary_key:
                yield field


# Code ------------------------------------------------------------------------------------------------------


class _Frame(NamedTuple):
    code: CodeType
    line: int

    @property
    def path(self) -> Path:
        return Path(self.code.co_filename)

    @property
    def is_host(self) -> bool:
        return self.path.is_file() and not any(self.path.is_relative_to(home) for home in (_DJANGO, _PACKAGE))

    def __str__(self) -> str:
        name = self.code.co_qualname.rpartition("<locals>.")[2]
        return f"`{name}` ({'/'.join(self.path.parts[-2:])}, line {self.line})"


def _code(error: BaseException) -> str:
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    culprit = _culprit(error)
    if culprit is None:
        return f"The person could not be written: {said}."
    return f"{culprit[0].upper()}{culprit[1:]} raised {said}. Let it cope with people whom SCIM creates and changes."


def _culprit(error: BaseException) -> str | None:
    """The host's signal receiver, or else the innermost function of the host's, that the error came through."""
    frames = [_Frame(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    for before, frame in itertools.pairwise(frames):
        if before.path == _DISPATCHER and frame.is_host:
            return f"the signal receiver {frame}"
    return next((str(frame) for frame in reversed(frames) if frame.is_host), None)
