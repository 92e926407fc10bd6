"""The members of groups: what is read from the database, and how they are shown (RFC 7643 section 4.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet

from ..models import ScimGroup, ScimMembership, ScimUser
from . import prepared
from .context import Context
from .prepared import BEFORE_ALL, Slot

PIECE: Final = 2000
"""Members that are held at a time."""
_SLOTS: Final = {"group": Slot(ScimGroup._meta.pk, (-2, -3)), "after": Slot(ScimMembership._meta.pk, (-4, -5))}

Member = dict[str, Any]


def members_of(pks: Collection[int], context: Context) -> Mapping[int, list[Member]]:
    """The members of several groups by primary key, in the order in which they came: one query, no model instances."""
    found: defaultdict[int, list[Member]] = defaultdict(list)
    if pks:
        key = "members", _has_nested(context)
        rows = list(prepared.run_listed(key, context.using, partial(_of_some, context), ScimGroup._meta.pk, pks))
        for (_, group, *_), member in zip(rows, _shown(rows, context), strict=True):
            found[group].append(member)
    return found


def members_of_one(pk: int, context: Context) -> list[Member] | Pieces:
    """The same of one group; where they are many, what reads the others when it is their turn, by a second query."""
    values = {"group": pk, "after": BEFORE_ALL}
    key = "some members", _has_nested(context), PIECE
    rows = prepared.run(key, context.using, lambda samples: _of_one(context, samples)[: PIECE + 1], _SLOTS, values)
    first = _shown(rows, context)
    return Pieces(context, pk, first, rows[-1][0]) if len(first) > PIECE else first


@dataclass(frozen=True)
class Pieces:
    """The members of a group that has too many to hold all of them: list after list, none of them empty.

    Going over them reads the database, and raises what that raises.
    """

    context: Context
    pk: int
    first: list[Member]
    last_pk: int
    """Of the membership that ``first`` ends with."""

    def __iter__(self) -> Iterator[list[Member]]:
        yield self.first
        context, values = self.context, {"group": self.pk, "after": self.last_pk}
        key = "other members", _has_nested(context)
        statement = prepared.kept(key, context.using, partial(_of_one, context), _SLOTS)
        # Somebody who has left and come back since the first were read has a new row.
        told = {member["value"] for member in self.first}
        for rows in statement.stream(context.using, values, PIECE):
            if piece := [member for member in _shown(rows, context) if member["value"] not in told]:
                yield piece


def has_more_members(pk: int, context: Context, limit: int) -> bool:
    """Whether a group has more than so many members; reads none of them."""

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[ScimMembership, Any]:
        rows = ScimMembership.objects.using(context.using).filter(group__in=listed)
        return rows.order_by().values_list("pk")[limit : limit + 1]

    return any(True for _ in prepared.run_listed(("more", limit), context.using, build, ScimGroup._meta.pk, [pk]))


def _has_nested(context: Context) -> bool:
    return context.connection.has_nested_groups


def _of_some(context: Context, values: Mapping[str, Any], pks: Sequence[int]) -> QuerySet[Any, Any]:
    return _select(context, group__in=pks)


def _of_one(context: Context, values: Mapping[str, Any]) -> QuerySet[Any, Any]:
    return _select(context, group=values["group"], pk__gt=values["after"])


def _select(context: Context, **conditions: Any) -> QuerySet[Any, Any]:
    """Memberships; where there are people alone, by an inner join, which databases sort and hash with less work."""
    if _has_nested(context):
        rows = ScimMembership.objects.using(context.using).filter(**conditions)
        return rows.order_by("pk").values_list("pk", "group", "scim_user__scim_id", "display", "child__scim_id")
    people = ScimUser.objects.using(context.using)
    people = people.filter(**{f"memberships__{name}": value for name, value in conditions.items()})
    columns = ("memberships__pk", "memberships__group", "scim_id", "memberships__display")
    return people.order_by("memberships__pk").values_list(*columns)


def _shown(rows: Sequence[tuple[Any, ...]], context: Context) -> list[Member]:
    """The members that rows of ``_select`` tell of, one for each."""
    users, nested = f"{context.base_url}/Users/", f"{context.base_url}/Groups/"
    members: list[Member]
    if _has_nested(context):
        members = [
            {"value": child, "$ref": nested + child, "type": "Group"}
            if scim_id is None
            else {"value": scim_id, "$ref": users + scim_id, "type": "User"}
            for _, _, scim_id, _, child in rows
        ]
    else:
        members = [{"value": scim_id, "$ref": users + scim_id, "type": "User"} for _, _, scim_id, _ in rows]
    for member, row in zip(members, rows, strict=True):
        if row[3]:
            member["display"] = row[3]
    return members
