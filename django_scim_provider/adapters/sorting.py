"""What people are sorted by: our columns, the filter index, or the host's columns (RFC 7644 section 3.4.2.3).

Text is in the order of its code points on every database, the host's columns too: the RFC wants no particular locale,
and what the index holds for some people has to fit in between what columns hold for others.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import models
from django.db.models import Case, F, Func, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Left, Lower, NullIf
from django.db.models.lookups import Exact

from ..models import ScimConnection, ScimValue
from ..models.fields import binary_collation
from ..protocol.errors import InvalidValue
from ..protocol.schemas import BoundPath
from .attributes import Attr
from .fields import HostPath
from .query import HOST
from .users import UserAdapter

SORTED_LENGTH: Final = 255
"""Characters of a text that count: a cursor holds them, and has to fit into an address."""

_OWN: Final[dict[str, Any]] = {
    "id": F("scim_id"),
    "externalId": F("external_id"),
    "userName": F("user_name_key"),
    "meta.created": F("created_at"),
    "meta.lastModified": F("modified_at"),
}
_COLUMNS_OF_TEXT: Final = (models.CharField, models.TextField)
_AS_TEXT: Final = {
    # A column may be in another character set, and then knows no collation of utf8mb4.
    "mysql": "CONVERT(%(expressions)s USING utf8mb4)",
    # What JSON has may be a number.
    "sqlite": "CAST(%(expressions)s AS TEXT)",
}


def compile_sort(path: BoundPath, adapter: UserAdapter, connection: ScimConnection) -> Any:
    """An expression to order ``ScimUser`` by.

    :raises InvalidValue: the attribute cannot be sorted by.
    """
    own = _OWN.get(path.key)
    if own is not None:
        return own
    whole = BoundPath(path.urn, path.attribute).key
    if whole in adapter.always_shown or whole in ("meta", "schemas"):
        raise _refusal(path)
    if path.target.type == "complex":
        value = path.attribute.sub("value")
        if value is None:
            raise InvalidValue(f"{path.key} has parts; name the one to sort by, as in name.familyName.")
        path = path._replace(sub=value)
    if path.attribute.multi_valued:
        return _of_element(path)
    mapped = adapter.by_key[path.key] if adapter.has_column(path) else None
    # Without a column to name, whoever is live has no row in the index either, and sorts as the highest.
    if mapped is None or mapped.lookup is None:
        return _of_index(path)
    return _of_host(path, mapped.attr, mapped.lookup, adapter.answering_condition(connection))


def _refusal(path: BoundPath) -> InvalidValue:
    return InvalidValue(f"Results cannot be sorted by {path.key}.")


# The filter index ------------------------------------------------------------------------------------------


def _of_index(path: BoundPath) -> Any:
    return head(
        Subquery(ScimValue.objects.filter(scim_user=OuterRef("pk"), attribute=path.key).values("value_key")[:1])
    )


def _of_element(path: BoundPath) -> Any:
    """The primary element's, or else the first one's."""
    whole = BoundPath(path.urn, path.attribute).key
    sub = path.sub.name if path.sub else "value"
    if sub == "primary":
        return Subquery(_elements(whole, "pk").values("primary")[:1])
    if sub == "type":
        return head(Subquery(_elements(whole, "pk").values("type")[:1]))
    if sub == "value":
        return head(Subquery(_elements(whole, "pk").values("value_key")[:1]))
    if path.attribute.sub("value") is not None:
        raise _refusal(path)
    position = Subquery(_elements(whole, "scim_user").values("position")[:1])
    parts = ScimValue.objects.filter(scim_user=OuterRef("pk"), attribute=path.key, position=position)
    return head(Subquery(parts.values("value_key")[:1]))


def _elements(attribute: str, owner: str) -> Any:
    """The elements of a list, the one to sort by first.

    :param owner: what refers to the person in the query outside.
    """
    rows = ScimValue.objects.filter(scim_user=OuterRef(owner), attribute=attribute)
    primary_first = Case(When(primary=True, then=Value(0)), default=Value(1), output_field=IntegerField())
    return rows.order_by(primary_first, "position")


def head(text: Any) -> Any:
    """As much of a text as counts; an empty one is no value."""
    return NullIf(Left(text, SORTED_LENGTH), Value(""), output_field=models.TextField())


# The host's columns ----------------------------------------------------------------------------------------


def _of_host(path: BoundPath, attr: Attr, lookup: HostPath, answering: Q | None) -> Any:
    column = stored(lookup, HOST)
    text = _as_text(path, lookup, attr.order(column))
    live = answering or Q(user__isnull=False)
    if text is not None:
        if attr.writes:
            return Case(When(live, then=text), default=_of_index(path), output_field=models.TextField())
        # What was sent takes precedence over a column that is never written, and is in the index.
        return Coalesce(_of_index(path), Case(When(live, then=text)), output_field=models.TextField())
    if lookup.is_json_key or not attr.writes:
        # Numbers in JSON would be in the order of their digits; what was sent would be left out.
        raise _refusal(path)
    return Case(When(live, then=attr.order(column)))


def stored(column: HostPath, prefix: str = "") -> Any:
    """A column's value; that of a key in a JSON column as text.

    :param prefix: the way to the host's model.
    """
    found: Any = F(f"{prefix}{column.stored_in}")
    for key in column.keys:
        found = KeyTextTransform(key, found)
    return found


def _as_text(path: BoundPath, host_path: HostPath, column: Any) -> Any:
    """The column in the form in which the index holds the values of its attribute; ``None`` where there is no way."""
    kind, field = path.target.type, host_path.field
    if isinstance(field, models.BooleanField):
        return Case(When(Exact(column, True), then=Value("true")), When(Exact(column, False), then=Value("false")))
    if kind in ("integer", "decimal") or not (host_path.is_json_key or isinstance(field, _COLUMNS_OF_TEXT)):
        return None
    return ByCodePoint(head(column if path.target.case_exact else Lower(column)))


class ByCodePoint(Func):
    """Text compared as a ``KeyField`` is, whatever the collation and the character set of its column."""

    arity = 1
    output_field = models.TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **context: Any) -> Any:
        context["template"] = f"{_AS_TEXT.get(connection.vendor, '%(expressions)s')} COLLATE %(collation)s"
        collation = connection.ops.quote_name(binary_collation(connection))
        return super().as_sql(compiler, connection, *args, collation=collation, **context)
