"""New rows by SQL compiled once: what is in the database is what the ORM would have put there."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection as database

from django_scim_provider.models import ScimEvent, ScimUser, ScimValue
from django_scim_provider.services import inserts
from django_scim_provider.services.context import Context
from django_scim_provider.services.transactions import now

pytestmark = pytest.mark.django_db


def _row(context: Context, name: str) -> ScimUser:
    return ScimUser(
        connection=context.connection,
        scope="/",
        user_name=name,
        user_name_key=name.lower(),
        attributes={"userName": name, "x": ["é", 1, None, {"y": 1.5}]},
        created_at=now(),
        modified_at=now(),
    )


@pytest.mark.parametrize("returns", [True, False])
def test_one_row_is_there_and_knows_its_key(context: Context, returns: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # MySQL's INSERT returns nothing; the key of the last one is asked for.
    if database.vendor != "postgresql":
        monkeypatch.setattr(database.features, "can_return_columns_from_insert", returns)
    inserts._table.cache_clear()
    first, second = _row(context, "Ann"), _row(context, "Bob")
    for row in (first, second):
        inserts.insert(row, context.using)
    inserts._table.cache_clear()
    assert first.pk != second.pk
    stored = ScimUser.objects.get(pk=second.pk)
    fields: list[Any] = [field.attname for field in ScimUser._meta.concrete_fields]
    assert [getattr(stored, name) for name in fields] == [getattr(second, name) for name in fields]
    # It is a row like any other from here on.
    first.user_name = "Anne"
    first.save()
    assert ScimUser.objects.filter(user_name="Anne").count() == 1


def test_many_rows_take_one_statement_for_each_hundred(context: Context, django_assert_num_queries: Any) -> None:
    row = _row(context, "Ann")
    inserts.insert(row, context.using)
    values = [ScimValue(scim_user=row, attribute="emails", position=n, value_key=f"%s{n}") for n in range(250)]
    with django_assert_num_queries(3):
        inserts.insert_all(values, context.using)
    assert set(row.values.values_list("value_key", flat=True)) == {f"%s{n}" for n in range(250)}


def test_an_event_takes_every_kind_of_column(context: Context) -> None:
    event = ScimEvent(
        connection=context.connection, at=now(), action="create", remote_addr="2001:db8::1", values={"a": [1]}
    )
    inserts.insert(event, context.using)
    stored = ScimEvent.objects.get(pk=event.pk)
    assert (stored.remote_addr, stored.values, stored.changed, stored.count) == ("2001:db8::1", {"a": [1]}, [], 1)
