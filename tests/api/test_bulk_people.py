"""Many people created by one bulk request: together where nobody is known, else as if each had come alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection as database
from django.db.models.signals import post_save
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from api.helpers import dump, host_of
from api.test_bulk import bulk, read, statuses, user
from conftest import ScimClient
from django_scim_provider import signals
from django_scim_provider.models import RoleGrant, ScimConnection, ScimEvent, ScimUser, ScimValue
from django_scim_provider.services import bulk as service
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def names() -> set[str]:
    return {name.partition("@")[0] for name in ScimUser.objects.values_list("user_name", flat=True)}


def test_people_made_together_are_what_they_are_when_made_alone(scim: ScimClient) -> None:
    told: list[ScimUser] = []

    def note(scim_user: ScimUser, **kwargs: Any) -> None:
        told.append(scim_user)

    signals.user_provisioned.connect(note)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            results = bulk(scim, user("ann", title="Boss"), user("bob", active=False), user("carol", nickName="C"))
    finally:
        signals.user_provisioned.disconnect(note)
    assert statuses(results) == ["201"] * 3
    made = [read(scim, result) for result in results]
    assert [result["version"] for result in results] == [shown["meta"]["version"] for shown in made]
    assert [row.scim_id for row in told] == [row.scim_id for row in ScimUser.objects.order_by("pk")]
    assert [host_of(one).pk for one in made] == [row.user.pk for row in told]
    assert [one["active"] for one in made] == [True, False, True]
    assert [scim.find(f'title eq "boss" or nickName eq "{name}"')[-1]["id"] for name in ("x", "c")] == [
        made[0]["id"],
        made[2]["id"],
    ]

    alone = scim.create("dora@example.com", title="Boss")
    first, last = ScimEvent.objects.filter(action="create", resource_id__in=[made[0]["id"], alone["id"]]).order_by("pk")
    for field in ("status", "outcome", "resource_type", "changed", "values", "warnings", "key_id", "remote_addr"):
        assert getattr(first, field) == getattr(last, field), field
    assert first.label == "ann@example.com"
    index = ScimValue.objects.values_list("attribute", "position", "type", "primary").order_by("attribute", "position")
    assert [*index.filter(scim_user__scim_id=made[0]["id"])] == [*index.filter(scim_user__scim_id=alone["id"])]


def test_statements_beside_the_hosts_own_do_not_grow_with_the_people(scim: ScimClient) -> None:
    def sent(*people: str) -> list[str]:
        with CaptureQueriesContext(database) as queries:
            assert set(statuses(bulk(scim, *map(user, people)))) == {"201"}
        return [query["sql"] for query in queries if "scim_provider" in query["sql"]]

    sent("warm", "up")
    few, many = sent("a", "b", "c"), sent(*(f"u{number}" for number in range(20)))
    assert len(few) == len(many)


def test_one_who_is_known_already_fails_alone(scim: ScimClient) -> None:
    scim.create("bob@example.com")
    HostUserFactory(name="root", is_superuser=True)
    results = bulk(scim, user("ann"), user("bob"), user("root"), user("carol"))
    assert statuses(results) == ["201", "409", "409", "201"]
    assert [result["response"]["scimType"] for result in results[1:3]] == ["uniqueness"] * 2
    assert names() >= {"ann", "bob", "carol"}
    assert [*ScimEvent.objects.order_by("pk").values_list("outcome", flat=True)][-4:] == [
        "success",
        "refused",
        "refused",
        "success",
    ]


@pytest.mark.parametrize("other", ["ann", "ANN", "ａｎｎ"])
def test_two_of_one_name_in_one_request_are_one_person(scim: ScimClient, other: str) -> None:
    second = user("second", userName=f"{other}@example.com", emails=[{"value": "else@example.com", "type": "work"}])
    assert statuses(bulk(scim, user("ann"), second, user("bob"))) == ["201", "409", "201"]
    assert ScimUser.objects.count() == 2


def test_what_one_body_lacks_is_refused_for_that_one(scim: ScimClient) -> None:
    bad, long = user("bad"), user("long", externalId="x" * 300)
    del bad["data"]["userName"]
    assert statuses(bulk(scim, user("ann"), bad, long, user("bob"))) == ["201", "400", "400", "201"]
    assert names() == {"ann", "bob"}


def test_code_of_the_host_that_raises_undoes_only_the_person_it_raised_for(scim: ScimClient) -> None:
    def fail(instance: Any, **kwargs: Any) -> None:
        if "bad@" in instance.email:
            raise RuntimeError("broken host")

    post_save.connect(fail, sender=get_user_model())
    try:
        results = bulk(scim, user("ann"), user("bad"), user("bob"))
    finally:
        post_save.disconnect(fail, sender=get_user_model())
    assert statuses(results) == ["201", "500", "201"]
    assert names() == {"ann", "bob"}
    assert not get_user_model().objects.filter(email="bad@example.com").exists()


def test_nobody_is_made_once_there_were_errors_enough(scim: ScimClient) -> None:
    bad = user("bad", userName="")
    people = [user(f"u{number}") for number in range(3)]
    assert statuses(bulk(scim, bad, *people, failOnErrors=1)) == ["400"]
    assert statuses(bulk(scim, people[0], bad, *people[1:], failOnErrors=1)) == ["201", "400"]
    # The second run of people comes after the error that was one too many.
    group = {"method": "DELETE", "path": "/Groups/1"}
    assert statuses(bulk(scim, group, *people[1:], failOnErrors=1)) == ["404"]
    assert names() == {"u0"}


def test_more_people_than_fit_in_one_transaction(scim: ScimClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TOGETHER", 2)
    results = bulk(scim, *(user(f"u{number}") for number in range(5)))
    assert statuses(results) == ["201"] * 5
    assert [read(scim, result)["userName"] for result in results] == [f"u{number}@example.com" for number in range(5)]


def test_policies_hold_for_people_made_together(scim: ScimClient) -> None:
    role = Group.objects.create(name="reader")
    ScimConnection.objects.update(default_role=str(role.pk), on_create="ignore")
    accounts = get_user_model().objects.count()
    assert statuses(bulk(scim, user("ann"), user("bob"))) == ["201"] * 2
    assert get_user_model().objects.count() == accounts
    assert not RoleGrant.objects.exists()


def test_a_dropped_batch_leaves_nothing_of_its_own(scim: ScimClient) -> None:
    scim.create("bob@example.com")
    before = dump(events=False)
    bad = user("bad", userName="")
    assert statuses(bulk(scim, bad, user("bob"))) == ["400", "409"]
    assert dump(events=False) == before
