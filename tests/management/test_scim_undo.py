from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_scim_provider.management.moments import since
from django_scim_provider.models import ConnectionGuard, ScimConnection, ScimRemoval
from django_scim_provider.services import users
from django_scim_provider.services.context import Context
from services.people import ALICE, BOB, host, is_active, patch, policies, post

pytestmark = pytest.mark.django_db
Manage = Callable[..., Any]


@pytest.fixture
def removed(context: Context) -> str:
    """The id of Alice, who was deactivated."""
    scim_id = post(context)
    patch(context, scim_id, active=False)
    return scim_id


def undo(manage: Manage, connection: ScimConnection, *options: str, **how: Any) -> Any:
    return manage("scim_undo", "--connection", connection.name, "--since", "1h", *options, **how)


def test_a_dry_run_says_what_would_be_done(manage: Manage, context: Context, removed: str) -> None:
    answer = undo(manage, context.connection, "--dry-run")
    assert (answer.out, answer.err) == ("1 person would have got back what they had.\n", "")
    assert not is_active(host(removed))


def test_people_get_back_what_they_had(manage: Manage, context: Context, removed: str) -> None:
    ConnectionGuard.objects.update(alarm_at=timezone.now())
    answer = undo(manage, context.connection, tty=True)
    assert answer.out.endswith("1 person got back what they had.\n")
    assert "may remove the same people again" in answer.err
    assert "1/1" in answer.err
    assert is_active(host(removed))
    assert ConnectionGuard.objects.get().alarm_at is None
    assert undo(manage, context.connection, "--json").json == []


def test_what_does_not_return_is_named(manage: Manage, context: Context) -> None:
    policies(context, on_delete="delete")
    gone, taken = post(context), post(context, BOB)
    users.delete_user(context, gone)
    users.delete_user(context, taken)
    post(context, BOB)
    answer = undo(manage, context.connection, fails="1 person could not be brought back")
    assert f"{ALICE}: what does not return: the account, which was deleted" in answer.out
    assert f"{BOB}: stays removed. " in answer.out
    (one,) = undo(manage, context.connection, "--json", fails="could not").json
    assert one["user_name"] == BOB


def test_older_removals_are_left_alone(manage: Manage, context: Context, removed: str) -> None:
    ScimRemoval.objects.update(at=timezone.now() - timedelta(hours=2))
    assert undo(manage, context.connection, "--json").json == []


def test_times_are_given_in_several_ways(settings: Any) -> None:
    settings.TIME_ZONE = "UTC"
    with timezone.override(UTC):
        assert since("2026-11-22") == datetime(2026, 11, 22, tzinfo=UTC)
        assert since("2026-11-22T09:30") == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
        assert since("2026-11-22T09:30+02:00") == datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
    for text, ago in (("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("3d", timedelta(days=3))):
        assert abs(timezone.now() - ago - since(text)) < timedelta(minutes=1)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-45", "2026-13-45T00:00", "", "5"])
def test_what_is_no_time_is_refused(manage: Manage, context: Context, text: str) -> None:
    manage("scim_undo", "--connection", context.connection.name, "--since", text, fails="not a time")


@pytest.mark.parametrize("text", ["999999d", "0001-01-01T00:00+01:00", "9999-12-31T23:59-01:00"])
def test_a_moment_outside_the_calendar_is_refused(context: Context, manage: Manage, text: str) -> None:
    manage(
        "scim_undo", "--connection", context.connection.name, "--since", text, fails="calendar does not reach so far"
    )
