"""What the tests of groups and roles share; the fixtures are in ``group_fixtures``."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import ScimClient, person
from django_scim_provider.models import RoleGrant, ScimConnection, ScimEvent, ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import groups, users
from django_scim_provider.services.context import Context

UNKNOWN = "5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11"


def group_body(name: str, *members: str, **attributes: Any) -> dict[str, Any]:
    return {
        "schemas": [urns.GROUP],
        "displayName": name,
        "members": [{"value": member} for member in members],
        **attributes,
    }


def push(scim: ScimClient, name: str, *members: str, **attributes: Any) -> dict[str, Any]:
    """POST a group and return the resource."""
    response = scim.post("/Groups", group_body(name, *members, **attributes))
    assert response.status_code == 201, response.content
    resource: dict[str, Any] = response.json()
    return resource


def find_groups(scim: ScimClient, text: str, **params: Any) -> list[str]:
    """The names of the groups that a filter finds, in order; the total agrees."""
    response = scim.get("/Groups", filter=text, **params)
    assert response.status_code == 200, response.content
    listed = response.json()
    assert listed["totalResults"] == len(listed["Resources"])
    return [resource["displayName"] for resource in listed["Resources"]]


def in_group(group_id: object) -> set[str]:
    """The ids of a group's members, people and groups, from the database."""
    rows = ScimMembership.objects.filter(group__scim_id=group_id)
    return {str(user or child) for user, child in rows.values_list("scim_user__scim_id", "child__scim_id")}


def last_event() -> ScimEvent:
    event = ScimEvent.objects.first()
    assert event is not None
    return event


def sql_of(work: Callable[[], object]) -> list[str]:
    """The SQL that the work runs; what opens and closes transactions is left out."""
    with CaptureQueriesContext(database) as captured:
        work()
    words = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")
    return [query["sql"] for query in captured if not query["sql"].startswith(words)]


# Without HTTP ------------------------------------------------------------------------------------------------


def provision(context: Context, *names: str, **attributes: Any) -> list[ScimUser]:
    """People with accounts, made by the service."""
    made = [users.create_user(context, person(f"{name}@example.com", **attributes)) for name in names]
    return [ScimUser.objects.select_related("user").get(scim_id=written.id) for written in made]


def make_group(context: Context, name: str, *members: ScimUser | ScimGroup) -> ScimGroup:
    written = groups.create_group(context, group_body(name, *(str(member.scim_id) for member in members)))
    return ScimGroup.objects.get(scim_id=written.id)


def change(context: Context, group: ScimGroup, *operations: dict[str, Any]) -> None:
    body = {"schemas": [urns.PATCH_OP], "Operations": list(operations)}
    groups.modify_group(context, str(group.scim_id), body)


def join(context: Context, group: ScimGroup, *members: ScimUser | ScimGroup) -> None:
    value = [{"value": str(member.scim_id)} for member in members]
    change(context, group, {"op": "add", "path": "members", "value": value})


def leave(context: Context, group: ScimGroup, *members: ScimUser | ScimGroup) -> None:
    value = [{"value": str(member.scim_id)} for member in members]
    change(context, group, {"op": "remove", "path": "members", "value": value})


def rename(context: Context, group: ScimGroup, name: str) -> None:
    change(context, group, {"op": "replace", "path": "displayName", "value": name})
    group.refresh_from_db()


def remove(context: Context, group: ScimGroup) -> None:
    groups.delete_group(context, str(group.scim_id))


def many_people(connection: ScimConnection, count: int) -> list[int]:
    """Rows of ours without accounts, in bulk; returns their primary keys."""
    moment = timezone.now()
    scope = Context(connection).adapter.scope(connection)
    start = ScimUser.objects.count()
    ScimUser.objects.bulk_create(
        (
            ScimUser(
                scim_id=uuid.uuid4(),
                connection=connection,
                scope=scope,
                user_name=f"many{number}@example.com",
                user_name_key=f"many{number}@example.com",
                attributes={"userName": f"many{number}@example.com", "active": True},
                created_at=moment,
                modified_at=moment,
            )
            for number in range(start, start + count)
        ),
        batch_size=2000,
    )
    rows = ScimUser.objects.filter(connection=connection, user_name_key__startswith="many").order_by("-pk")
    return list(rows.values_list("pk", flat=True)[:count])


def fill(group: ScimGroup, pks: Iterable[int]) -> None:
    """Make people members of a group, in bulk."""
    ScimMembership.objects.bulk_create((ScimMembership(group=group, scim_user_id=pk) for pk in pks), batch_size=5000)


def roles_of(row: ScimUser) -> set[str]:
    """The Django groups that a person is in, by name."""
    model = get_user_model()
    return set(model._base_manager.filter(pk=row.user_id, groups__isnull=False).values_list("groups__name", flat=True))


def grants_of(row: ScimUser) -> set[str]:
    return set(RoleGrant.objects.filter(scim_user=row).values_list("role", flat=True))
