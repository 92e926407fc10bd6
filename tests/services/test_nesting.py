"""Groups inside groups: who is above, who is below."""

from __future__ import annotations

import pytest

from django_scim_provider.models import ScimConnection
from django_scim_provider.services import nesting
from django_scim_provider.services.context import Context
from django_scim_provider.services.nesting import Nesting
from group_support import make_group, provision, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db


def test_ancestors_and_descendants(context: Context) -> None:
    (ann,) = provision(context, "ann")
    bottom = make_group(context, "Bottom", ann)
    left, right = make_group(context, "Left", bottom), make_group(context, "Right", bottom)
    top = make_group(context, "Top", left, right, ann)
    lone = make_group(context, "Lone", ann)
    tree = Nesting.load(context)
    assert tree.ancestors([bottom.pk]).keys() == {left.pk, right.pk, top.pk}
    assert tree.ancestors([left.pk, lone.pk]).keys() == {top.pk}
    assert tree.ancestors([top.pk, lone.pk]) == {}
    assert tree.descendants([top.pk]) == {left.pk, right.pk, bottom.pk}
    assert tree.descendants([left.pk, right.pk]) == {bottom.pk}
    assert tree.descendants([bottom.pk, left.pk]) == {bottom.pk}
    assert tree.descendants([lone.pk]) == set()
    parent = tree.ancestors([left.pk])[top.pk]
    assert (parent.pk, parent.scim_id, parent.name) == (top.pk, top.scim_id, "Top")


def test_a_long_chain_is_followed_without_recursion(context: Context) -> None:
    chain = {number: [nesting.Parent(number + 1, context.connection.pk, str(number + 1))] for number in range(5000)}
    tree = Nesting(chain)
    assert len(tree.ancestors([0])) == len(tree.descendants([5000])) == 5000


def test_even_a_cycle_comes_to_an_end(context: Context) -> None:
    """Nobody can make one, but a read must not hang on a table that somebody else wrote to."""
    ring = {number: [nesting.Parent((number + 1) % 3, context.connection.pk, "")] for number in range(3)}
    assert Nesting(ring).ancestors([0]).keys() == {0, 1, 2}
    assert Nesting(ring).descendants([0]) == {0, 1, 2}


def test_the_nesting_is_read_only_where_there_is_one(context: Context) -> None:
    make_group(context, "Flat")
    assert sql_of(lambda: nesting.load_if_any(context)) == []
    make_group(context, "Outer", make_group(context, "Inner"))
    assert len(sql_of(lambda: nesting.load_if_any(context))) == 1


def test_another_connections_nesting_is_its_own(context: Context, neighbour: ScimConnection) -> None:
    other = Context(neighbour)
    make_group(other, "Outer", make_group(other, "Inner"))
    assert Nesting.load(context).parents == {}
    assert len(Nesting.load(other).parents) == 1
    context.connection.refresh_from_db()
    assert not context.connection.has_nested_groups
