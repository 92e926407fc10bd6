"""Members come and go as deltas: the list of a group is never read to change it (RFC 7644 section 3.5.2)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from django.db import connections
from django.db.models import F, Q, QuerySet

from ..adapters.conditions import known_id
from ..models import ConnectionGuard, ScimConnection, ScimGroup, ScimMembership, ScimUser
from ..protocol.errors import InvalidValue
from ..protocol.patch import Delta
from . import guard, nesting, prepared
from .context import Context
from .group_rows import groups
from .inserts import insert_values
from .prepared import CONNECTION, Slot
from .rows import people
from .transactions import now

T = TypeVar("T")
CHUNK: Final = 5000
"""Values in one statement: databases limit how many they bind."""
SAMPLE: Final = 20
MAX_ID_SHOWN: Final = 40
"""Of an unknown member's id in an event; ours have 36 characters, somebody else's may be of any length."""
MAX_DISPLAY_LENGTH: Final = 255


class Members(NamedTuple):
    """Member ids looked up in the connection, with the elements that named them."""

    users: dict[int, dict[str, Any]]
    """``ScimUser`` primary key to element."""
    nested: dict[int, dict[str, Any]]
    """``ScimGroup`` primary key to element."""
    unknown: list[str]


class Effect(NamedTuple):
    """What a change of membership did."""

    joined: frozenset[int]
    """People who came (``ScimUser`` primary keys)."""
    left: frozenset[int]
    """People who went."""
    nested: frozenset[int]
    """Groups that came or went."""
    display_changed: bool = False

    def __bool__(self) -> bool:
        return bool(self.joined or self.left or self.nested or self.display_changed)


def chunks(values: Collection[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The values in lists of at most ``size``."""
    listed = list(values)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def look_up(context: Context, elements: Iterable[dict[str, Any]]) -> Members:
    """Find members by id, among this connection's people and groups only.

    Another tenant's id is as unknown as one that nobody has. One query, a second where some are no people.
    """
    by_id = {str(element["value"]): element for element in elements}
    wanted = {scim_id: known_id(scim_id) for scim_id in by_id}
    users = _keys(context, ScimUser, [found for found in wanted.values() if found])
    rest = [found for found in wanted.values() if found and found not in users]
    nested = _keys(context, ScimGroup, rest)
    return Members(
        {pk: by_id[scim_id] for scim_id, pk in users.items()},
        {pk: by_id[scim_id] for scim_id, pk in nested.items()},
        [scim_id for scim_id in by_id if scim_id not in users and scim_id not in nested],
    )


def _keys(context: Context, model: type[ScimUser | ScimGroup], scim_ids: Sequence[str]) -> dict[str, int]:
    """The primary keys of the connection's people or groups by id."""
    alive = {"alive": True} if model is ScimUser else {}

    def build(values: Mapping[str, Any], listed: Sequence[str]) -> QuerySet[Any, Any]:
        mine = model._default_manager.using(context.using).filter(connection_id=values["connection"], **alive)
        return mine.filter(scim_id__in=listed).values_list("scim_id", "pk")

    field, slots = model._meta.get_field("scim_id"), {"connection": CONNECTION}
    values = {"connection": context.connection.pk}
    return {
        scim_id: pk
        for chunk in chunks(scim_ids)
        for scim_id, pk in prepared.run_listed(("keys", model), context.using, build, field, chunk, slots, values)
    }


def refuse_unknown(context: Context, members: Members, delta: Delta) -> list[str]:
    """What the connection's policy makes of unknown members.

    :returns: warnings for the event.
    :raises InvalidValue: the policy refuses them; or a list that replaces all members names none that is known, which
        means a wrong directory and not an empty group.
    """
    if not members.unknown:
        return []
    named = ", ".join(scim_id[:MAX_ID_SHOWN] for scim_id in members.unknown[:SAMPLE])
    if context.connection.unknown_member == ScimConnection.UnknownMember.REFUSE:
        raise InvalidValue(f"These members are not known here: {named}")
    if delta.replace and not (members.users or members.nested):
        raise InvalidValue("None of the members is known here, so the group stays as it is.")
    return [f"Members that are not known here were skipped ({len(members.unknown)}): {named}"]


def change(context: Context, locked: ConnectionGuard, group: ScimGroup, delta: Delta, members: Members) -> Effect:
    """Carry out a delta on a locked group.

    :param members: ``delta.add``, looked up.
    :raises InvalidValue: a nested group would contain itself.
    """
    rows = ScimMembership.objects.using(context.using).filter(group=group)
    if members.nested:
        _refuse_cycle(context, group, members.nested)
    if delta.replace:
        gone_users, gone_nested, updated = _replace(context, rows, members)
    else:
        gone_users, gone_nested = _remove(context, rows, delta.remove)
        updated = _update(context, rows, delta)
    if locked.has_roles or group.team_key is not None:
        _hold_accounts(context, members.users)
    new_users = _add(context, group, "scim_user", members.users)
    new_nested = _add(context, group, "child", members.nested)
    if new_nested:
        guard.note_nesting(context, locked)
    return Effect(frozenset(new_users), frozenset(gone_users), frozenset(gone_nested | new_nested), updated)


