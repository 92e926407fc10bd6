"""Members come and go as deltas."""

from __future__ import annotations

import random
import uuid

import pytest

from django_scim_provider.models import ScimGroup, ScimMembership
from django_scim_provider.protocol.errors import InvalidValue
from django_scim_provider.protocol.patch import Delta
from django_scim_provider.services import guard, membership
from django_scim_provider.services.context import Context
from group_support import in_group, make_group, many_people, provision, sql_of

pytestmark = pytest.mark.django_db


def elements(*ids: object) -> tuple[dict[str, str], ...]:
    return tuple({"value": str(scim_id)} for scim_id in ids)


def carry_out(context: Context, group: ScimGroup, delta: Delta) -> membership.Effect:
    found = membership.look_up(context, delta.add)
    return membership.change(context, guard.lock(context), group, delta, found)


def test_look_up_tells_people_groups_and_strangers_apart(context: Context) -> None:
    (ann,) = provision(context, "ann")
    staff = make_group(context, "Staff")
    stranger = str(uuid.uuid4())
    found = membership.look_up(context, elements(ann.scim_id, staff.scim_id, stranger, "nonsense", "", ann.scim_id))
    assert found.users.keys() == {ann.pk}
    assert found.nested.keys() == {staff.pk}
    assert found.unknown == [stranger, "nonsense", ""]
    assert len(sql_of(lambda: membership.look_up(context, elements(ann.scim_id)))) == 1
    assert sql_of(lambda: membership.look_up(context, ())) == []


def test_an_effect_says_who_came_and_went(context: Context) -> None:
    ann, bob = provision(context, "ann", "bob")
    inner, group = make_group(context, "Inner"), make_group(context, "Staff", bob)
    effect = carry_out(
        context, group, Delta(add=elements(ann.scim_id, bob.scim_id, inner.scim_id), remove=(str(uuid.uuid4()),))
    )
    assert effect == membership.Effect(frozenset({ann.pk}), frozenset(), frozenset({inner.pk}))
    effect = carry_out(context, group, Delta(replace=True, add=elements(ann.scim_id)))
    assert effect == membership.Effect(frozenset(), frozenset({bob.pk}), frozenset({inner.pk}))
    assert not carry_out(context, group, Delta(replace=True, add=elements(ann.scim_id)))
    effect = carry_out(context, group, Delta(replace=True, add=({"value": str(ann.scim_id), "display": "x" * 300},)))
    assert effect == membership.Effect(frozenset(), frozenset(), frozenset(), display_changed=True)
    assert ScimMembership.objects.get(group=group).display == "x" * 255
    effect = carry_out(context, group, Delta(update={str(ann.scim_id): {"type": "User"}}))
    assert not effect
    effect = carry_out(context, group, Delta(update={str(ann.scim_id): {"display": None}}))
    assert effect.display_changed
    assert ScimMembership.objects.get(group=group).display == ""


def test_a_group_in_itself_is_refused(context: Context) -> None:
    group = make_group(context, "Staff")
    with pytest.raises(InvalidValue, match="member of itself"):
        carry_out(context, group, Delta(add=elements(group.scim_id)))


@pytest.mark.parametrize("chunk", [1, 3, 5000])
def test_deltas_agree_with_sets(context: Context, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Random deltas in batches of any size, against plain sets."""
    monkeypatch.setattr(membership, "CHUNK", chunk)
    dice = random.Random(chunk)
    many_people(context.connection, 12)
    groups = [make_group(context, f"Inner {number}") for number in range(4)]
    everybody = [str(row.scim_id) for row in context.connection.scim_users.all()]
    everybody += [str(group.scim_id) for group in groups]
    group, oracle = make_group(context, "Staff"), set[str]()
    for _ in range(25):
        add = dice.sample(everybody, dice.randint(0, 6))
        gone = [scim_id for scim_id in dice.sample(everybody, dice.randint(0, 6)) if scim_id not in add]
        if dice.random() < 0.25:
            carry_out(context, group, Delta(replace=True, add=elements(*add)))
            oracle = set(add)
        else:
            carry_out(context, group, Delta(add=elements(*add), remove=tuple(gone)))
            oracle = (oracle - set(gone)) | set(add)
        assert in_group(group.scim_id) == oracle
    assert membership.groups_with(context, context.connection.scim_users.first()) in ([], [group])  # type: ignore[arg-type]
