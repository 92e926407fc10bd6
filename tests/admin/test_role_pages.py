"""Groups and what they mean: mappings are shown in their effect first, then saved, and can be removed again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import translation

from admin.browser import MANAGE, MAP_ROLES, VIEW, Browser, hidden, text, url
from django_scim_provider.admin.sentences import sentence
from django_scim_provider.models import GroupRoleMapping, ScimConnection, ScimEvent, ScimUser
from django_scim_provider.services import role_changes, role_mappings
from django_scim_provider.services.context import Context
from group_hosts import on_teams_host
from group_support import join, make_group, provision, roles_of

pytest_plugins = ("group_fixtures",)
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(context: Context, roles: dict[str, Group]) -> Any:
    """A pushed group with Ann and Bea in it."""
    group = make_group(context, "Staff")
    join(context, group, *provision(context, "ann", "bea"))
    return group


def send(browser: Browser, connection: ScimConnection, **data: Any) -> Any:
    return browser.post(url("groups", connection.pk), {"group": "Staff", "role": "writer", **data})


def test_the_first_sending_shows_who_gains_the_second_saves(root: Browser, context: Context, staff: Any) -> None:
    shown = send(root, context.connection)
    assert "2 people gain writer." in text(shown)
    assert "<li>ann@example.com</li><li>bea@example.com</li>" in text(shown)
    assert not GroupRoleMapping.objects.exists()
    saved = send(root, context.connection, seen=hidden(shown, "seen"))
    assert saved.status_code == 302
    assert GroupRoleMapping.objects.get().group_id == staff.pk
    page = text(root.get(url("groups", context.connection.pk)))
    assert "Members of “Staff” have the role “writer” now." in page
    assert "2 people</td>" in page
    assert "Change priority" not in page, "Django's groups have no order"


def test_other_choices_than_those_shown_are_shown_first(root: Browser, context: Context, staff: Any) -> None:
    seen = hidden(send(root, context.connection), "seen")
    again = send(root, context.connection, role="reader", seen=seen)
    assert "2 people gain reader." in text(again)
    assert not GroupRoleMapping.objects.exists()


def test_a_group_that_was_not_pushed_can_be_mapped(root: Browser, context: Context, roles: dict[str, Group]) -> None:
    shown = send(root, context.connection, group="Later")
    assert "This group has not been pushed yet" in text(shown)
    send(root, context.connection, group="Later", seen=hidden(shown, "seen"))
    page = text(root.get(url("groups", context.connection.pk)))
    assert "The role is given as soon as the identity provider pushes the group “Later”." in page
    assert "not pushed yet</span>" in page


def test_a_mapping_that_changes_nobody_says_so(root: Browser, context: Context, roles: dict[str, Group]) -> None:
    make_group(context, "Empty")
    assert "Whoever joins the group later gets the role." in text(send(root, context.connection, group="Empty"))


def test_a_role_that_is_not_on_offer_is_refused(root: Browser, context: Context, staff: Any) -> None:
    response = send(root, context.connection, role="superuser")
    assert "Nothing was saved" in text(response)
    assert not GroupRoleMapping.objects.exists()


def test_removing_a_mapping_says_who_loses_what(root: Browser, context: Context, staff: Any) -> None:
    mapping = role_mappings.save_mapping(context, "Staff", "writer")
    address = url("unmap", context.connection.pk, mapping.pk)
    assert "2 people lose writer." in text(root.get(address))
    assert root.post(address).status_code == 302
    assert not GroupRoleMapping.objects.exists()
    assert roles_of(ScimUser.objects.get(user_name_key="ann@example.com")) == set()
    assert root.get(address).status_code == 404


def test_removing_a_mapping_that_waits_changes_nobody(root: Browser, context: Context, roles: dict[str, Group]) -> None:
    mapping = role_mappings.save_mapping(context, "Later", "writer")
    assert "roles change." in text(root.get(url("unmap", context.connection.pk, mapping.pk)))


def test_groups_are_listed_and_suggested(root: Browser, context: Context, staff: Any) -> None:
    make_group(context, "Guests")
    role_mappings.save_mapping(context, "Staff", "writer")
    page = text(root.get(url("groups", context.connection.pk)))
    assert '<option value="Guests">' in page
    assert '<option value="Staff">' not in page
    found = text(root.get(url("groups", context.connection.pk), q="gue"))
    assert ">Guests</th>" in found
    assert found.count(">Staff</th>") == 1, "as a mapping only"
    assert "No group is called “zzz”." in text(root.get(url("groups", context.connection.pk), q="zzz"))


def test_without_groups_and_roles_the_page_says_what_to_do(root: Browser, connection: ScimConnection) -> None:
    Group.objects.all().delete()
    page = text(root.get(url("groups", connection.pk)))
    assert "No group is mapped to a role yet" in page
    assert "No group has been pushed yet" in page
    assert "This application has no roles that could be given" in page


def test_a_role_that_is_gone_is_marked(root: Browser, context: Context, staff: Any) -> None:
    role_mappings.save_mapping(context, "Staff", "writer")
    Group.objects.filter(name="writer").delete()
    assert "There is no such role any more." in text(root.get(url("groups", context.connection.pk)))


def test_who_may_not_map_sees_no_form(context: Context, staff: Any) -> None:
    role_mappings.save_mapping(context, "Staff", "writer")
    page = text(Browser(VIEW, MANAGE).get(url("groups", context.connection.pk)))
    assert "Map a group to a role" not in page
    assert "Remove" not in page
    assert "Map a group to a role" in text(Browser(VIEW, MAP_ROLES).get(url("groups", context.connection.pk)))


def test_policies_about_groups_are_saved(root: Browser, context: Context, roles: dict[str, Group]) -> None:
    address = url("policies", context.connection.pk)
    form = root.get(address).context["form"]
    data = {name: form[name].value() for name in form.fields}
    assert [key for key, _ in form.fields["default_role"].choices] == ["", "owner", "reader", "writer"]
    changes = {"default_role": "reader", "unknown_member": "refuse", "ip_allowlist": "203.0.113.0/24\n2001:db8::1"}
    assert root.post(address, data | changes).status_code == 302
    connection = ScimConnection.objects.get()
    assert {name: getattr(connection, name) for name in changes} == changes
    Group.objects.filter(name="reader").delete()
    assert ("reader", "reader") in root.get(address).context["form"].fields["default_role"].choices
    refused = root.post(address, data | {"ip_allowlist": "203.0.113.0/24 office"})
    assert "“203.0.113.0/24 office” is not an address or a network" in text(refused)


@pytest.mark.hosts
@on_teams_host
def test_where_one_role_is_held_priority_is_asked_for(root: Browser, context: Context) -> None:
    make_group(context, "Staff", *provision(context, "ann"))
    shown = send(root, context.connection, role="guest", priority=3)
    assert "1 person gains Guest." in text(shown)
    send(root, context.connection, role="guest", priority=3, seen=hidden(shown, "seen"))
    assert GroupRoleMapping.objects.get().priority == 3
    page = text(root.get(url("groups", context.connection.pk)))
    assert url("priority", context.connection.pk, GroupRoleMapping.objects.get().pk) in page
    changed = send(root, context.connection, role="admin", priority=9)
    assert "1 person gains Admin." in text(changed)
    assert "1 person loses Guest." in text(changed)
    refused = send(root, context.connection, role="owner", priority=1)
    assert refused.context["form"].errors["role"], "privileged roles are not to be had"


@pytest.mark.hosts
@on_teams_host
def test_a_priority_is_shown_in_its_effect_before_it_is_saved(root: Browser, context: Context) -> None:
    (ann,) = provision(context, "ann")
    make_group(context, "Staff", ann)
    make_group(context, "Chiefs", ann)
    role_mappings.save_mapping(context, "Staff", "guest")
    mapping = role_mappings.save_mapping(context, "Chiefs", "admin")
    address = url("priority", context.connection.pk, mapping.pk)
    shown = root.post(address, {"priority": "9"})
    assert "1 person gains Admin." in text(shown)
    assert "1 person loses Guest." in text(shown)
    assert "<li>ann@example.com</li>" in text(shown)
    again = root.post(address, {"priority": "0", "seen": hidden(shown, "seen")})
    assert "roles change." in text(again)
    assert root.post(address, {"priority": "9", "seen": hidden(shown, "seen")}).status_code == 302
    mapping.refresh_from_db()
    ann.user.refresh_from_db()
    assert (mapping.priority, ann.user.role) == (9, "admin")


def test_the_priority_changed_is_that_of_the_mapping_and_not_of_a_name(
    root: Browser, context: Context, roles: dict[str, Group]
) -> None:
    ScimConnection.objects.update(equal_group_names="allow")
    context.connection.refresh_from_db()
    make_group(context, "Staff")
    other = make_group(context, "Other")
    first, second = (role_mappings.save_mapping(context, name, "writer") for name in ("Staff", "Other"))
    type(other).objects.filter(pk=other.pk).update(display_name="Staff", display_name_key="staff")
    GroupRoleMapping.objects.filter(pk=second.pk).update(group_name="Staff", group_name_key="staff")
    address = url("priority", context.connection.pk, second.pk)
    assert root.get(address).context["form"]["priority"].value() == 0
    assert root.post(address, {"priority": "-1"}).context["form"].errors["priority"]
    page = text(root.client.post(address, {"priority": "3", "seen": "3"}, follow=True))
    assert "The priority was saved." in page
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.priority, second.priority) == (0, 3)


def test_a_mapping_that_is_removed_meanwhile_has_no_priority(
    root: Browser, context: Context, staff: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = role_mappings.save_mapping(context, "Staff", "writer")
    monkeypatch.setattr("django_scim_provider.admin.role_pages._one", lambda context, pk: mapping)
    role_mappings.delete_mapping(context, mapping)
    address = url("priority", context.connection.pk, mapping.pk)
    assert root.post(address, {"priority": "3", "seen": "3"}).status_code == 404


def test_a_waiting_mapping_changes_nobody_by_its_priority(
    root: Browser, context: Context, roles: dict[str, Group]
) -> None:
    mapping = role_mappings.save_mapping(context, "Later", "writer")
    address = url("priority", context.connection.pk, mapping.pk)
    assert "roles change." in text(root.post(address, {"priority": "3"}))
    assert root.post(address, {"priority": "3", "seen": "3"}).status_code == 302
    mapping.refresh_from_db()
    assert mapping.priority == 3


def test_effects_cost_the_same_however_many_roles_there_are(
    root: Browser, context: Context, staff: Any, django_assert_num_queries: Any
) -> None:
    changes = role_mappings.preview(context, "Staff", "writer")
    many = [change._replace(gains=frozenset({"reader", "writer"}), loses=frozenset({"owner"})) for change in changes]
    with django_assert_num_queries(1):
        effects = role_changes.by_role(context, many, names=1)
    assert [(one.role, one.count, one.people) for one in (*effects.gains, *effects.loses)] == [
        ("reader", 2, ["ann@example.com"]),
        ("writer", 2, ["ann@example.com"]),
        ("owner", 2, ["ann@example.com"]),
    ]


def test_the_history_is_english_whatever_language_the_administrator_reads(
    root: Browser, context: Context, staff: Any
) -> None:
    with translation.override("de"):
        root.client.post(
            url("groups", context.connection.pk),
            {"group": "Staff", "role": "writer", "seen": "staff/writer/0"},
            headers={"Accept-Language": "de"},
        )
        mapping = GroupRoleMapping.objects.get()
        for page, sent in (("priority", {"priority": "3", "seen": "3"}), ("unmap", {})):
            root.client.post(url(page, context.connection.pk, mapping.pk), sent, headers={"Accept-Language": "de"})
    stored = [json.loads(entry.change_message) for entry in LogEntry.objects.all()]
    about = {"name": "group to role mapping", "object": "Staff → writer"}
    assert stored == [
        [{"deleted": about}],
        [{"changed": {**about, "fields": ["priority"]}}],
        [{"added": about}],
    ]


def test_what_was_done_to_a_mapping_is_told(root: Browser, context: Context, staff: Any) -> None:
    connection = context.connection
    send(root, connection, seen="staff/writer/0")
    mapping = GroupRoleMapping.objects.get()
    for priority in (7, 7):
        role_mappings.save_mapping(context, "Staff", "writer", priority=priority)
    send(root, connection, seen="staff/writer/0")
    root.post(url("unmap", connection.pk, mapping.pk))
    told = [sentence(event) for event in ScimEvent.objects.filter(action="configure").order_by("pk")]
    assert told == [
        "root@example.com mapped Staff → writer.",
        "A command on the server changed the priority of Staff → writer to 7.",
        "root@example.com changed the priority of Staff → writer to 0.",
        "root@example.com removed the mapping Staff → writer.",
    ]
    page = text(root.get(url("history", connection.pk)))
    for said in ("Added", "Changed priority for", "Deleted"):
        assert f"{said} group to role mapping “Staff → writer”." in page
