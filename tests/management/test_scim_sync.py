from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django.db import DatabaseError
from django.utils import timezone

from django_scim_provider.adapters import UserAdapter, get_user_adapter
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import sync
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.hosts, pytest.mark.django_db]
Manage = Callable[..., Any]


def rename(user: Any, user_name: str, adapter: UserAdapter) -> None:
    """As a host does it where no signal tells."""
    columns = dict.fromkeys([*adapter.user_name_columns, "email"], user_name)
    get_user_model()._base_manager.filter(pk=user.pk).update(**columns)


def row_without_account(connection: ScimConnection, user_name: str) -> None:
    moment = timezone.now()
    ScimUser.objects.create(
        connection=connection,
        scope="/",
        user_name=user_name,
        user_name_key=user_name.lower(),
        created_at=moment,
        modified_at=moment,
    )


def test_sync_adopts_and_refreshes(manage: Manage) -> None:
    connection = ConnectionFactory(name="Acme")
    known = HostUserFactory(name="known")
    ScimUser.objects.filter(user=HostUserFactory(name="unknown")).delete()
    rename(known, "renamed@example.com", get_user_adapter())

    synced = manage("scim_sync", "--json")
    assert synced.json == [
        {
            "connection": "Acme",
            "refreshed": 1,
            "adopted": 1,
            "left_out": 0,
            "collisions": [],
            "unusable": [],
            "renamed": [],
        }
    ]
    assert synced.err == ""
    names = ScimUser.objects.filter(connection=connection).values_list("user_name", flat=True)
    assert sorted(names) == ["renamed@example.com", "unknown@example.com"]
    assert manage("scim_sync", "--json").json[0]["refreshed"] == 0


def test_sync_prints_a_table(manage: Manage, connection: ScimConnection) -> None:
    heading, _, line = manage("scim_sync").out.splitlines()
    assert heading.split() == ["connection", "adopted", "refreshed", "left", "out"]
    assert line.split()[-3:] == ["0", "0", "0"]


def test_sync_draws_bars_on_a_terminal(manage: Manage, connection: ScimConnection) -> None:
    HostUserFactory()
    ScimUser.objects.all().delete()
    drawn = manage("scim_sync", tty=True).err
    assert f"{connection.name}: adopting [" in drawn
    assert f"{connection.name}: refreshing [" in drawn


def test_sync_passes_over_disabled_connections(manage: Manage) -> None:
    ConnectionFactory(name="On", existing_accounts="never")
    ConnectionFactory(name="Off", enabled=False)
    HostUserFactory()
    assert [synced["connection"] for synced in manage("scim_sync", "--json").json] == ["On"]
    with pytest.raises(CommandError, match=r"Enabling it adopts people: manage\.py scim_connection enable Off"):
        manage("scim_sync", "--connection", "Off")
    assert not ScimUser.objects.exists()


def test_sync_of_one_connection(manage: Manage) -> None:
    ConnectionFactory(name="One")
    ConnectionFactory(name="Two")
    assert [synced["connection"] for synced in manage("scim_sync", "--connection", "Two", "--json").json] == ["Two"]


def test_sync_without_connections_has_nothing_to_do(manage: Manage) -> None:
    synced = manage("scim_sync")
    assert (synced.out, "No connection is enabled" in synced.err) == ("", True)


def test_sync_fails_where_somebody_is_left_out_and_says_who(manage: Manage, connection: ScimConnection) -> None:
    row_without_account(connection, "alice@example.com")
    HostUserFactory(name="alice")
    synced = manage("scim_sync", fails="1 person is left out, so no identity provider can deactivate them.")
    assert synced.error.returncode == 1
    assert "“alice@example.com” is left out: another person's user name differs only in spelling." in synced.out


def test_sync_tells_of_renames_that_collide(manage: Manage, connection: ScimConnection, adapter: UserAdapter) -> None:
    row_without_account(connection, "alice@example.com")
    bob = HostUserFactory(name="bob")
    rename(bob, "alice@example.com", adapter)
    synced = manage("scim_sync", "--json", fails="1 person is left out").json[0]
    assert (synced["renamed"], synced["left_out"]) == (["bob@example.com"], 1)
    assert "“bob@example.com” was renamed in the application" in manage("scim_sync", fails="1 person").out
    assert ScimUser.objects.get(user=bob).user_name == "bob@example.com"


def test_sync_goes_on_with_the_next_connection_when_the_database_fails(
    manage: Manage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ConnectionFactory(name="Bad")
    ConnectionFactory(name="Good", existing_accounts="never")
    adopt = sync.adopt
    done = []

    def fail(context: Any, progress: Any = None) -> Any:
        done.append(context.connection.name)
        if context.connection.name == "Bad":
            raise DatabaseError("disk full")
        return adopt(context, progress)

    monkeypatch.setattr(sync, "adopt", fail)
    synced = manage("scim_sync", fails="Not finished; what was done stays, run it again.\n“Bad”: disk full")
    assert "Good" in synced.out
    assert done == ["Bad", "Good"]
