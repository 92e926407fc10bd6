"""Many removals in a short time: an alarm, or a hold until an administrator decides (threats: T28)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.db import DatabaseError
from django.db import connection as database
from django.test import TestCase
from django.utils import timezone

from api.helpers import is_error
from conftest import ScimClient, person
from django_scim_provider import signals
from django_scim_provider.models import ConnectionGuard, HeldRemoval, ScimConnection, ScimEvent, ScimRemoval, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import held, role_mappings, users
from django_scim_provider.services.context import Context
from django_scim_provider.services.removals import FLOOR, Held
from factories import HostUserFactory
from group_support import group_body, many_people, provision, push, roles_of, sql_of
from services.people import configured, is_active, listening

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db

OFF = {"op": "replace", "path": "active", "value": False}


def people(context: Context, count: int) -> list[str]:
    return [str(row.scim_id) for row in provision(context, *(f"p{number:04}" for number in range(count)))]


def policy(connection: ScimConnection, **values: Any) -> None:
    for name, value in values.items():
        setattr(connection, name, value)
    connection.save()


def deactivate(scim: ScimClient, ids: Iterable[str]) -> list[int]:
    with TestCase.captureOnCommitCallbacks(execute=True):
        return [scim.patch(f"/Users/{scim_id}", OFF).status_code for scim_id in ids]


def pass_time(**time: float) -> None:
    """Everything that was noted is so much older."""
    age = timedelta(**time)
    for removal in ScimRemoval.objects.all():
        ScimRemoval.objects.filter(pk=removal.pk).update(at=removal.at - age)
    for guard in ConnectionGuard.objects.all():
        for name in ("alarm_at", "alarm_last_at", "removal_limit_at", "released_until", "counted_from"):
            if getattr(guard, name) is not None:
                setattr(guard, name, getattr(guard, name) - age)
        guard.save()


def alarms() -> list[ScimEvent]:
    return list(ScimEvent.objects.filter(action=ScimEvent.Action.ALARM))


def test_administrators_are_told_once(scim: ScimClient, context: Context, settings: Any) -> None:
    settings.ADMINS = [("Root", "root@example.com")]
    ids = people(context, 16)
    with listening(signals.mass_removal) as heard:
        assert deactivate(scim, ids[:FLOOR]) == [200] * FLOOR
        assert (heard, mail.outbox, alarms()) == ([], [], [])
        assert deactivate(scim, ids[FLOOR:]) == [200] * 6
    ((_, told),) = heard
    assert (told["count"], told["limit"], told["held"]) == (11, 10, False)
    (message,) = mail.outbox
    assert "11 people were removed within ten minutes" in message.body
    (event,) = alarms()
    assert event.outcome == "success"
    assert held.alarm_since(context) is not None


def test_the_next_time_is_told_again(scim: ScimClient, context: Context) -> None:
    ids = people(context, 36)
    deactivate(scim, ids[:12])
    pass_time(minutes=2)
    deactivate(scim, ids[12:14])
    assert len(alarms()) == 1, "it still goes on"
    pass_time(minutes=11)
    deactivate(scim, ids[14:24])
    assert len(alarms()) == 1, "ten are few"
    deactivate(scim, ids[24:25])
    assert len(alarms()) == 2


def test_a_tenth_of_the_people_is_a_matter_of_course(scim: ScimClient, context: Context) -> None:
    many_people(context.connection, 180)
    ids = people(context, 24)
    deactivate(scim, ids[:20])
    assert not alarms(), "20 of 204"
    deactivate(scim, ids[20:])
    assert len(alarms()) == 1


def test_somebody_deactivated_and_then_deleted_is_one(scim: ScimClient, context: Context) -> None:
    ids = people(context, FLOOR)
    deactivate(scim, ids)
    for scim_id in ids:
        assert scim.delete(f"/Users/{scim_id}").status_code == 204
    assert not alarms()
    assert ScimRemoval.objects.count() == 2 * FLOOR


def test_further_removals_are_held_and_everything_else_goes_on(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="hold")
    ids = people(context, 14)
    with listening(signals.mass_removal) as heard:
        assert deactivate(scim, ids) == [200] * FLOOR + [429] * 4
    assert [told["held"] for _, told in heard] == [True]
    answer = scim.delete(f"/Users/{ids[-1]}")
    assert is_error(answer, 429)
    assert answer.headers["Retry-After"] == "600"
    assert is_active(ScimUser.objects.get(scim_id=ids[-1]).user)
    pass_time(hours=5)
    assert deactivate(scim, ids[-1:]) == [429], "until somebody decides"
    assert len(alarms()) == 1
    assert alarms()[0].outcome == "refused"

    # Other writes.
    assert scim.patch(f"/Users/{ids[-1]}", {"op": "replace", "path": "title", "value": "Boss"}).status_code == 200
    on = {"op": "replace", "path": "active", "value": True}
    assert scim.patch(f"/Users/{ids[0]}", on).status_code == 200
    scim.create("new@example.com")
    push(scim, "Staff", ids[-1])

    # Who asked for what, by which token.
    rows = list(held.held(context))
    assert [row.resource_id for row in rows] == ids[FLOOR:]
    last = rows[-1]
    assert (last.label, last.count, last.people, last.remote_addr) == ("p0013@example.com", 3, 1, "127.0.0.1")
    assert last.key_id == context.connection.tokens.get().key_id
    assert str(last) == last.label

    until = held.release(context)
    assert until > timezone.now() + timedelta(hours=23)
    assert not HeldRemoval.objects.exists()
    assert held.alarm_since(context) is None
    assert deactivate(scim, ids[1:]) == [200] * 13, "all of them pass for a day"
    pass_time(hours=25)
    assert ScimEvent.objects.filter(action="let_pass").count() == 1


def test_counting_begins_anew_after_a_release(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="hold")
    ids = people(context, 24)
    deactivate(scim, ids[:11])
    held.settle(context)
    assert deactivate(scim, ids[11:]) == [200] * FLOOR + [429] * 3


def test_a_limit_of_ones_own(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="hold", guard_limit=2)
    ids = people(context, 5)
    assert deactivate(scim, ids[:3]) == [200, 200, 429]
    policy(context.connection, guard_limit=100)
    assert held.limit(context, 5000) == 100
    held.settle(context)
    assert deactivate(scim, ids[2:]) == [200] * 3


def test_a_hold_that_cannot_be_noted_holds_all_the_same(
    scim: ScimClient, context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    policy(context.connection, guard="hold", guard_limit=0)
    (scim_id,) = people(context, 1)

    def refuse_insert(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT"):
            raise DatabaseError("cannot execute INSERT in a read-only transaction")
        return execute(sql, params, many, context)

    with database.execute_wrapper(refuse_insert):
        assert deactivate(scim, [scim_id]) == [429]
    assert "could not be noted" in caplog.text
    assert is_active(ScimUser.objects.get(scim_id=scim_id).user)


def test_a_bulk_request_is_held_operation_by_operation(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="hold", guard_limit=2)
    ids = people(context, 4)
    operations = [{"method": "DELETE", "path": f"/Users/{scim_id}"} for scim_id in ids]
    operations.append({"method": "POST", "path": "/Users", "bulkId": "x", "data": person("new@example.com")})
    answer = scim.post("/Bulk", {"schemas": [urns.BULK_REQUEST], "Operations": operations}).json()["Operations"]
    assert [result["status"] for result in answer] == ["204", "204", "429", "429", "201"]
    assert held.held(context).count() == 2


def test_switched_off_nobody_counts(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="off")
    ids = people(context, 14)
    assert deactivate(scim, ids) == [200] * 14
    assert not alarms()
    assert ScimRemoval.objects.count() == 14, "to be undone all the same"


def test_what_administrators_do_is_theirs_to_judge(context: Context) -> None:
    policy(context.connection, guard="hold", guard_limit=0)
    (scim_id,) = people(context, 1)
    root = HostUserFactory(name="root")
    for caller in (context, Context(context.connection, actor=root, base_url="https://app.example.com/scim/v2")):
        with pytest.raises(Held):
            users.delete_user(caller, scim_id)
    users.delete_user(Context(context.connection, actor=root), scim_id)


def test_a_policy_that_does_nothing_removes_nobody(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard="hold", guard_limit=0, on_deactivate="nothing")
    assert deactivate(scim, people(context, 2)) == [200, 200]


def test_an_alarm_of_the_past_does_not_hold(scim: ScimClient, context: Context) -> None:
    """The policy became stricter after an alarm that was told and left alone."""
    ids = people(context, 13)
    deactivate(scim, ids[:12])
    pass_time(hours=1)
    policy(context.connection, guard="hold")
    assert deactivate(scim, ids[12:]) == [200]


def test_people_who_lose_roles_with_a_group_count(scim: ScimClient, context: Context, roles: dict[str, Group]) -> None:
    """A group that means something is emptied; the request is held as a whole."""
    policy(context.connection, guard="hold")
    role_mappings.save_mapping(context, "Staff", "writer")
    ids = people(context, 12)
    group = push(scim, "Staff", *ids)["id"]
    other = push(scim, "No role", *ids)["id"]
    assert scim.put(f"/Groups/{other}", group_body("No role")).status_code == 200
    for emptied in (scim.put(f"/Groups/{group}", group_body("Staff")), scim.delete(f"/Groups/{group}")):
        assert emptied.status_code == 429
    row = ScimUser.objects.get(scim_id=ids[0])
    assert roles_of(row) == {"writer"}
    (held_row,) = held.held(context)
    assert (held_row.resource_type, held_row.label, held_row.people) == ("Group", "Staff", 12)
    held.release(context)
    assert scim.put(f"/Groups/{group}", group_body("Staff")).status_code == 200
    assert roles_of(row) == set()
    removal = ScimRemoval.objects.get(scim_user=row)
    assert (removal.kind, removal.group_ids, removal.roles) == ("leave", [group], ["writer"])


def test_mail_goes_where_the_setting_says(scim: ScimClient, context: Context) -> None:
    policy(context.connection, guard_limit=0)
    ids = people(context, 3)
    with configured(NOTIFY=["scim@example.com"]):
        deactivate(scim, ids[:1])
    assert mail.outbox[0].to == ["scim@example.com"]
    for other in ("services.test_removals.nobody", "services.test_removals.broken"):
        held.settle(context)
        with configured(NOTIFY=other):
            assert deactivate(scim, ids[1:2]) == [200]
        scim.patch(f"/Users/{ids[1]}", {"op": "replace", "path": "active", "value": True})
    assert len(mail.outbox) == 1, "nobody is to be told, or telling fails; the write stands"
    assert len(alarms()) == 3


def nobody(connection: ScimConnection) -> list[str]:
    assert connection.name
    return []


def broken(connection: ScimConnection) -> list[str]:
    raise ConnectionError("The mail server is down.")


def test_creating_and_updating_ask_nothing_of_the_guard(scim: ScimClient, context: Context) -> None:
    scim_id = scim.create("first@example.com")["id"]
    title = {"op": "replace", "path": "title", "value": "Boss"}
    for write in (lambda: scim.create("second@example.com"), lambda: scim.patch(f"/Users/{scim_id}", title)):
        statements = sql_of(write)
        assert not [sql for sql in statements if "removal" in sql or "connectionguard" in sql]


def test_the_state_of_guards_is_read_at_once(context: Context, neighbour: ScimConnection) -> None:
    assert set(held.watch([context.connection, neighbour])) == {context.connection.pk, neighbour.pk}
    assert len(sql_of(lambda: held.watch([context.connection, neighbour]))) == 2
    assert str(ScimRemoval(scim_user_id=5, at=timezone.now())).startswith("5 20")
