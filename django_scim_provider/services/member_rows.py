"""The members of groups: what is read from the database, and how they are shown (RFC 7643 section 4.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from django.db.models import QuerySet

from ..models import ScimGroup, ScimMembership, ScimUser
from . import prepared
from .context import Context
from .prepared import BEFORE_ALL, Slot

PIECE: Final = 2000
"""People that are held at a time."""
_SLOTS: Final = {"group": Slot(ScimGroup._meta.pk, (-2, -3)), "after": Slot(ScimUser._meta.pk, (-4, -5))}

Member = dict[str, Any]


def members_of(pks: Collection[int], context: Context, *, is_nested: bool) -> Mapping[int, list[Member]]:
    """The members of several groups by primary key, groups first: one query, one more where groups are nested.

    No model instances. In the order of their keys.

    :param is_nested: whether any group may be a member of another, known no earlier than the groups' versions: members
        that a version counts are never left out.
    """
    found: defaultdict[int, list[Member]] = defaultdict(list)

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[Any, Any]:
        return _select(ScimUser.objects.using(context.using).filter(memberships__group__in=listed), "memberships")

    if pks:
        for group, member in _nested(pks, context) if is_nested else ():
            found[group].append(member)
        rows = list(prepared.run_listed("members", context.using, build, ScimGroup._meta.pk, pks))
        for (_, group, *_), member in zip(rows, _people(rows, context), strict=True):
            found[group].append(member)
    return found


def members_of_one(pk: int, context: Context, *, is_nested: bool) -> list[Member] | Pieces:
    """The same of one group; where they are many, what reads the others when it is their turn, by a query more."""
    values, key = {"group": pk, "after": BEFORE_ALL}, ("some members", PIECE)
    rows = prepared.run(key, context.using, lambda samples: _of_one(context, samples)[: PIECE + 1], _SLOTS, values)
    nested = _nested([pk], context) if is_nested else ()
    first = [member for _, member in nested] + _people(rows, context)
    return Pieces(context, pk, first, rows[-1][0]) if len(rows) > PIECE else first


@dataclass(frozen=True)
class Pieces:
    """The members of a group that has too many to hold all of them: list after list, none of them empty.

    Going over them reads the database, and raises what that raises.
    """

    context: Context
    pk: int
    first: list[Member]
    last_pk: int
    """Of the last person in ``first``."""

    def __iter__(self) -> Iterator[list[Member]]:
        yield self.first
        using, values = self.context.using, {"group": self.pk, "after": self.last_pk}
        statement = prepared.kept("other members", using, partial(_of_one, self.context), _SLOTS)
        for rows in statement.stream(using, values, PIECE):
            yield _people(rows, self.context)


def has_more_members(pk: int, context: Context, limit: int) -> bool:
    """Whether a group has more than so many members; reads none of them."""

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[ScimMembership, Any]:
        rows = ScimMembership.objects.using(context.using).filter(group__in=listed)
        return rows.order_by().values_list("pk")[limit : limit + 1]

    return any(True for _ in prepared.run_listed(("more", limit), context.using, build, ScimGroup._meta.pk, [pk]))


def _of_one(context: Context, values: Mapping[str, Any]) -> QuerySet[Any, Any]:
    people = ScimUser.objects.using(context.using).filter(pk__gt=values["after"], memberships__group=values["group"])
    return _select(people, "memberships")


def _select(members: QuerySet[Any], membership: str) -> QuerySet[Any, Any]:
    """Rows of members, reached from their own side so that nothing is joined but they and their memberships."""
    columns = ("pk", f"{membership}__group", "scim_id", f"{membership}__display")
    return members.order_by("pk").values_list(*columns)


def _people(rows: Iterable[tuple[Any, ...]], context: Context) -> list[Member]:
    """One for each row."""
    base = f"{context.base_url}/Users/"
    return [
        {"value": scim_id, "$ref": base + scim_id, "type": "User", "display": display}
        if display
        else {"value": scim_id, "$ref": base + scim_id, "type": "User"}
        for _, _, scim_id, display in rows
    ]


def _nested(pks: Collection[int], context: Context) -> Iterator[tuple[int, Member]]:
    """The groups inside groups, with the primary key of the one that they are in."""
    base = f"{context.base_url}/Groups/"

    def build(values: Mapping[str, Any], listed: Sequence[int]) -> QuerySet[Any, Any]:
        return _select(ScimGroup.objects.using(context.using).filter(parents__group__in=listed), "parents")

    for _, group, scim_id, display in prepared.run_listed("nested", context.using, build, ScimGroup._meta.pk, pks):
        member = {"value": scim_id, "$ref": base + scim_id, "type": "Group"}
        yield group, member | {"display": display} if display else member