def _hold_accounts(context: Context, pks: Collection[int]) -> None:
    """Lock the host's rows of these people before rows that point at them are inserted, where inserting locks them.

    MariaDB and MySQL lock what a foreign key points at: a membership locks our row and the role that follows the
    host's, while whoever changes that person locks them the other way round. On PostgreSQL ``for_update`` sees to it.
    """
    features = connections[context.using].features
    if features.has_select_for_update and not features.has_select_for_no_key_update:  # pragma: no branch
        _lock_accounts(context, pks)  # pragma: no cover (MariaDB and MySQL: tests/reliability/test_group_races.py)


def _lock_accounts(context: Context, pks: Collection[int]) -> None:  # pragma: no cover (as above)
    hosts = context.adapter.model._base_manager.using(context.using).order_by("pk")
    for chunk in chunks(pks):
        theirs = people(context).filter(pk__in=chunk).values("user_id")
        list(hosts.filter(pk__in=theirs).select_for_update().values_list("pk", flat=True))


def _refuse_cycle(context: Context, group: ScimGroup, nested: Collection[int]) -> None:
    tree = nesting.load_if_any(context)
    if group.pk in nested or group.pk in tree.descendants(nested):
        raise InvalidValue("A group cannot be a member of itself, directly or through another group.")


def _replace(context: Context, rows: Any, members: Members) -> tuple[set[int], set[int], bool]:
    """Remove whoever is not in the new list; returns people and groups removed, and whether a name changed."""
    stale: list[int] = []
    users: set[int] = set()
    nested: set[int] = set()
    named: dict[int, str] = {}
    for pk, scim_user, child, display in rows.values_list("pk", "scim_user_id", "child_id", "display"):
        element = members.nested.get(child) if scim_user is None else members.users.get(scim_user)
        if element is None:
            stale.append(pk)
            (nested if scim_user is None else users).add(child or scim_user)
        elif _display(element) != display:
            named[pk] = _display(element)
    for chunk in chunks(stale):
        rows.filter(pk__in=chunk).delete()
    _rename(context, named)
    return users, nested, bool(named)


def _remove(context: Context, rows: Any, scim_ids: Collection[str]) -> tuple[set[int], set[int]]:
    """Remove the members named; ids that are nobody's change nothing."""
    if not scim_ids:
        return set(), set()
    members = look_up(context, ({"value": scim_id} for scim_id in scim_ids))
    return _take(rows, "scim_user_id", members.users), _take(rows, "child_id", members.nested)


def _take(rows: Any, column: str, pks: Collection[int]) -> set[int]:
    gone: set[int] = set()
    for chunk in chunks(pks):
        mine = rows.filter(**{f"{column}__in": chunk})
        found = set(mine.values_list(column, flat=True))
        if found:
            mine.delete()
        gone |= found
    return gone


def _add(context: Context, group: ScimGroup, column: str, elements: dict[int, dict[str, Any]]) -> set[int]:
    """Insert those who are not members yet; returns them."""
    new: set[int] = set()
    for chunk in chunks(elements):
        present = _present(context, group, column, chunk)
        missing = [pk for pk in chunk if pk not in present]
        rows = [(group.pk, pk, _display(elements[pk])) for pk in missing]
        insert_values(ScimMembership, ("group", column, "display"), rows, context.using)
        new.update(missing)
    return new


def _present(context: Context, group: ScimGroup, column: str, pks: Collection[int]) -> set[int]:
    """Who of these is in the group already."""

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[Any, Any]:
        rows = ScimMembership.objects.using(context.using).filter(group=values["group"], **{f"{column}__in": listed})
        return rows.values_list(column)

    field: Any = ScimMembership._meta.get_field(column)
    slots = {"group": Slot(ScimGroup._meta.pk, (-2, -3))}
    rows = prepared.run_listed(("present", column), context.using, build, field, pks, slots, {"group": group.pk})
    return {pk for (pk,) in rows}


def _update(context: Context, rows: Any, delta: Delta) -> bool:
    """Assign ``display`` to members named by a filter; the other sub-attributes follow from the member itself."""
    wanted = {known_id(scim_id): _display(parts) for scim_id, parts in delta.update.items() if "display" in parts}
    wanted.pop(None, None)
    if not wanted:
        return False
    mine = rows.filter(Q(scim_user__scim_id__in=wanted) | Q(child__scim_id__in=wanted))
    found = mine.values_list("pk", "scim_user__scim_id", "child__scim_id", "display")
    named = {pk: wanted[user or child] for pk, user, child, display in found if wanted[user or child] != display}
    _rename(context, named)
    return bool(named)


def _rename(context: Context, named: Mapping[int, str]) -> None:
    """Write names as sent, by membership."""
    rows = ScimMembership.objects.using(context.using)
    rows.bulk_update([ScimMembership(pk=pk, display=name) for pk, name in named.items()], ["display"], batch_size=500)


def _display(element: Mapping[str, Any]) -> str:
    return str(element.get("display") or "")[:MAX_DISPLAY_LENGTH]


def groups_with(context: Context, row: ScimUser) -> list[ScimGroup]:
    """The groups that a person is a direct member of."""
    return list(groups(context).filter(memberships__scim_user=row).order_by("pk"))


def leave_all(context: Context, row: ScimUser) -> list[ScimGroup]:
    """Take a person out of every group, whose version rises; returns the groups."""
    left = groups_with(context, row)
    if left:
        ScimMembership.objects.using(context.using).filter(scim_user=row).delete()
        mine = groups(context).filter(pk__in=[group.pk for group in left])
        mine.update(version=F("version") + 1, modified_at=now())
    return left
