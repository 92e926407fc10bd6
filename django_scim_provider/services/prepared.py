"""Queries compiled once: building SQL through the ORM costs ten times what the database takes to answer.

Only for a fixed set of reads on our own columns. The SQL is what the ORM makes of the queryset, so a look-up here can
never mean anything else than the same look-up there; every value, the connection's id first of all, stays a bound
parameter. A host's own scope conditions and free filters are never kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache
from operator import neg
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from django.core.signals import setting_changed
from django.db import connections
from django.db.models import CharField, Field, Model, QuerySet
from django.dispatch import receiver

from ..models import ScimConnection

MAX_STATEMENTS: Final = 1024
NONE: Final[Mapping[str, Any]] = {}
FEW: Final = 200
"""Values in a list of which the statement is kept."""
BEFORE_ALL: Final = -1
"""Less than every primary key of ours, for a page that begins at the beginning."""
_statements: Final[dict[tuple[str, Hashable], Statement]] = {}


ModelT = TypeVar("ModelT", bound=Model)


class Slot(NamedTuple):
    """A value that differs from call to call."""

    field: Field[Any, Any]
    """The model field that it is compared with, which adapts it to the database."""
    samples: tuple[Any, Any]
    """Two values that the field takes and no other slot has; where they turn up as parameters, the slot is."""
    is_list: bool = False
    """Whether there are any number of values; the query is built with a list of one."""

    def bind(self, value: Any, connection: Any) -> Any:
        """The value as the database takes it."""
        if self.is_list:
            return [self.field.get_db_prep_value(one, connection, prepared=False) for one in value]
        return self.field.get_db_prep_value(value, connection, prepared=False)


ONE_OF: Final = " IN (%s)"
"""How the ORM writes a list with one value."""
SAMPLES: Final = ("first sample", "second sample")
"""For a column of text."""
CONNECTION: Final = Slot(ScimConnection._meta.pk, (UUID(int=1), UUID(int=2)))


class Statement(NamedTuple):
    """SQL, and how values go in and rows come out."""

    sql: str
    params: tuple[Any, ...]
    places: tuple[tuple[int, str], ...]
    """Position in ``params``, and the slot that goes there."""
    slots: Mapping[str, Slot]
    converters: tuple[tuple[int, Sequence[Callable[..., Any]], Any], ...]

    def run(self, using: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Execute with these values for the slots; rows as the queryset would give them."""
        connection = connections[using]
        with connection.cursor() as cursor:
            cursor.execute(self.sql, self._bound(values, connection))
            return self._converted(cursor.fetchall(), connection)

    def stream(self, using: str, values: Mapping[str, Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
        """The same, so many rows at a time: as ``QuerySet.iterator`` does, by a cursor of the server's where it can."""
        connection = connections[using]
        is_plain = connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        with closing(connection.cursor() if is_plain else connection.chunked_cursor()) as cursor:
            cursor.execute(self.sql, self._bound(values, connection))
            while rows := cursor.fetchmany(size):
                yield self._converted(rows, connection)

    def _bound(self, values: Mapping[str, Any], connection: Any) -> list[Any]:
        params = list(self.params)
        for position, name in self.places:
            params[position] = self.slots[name].bind(values[name], connection)
        return params

    def _converted(self, rows: Iterable[tuple[Any, ...]], connection: Any) -> list[tuple[Any, ...]]:
        return [self._row(row, connection) for row in rows] if self.converters else list(rows)

    def _row(self, row: Sequence[Any], connection: Any) -> tuple[Any, ...]:
        values = list(row)
        for position, converters, expression in self.converters:
            value = values[position]
            for convert in converters:
                value = convert(value, expression, connection)
            values[position] = value
        return tuple(values)


def run(
    key: Hashable,
    using: str,
    build: Callable[[Mapping[str, Any]], QuerySet[Any, Any]],
    slots: Mapping[str, Slot],
    values: Mapping[str, Any],
) -> list[tuple[Any, ...]]:
    """Run a ``values_list`` query that is compiled at its first use.

    :param key: everything the shape of the query depends on besides the database.
    :param build: makes the queryset, unevaluated, from a value for each slot.
    """
    return kept(key, using, build, slots).run(using, values)


def kept(
    key: Hashable, using: str, build: Callable[[Mapping[str, Any]], QuerySet[Any, Any]], slots: Mapping[str, Slot]
) -> Statement:
    """The statement of such a query, compiled at its first use; see ``run``."""
    statement = _statements.get((using, key))
    if statement is None:
        if len(_statements) >= MAX_STATEMENTS:
            _statements.clear()
        statement = _statements[using, key] = compile_statement(using, build, slots)
    return statement


def run_listed(
    key: Hashable,
    using: str,
    build: Callable[[Mapping[str, Any], Sequence[Any]], QuerySet[Any, Any]],
    field: Field[Any, Any],
    listed: Collection[Any],
    slots: Mapping[str, Slot] = NONE,
    values: Mapping[str, Any] = NONE,
) -> Iterable[tuple[Any, ...]]:
    """The same for a query about several values of one field and, maybe, other slots.

    On PostgreSQL one statement serves any number of values, as an array; elsewhere one is kept for each number of few.

    :param build: makes the queryset from the other values and the list.
    """
    if connections[using].vendor == "postgresql":  # pragma: no cover (not of SQLite: tests/services/test_prepared.py)
        all_slots = {**slots, "listed": Slot(field, _samples(field, 0), is_list=True)}
        return run(
            key, using, lambda sample: build(sample, [sample["listed"]]), all_slots, {**values, "listed": listed}
        )
    if len(listed) > FEW:
        return build(values, list(listed))
    numbered = _numbered(field, len(listed))
    return run(
        (key, len(listed)),
        using,
        lambda samples: build(samples, [samples[name] for name in numbered]),
        {**slots, **numbered},
        {**values, **dict(zip(numbered, listed, strict=True))},
    )


@lru_cache(maxsize=4 * FEW)
def _numbered(field: Field[Any, Any], count: int) -> dict[str, Slot]:
    return {f"listed{number}": Slot(field, _samples(field, number)) for number in range(count)}


def _samples(field: Field[Any, Any], number: int) -> tuple[Any, Any]:
    make: Callable[[int], Any] = "sample {}".format if isinstance(field, CharField) else neg
    return make(2 * number + 4), make(2 * number + 5)


def locked(
    model: type[ModelT],
    using: str,
    build: Callable[[Mapping[str, Any]], QuerySet[ModelT, ModelT]],
    slots: Mapping[str, Slot],
    values: Mapping[str, Any],
) -> list[ModelT]:
    """What a write locks: instances of a model of ours, of which there is one such query."""
    names = [field.attname for field in model._meta.concrete_fields]
    rows = run(("locked", model), using, lambda samples: build(samples).values_list(*names), slots, values)
    return [model.from_db(using, names, row) for row in rows]


def compile_statement(
    using: str, build: Callable[[Mapping[str, Any]], QuerySet[Any, Any]], slots: Mapping[str, Slot]
) -> Statement:
    """Compile a queryset with samples for values, and find the samples again among its parameters.

    :raises ValueError: the text depends on the values, or a slot is not among the parameters: it would be ignored.
    """
    connection = connections[using]
    compilers = [
        build({name: slot.samples[which] for name, slot in slots.items()}).query.get_compiler(using) for which in (0, 1)
    ]
    (sql, params), (other_sql, other_params) = (compiler.as_sql() for compiler in compilers)
    samples = {
        slot.field.get_db_prep_value(slot.samples[0], connection, prepared=False): name for name, slot in slots.items()
    }
    places = tuple(
        (position, samples[param])
        for position, (param, other) in enumerate(zip(params, other_params, strict=True))
        if param != other
    )
    if sql != other_sql or {name for _, name in places} != set(slots):
        raise ValueError("The query's text depends on its values, or does not depend on one of them.")
    if any(slot.is_list for slot in slots.values()):
        sql = _with_array(sql)
    columns: Any = compilers[0].select
    converters = compilers[0].get_converters([column[0] for column in columns])
    return Statement(
        sql,
        tuple(params),
        places,
        slots,
        tuple((position, tuple(functions), expression) for position, (functions, expression) in converters.items()),
    )


def _with_array(sql: str) -> str:
    """
    :raises ValueError: the query does not look for one of several values, or does so twice.
    """
    if sql.count(ONE_OF) != 1:
        raise ValueError("The query's list of values is not to be found in its text.")
    return sql.replace(ONE_OF, " = ANY(%s)")


@receiver(setting_changed)
def _forget(**kwargs: Any) -> None:
    """Tests change the settings that adapters come from; a running site never does."""
    _statements.clear()
