"""The event log of one connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conftest import ScimClient
from console.caller import Caller, error
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.services import audit
from django_scim_provider.services.context import Context
from factories import ConnectionFactory
from group_support import push

pytestmark = pytest.mark.django_db


def test_events_are_found_by_what_they_are_about_outcome_action_and_time(
    root: Caller, scim: ScimClient, connection: ScimConnection
) -> None:
    ann, bob = scim.create("ann@example.com"), scim.create("bob@example.com")
    scim.delete(f"/Users/{bob['id']}")
    staff = push(scim, "Staff")["id"]
    audit.record(Context(ConnectionFactory()), audit.Action.CREATE, resource_type="User", label="ann@example.com")
    audit.record(Context(connection, actor=root.user), audit.Action.CONFIGURE, label="Annex")
    audit.record(Context(connection), audit.Action.CREATE, outcome="refused", detail="No name.", resource_type="User")
    ScimEvent.objects.create(connection=connection, at=timezone.now() - timedelta(days=9), action="enable")

    def found(**params: Any) -> list[tuple[str, str]]:
        answer = root.get(f"/connections/{connection.pk}/events", **params).json()
        assert answer["count"] == len(answer["results"])
        return [(event["action"], event["label"]) for event in answer["results"]]

    assert found(search="ann") == [("configure", "Annex"), ("create", "ann@example.com")]
    assert found(search=bob["id"]) == [("delete", "bob@example.com"), ("create", "bob@example.com")]
    assert found(search=staff) == found(search="STAFF") == [("create", "Staff")]
    assert found(search="no%20name") == [("create", "")]
    token = ScimToken.objects.get(connection=connection)
    about = {"ann@example.com", "bob@example.com", "Staff", token.starts_with}
    by_token = [event for event in found() if event[1] in about]
    assert found(search=token.key_id) == found(search=token.starts_with) == by_token
    assert found(outcome="refused") == [("create", "")]
    assert found(action="enable") == [("enable", "")]
    assert found(action="create", search=ann["id"], outcome="refused") == []
    everything = found()
    assert found(search="") == everything
    assert everything[0] == ("enable", "")
    assert found(since=(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) == everything[1:]

    page = root.get(f"/connections/{connection.pk}/events", limit=1, action="configure").json()
    (event,) = page["results"]
    assert event["actor"] == root.user.get_username()
    assert event["at"].endswith(("Z", "+01:00", "+02:00"))
    for name, value in (("since", "yesterday"), ("action", "dance"), ("outcome", "maybe"), ("search", "%00")):
        refused = root.get(f"/connections/{connection.pk}/events", **{name: value})
        assert (error(refused), refused.json()["fields"].keys()) == ((400, "validation"), {name})
