"""The event log in the admin, and its sentences."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from admin.browser import Browser, text
from django_scim_provider.admin.sentences import field_label, sentence
from django_scim_provider.models import ScimConnection, ScimEvent
from django_scim_provider.services import audit
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
        (Action.READ, {"outcome": "refused", "detail": "No."}, "Okta asked for something that cannot be answered: No."),
        (Action.AUTHENTICATE, {"outcome": "refused", "detail": "No."}, "A client was turned away: No."),
        (Action.ENABLE, {"outcome": "failed", "detail": "No."}, "Okta was refused: No."),
        (Action.CREATE, {"provider": "generic", "label": "alice"}, "The identity provider created alice."),
        (Action.MODIFY, {"key_id": "", "label": "alice"}, "A command on the server updated alice."),
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
    for said in ("Okta updated alice.", "name.givenName, userName", "nickName", "&quot;userName&quot;", "A" * 12):
        assert said in page
    assert 'name="_save"' not in page


def test_what_outlives_its_connection_keeps_the_name(root: Browser) -> None:
    made = event(Action.CREATE, label="alice")
    ScimConnection.objects.all().delete()
    page = text(root.get(LIST))
    assert made.connection_name in page
    assert "The identity provider created alice." in page
