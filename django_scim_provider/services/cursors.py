"""Paging by cursor (RFC 9865): a cursor says where a page ended, and nothing about it is stored.

The next page is what comes after that place in the order of the list, so it costs the same at any depth, and rows that
come or go meanwhile move nobody else. The place is (sort key, primary key) of the last row shown, compared by the very
expression that the list is ordered by.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.db.models import F, OrderBy, Q, QuerySet, Value
from django.db.models.lookups import Exact, GreaterThan, IsNull, LessThan

from ..conf import app_settings
from ..protocol.errors import ExpiredCursor, InvalidCount, InvalidCursor, InvalidValue
from ..protocol.messages import ListQuery
from ..protocol.schemas import ResourceType
from .context import Context

_KEY: Final = "scim_sort_key"


class Mark(NamedTuple):
    """Where a page ended."""

    size: int | None
    """The ``count`` of the first page's query."""
    total: int
    """How many there were when the walk began: to count them again on every page would be most of its cost."""
    pk: Any
    key: Any = None
    """The last row's sort key."""


def decode(context: Context, resource_type: ResourceType, query: ListQuery) -> Mark | None:
    """Where the page before ended; ``None`` for the first page.

    :raises InvalidCursor: not made for this connection and this query.
    :raises ExpiredCursor: older than ``CURSOR_TIMEOUT``.
    :raises InvalidCount: another ``count`` than on the first page.
    :raises InvalidValue: a ``startIndex`` as well; RFC 9865 section 2.4 has one or the other.
    """
    if query.start_index > 1:
        raise InvalidValue("Ask for pages by startIndex or by cursor, not by both.")
    if not query.cursor:
        return None
    try:
        made_for, *place = _signer(context).unsign_object(query.cursor, max_age=app_settings.CURSOR_TIMEOUT)
    except SignatureExpired:
        raise ExpiredCursor from None
    except BadSignature:
        raise InvalidCursor from None
    if made_for != _fingerprint(resource_type, query):
        raise InvalidCursor("The cursor was made for another filter, sortBy or sortOrder; begin with an empty one.")
    mark = Mark(*place)
    if query.count not in (None, mark.size):
        raise InvalidCount("count must be what it was on the first page.")
    return mark


def encode(context: Context, resource_type: ResourceType, query: ListQuery, mark: Mark) -> str:
    """The cursor of the page that follows, in unreserved characters only (RFC 9865 section 2)."""
    payload = [_fingerprint(resource_type, query), *map(_portable, mark)]
    return _signer(context).sign_object(payload, compress=True)


def _signer(context: Context) -> TimestampSigner:
    # "~" is the one unreserved character that neither base64 nor the signature has.
    return TimestampSigner(sep="~", salt=f"django_scim_provider.cursor:{context.connection.pk}")


def _fingerprint(resource_type: ResourceType, query: ListQuery) -> str:
    parts = json.dumps([resource_type.name, query.filter, query.sort_by, query.descending])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Order:
    """The order of a list: by an expression and, among equals, by primary key; or by primary key alone."""

    expression: Any = None
    descending: bool = False

    @property
    def terms(self) -> list[Any]:
        """For ``order_by``. Who has no value comes last when ascending, first when descending (RFC 7644 3.4.2.3)."""
        return ["pk"] if self.expression is None else self._terms(self.expression)

    def after(self, queryset: QuerySet[Any], mark: Mark | None, limit: int) -> list[tuple[Any, Any]]:
        """Primary keys and sort keys of the rows that follow, in the order of an expression: one query."""
        beyond = Q() if mark is None else Q(pk__gt=mark.pk)
        keyed = queryset.annotate(**{_KEY: self.expression})
        if mark is not None:
            keyed = keyed.filter(self._beyond(keyed.query.annotations[_KEY].output_field, mark, beyond))
        return list(keyed.order_by(*self._terms(F(_KEY))).values_list("pk", _KEY)[:limit])

    def _terms(self, expression: Any) -> list[Any]:
        nulls = {"nulls_first" if self.descending else "nulls_last": True}
        return [OrderBy(expression, descending=self.descending, **nulls), "pk"]

    def _beyond(self, field: Any, mark: Mark, higher_pk: Q) -> Q:
        """What comes after the mark in the order of ``terms``."""
        key, absent = F(_KEY), Q(IsNull(F(_KEY), True))
        if mark.key is None:
            return (absent & higher_pk) | ~absent if self.descending else absent & higher_pk
        last = Value(field.to_python(mark.key), output_field=field)
        beyond = Q(Exact(key, last)) & higher_pk
        if self.descending:
            return beyond | Q(LessThan(key, last))
        return beyond | Q(GreaterThan(key, last)) | absent


def _portable(value: Any) -> Any:
    """A column's value as JSON has it, and as the field's ``to_python`` reads it back without loss."""
    return value if value is None or isinstance(value, str | int | float) else str(value)
