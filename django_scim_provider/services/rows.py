"""A person as a row: what is read from the database, and the document that shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db.models import CharField, EmailField, Func, IntegerField, Manager, QuerySet, TextField

from ..adapters import UserAdapter
from ..adapters.index import Indexed
from ..adapters.query import HOST, live_expression
from ..models import ScimMembership, ScimUser
from ..protocol.errors import NotFound
from ..protocol.etags import digest
from . import guard, nesting, prepared
from .context import Context
from .prepared import CONNECTION, SAMPLES, Slot
from .transactions import for_update

AFTER: Final = Slot(ScimUser._meta.pk, (-2, -3))
_SLOTS: Final = {"connection": CONNECTION, "scim_id": Slot(ScimUser._meta.get_field("scim_id"), SAMPLES)}
_PLAIN: Final = frozenset({CharField, EmailField, TextField})
_OWN: Final = ("pk", "scim_id", "user_name", "attributes", "created_at", "modified_at", "user_id")


class UserRow(NamedTuple):
    """What showing a person takes; no model instance is made on reads."""

    pk: int
    scim_id: str
    user_name: str
    attributes: Mapping[str, Any]
    created_at: datetime
    modified_at: datetime
    user_id: Any
    columns: Mapping[str, Any] | None
    """The host's values, or ``None`` where there is no live counterpart."""


class Membership(NamedTuple):
    """A group of a person, as the person shows it."""

    scim_id: str
    name: str
    kind: str
    """``direct`` or ``indirect``."""


Index = Mapping[tuple[str, int], Indexed]
Groups = Mapping[int, Iterable[Membership]]


def people(context: Context) -> QuerySet[ScimUser]:
    """The connection's living resources: where every query about people starts."""
    return ScimUser.objects.using(context.using).filter(connection_id=context.connection.pk, alive=True)


def lock(context: Context, scim_id: Any) -> tuple[ScimUser, Any]:
    """Lock the host's row, then ours, by separate statements in this order, which every writer keeps.

    :returns: our row, and the host's or ``None``.
    :raises NotFound: the connection has no such person.
    """
    user = _lock_host(context, scim_id)
    if user is None:
        # The account may come with this request, and the roles of groups with it: the guard is taken before our row.
        guard.lock(context)
    row = _lock_own(context, scim_id)
    if row is None:
        raise NotFound
    if row.user_id is None:
        user = None
    elif user is None or user.pk != row.user_id:
        # Given an account between the two statements. If this order meets the other one, the work is done again.
        hosts = context.adapter.model._base_manager.using(context.using)
        user = for_update(hosts.filter(pk=row.user_id)).first()
    if user is not None:
        context.adapter.load_standing([user], context.connection, context.using)
        row.user = user
    row.connection = context.connection
    return row, user


def _lock_host(context: Context, scim_id: Any) -> Any:
    manager = context.adapter.model._base_manager

    def build(values: Mapping[str, Any]) -> QuerySet[Any]:
        mine = _own(context, values).values("user_id")
        return for_update(manager.using(context.using).filter(pk__in=mine))

    if type(manager) is not Manager:  # a host's own may say something else each time
        return build(_values(context, scim_id)).first()
    return next(iter(prepared.locked(manager.model, context.using, build, _SLOTS, _values(context, scim_id))), None)


def _lock_own(context: Context, scim_id: Any) -> ScimUser | None:
    def build(values: Mapping[str, Any]) -> QuerySet[ScimUser]:
        return for_update(_own(context, values))

    return next(iter(prepared.locked(ScimUser, context.using, build, _SLOTS, _values(context, scim_id))), None)


def _values(context: Context, scim_id: Any) -> dict[str, Any]:
    return {"connection": context.connection.pk, "scim_id": scim_id}


def _own(context: Context, values: Mapping[str, Any]) -> QuerySet[ScimUser]:
    mine = ScimUser.objects.using(context.using).filter(connection_id=values["connection"], alive=True)
    return mine.filter(scim_id=values["scim_id"])


def host_columns(context: Context, user: Any) -> dict[str, Any] | None:
    """The host's values, or ``None`` where there is no live counterpart."""
    return context.adapter.read_columns(user) if context.adapter.is_live(user, context.connection) else None


def index_of(context: Context, row: ScimUser, user: Any) -> Index:
    """What the filter index has to hold for a row: it finds what is shown."""
    columns = host_columns(context, user)
    shown = context.adapter.shown(row.attributes, columns)
    return context.adapter.index(shown, live=columns is not None, sent=row.attributes)


def fetch(queryset: QuerySet[ScimUser], context: Context) -> list[UserRow]:
    """Read rows joined to the host's, in the queryset's order: one query."""
    return _rows(_select(queryset, context), context)


def look_up(context: Context, column: str, value: str, limit: int) -> list[UserRow]:
    """The rows with a value in a column of ours or, after ``user__``, of the host's, by primary key.

    What identity providers ask most.
    """

    def build(values: Mapping[str, Any]) -> QuerySet[ScimUser, Any]:
        mine = ScimUser.objects.using(context.using).filter(connection_id=values["connection"], alive=True)
        return _select(mine.filter((column, values["value"])).order_by("pk")[:limit], context)

    values = {"connection": context.connection.pk, "value": value}
    field = _slot_field(context, column)
    if context.adapter.has_own_scope or field is None:
        return _rows(build(values), context)
    slots = {"connection": CONNECTION, "value": Slot(field, SAMPLES)}
    key = ("people", context.adapter, column, limit)
    return _rows(prepared.run(key, context.using, build, slots, values), context)


