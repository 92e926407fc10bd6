"""The lock that orders the writes of one connection that reach beyond one resource."""

from __future__ import annotations

import pytest
from django.db import connection as database

from django_scim_provider.models import ConnectionGuard, ScimConnection
from django_scim_provider.services import guard
from django_scim_provider.services.context import Context
from group_support import join, make_group, provision, remove, sql_of

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db


def test_the_guard_is_taken_before_everything_else(context: Context) -> None:
    """The order of locks: guard, host row, our row, groups."""
    (ann,) = provision(context, "ann")
    group = make_group(context, "Staff")
    table = ConnectionGuard._meta.db_table
    for statements in (sql_of(lambda: join(context, group, ann)), sql_of(lambda: remove(context, group))):
        assert table in statements[0]
        assert ("FOR UPDATE" in statements[0]) is database.features.has_select_for_update


def test_one_guard_for_each_connection(context: Context, neighbour: ScimConnection) -> None:
    mine, theirs = guard.lock(context), guard.lock(Context(neighbour))
    assert {mine.pk, theirs.pk} == {context.connection.pk, neighbour.pk}
    assert str(mine) == str(context.connection.pk)


def test_a_missing_guard_is_made(context: Context) -> None:
    ConnectionGuard.objects.all().delete()
    assert guard.lock(context) == guard.lock(context) == ConnectionGuard.objects.get()


def test_what_the_guard_knows_outweighs_what_the_request_has_read(context: Context) -> None:
    locked = guard.lock(context)
    guard.note_nesting(context, locked)
    stale = Context(ScimConnection.objects.get(pk=context.connection.pk))
    stale.connection.has_nested_groups = False
    assert guard.lock(stale).has_nested_groups
    assert stale.connection.has_nested_groups
    assert sql_of(lambda: guard.note_nesting(stale, locked)) == []


def test_a_connection_saved_as_it_was_before_is_made_good(context: Context) -> None:
    """A host's own code may save what it read before the first group was nested: readers would see no nested members."""
    before = ScimConnection.objects.get(pk=context.connection.pk)
    guard.note_nesting(context, guard.lock(context))
    before.save()
    assert not ScimConnection.objects.get(pk=context.connection.pk).has_nested_groups
    guard.lock(Context(ScimConnection.objects.get(pk=context.connection.pk)))
    assert ScimConnection.objects.get(pk=context.connection.pk).has_nested_groups
