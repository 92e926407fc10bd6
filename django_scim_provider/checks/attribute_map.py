"""An adapter's attribute map: what each entry names on SCIM's side and on the host's, and whether the two fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 (Django's name for it)
from django.db import models

from ..adapters import Attr, Boolean, MapError, Not, PrimaryValue, ResourceAdapter, UserAdapter
from ..adapters.fields import HostPath, PathError
from ..protocol.names import server_owned
from ..protocol.schemas import BoundPath
from .base import check_mapped, described, name_of
from .suggestions import attribute_hint, near_column

PRIVILEGED: Final = frozenset({"is_staff", "is_superuser", "password", "groups", "user_permissions"})
_AS_IT_IS: Final = Attr("").get
"""What ``Attr`` reads with where a host says nothing: the column's value."""

_TEXT: Final = (models.CharField, models.TextField, models.GenericIPAddressField)
_FITTING: Final[Mapping[str, tuple[type[models.Field[Any, Any]], ...]]] = {
    "string": _TEXT,
    "reference": _TEXT,
    "binary": _TEXT,
    "dateTime": _TEXT,
    "boolean": (models.BooleanField,),
    "integer": (models.IntegerField,),
    "decimal": (models.FloatField, models.IntegerField),
    "complex": (models.JSONField,),
}
_KNOWN: Final = (
    *_TEXT,
    models.BinaryField,
    models.BooleanField,
    models.DateField,
    models.DecimalField,
    models.DurationField,
    models.FileField,
    models.FloatField,
    models.IntegerField,
    models.JSONField,
    models.TimeField,
    models.UUIDField,
)
"""Fields whose Python values are known; of others nothing is said."""


class Entry(NamedTuple):
    """An entry of the map that names something on both sides."""

    key: str
    path: BoundPath
    attr: Attr
    columns: tuple[HostPath, ...]


@check_mapped
def check_attribute_map(adapter: ResourceAdapter) -> Iterator[CheckMessage]:
    place = name_of(adapter)
    found: list[Entry] = []
    attributes: Any = adapter.attributes
    if not isinstance(attributes, Mapping):
        yield Error(
            "attributes must be a dictionary of SCIM attributes to columns.",
            hint='For example attributes = UserAdapter.attributes | {"title": "job_title"}.',
            obj=place,
            id="scim_provider.E021",
        )
        return
    for key, entry in attributes.items():
        yield from _sides(adapter, key, entry, place, found)
    for item in found:
        yield from _entry(item, place, is_person=isinstance(adapter, UserAdapter))
    yield from _same_attributes(found, place)
    if isinstance(adapter, UserAdapter):
        yield from _whole(adapter, found, place)
    yield from _shared_columns(found, place)


def entries(adapter: ResourceAdapter) -> list[Entry]:
    """The entries that name something on both sides; the others are reported by ``check_attribute_map``."""
    found: list[Entry] = []
    for key, entry in adapter.attributes.items():
        list(_sides(adapter, key, entry, "", found))
    return found


def _sides(adapter: ResourceAdapter, key: Any, entry: Any, place: str, found: list[Entry]) -> Iterator[CheckMessage]:
    """Look one entry up on both sides; what is sound goes to ``found``."""
    if not isinstance(entry, str | Attr):
        yield Error(
            f"attributes[{key!r}] is {entry!r}, which is neither the name of a column nor an Attr.",
            hint='Write "column", "profile__column", "metadata__key", or Attr("column", get=..., set=...).',
            obj=place,
            id="scim_provider.E021",
        )
        return
    try:
        mapped = adapter._bind(key, entry)
    except (MapError, TypeError):
        yield Error(
            f"attributes[{key!r}]: SCIM has no such attribute.",
            hint=attribute_hint(adapter, str(key)),
            obj=place,
            id="scim_provider.E020",
        )
        return
    sound = True
    for column in mapped.columns:
        problem = _column_problem(column)
        if problem:
            sound = False
            yield Error(
                f"attributes[{key!r}] leads to {column.path!r}, which is not a column: {problem}",
                hint=f"{near_column(column)}Name a field of {adapter.model.__name__}, or a "
                f"field of a related model or a key of a JSON field after two underscores.{_about_people(adapter)}",
                obj=place,
                id="scim_provider.E022",
            )
    if sound:
        found.append(Entry(key, mapped.path, mapped.attr, mapped.columns))


