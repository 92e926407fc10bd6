"""What one entry of an attribute map can be: how a SCIM attribute reads on, and writes to, the host's columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import BooleanField, Case, Q, Value, When
from django.db.models.lookups import Exact

from ..protocol.filters import Compare
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath
from .conditions import ORDER


def _same(value: Any) -> Any:
    return value


class Attr:
    """A SCIM attribute in one or more columns.

    :param fields: columns, as look-up paths from the user model.
    :param get: the columns' values, one argument each, to the SCIM value; ``None`` or ``""`` is unassigned. It gets
        values, never an instance, since a page of people is read without making any.
    :param set: the SCIM value (``None`` when unassigned) to the column's value, or a tuple where there are several
        fields. ``None`` instead of a function: the attribute is shown, never written, and whatever was last sent
        takes precedence.
    :param lookup: the column that filters and sorting use; by default the only field. Where there are several fields
        and none is named here, the index of values answers, as it was when the person was last written.
    """

    def __init__(
        self,
        fields: str | tuple[str, ...],
        *,
        get: Callable[..., Any] = _same,
        set: Callable[[Any], Any] | None = _same,  # noqa: A002 (get and set are a pair)
        lookup: str | None = None,
    ) -> None:
        self.fields = (fields,) if isinstance(fields, str) else tuple(fields)
        self.get = get
        self.set = set
        self.lookup = lookup or (self.fields[0] if len(self.fields) == 1 else None)

    @property
    def writes(self) -> bool:
        return self.set is not None

    @property
    def is_plain(self) -> bool:
        """Whether ``set`` makes the value of the one column, and equal values agree: no subclass says otherwise."""
        own = type(self)
        agrees = own.agrees in (Attr.agrees, Identifier.agrees)
        return self.writes and len(self.fields) == 1 and own.to_host is Attr.to_host and agrees

    def from_host(self, path: BoundPath, values: tuple[Any, ...]) -> Any:
        """The SCIM value of these column values; ``None`` is unassigned."""
        value = self.get(*values) if any(item is not None for item in values) else None
        return None if isinstance(value, str | list | dict) and not value else value

    def to_host(self, path: BoundPath, document: Mapping[str, Any]) -> tuple[Any, ...]:
        """The column values, in the order of ``fields``, that a document asks for."""
        if self.set is None:
            return ()
        value = self.set(path.read(document))
        return value if len(self.fields) > 1 else (value,)

    def agrees(self, mapped: tuple[Any, ...], stored: tuple[Any, ...]) -> bool:
        """Whether the form last sent still stands for what the columns hold; empty and NULL are one."""
        return mapped == stored or all((a or None) == (b or None) for a, b in zip(mapped, stored, strict=True))

    def condition(self, compare: Compare, prefix: str) -> Q | None:
        """The comparison on the host's column, or ``None`` where this attribute cannot be filtered.

        ``ne`` never comes here: the caller takes the complement of ``eq``.

        :param prefix: the way to the user model, ``"user__"``.
        """
        if self.lookup is None:
            return None
        return column_condition(f"{prefix}{self.lookup}", compare)

    def present(self, prefix: str) -> Q | None:
        """The host's column is assigned."""
        if self.lookup is None:
            return None
        return Q((f"{prefix}{self.lookup}__isnull", False)) & ~Q((f"{prefix}{self.lookup}", ""))

    def order(self, column: Any) -> Any:
        """The expression to sort by; ``column`` is that of ``lookup``. For columns whose order is not the values'."""
        return column


