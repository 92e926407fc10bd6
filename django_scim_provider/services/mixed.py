"""Reading all resource types at once: a query at the root (RFC 7644 sections 3.4.2.1 and 3.4.3)."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from django.db.models import F, OrderBy, QuerySet

from ..protocol.errors import InvalidValue
from ..protocol.messages import ListQuery
from ..protocol.mixed import Condition, parse_mixed_filter
from ..protocol.projection import Projection
from .context import Context
from .kinds import Kind
from .search import Page, page_size, sort_path
from .verbs import verbs_of

_KEY: Final = "_sort_key"


class _Part(NamedTuple):
    """What is found of one resource type."""

    number: int
    kind: Kind[Any]
    found: QuerySet[Any]


class _Place(NamedTuple):
    """A resource in the order of the whole result."""

    number: int
    """Its part's."""
    pk: int


def list_everything(context: Context, query: ListQuery) -> Page:
    """A page over all resource types.

    Without ``sortBy`` one type comes after the other, each in the order of its own list; with it they are merged.

    :raises InvalidFilter: the filter cannot be answered, or no type has the attribute.
    :raises InvalidValue: ``sortBy`` names nothing to sort by, or a cursor is asked for.
    """
    if query.cursor is not None:
        raise InvalidValue("A query over all resource types is paged by startIndex. Ask one type, and cursor works.")
    kinds = [verbs.kind(context) for verbs in verbs_of(context).values()]
    parts = [
        _Part(number, kind, _selected(kind, condition))
        for number, (kind, condition) in enumerate(zip(kinds, _conditions(context, kinds, query), strict=True))
    ]
    totals = [part.found.count() for part in parts]
    window = range(query.start_index - 1, query.start_index - 1 + page_size(query))
    if query.sort_by is None:
        places = _one_after_another(parts, totals, window)
    else:
        places = _merged(parts, query, window, sum(totals))
    return Page(_rendered(parts, places, query), sum(totals))


def _conditions(context: Context, kinds: Sequence[Kind[Any]], query: ListQuery) -> list[Condition]:
    if query.filter is None:
        return [True] * len(kinds)
    types = [kind.resource_type for kind in kinds]
    return parse_mixed_filter(query.filter, types, tolerance=context.dialect.tolerance, limits=context.filter_limits)


def _selected(kind: Kind[Any], condition: Condition) -> QuerySet[Any]:
    if isinstance(condition, bool):
        return kind.queryset() if condition else kind.queryset().none()
    return kind.queryset().filter(kind.condition(condition))


def _one_after_another(parts: Iterable[_Part], totals: Iterable[int], window: range) -> list[_Place]:
    places: list[_Place] = []
    start, stop = window.start, window.stop
    for part, total in zip(parts, totals, strict=True):
        if max(0, start) < min(stop, total):
            pks = part.found.order_by("pk").values_list("pk", flat=True)[max(0, start) : stop]
            places += [_Place(part.number, pk) for pk in pks]
        start, stop = start - total, stop - total
    return places


def _merged(parts: Sequence[_Part], query: ListQuery, window: range, total: int) -> list[_Place]:
    """Each type's own order, merged by key; a type without the attribute has no values (RFC 7644 section 3.4.2.3)."""
    paths = [sort_path(part.kind.resource_type, str(query.sort_by)) for part in parts]
    if not any(paths):
        raise InvalidValue("sortBy names no attribute of any resource type.")
    if not window or window.start >= total:
        return []
    ordered = []
    for part, path in zip(parts, paths, strict=True):
        if path is None:
            rows = ((None, pk) for pk in part.found.order_by("pk").values_list("pk", flat=True)[: window.stop])
        else:
            nulls = "nulls_first" if query.descending else "nulls_last"
            by_key = OrderBy(F(_KEY), descending=query.descending, **{nulls: True})
            keyed = part.found.annotate(**{_KEY: part.kind.order(path)}).order_by(by_key, "pk")
            rows = (row for row in keyed.values_list(_KEY, "pk")[: window.stop])
        ordered.append([(_comparable(key), _Place(part.number, pk)) for key, pk in rows])
    merged = heapq.merge(*ordered, key=lambda item: item[0], reverse=query.descending)
    return [place for _, place in list(merged)[window.start : window.stop]]


def _comparable(key: Any) -> tuple[bool, str, Any]:
    """Keys of different types are kept apart rather than compared."""
    return (True, "", "") if key is None else (False, type(key).__name__, key)


def _rendered(parts: Iterable[_Part], places: Iterable[_Place], query: ListQuery) -> list[dict[str, Any]]:
    wanted: defaultdict[int, list[int]] = defaultdict(list)
    for place in places:
        wanted[place.number].append(place.pk)
    shown: dict[_Place, dict[str, Any]] = {}
    for number, kind, _ in parts:
        if number in wanted:
            projection = Projection.of(query, kind.resource_type)
            rows = kind.fetch(kind.queryset().filter(pk__in=wanted[number]))
            documents = kind.render(rows, projection)
            shown.update((_Place(number, row.pk), document) for row, document in zip(rows, documents, strict=True))
    # One that went between two queries is left out.
    return [shown[place] for place in places if place in shown]