def _about_people(adapter: ResourceAdapter) -> str:
    people = " If the user model is not the stock one, name its adapter in SCIM_PROVIDER['ADAPTERS']['User']."
    return people * isinstance(adapter, UserAdapter)


def _column_problem(column: HostPath) -> str:
    try:
        field = column.field
    except PathError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 (a generic relation, or a field of the host's own making)
        return described(error)
    return f"'{field.name}' is a many-to-many relation." if field.many_to_many else ""


# One entry -------------------------------------------------------------------------------------------------


def _entry(entry: Entry, place: str, *, is_person: bool) -> Iterator[CheckMessage]:
    key, path, attr, columns = entry
    if server_owned(path):
        yield Error(
            f"attributes[{key!r}]: the attribute is read-only in SCIM and answered by this package.",
            hint="Remove the entry.",
            obj=place,
            id="scim_provider.E023",
        )
    elif path.key == "externalId" and is_person:
        yield Error(
            f"attributes[{key!r}]: the external id belongs to a connection and is kept by this package.",
            hint="Remove the entry; ScimUser.external_id holds it.",
            obj=place,
            id="scim_provider.E023",
        )
    if path.sub is not None and path.attribute.multi_valued:
        yield Error(
            f"attributes[{key!r}] is part of an attribute with many values; which of them is not said.",
            hint=f'Map the whole: {{"{path.attribute.name}": "column"}} holds the primary value.',
            obj=place,
            id="scim_provider.E027",
        )
    elif isinstance(attr, PrimaryValue) and path.attribute.sub("value") is None:
        yield Error(
            f"attributes[{key!r}] has no sub-attribute 'value' that one column could hold.",
            hint="Use Attr(columns, get=..., set=...) with functions that make and read the list of values.",
            obj=place,
            id="scim_provider.E027",
        )
    else:
        yield from _types(entry, place)
    for column in columns:
        yield from _column(key, attr, column, place)


def _column(key: str, attr: Attr, column: HostPath, place: str) -> Iterator[CheckMessage]:
    field = column.field
    if field.name == "password" or (attr.writes and (field.name in PRIVILEGED or field.primary_key)):
        yield Error(
            f"attributes[{key!r}] reaches {column.path!r}: an identity provider could give itself privileges.",
            hint="Remove the entry. Roles and permissions follow from groups, never from attributes.",
            obj=place,
            id="scim_provider.E028",
        )
    elif attr.writes and field.is_relation and _is_plain(attr):
        yield Error(
            f"attributes[{key!r}] writes {column.path!r}, which is a relation: the value would become a primary key.",
            hint="Map a column of the related model, or use Attr with get and set; set=None shows it only.",
            obj=place,
            id="scim_provider.E029",
        )
    if attr.writes and not _writable(column):
        yield Error(
            f"attributes[{key!r}] writes {column.path!r} through a relation that other rows share, or that has to be "
            "saved before the user.",
            hint="A write may go through the reverse of a OneToOneField alone, as from user to profile. Use "
            f"Attr({column.path!r}, set=None) to show the value and keep what was sent.",
            obj=place,
            id="scim_provider.E024",
        )


def _writable(column: HostPath) -> bool:
    """Whether a write makes or changes a row of this user alone, saved after the user."""
    model: Any = column.model
    for name in column.relations:
        field = model._meta.get_field(name)
        if field.concrete:
            return False
        model = field.related_model
    return column.is_writable


def _is_plain(attr: Attr) -> bool:
    """Whether the column's value is the attribute's, without a function of the host's in between."""
    return type(attr) in (Boolean, Not, PrimaryValue) or attr.get is _AS_IT_IS


def _types(entry: Entry, place: str) -> Iterator[CheckMessage]:
    key, path, attr, columns = entry
    if not _is_plain(attr):
        return
    target = path.target
    kind = "string" if isinstance(attr, PrimaryValue) else "complex" if path.attribute.multi_valued else target.type
    for column in columns:
        field = column.field
        fits = column.is_json_key or field.is_relation or isinstance(field, _FITTING[kind])
        if not fits and isinstance(field, _KNOWN):
            yield _mismatch(key, kind, column, place)
    if type(attr) in (Boolean, Not) and target.type != "boolean":
        yield Error(
            f"attributes[{key!r}] is mapped by {type(attr).__name__}, but is not a boolean in SCIM.",
            hint=f"Use Boolean and Not for booleans only; {path.key} is of type {target.type}.",
            obj=place,
            id="scim_provider.E030",
        )


def _mismatch(key: str, kind: str, column: HostPath, place: str) -> Error:
    hint = "Use Attr(column, get=..., set=...) to convert the value."
    if kind == "complex":
        hint = "Map its sub-attributes one by one, or use full_name(column) for a name, or Attr with get and set."
    return Error(
        f"attributes[{key!r}] is {'an object or a list' if kind == 'complex' else f'of type {kind}'} in SCIM, but "
        f"{column.path!r} is a {type(column.field).__name__}.",
        hint=hint,
        obj=place,
        id="scim_provider.E030",
    )


# The whole map ---------------------------------------------------------------------------------------------


def _same_attributes(found: list[Entry], place: str) -> Iterator[CheckMessage]:
    by_key: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        by_key[entry.path.key].append(entry)
    for same in by_key.values():
        if len(same) > 1:
            yield Error(
                f"{' and '.join(repr(entry.key) for entry in same)} are the same attribute.",
                hint="Keep one of them: attribute names are the same in any case.",
                obj=place,
                id="scim_provider.E025",
            )


def _whole(adapter: UserAdapter, found: list[Entry], place: str) -> Iterator[CheckMessage]:
    written = {entry.path.key for entry in found if entry.attr.writes}
    names = [entry for entry in found if entry.path.key == "userName"]
    creates = type(adapter).create is not UserAdapter.create
    if not names or not (creates or "userName" in written):
        yield Error(
            "userName is not mapped to a column that SCIM writes, so new people have no name to sign in with.",
            hint=f'Map it, for example {{"userName": "{getattr(adapter.model, "USERNAME_FIELD", "username")}"}}.',
            obj=place,
            id="scim_provider.E026",
        )
    suspends = adapter.soft_deletes or type(adapter).suspend is not UserAdapter.suspend
    if not suspends and "active" not in written:
        yield Warning(
            "active is not mapped to a column that SCIM writes, so a deactivation suspends nobody.",
            hint='Map it, for example {"active": "is_active"} or {"active": Not("is_locked")}.',
            obj=place,
            id="scim_provider.W031",
        )


def _shared_columns(found: list[Entry], place: str) -> Iterator[CheckMessage]:
    """Columns that several entries write, unless each of them looks at the whole document, as ``full_name`` does."""
    writers: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in found:
        for column in entry.columns:
            if entry.attr.writes:
                writers[column.path].append(entry)
    for column_path, several in writers.items():
        readers = {type(entry.attr).to_host for entry in several}
        if len(several) > 1 and (len(readers) > 1 or Attr.to_host in readers):
            yield Warning(
                f"{' and '.join(repr(entry.key) for entry in several)} are both written to {column_path!r}: the last "
                "wins, and the other is shown with its value.",
                hint=f"Let one of them show the column only: PrimaryValue({column_path!r}, writes=False) for e-mail "
                f"addresses, Attr({column_path!r}, set=None) for others.",
                obj=place,
                id="scim_provider.W032",
            )
