"""The pages of one connection: set-up, people, policies, events."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection as database
from django.db.models.signals import post_init
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from admin.browser import MANAGE_TOKENS, VIEW, VIEW_EVENTS, Browser, live_token, text, url
from conftest import ScimClient
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin import words
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken, ScimUser
from django_scim_provider.protocol.urns import GROUP
from django_scim_provider.services import audit, connections, role_mappings, tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = pytest.mark.django_db


def tabs(page: str) -> list[str]:
    return re.findall(
        r'<li><a href="[^"]*"[^>]*>([^<]+)</a></li>',
        page[page.index("scim-tabs") : page.index("</nav>", page.index("scim-tabs"))],
    )


def test_a_long_history_of_tokens_is_not_read(root: Browser, connection: ScimConnection) -> None:
    live = live_token(connection)
    for _ in range(30):
        tokens.revoke(Context(connection), live_token(connection))
    read: list[Any] = []

    def note(sender: Any, instance: ScimToken, **kwargs: Any) -> None:
        read.append(instance)

    post_init.connect(note, sender=ScimToken)
    try:
        page = root.get(url("change", connection.pk))
    finally:
        post_init.disconnect(note, sender=ScimToken)
    assert [row["token"] for row in page.context["live_tokens"]] == [live]
    assert len(page.context["ended_tokens"]) == 20
    assert len(read) < 25


def test_a_token_that_is_not_there_cannot_be_rotated(root: Browser, connection: ScimConnection) -> None:
    address, said = url("change", connection.pk), "If it is lost, rotate it."
    assert said not in text(root.get(address))
    token = live_token(connection)
    assert said in text(root.get(address))
    ScimConnection.objects.update(enabled=False)
    assert said not in text(root.get(address))
    assert token.starts_with in text(root.get(address))


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(days=365, minutes=-8), "in 1\xa0year"),
        (timedelta(days=360), "in 11\xa0months"),
        (timedelta(hours=3), "in 3\xa0hours"),
        (timedelta(days=20), "in 20 days"),
    ],
)
def test_what_lies_ahead_is_told_in_round_numbers(ahead: timedelta, said: str) -> None:
    told = words.moment(timezone.now() + ahead)
    assert told is not None
    assert told.words == said


def test_tabs_are_links_to_what_one_may_see(root: Browser, connection: ScimConnection) -> None:
    page = text(root.get(url("people", connection.pk)))
    assert tabs(page) == ["Set-up", "People", "Groups and roles", "Policies", "Held removals", "Events"]
    assert f'href="{url("people", connection.pk)}" aria-current="page"' in page
    assert tabs(text(Browser(VIEW).get(url("people", connection.pk)))) == [
        "Set-up",
        "People",
        "Groups and roles",
        "Policies",
    ]


def test_breadcrumbs_lead_back(root: Browser, connection: ScimConnection) -> None:
    page = text(root.get(url("policies", connection.pk)))
    trail = page[page.index("scim-breadcrumbs") : page.index("</ol>")]
    assert re.findall(r'href="([^"]*)"', trail) == ["/admin/", url("changelist"), url("change", connection.pk)]
    assert '<li aria-current="page">Policies</li>' in trail


# Set-up -----------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_set_up_lists_tokens_with_their_life(root: Browser, connection: ScimConnection) -> None:
    live = tokens.issue(Context(connection, actor=root.user), name="Production", life=timedelta(days=30)).token
    read = tokens.issue(Context(connection), scopes="read").token
    ScimToken.objects.filter(pk=live.pk).update(last_used_at=timezone.now(), last_used_ip="203.0.113.9")
    page = text(root.get(url("change", connection.pk)))
    for said in (live.starts_with, "Production", "by root@example.com", "in 30 days", "from 203.0.113.9", "Never"):
        assert said in page
    assert "Read only" in page
    for token in (live, read):
        assert url("rotate", connection.pk, token.pk) in page
        assert url("revoke", connection.pk, token.pk) in page
    assert "Tokens that have ended" not in page


def test_ended_tokens_are_told_apart(root: Browser, connection: ScimConnection) -> None:
    revoked, expired = live_token(connection), live_token(connection)
    tokens.revoke(Context(connection), revoked)
    ScimToken.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(days=2))
    page = text(root.get(url("change", connection.pk)))
    assert "There is no valid token" in page
    ended = page[page.index("Tokens that have ended") :]
    assert "Revoked <time" in ended
    assert "Expired <time" in ended
    assert url("revoke", connection.pk, revoked.pk) not in page


def test_a_token_manager_sees_what_they_may_press(connection: ScimConnection) -> None:
    token = live_token(connection)
    page = text(Browser(VIEW, MANAGE_TOKENS).get(url("change", connection.pk)))
    assert url("issue", connection.pk) in page
    assert url("rotate", connection.pk, token.pk) in page
    assert url("disable", connection.pk) not in page


def test_set_up_of_what_is_off_offers_to_enable_or_delete_it(root: Browser) -> None:
    connection = ConnectionFactory(enabled=False, provider="onelogin")
    live_token(connection)
    page = text(root.get(url("change", connection.pk)))
    assert url("enable", connection.pk) in page
    assert url("delete", connection.pk) in page
    assert url("issue", connection.pk) not in page
    assert "/rotate/" not in page
    assert "What to do in OneLogin" in page


def test_set_up_shows_the_state_and_the_history(root: Browser, connection: ScimConnection) -> None:
    page = text(root.get(url("change", connection.pk)))
    assert '<span class="scim-state scim-on">On</span>' in page
    assert root.get(url("history", connection.pk)).status_code == 200
    assert url("history", connection.pk) in page


# People -----------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_people_are_listed_as_the_provider_knows_them(
    root: Browser, scim: ScimClient, connection: ScimConnection
) -> None:
    scim.create("alice@example.com", name={"givenName": "Alice", "familyName": "Doe"}, externalId="00u1")
    scim.create("bob@example.com", active=False)
    carol = scim.create("carol@example.com")
    scim.delete(f"/Users/{carol['id']}")
    page = root.get(url("people", connection.pk))
    people = page.context["people"]
    assert [(one["user_name"], one["is_active"]) for one in people] == [
        ("alice@example.com", True),
        ("bob@example.com", False),
    ]
    assert people[0]["name"] == "Alice Doe"
    assert "Created by the identity provider" in text(page)
    assert "Deactivated" in text(page)


@pytest.mark.hosts
def test_people_have_their_groups_roles_and_events_beside_them(
    root: Browser, scim: ScimClient, connection: ScimConnection
) -> None:
    alice, bob = (scim.create(f"{name}@example.com")["id"] for name in ("alice", "bob"))
    for name in ("Writers", "All staff"):
        scim.post("/Groups", {"schemas": [GROUP], "displayName": name, "members": [{"value": alice}]})
    context = Context(connection)
    role = context.adapter.roles.choices(connection)
    people = root.get(url("people", connection.pk)).context["people"]
    assert [one["groups"] for one in people if one["user_name"] != "root@example.com"] == [["All staff", "Writers"], []]
    if role:
        label = [one.label for one in role if not context.adapter.roles.is_privileged(one.key)][-1]
        key = [one.key for one in role if one.label == label][-1]
        role_mappings.save_mapping(context, "Writers", key, priority=1)
        assert label in root.get(url("people", connection.pk)).context["people"][0]["roles"]
    page = text(root.get(url("people", connection.pk)))
    assert f"{url('events', connection.pk)}?q={bob}" in page
    assert bob not in text(Browser(VIEW).get(url("people", connection.pk)))


def test_a_role_that_everybody_begins_with_is_shown(
    root: Browser, scim: ScimClient, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    scim.create("alice@example.com")
    alice = get_user_model().objects.get(email="alice@example.com")
    backend = type(Context(connection).adapter.roles)
    monkeypatch.setattr(backend, "shown", lambda self, users, connection, using: {alice.pk: frozenset({"guest"})})
    assert root.get(url("people", connection.pk), q="alice").context["people"][0]["roles"] == "guest"


def test_people_link_to_the_hosts_own_page_where_one_may_open_it(
    root: Browser, scim: ScimClient, connection: ScimConnection
) -> None:
    scim.create("alice@example.com")
    user = get_user_model().objects.get(email="alice@example.com")
    link = f'href="/admin/auth/user/{user.pk}/change/"'
    assert link in text(root.get(url("people", connection.pk)))
    reader = Browser(VIEW)
    assert link not in text(reader.get(url("people", connection.pk)))
    reader.user.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert link in text(reader.get(url("people", connection.pk)))
    user.delete()
    page = root.get(url("people", connection.pk))
    assert [one["url"] for one in page.context["people"] if one["user_name"] == "alice@example.com"] == [None]


def test_without_a_user_admin_nobody_is_linked(root: Browser, scim: ScimClient, connection: ScimConnection) -> None:
    scim.create("alice@example.com")
    user_admin = admin.site.get_model_admin(get_user_model())
    admin.site.unregister(get_user_model())
    try:
        page = root.get(url("people", connection.pk))
    finally:
        admin.site.register(get_user_model(), type(user_admin))
    assert page.context["people"][0]["url"] is None


def test_people_are_searched_and_paged(root: Browser, connection: ScimConnection) -> None:
    for number in range(55):
        HostUserFactory(name=f"person{number:02}")
    ScimConnection.objects.update(existing_accounts="adopt")
    connection.refresh_from_db()
    connections.enable(Context(connection))
    row = ScimUser.objects.get(user_name="person07@example.com")
    ScimUser.objects.filter(pk=row.pk).update(external_id="00u7")
    page = text(root.get(url("people", connection.pk)))
    assert "56 people" in page
    assert "Page 1 of 2" in page
    for query in ("PERSON07", "00u7", str(row.scim_id)):
        found = root.get(url("people", connection.pk), q=query)
        assert [one["user_name"] for one in found.context["people"]] == ["person07@example.com"]
    nobody = text(root.get(url("people", connection.pk), q="nobody"))
    assert "0 people" in nobody
    assert "Nobody is managed yet" not in nobody
    second = text(root.get(url("people", connection.pk), q="person", p="2"))
    assert "q=person&amp;p=1" in second


def test_a_page_of_people_costs_the_queries_of_one_person(root: Browser, connection: ScimConnection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            root.get(url("people", connection.pk))
        return len(captured)

    ScimConnection.objects.update(existing_accounts="adopt")
    connection.refresh_from_db()
    connections.enable(Context(connection))
    root.get(url("people", connection.pk))
    one = queries()
    for _ in range(10):
        HostUserFactory()
    assert ScimUser.objects.count() == 11
    assert queries() == one


def test_nobody_yet_is_told(root: Browser, connection: ScimConnection) -> None:
    assert "Nobody is managed yet" in text(root.get(url("people", connection.pk)))


# Policies ---------------------------------------------------------------------------------------------------


def policies(connection: ScimConnection, **changes: str) -> dict[str, Any]:
    names = (
        "name",
        "provider",
        "on_create",
        "on_deactivate",
        "on_delete",
        "on_reprovision",
        "existing_accounts",
        "role_mapping",
        "default_role",
        "unmapped_role",
        "unknown_member",
        "equal_group_names",
        "raw_token",
        "guard",
        "ip_allowlist",
    )
    return {name: getattr(connection, name) for name in names} | changes


@pytest.mark.hosts
def test_saving_policies_writes_one_event_that_names_them(root: Browser, connection: ScimConnection) -> None:
    address = url("policies", connection.pk)
    response = root.post(address, policies(connection, on_delete="nothing", raw_token="accept"))
    assert response.headers["Location"] == address
    connection.refresh_from_db()
    assert (connection.on_delete, connection.raw_token) == ("nothing", "accept")
    event = ScimEvent.objects.get()
    assert (event.action, event.actor_id, event.changed) == ("configure", root.user.pk, ["on_delete", "raw_token"])
    entry = LogEntry.objects.get().get_change_message()
    assert entry == "Changed when a person is deleted and token without the word Bearer."
    page = text(root.get(address))
    assert "The policies were saved." in page
    assert re.search(r'name="on_delete" value="nothing"[^>]* checked', page)


def test_the_policies_say_which_limit_holds(root: Browser, connection: ScimConnection) -> None:
    assert "Unusual are more than 10 people within ten minutes." in text(root.get(url("policies", connection.pk)))
    ScimConnection.objects.update(guard_limit=2500)
    page = text(root.get(url("policies", connection.pk)))
    assert "Unusual are more than 2,500 people within ten minutes." in page
    assert page.count("A change here concerns accounts") == 1


def test_saving_the_same_writes_nothing(root: Browser, connection: ScimConnection) -> None:
    root.post(url("policies", connection.pk), policies(connection))
    assert not ScimEvent.objects.exists()
    assert not LogEntry.objects.exists()
    assert "Nothing was changed." in text(root.get(url("policies", connection.pk)))


def test_a_connection_can_be_renamed_to_what_nobody_has(root: Browser, connection: ScimConnection) -> None:
    ConnectionFactory(name="Taken")
    address = url("policies", connection.pk)
    page = root.post(address, policies(connection, name="Taken", on_delete="delete"))
    assert page.context["form"].errors["name"]
    assert connection.name in text(page)
    root.post(address, policies(connection, name="New", provider="entra"))
    connection.refresh_from_db()
    assert (connection.name, connection.provider, connection.on_delete) == ("New", "entra", "suspend")


def test_policies_can_be_changed_after_the_organization_is_gone(
    root: Browser, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(UserAdapter, "has_tenant", lambda self, connection: False)
    assert root.post(url("policies", connection.pk), policies(connection, on_delete="nothing")).status_code == 302
    connection.refresh_from_db()
    assert connection.on_delete == "nothing"


def test_a_name_that_is_taken_while_the_form_is_read_is_an_error_of_the_form(
    root: Browser, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ConnectionFactory(name="Taken")
    monkeypatch.setattr(ScimConnection, "validate_unique", lambda *args, **kwargs: None)
    monkeypatch.setattr(ScimConnection, "validate_constraints", lambda *args, **kwargs: None)
    page = root.post(url("policies", connection.pk), policies(connection, name="Taken", on_delete="nothing"))
    assert page.status_code == 200
    assert "already exists" in str(page.context["form"].errors["name"])
    assert page.context["title"] == connection.name
    connection.refresh_from_db()
    assert connection.on_delete == "suspend"


@pytest.mark.parametrize(("field", "value"), [("on_create", "x"), ("on_deactivate", "remove"), ("on_delete", "hook")])
def test_only_what_is_offered_can_be_chosen(field: str, value: str, root: Browser, connection: ScimConnection) -> None:
    page = root.post(url("policies", connection.pk), policies(connection, **{field: value}))
    assert page.context["form"].errors[field]
    assert "Nothing was saved" in text(page)
    assert not ScimEvent.objects.exists()


def offered(page: Any, name: str) -> list[str]:
    fields = page.context["form"].fields
    return [value for value, _ in fields[name].choices] if name in fields else []


def test_what_makes_no_sense_for_the_host_is_not_offered(root: Browser, connection: ScimConnection) -> None:
    page = root.get(url("policies", connection.pk))
    assert offered(page, "on_deactivate") == ["suspend", "delete", "nothing"]
    assert offered(page, "existing_accounts") == ["adopt", "never"]
    assert offered(page, "on_reprovision") == []
    ScimConnection.objects.update(existing_accounts="verified", on_delete="hook")
    page = root.get(url("policies", connection.pk))
    assert offered(page, "existing_accounts") == ["adopt", "verified", "never"]
    assert offered(page, "on_delete") == ["suspend", "delete", "hook", "nothing"]


def test_hosts_with_tenants_and_a_procedure_are_offered_theirs(root: Browser, settings: Any) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": {"User": "admin.tenants.TenantAdapter"}}
    page = root.get(url("policies", ConnectionFactory(tenant="acme").pk))
    assert offered(page, "on_deactivate") == ["suspend", "remove", "delete", "hook", "nothing"]
    assert offered(page, "existing_accounts") == ["verified", "never"]


@pytest.mark.hosts
def test_every_choice_bears_its_consequence(root: Browser, connection: ScimConnection) -> None:
    page = root.get(url("policies", connection.pk))
    radios = text(page).count('type="radio"')
    assert radios >= 10
    assert text(page).count("scim-consequence") == radios
    soft = "on_reprovision" in page.context["form"].fields
    assert ("Mark as deleted" in text(page)) is soft


def test_who_may_only_look_finds_the_policies_locked(connection: ScimConnection) -> None:
    reader = Browser(VIEW)
    page = reader.get(url("policies", connection.pk))
    assert all(field.disabled for field in page.context["form"].fields.values())
    assert 'value="Save"' not in text(page)
    assert reader.post(url("policies", connection.pk), policies(connection, name="Mine")).status_code == 403


# Events -----------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_the_events_of_a_connection_are_sentences_newest_first(
    root: Browser, scim: ScimClient, connection: ScimConnection
) -> None:
    ScimEvent.objects.all()._raw_delete("default")
    scim.create("alice@example.com")
    scim.post("/Users", {"schemas": []})
    audit.record(Context(ConnectionFactory()), audit.Action.ENABLE, label="Another")
    page = root.get(url("events", connection.pk))
    sentences = [row["sentence"] for row in page.context["events"]]
    assert sentences[-1] == "Okta created alice@example.com."
    assert sentences[0].startswith("Okta could not create a person: ")
    assert all("Another" not in sentence for sentence in sentences)
    event = ScimEvent.objects.filter(connection=connection).first()
    assert f"/admin/scim_provider/scimevent/{event.pk}/change/" in text(page)


def test_events_are_searched_and_paged(root: Browser, connection: ScimConnection) -> None:
    context = Context(connection, key_id="A" * 12)
    for number in range(60):
        audit.record(context, audit.Action.CREATE, label=f"person{number:02}", resource_id=f"id-{number}")
    address = url("events", connection.pk)
    assert "Page 1 of 2" in text(root.get(address))
    for query in ("PERSON07", "id-7"):
        assert [row["event"].label for row in root.get(address, q=query).context["events"]] == ["person07"]
    assert "Nothing was found." in text(root.get(address, q="nobody"))
    ScimEvent.objects.all()._raw_delete("default")
    assert "Nothing has happened yet." in text(root.get(address))


def test_a_host_adds_a_page_that_is_guarded_like_ours(connection: ScimConnection) -> None:
    address = f"/second/scim_provider/scimconnection/{connection.pk}/report/"
    with override_settings(ROOT_URLCONF="admin.second_site"):
        assert text(Browser(VIEW).get(address)) == connection.name
        assert Browser().get(address).status_code == 403


def test_an_admin_site_without_events_links_to_none(connection: ScimConnection) -> None:
    audit.record(Context(connection), audit.Action.ENABLE)
    with override_settings(ROOT_URLCONF="admin.second_site"):
        page = Browser(VIEW, VIEW_EVENTS).get(f"/second/scim_provider/scimconnection/{connection.pk}/events/")
        assert page.status_code == 200
        assert "scimevent" not in text(page)
        assert "/second/scim_provider/scimconnection/" in text(page)
        assert page.context["events"][0]["url"] is None


@pytest.mark.parametrize("page", ["changelist", "people", "groups"])
def test_what_no_text_holds_is_not_searched_for(page: str, root: Browser, connection: ScimConnection) -> None:
    """PostgreSQL refuses NUL in a parameter."""
    address = url(page) if page == "changelist" else url(page, connection.pk)
    response = root.get(address, q="\x00", p="\x00")
    assert (response.status_code, response.context["query"], response.context["page"].number) == (200, "", 1)
    assert root.get(address, q="  acme ").context["query"] == "acme"