_LOOKUPS = {
    True: {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"},
    False: {"eq": "iexact", "co": "icontains", "sw": "istartswith", "ew": "iendswith"},
}


def column_condition(column: str, compare: Compare) -> Q:
    """A comparison on a column of the host's, whose collation is the host's affair."""
    operator, value = compare.operator, compare.value
    exact = compare.path.target.case_exact or compare.path.target.type == "binary" or not isinstance(value, str)
    lookup = ORDER.get(operator) or _LOOKUPS[exact][operator]
    found = Q((f"{column}__{lookup}", value))
    if isinstance(value, str):
        # An empty column is an absent value, which meets no comparison.
        found &= ~Q((column, ""))
    return found


class Not(Attr):
    """A boolean column that says the opposite: ``"active": Not("is_locked")``.

    An unassigned value is written as ``True``, as by ``Boolean``.
    """

    def __init__(self, field: str) -> None:
        super().__init__(field, get=lambda value: not value, set=lambda value: value is False)

    def condition(self, compare: Compare, prefix: str) -> Q | None:
        return Q((f"{prefix}{self.lookup}", not compare.value))

    def present(self, prefix: str) -> Q:
        return Q((f"{prefix}{self.lookup}__isnull", False))

    def order(self, column: Any) -> Any:
        opposites = (When(Exact(column, value), then=Value(not value)) for value in (True, False))
        return Case(*opposites, output_field=BooleanField())


class Boolean(Attr):
    """A boolean column; an unassigned value is written as ``True``, since ``active`` defaults to it."""

    def __init__(self, field: str) -> None:
        super().__init__(field, set=lambda value: True if value is None else value)

    def present(self, prefix: str) -> Q:
        return Q((f"{prefix}{self.lookup}__isnull", False))


def _normal(value: Any) -> Any:
    """As ``AbstractBaseUser.normalize_username`` does, so that the login form finds the name."""
    return unicodedata.normalize("NFKC", value) if isinstance(value, str) else value


class Identifier(Attr):
    """A column that may hold the value in another case: a host that lower-cases names does not change them."""

    def __init__(
        self,
        field: str,
        *,
        get: Callable[..., Any] = _same,
        set: Callable[[Any], Any] | None = _normal,  # noqa: A002 (as in Attr)
    ) -> None:
        super().__init__(field, get=get, set=set)

    def agrees(self, mapped: tuple[Any, ...], stored: tuple[Any, ...]) -> bool:
        return mapped == stored or all(
            fold(str(a or "")) == fold(str(b or "")) for a, b in zip(mapped, stored, strict=True)
        )


class PrimaryValue(Identifier):
    """A multi-valued attribute in one column: the primary value is written, else the first.

    Values are filtered through the index of values, never through the column.
    """

    def __init__(self, field: str, *, type: str = "work", writes: bool = True) -> None:  # noqa: A002
        def get(value: Any) -> list[dict[str, Any]] | None:
            return [{"value": value, "type": type, "primary": True}] if value else None

        def set_(values: list[dict[str, Any]] | None) -> Any:
            chosen = next((item for item in values or () if item.get("primary")), next(iter(values or ()), {}))
            return chosen.get("value")

        super().__init__(field, get=get, set=set_ if writes else None)
        self.type = type


class _FullNamePart(Attr):
    """``name`` or ``displayName`` of a model that has one column for the whole name."""

    def __init__(self, field: str, *, display_name_first: bool, complex_name: bool) -> None:
        def get(full_name: str) -> Any:
            return ({"formatted": full_name} if complex_name else full_name) if full_name else None

        super().__init__(field, get=get)
        self.display_name_first = display_name_first
        # What is shown may be the form last sent, so the column cannot answer for it; the index of values does.
        self.lookup = None

    def to_host(self, path: BoundPath, document: Mapping[str, Any]) -> tuple[Any, ...]:
        name = document.get("name") or {}
        joined = " ".join(part for part in (name.get("givenName"), name.get("familyName")) if part)
        display = document.get("displayName")
        choices = (display, joined) if self.display_name_first else (joined, name.get("formatted"), display)
        return (next((choice for choice in (*choices, name.get("formatted")) if choice), None),)


def full_name(field: str, *, display_name_first: bool = False) -> dict[str, Attr]:
    """The entries for a model with one column for the whole name.

    Given and family name joined win over ``formatted``, which identity providers forget to update when somebody
    marries; then ``formatted``, then ``displayName``. With ``display_name_first`` that one wins.
    """
    return {
        "name": _FullNamePart(field, display_name_first=display_name_first, complex_name=True),
        "displayName": _FullNamePart(field, display_name_first=display_name_first, complex_name=False),
    }
