"""The event log in the admin, and its sentences."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from admin.browser import VIEW, VIEW_EVENTS, Browser, text, url
from conftest import ScimClient
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.admin.sentences import field_label, sentence
from django_scim_provider.models import GroupRoleMapping, ScimConnection, ScimEvent, ScimRemoval, ScimToken
from django_scim_provider.protocol.urns import GROUP
from django_scim_provider.services import audit, role_mappings
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db
LIST = reverse("admin:scim_provider_scimevent_changelist")
Action = ScimEvent.Action


def event(
    action: str, *, provider: str = "okta", key_id: str = "A" * 12, actor: Any = None, **fields: Any
) -> ScimEvent:
    context = Context(ConnectionFactory(provider=provider), key_id="" if actor else key_id, actor=actor)
    return audit.record(context, action, **fields)


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        (Action.CREATE, {"label": "alice"}, "Okta created alice."),
        (Action.REPLACE, {"label": "alice"}, "Okta updated alice."),
        (Action.MODIFY, {"label": "alice"}, "Okta updated alice."),
        (Action.DELETE, {"label": "alice"}, "Okta removed alice."),
        (Action.CREATE, {"outcome": "refused", "detail": "No."}, "Okta could not create a person: No."),
        (Action.MODIFY, {"outcome": "failed", "label": "bob"}, "Okta could not update bob: no reason given."),
        (Action.CREATE, {"resource_type": "Group", "outcome": "refused", "detail": "No."},
         "Okta could not create a group: No."),
        (Action.CREATE, {"resource_type": "User", "outcome": "refused", "detail": "No."},
         "Okta could not create a person: No."),
        (Action.CREATE, {"resource_type": "Device", "outcome": "refused", "detail": "No."},
         "Okta could not create an entry of the kind “Device”: No."),
        (Action.READ, {"outcome": "refused", "detail": "No."}, "Okta asked for something that cannot be answered: No."),
        (Action.AUTHENTICATE, {"outcome": "refused", "detail": "No."}, "A client was turned away: No."),
        (Action.ENABLE, {"outcome": "failed", "detail": "No."}, "Okta was refused: No."),
        (Action.CREATE, {"provider": "generic", "label": "alice"}, "The identity provider created alice."),
        (Action.MODIFY, {"key_id": "", "label": "alice"}, "A command on the server updated alice."),
        (Action.CREATE, {"resource_type": "Group", "label": "Leads"}, "Okta created the group Leads."),
        (Action.MODIFY, {"resource_type": "User", "label": "ann", "detail": "Deactivated. Ended: sessions (2)."},
         "Okta deactivated ann."),
        (Action.REPLACE, {"resource_type": "User", "label": "ann", "detail": "Activated."}, "Okta activated ann."),
        (Action.CREATE, {"resource_type": "User", "label": "ann", "detail": "Activated."}, "Okta created ann."),
        (Action.MODIFY, {"resource_type": "User", "label": "ann", "detail": "Ended: sessions (2)."},
         "Okta updated ann."),
        (Action.ADOPT, {"key_id": "", "detail": "Took 2 people over."},
         "A command on the server put people under this connection's management: Took 2 people over."),
    ],
)  # fmt: skip
def test_an_event_is_a_sentence(action: str, fields: dict[str, Any], said: str) -> None:
    assert sentence(event(action, **fields)) == said


@pytest.mark.parametrize(
    ("action", "fields", "said"),
    [
        (Action.ENABLE, {}, "root@example.com enabled SCIM."),
        (Action.DISABLE, {}, "root@example.com disabled SCIM."),
        (Action.TOKEN_ISSUE, {"label": "djscim_x…"}, "root@example.com issued the token djscim_x…"),
        (Action.TOKEN_REVOKE, {"label": "djscim_x…"}, "root@example.com revoked the token djscim_x…"),
        (Action.CONFIGURE, {"changed": ["on_delete", "guard"]},
         "root@example.com changed the settings: mass removal guard, when a person is deleted."),
        (Action.DELETE, {"resource_type": "Connection", "label": "Acme"},
         "root@example.com deleted the connection Acme."),
    ],
)  # fmt: skip
def test_what_an_administrator_did_bears_their_name(
    action: str, fields: dict[str, Any], said: str, root: Browser
) -> None:
    assert sentence(event(action, actor=root.user, **fields)) == said


@pytest.mark.parametrize("action", Action.values)
@pytest.mark.parametrize("outcome", ScimEvent.Outcome.values)
def test_every_event_has_a_sentence(action: str, outcome: str) -> None:
    assert sentence(event(action, outcome=outcome, label="alice")).strip()


def test_what_happened_often_says_how_often() -> None:
    for _ in range(3):
        audit.refused_credential(reason="The token is unknown.", key_id="", remote_addr="192.0.2.1", connection=None)
    assert sentence(ScimEvent.objects.get()) == "A client was turned away: The token is unknown. (3 times)"


def test_an_attribute_that_is_no_setting_stays_as_it_is() -> None:
    assert field_label("userName") == "userName"


def test_attributes_of_people_are_no_settings_of_a_connection(root: Browser) -> None:
    made = event(Action.MODIFY, label="alice", changed=["name", "provider"], resource_type="User")
    configured = event(Action.CONFIGURE, actor=root.user, changed=["provider"])
    assert [row["name"] for row in root.get(one(made)).context["changed"]] == ["name", "provider"]
    assert [row["name"] for row in root.get(one(configured)).context["changed"]] == ["identity provider"]


def test_a_mapping_is_called_the_same_in_the_log_and_in_the_history() -> None:
    made = event(Action.CONFIGURE, key_id="", changed=[role_mappings.SETTING])
    assert sentence(made) == "A command on the server changed the settings: group to role mapping."
    with translation.override("de"):
        assert field_label(role_mappings.SETTING) == str(GroupRoleMapping._meta.verbose_name) != role_mappings.SETTING


@pytest.mark.hosts
def test_the_log_is_a_list_of_sentences_with_filters(root: Browser) -> None:
    acme = event(Action.CREATE, label="alice").connection
    event(Action.DELETE, label="bob", outcome="refused", detail="Protected.")
    page = text(root.get(LIST))
    assert "Okta created alice." in page
    assert "Okta could not remove bob: Protected." in page
    refused = text(root.get(LIST, outcome__exact="refused"))
    assert "alice" not in refused
    one = text(root.get(LIST, connection=str(acme.pk)))
    assert "alice" in one
    assert "bob" not in one
    assert "alice" in text(root.get(LIST, connection="nonsense"))
    assert "bob" in text(root.get(LIST, q="Protected"))


def test_the_log_costs_the_same_for_one_event_and_for_twenty(root: Browser, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        event(Action.CREATE, label="alice")
    with django_assert_max_num_queries(8):
        root.get(LIST)


@pytest.mark.hosts
def test_one_event_opens_into_all_that_is_known(root: Browser) -> None:
    made = event(
        Action.MODIFY,
        label="alice",
        changed=["userName", "name.givenName"],
        warnings=["nickName"],
        values={"userName": ["a", "b"]},
        resource_type="User",
        status=200,
    )
    page = text(root.get(reverse("admin:scim_provider_scimevent_change", args=[made.pk])))
    for said in (
        "Okta updated alice.",
        "name.givenName",
        "nickName",
        "with the key AAAAAAAAAAAA: a token or an OAuth client that is gone",
        "PATCH /Users",
    ):
        assert said in page
    assert re.search(r"userName</th><td[^>]*>a</td><td[^>]*>b</td>", page)
    assert 'name="_save"' not in page


@pytest.mark.hosts
def test_what_followed_is_told_with_the_removal(root: Browser, scim: ScimClient, connection: ScimConnection) -> None:
    alice = scim.create("alice@example.com")["id"]
    scim.post("/Groups", {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": alice}]})
    scim.patch(f"/Users/{alice}", {"op": "replace", "path": "active", "value": False})
    made = ScimEvent.objects.filter(action=Action.MODIFY, resource_id=alice).get()
    page = text(root.get(one(made)))
    for said in (
        "every session of theirs has ended",
        "with the token djscim_",
        f"PATCH /Users/{alice}",
        "Values are not kept",
        "Other events about the same",
        "Okta created alice@example.com.",
    ):
        assert said in page, said
    ScimRemoval.objects.update(kind="delete", roles=["editor"], undone_at=timezone.now(), group_ids=["1"])
    page = text(root.get(one(made)))
    assert "The person left SCIM" in page
    assert "Roles held before: editor." in page
    assert "Member of 1 group before." in page
    assert "It was undone just now." in page
    ScimRemoval.objects.update(kind="leave", roles=[], undone_at=None, group_ids=[])
    assert "The person lost a role." in text(root.get(one(made)))


def one(made: ScimEvent) -> str:
    return reverse("admin:scim_provider_scimevent_change", args=[made.pk])


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "Correct it at"), (401, "Give the identity provider a valid one"), (404, "import people again"),
     (409, "match people by user name"), (429, "ask again later"), (500, "Its log says why")],
)  # fmt: skip
def test_a_refusal_says_what_to_do(status: int, said: str, root: Browser) -> None:
    made = event(Action.DELETE, outcome="refused", status=status, detail="No.", resource_id="42", resource_type="User")
    page = text(root.get(one(made)))
    assert said in page
    assert "DELETE /Users/42" in page


@pytest.mark.parametrize("kind", ["Group", "Device"])
@pytest.mark.parametrize(("status", "said"), [(404, "Correct it at"), (409, "Another one has this value already.")])
def test_what_is_no_person_is_not_called_somebody(kind: str, status: int, said: str, root: Browser) -> None:
    made = event(Action.CREATE, outcome="refused", status=status, detail="No.", resource_type=kind)
    page = text(root.get(one(made)))
    assert said in page
    assert "omebody" not in page


@pytest.mark.parametrize("action", [Action.REPLACE, Action.MODIFY, Action.DELETE, Action.AUTHENTICATE])
def test_whoever_comes_by_way_of_me_is_no_administrator(action: str, root: Browser) -> None:
    made = event(action, actor=root.user, resource_type="User", resource_id="42", outcome="refused", status=403)
    page = text(root.get(one(made)))
    assert "with a credential of their own" in page
    assert "an administrator of this application" not in page
    deleted = event(Action.DELETE, actor=root.user, resource_type="Connection", label="Acme")
    assert "an administrator of this application" in text(root.get(one(deleted)))


def test_a_request_is_shown_where_the_adapter_has_its_endpoint(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UserAdapter, "endpoint", "/People")
    made = event(Action.DELETE, resource_id="42", resource_type="User")
    assert "DELETE /People/42" in text(root.get(one(made)))
    ScimConnection.objects.all().delete()
    assert "DELETE /People/42" in text(root.get(one(made)))
    gone = event(Action.DELETE, resource_id="42", resource_type="Company")
    page = text(root.get(one(gone)))
    assert re.search(r"DELETE\s*<", page)
    assert "Companys" not in page


def test_an_event_of_a_command_or_of_something_else_needs_no_person(root: Browser) -> None:
    ScimToken.objects.all().delete()
    made = event(Action.CREATE, key_id="", label="x", resource_id="7", resource_type="Device", status=201)
    made_by_hand = event(Action.ENABLE, actor=root.user)
    audit.refused_credential(reason="Unknown.", key_id="", remote_addr="192.0.2.1", connection=None)
    audit.refused_credential(reason="Unknown.", key_id="", remote_addr="192.0.2.1", connection=None)
    assert "A command on the server created x." in text(root.get(one(made)))
    assert "an administrator of this application" in text(root.get(one(made_by_hand)))
    refused = text(root.get(one(ScimEvent.objects.get(count=2))))
    assert "192.0.2.1" in refused
    assert "2 times" in refused
    reader = Browser(VIEW_EVENTS)
    assert "SCIM provisioning" in text(reader.get(one(made)))
    assert url("change", made.connection_id) not in text(reader.get(one(made)))
    assert reader.get(one(made).replace(str(made.pk), "999999")).status_code == 404


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_the_events_of_a_connection_are_filtered_and_exported_as_filtered(root: Browser) -> None:
    made = event(Action.CREATE, label="alice", resource_id="id-1")
    context = Context(made.connection, key_id="B" * 12)
    audit.record(context, Action.DELETE, label="bob", outcome="refused", detail="Protected.")
    audit.record(context, Action.MODIFY, label='=HYPERLINK("http://evil")', changed=["title"])
    ScimEvent.objects.filter(pk=made.pk).update(at=timezone.now() - timedelta(days=8))
    event(Action.CREATE, label="of another connection")
    address = url("events", made.connection_id)

    def shown(**query: str) -> list[str]:
        return [row["event"].label for row in root.get(address, **query).context["events"]]

    evil = '=HYPERLINK("http://evil")'
    assert shown() == [evil, "bob", "alice"]
    assert shown(outcome="refused") == ["bob"]
    assert shown(action="create") == ["alice"]
    assert shown(days="7") == [evil, "bob"]
    assert shown(days="7", q="ali") == []
    assert shown(q="djscim_BBBBBBBBBBBB…") == [evil, "bob"]
    assert shown(outcome="nonsense") == [evil, "bob", "alice"]
    assert "Nothing was found." in text(root.get(address, q="nobody"))
    page = text(root.get(address, outcome="refused"))
    export = url("export", made.connection_id, "jsonl")
    assert f'href="{export}?outcome=refused"' in page
    (line,) = body(root.get(export, outcome="refused")).splitlines()
    assert json.loads(line)["name"] == "bob"
    answer = root.get(url("export", made.connection_id, "csv"))
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="scim-events-')
    rows = list(csv.DictReader(io.StringIO(body(answer))))
    assert [row["name"] for row in rows] == ["alice", "bob", f"'{evil}"]
    assert rows[2]["changed"] == '["title"]'
    assert root.get(url("export", made.connection_id, "xml")).status_code == 404
    assert Browser(VIEW).get(export).status_code == 403


def test_who_was_deactivated_is_found(root: Browser) -> None:
    context = Context(ConnectionFactory(), key_id="B" * 12)
    for label, detail in (("ann", "Deactivated."), ("bea", "Activated. Ended: sessions (1)."), ("cat", "")):
        audit.record(context, Action.MODIFY, label=label, detail=detail, changed=["active"], resource_type="User")
    audit.record(context, Action.REPLACE, label="lab", detail="Deactivated.", resource_type="Device")
    address = url("events", context.connection.pk)
    for action, label in (("deactivated", "ann"), ("activated", "bea")):
        rows = root.get(address, action=action).context["events"]
        assert [row["sentence"] for row in rows] == [f"Okta {action} {label}."]


def test_the_whole_log_is_exported_as_the_list_shows_it(root: Browser) -> None:
    for label, outcome in (("alice", "success"), ("bob", "refused"), ("carol", "refused")):
        event(Action.CREATE, label=label, outcome=outcome)
    assert 'href="export/csv/?outcome__exact=refused"' in text(root.get(LIST, outcome__exact="refused", p="1"))
    exported = body(root.get(f"{LIST}export/jsonl/", outcome__exact="refused"))
    assert [json.loads(line)["name"] for line in exported.splitlines()] == ["bob", "carol"]
    assert Browser(VIEW).get(f"{LIST}export/csv/").status_code == 403


@pytest.mark.parametrize("query", ["at__gte=x", "outcome__exact=refused&at__gte=x", "id__in=x&e=1"])
def test_an_export_with_a_filter_that_cannot_be_read_leads_to_the_list(root: Browser, query: str) -> None:
    response = root.client.get(f"{LIST}export/csv/?{query}")
    assert (response.status_code, response.headers["Location"]) == (302, f"{LIST}?e=1")
    assert root.get(response.headers["Location"]).status_code == 200


def test_what_outlives_its_connection_keeps_the_name(root: Browser) -> None:
    made = event(Action.CREATE, label="alice")
    ScimConnection.objects.all().delete()
    page = text(root.get(LIST))
    assert made.connection_name in page
    assert "The identity provider created alice." in page
