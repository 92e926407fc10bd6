"""Look-ups whose SQL is kept: they mean what the ORM means, for every tenant anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection as django_connection
from django.db.models import Q
from django.test import override_settings

from conftest import person
from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.models import ScimUser
from django_scim_provider.protocol.messages import ListQuery
from django_scim_provider.protocol.projection import Projection
from django_scim_provider.services import prepared, search, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.prepared import Slot
from django_scim_provider.services.rows import wire_time
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

NAME = Slot(ScimUser._meta.get_field("user_name_key"), ("one sample", "another"))


class PickyAdapter(UserAdapter):
    """A host that says for itself which of its rows are live."""

    def live_condition(self, connection: Any) -> Q:
        return Q(user__isnull=False, user__is_active=True)


def everybody(context: Context, **query: Any) -> list[str]:
    projection = Projection.parse((), (), context.adapter.resource_type)
    return [item["userName"] for item in search.list_users(context, ListQuery(**query), projection).resources]


@pytest.fixture
def tenants() -> list[Context]:
    """Two connections, whose people bear other names."""
    contexts = [Context(ConnectionFactory()) for _ in range(2)]
    for number, context in enumerate(contexts):
        for name in ("ann", "bob"):
            users.create_user(context, person(f"{name}{number}@example.com", externalId=f"{name}-{number}"))
    return contexts


@pytest.mark.hosts
def test_one_statement_serves_two_tenants_in_turn(tenants: list[Context]) -> None:
    for _ in range(2):
        for number, context in enumerate(tenants):
            other = 1 - number
            assert everybody(context) == [f"ann{number}@example.com", f"bob{number}@example.com"]
            assert everybody(context, filter=f'userName eq "ANN{number}@example.com"') == [f"ann{number}@example.com"]
            assert everybody(context, filter=f'userName eq "ann{other}@example.com"') == []
            assert everybody(context, filter=f'externalId eq "bob-{number}"') == [f"bob{number}@example.com"]
            assert everybody(context, filter=f'externalId eq "bob-{other}"') == []
            assert everybody(context, count=1) == [f"ann{number}@example.com"]


def test_text_of_a_kept_statement_names_no_tenant(tenants: list[Context]) -> None:
    for context in tenants:
        everybody(context)
        everybody(context, filter='userName eq "ann0@example.com"')
    kept = repr([(statement.sql, statement.params) for statement in prepared._statements.values()])
    assert prepared._statements
    for context in tenants:
        assert str(context.connection.pk) not in kept
        assert context.connection.pk.hex not in kept
    assert "ann0" not in kept


def test_nothing_is_kept_for_an_adapter_with_a_scope_of_its_own(tenants: list[Context]) -> None:
    with override_settings(SCIM_PROVIDER={"ADAPTERS": {"User": f"{__name__}.PickyAdapter"}}):
        assert get_user_adapter().has_own_scope
        for number, context in enumerate(tenants):
            fresh = Context(context.connection)
            prepared._statements.clear()
            assert everybody(fresh) == [f"ann{number}@example.com", f"bob{number}@example.com"]
            assert everybody(fresh, filter=f'userName eq "ann{number}@example.com"') == [f"ann{number}@example.com"]
            assert not [key for _, key in prepared._statements if key[0] in ("people", "page")]


def test_statements_are_forgotten_when_settings_change(tenants: list[Context]) -> None:
    everybody(tenants[0])
    assert prepared._statements
    with override_settings(SCIM_PROVIDER={}):
        assert not prepared._statements


def test_number_of_statements_is_bounded(tenants: list[Context], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MAX_STATEMENTS", 2)
    for count in (1, 2, 3, 4):
        everybody(tenants[0], count=count)
    assert len(prepared._statements) <= 2


def test_a_long_list_is_asked_for_anew(tenants: list[Context], monkeypatch: pytest.MonkeyPatch) -> None:
    prepared._statements.clear()
    monkeypatch.setattr(prepared, "FEW", 1)
    everybody(tenants[0])
    everybody(tenants[0], count=1)
    kept = {key for _, key in prepared._statements if "memberships" in key}
    # As an array, any number of values is one statement.
    assert kept == ({"memberships"} if django_connection.vendor == "postgresql" else {("memberships", 1)})


def _one_of(samples: Any) -> Any:
    return ScimUser.objects.filter(user_name_key__in=[samples["listed"]]).values_list("pk")


LISTED = {"listed": Slot(ScimUser._meta.get_field("user_name_key"), ("a", "b"), is_list=True)}


def test_a_list_is_an_array_of_any_length(tenants: list[Context]) -> None:
    statement = prepared.compile_statement("default", _one_of, LISTED)
    assert " = ANY(%s)" in statement.sql
    assert " IN " not in statement.sql
    if django_connection.vendor == "postgresql":
        names = list(ScimUser.objects.values_list("user_name_key", flat=True))
        for some in (names, names[:1], [names[0], "nobody", "o'neil {,}\\ \""], []):
            wanted = ScimUser.objects.filter(user_name_key__in=some).values_list("pk")
            assert sorted(statement.run("default", {"listed": some})) == sorted(wanted)


def test_every_value_of_a_list_is_adapted() -> None:
    slot = Slot(ScimUser._meta.pk, (-1, -2), is_list=True)
    assert slot.bind(["1", 2], django_connection) == [1, 2]


@pytest.mark.parametrize("times", [0, 2])
def test_a_list_that_is_not_found_in_the_text_is_an_error(times: int) -> None:
    def build(samples: Any) -> Any:
        lists = [Q(user_name_key__in=[samples["listed"]]), Q(user_name__in=[samples["listed"]])]
        return ScimUser.objects.filter(Q(external_id=samples["listed"]), *lists[:times]).values_list("pk")

    with pytest.raises(ValueError, match="list of values"):
        prepared.compile_statement("default", build, LISTED)


def test_a_slot_that_the_query_ignores_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not depend"):
        prepared.compile_statement("default", lambda values: ScimUser.objects.values_list("pk"), {"name": NAME})


def test_a_text_that_depends_on_a_value_is_an_error() -> None:
    def build(values: Any) -> Any:
        limit = len(values["name"])
        return ScimUser.objects.filter(user_name_key=values["name"]).values_list("pk")[:limit]

    with pytest.raises(ValueError, match="depends on its values"):
        prepared.compile_statement("default", build, {"name": NAME})


@pytest.mark.hosts
def test_values_come_back_as_the_orm_gives_them(tenants: list[Context]) -> None:
    field = ScimUser._meta.get_field("scim_id")
    slot = Slot(field, (UUID(int=7), UUID(int=8)))

    def build(values: Any) -> Any:
        found = ScimUser.objects.filter(scim_id=values["scim_id"])
        return found.values_list("scim_id", "attributes", "created_at", "alive", "external_id")

    statement = prepared.compile_statement("default", build, {"scim_id": slot})
    for scim_id in ScimUser.objects.values_list("scim_id", flat=True):
        assert statement.run("default", {"scim_id": scim_id}) == list(build({"scim_id": scim_id}))
    assert statement.run("default", {"scim_id": uuid4()}) == []


def test_times_are_shown_in_utc() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    assert wire_time(moment) == "2026-01-02T03:04:05.006Z"
    assert wire_time(moment.astimezone(timezone(timedelta(hours=5)))) == "2026-01-02T03:04:05.006Z"