def _slot_field(context: Context, column: str) -> Any:
    """The field of a column, ``None`` for one of the host's of which is not known how it takes values."""
    if not column.startswith(HOST):
        return ScimUser._meta.get_field(column)
    path = context.adapter.column(column.removeprefix(HOST))
    return path.field if type(path.field) in _PLAIN else None


def page(context: Context, limit: int, after: int) -> list[UserRow]:
    """The connection's rows beyond a primary key, in its order."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimUser, Any]:
        mine = ScimUser.objects.using(context.using).filter(connection_id=values["connection"], alive=True)
        return _select(mine.filter(pk__gt=values["after"]).order_by("pk")[:limit], context)

    values = {"connection": context.connection.pk, "after": after}
    if context.adapter.has_own_scope:
        return _rows(build(values), context)
    key = ("page", context.adapter, limit)
    return _rows(prepared.run(key, context.using, build, {"connection": CONNECTION, "after": AFTER}, values), context)


def count(context: Context) -> int:
    """How many people the connection has."""

    def build(values: Mapping[str, Any]) -> QuerySet[ScimUser, Any]:
        mine = ScimUser.objects.using(context.using).filter(connection_id=values["connection"], alive=True)
        # Not Count(): the rows would be grouped by something, which takes twice as long.
        return mine.order_by().values_list(
            Func(function="COUNT", template="%(function)s(*)", output_field=IntegerField())
        )

    values = {"connection": context.connection.pk}
    ((found,),) = prepared.run("count", context.using, build, {"connection": CONNECTION}, values)
    return int(found)


def _select(queryset: QuerySet[ScimUser], context: Context) -> QuerySet[ScimUser, Any]:
    live = live_expression(context.adapter, context.connection)
    selected = (f"{HOST}{column}" for column in context.adapter.selected)
    return queryset.annotate(_live=live).values_list(*_OWN, "_live", *selected)


def _rows(rows: Iterable[tuple[Any, ...]], context: Context) -> list[UserRow]:
    adapter, own = context.adapter, len(_OWN)
    return [UserRow._make((*row[:own], adapter.from_selected(row[own + 1 :]) if row[own] else None)) for row in rows]


def groups_of(pks: Collection[int], context: Context) -> Groups:
    """The groups of several people, by primary key: one query, one more where groups are nested, none for nobody.

    The direct ones come first, both kinds in the order of their keys.
    """
    found: defaultdict[int, list[Membership]] = defaultdict(list)
    if not pks:
        return found
    tree = nesting.load_if_any(context)
    direct: defaultdict[int, list[int]] = defaultdict(list)
    # The people of a page are in the same groups.
    known: dict[int, Membership] = {}
    for pk, group, scim_id, name in _memberships(pks, context):
        if group not in known:
            known[group] = Membership(str(scim_id), name, "direct")
        found[pk].append(known[group])
        direct[pk].append(group)
    for pk, groups in direct.items() if tree.parents else ():
        above = tree.ancestors(groups)
        found[pk] += [
            Membership(str(above[key].scim_id), above[key].name, "indirect")
            for key in sorted(above.keys() - set(groups))
        ]
    return found


def _memberships(pks: Collection[int], context: Context) -> Iterable[tuple[Any, ...]]:
    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[ScimMembership, Any]:
        rows = ScimMembership.objects.using(context.using).filter(scim_user__in=listed)
        return rows.order_by("group_id").values_list(
            "scim_user_id", "group_id", "group__scim_id", "group__display_name"
        )

    return prepared.run_listed("memberships", context.using, build, ScimUser._meta.pk, pks)


def wire_time(moment: datetime) -> str:
    """A dateTime as it is shown: UTC, milliseconds."""
    if moment.utcoffset():
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='milliseconds')[:23]}Z"


def version_of(shown: dict[str, Any], modified: str, groups: Iterable[Membership], adapter: UserAdapter) -> str:
    """A person's entity-tag: of what is shown, so that what the host changes on its own changes it too.

    :param modified: ``meta.lastModified``, so that no state of long ago has the tag of the present one.
    :param groups: all of them, as ``groups_of`` orders them; without them one state would have two tags.
    """
    if adapter.visible is not None:  # a hash of what is never shown would let it be guessed
        shown = adapter.visible.apply(shown)
    return digest((shown, modified, [tuple(group) for group in groups]))


def document(
    row: UserRow, groups: Iterable[Membership], adapter: UserAdapter, base_url: str, *, has_version: bool = True
) -> dict[str, Any]:
    """The whole resource (RFC 7643 section 4.1); projection comes after.

    :param has_version: whether to work out ``meta.version``.
    """
    shown = adapter.shown(row.attributes, row.columns)
    resource: dict[str, Any] = {
        "schemas": [adapter.schema.id, *(urn for urn in adapter.extension_urns if urn in shown)],
        "id": row.scim_id,
        **shown,
    }
    memberships = [
        {"value": group_id, "$ref": f"{base_url}/Groups/{group_id}", "display": name, "type": kind}
        for group_id, name, kind in groups
    ]
    if memberships:
        resource["groups"] = memberships
    resource["meta"] = {
        "resourceType": adapter.name,
        "created": wire_time(row.created_at),
        "lastModified": wire_time(row.modified_at),
        "location": f"{base_url}{adapter.endpoint}/{row.scim_id}",
    }
    if has_version:
        resource["meta"]["version"] = version_of(shown, resource["meta"]["lastModified"], groups, adapter)
    return resource
