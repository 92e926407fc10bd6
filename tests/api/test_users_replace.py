"""PUT /Users/{id} (RFC 7644 section 3.5.1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import NO_SUCH_ID, dump, has_column, host_name, host_of, is_error, row_of, soft_deletes
from api.test_users_create import FULL
from conftest import ScimClient, person
from django_scim_provider.models import ScimUser, ScimValue
from django_scim_provider.protocol import urns

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def test_replacement_is_200_with_the_resource_and_its_location(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.put(f"/Users/{body['id']}", person("ann@example.com", name={"givenName": "A", "familyName": "B"}))

    assert response.status_code == 200
    assert response.headers["Location"] == response.headers["Content-Location"] == body["meta"]["location"]
    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.json()["name"] == {"givenName": "A", "familyName": "B"}
    assert response.json()["meta"]["created"] == body["meta"]["created"]
    assert response.json()["meta"]["lastModified"] >= body["meta"]["lastModified"]
    assert host_name(host_of(body)) == "A B"
    assert scim.get(f"/Users/{body['id']}").json() == response.json()


def test_body_that_was_just_read_can_be_sent_back_and_changes_nothing(scim: ScimClient) -> None:
    body = scim.create("Ann@Example.com", **FULL)
    before = dump(events=False)

    response = scim.put(f"/Users/{body['id']}", scim.get(f"/Users/{body['id']}").json())

    assert response.status_code == 200
    assert response.json() == body
    assert dump(events=False) == before


def test_what_the_body_leaves_out_is_cleared(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", **FULL)

    response = scim.put(f"/Users/{body['id']}", {"schemas": [urns.USER], "userName": "ann@example.com"})

    assert response.status_code == 200
    shown = dict(response.json())
    emails = shown.pop("emails", None)
    assert shown.keys() == {"schemas", "id", "userName", "active", "meta"}
    assert scim.get(f"/Users/{body['id']}").json() == response.json()
    user = host_of(body)
    assert host_name(user) == ""
    if has_column("full_name"):  # the address is the userName there
        assert user.email == "ann@example.com"
    else:
        assert emails is None
        assert user.email == ""
    assert row_of(body).external_id is None
    assert not ScimValue.objects.filter(scim_user=row_of(body), attribute="phoneNumbers").exists()
    assert scim.find('title eq "engineer"') == []


def test_absent_active_leaves_activity_as_it_is(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", active=False)

    response = scim.put(f"/Users/{body['id']}", {"userName": "ann@example.com", "title": "X"})

    assert response.json()["active"] is False
    assert not host_of(body).is_active


@pytest.mark.parametrize("value", [False, "False", "false", "FALSE"])
def test_active_false_ends_access_and_keeps_the_name(scim: ScimClient, value: object) -> None:
    body = scim.create("ann@example.com")
    password = host_of(body).password

    response = scim.put(f"/Users/{body['id']}", person("ann@example.com", active=value))

    assert response.status_code == 200
    assert (response.json()["active"], response.json()["userName"]) == (False, "ann@example.com")
    user = host_of(body)
    assert not user.is_active
    assert user.password != password
    assert not user.has_usable_password()
    if soft_deletes():
        assert user.deleted_at is not None


def test_okta_reactivates_by_put_and_gets_the_same_person(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", **FULL)
    off = scim.put(f"/Users/{body['id']}", {**body, "active": False}).json()
    assert off["active"] is False

    on = scim.put(f"/Users/{body['id']}", {**off, "active": True})

    assert on.status_code == 200
    assert {**on.json(), "meta": None} == {**body, "meta": None}
    user = host_of(body)
    assert user.is_active
    assert user.get_username() == "ann@example.com"
    assert not user.has_usable_password()
    assert get_user_model()._base_manager.count() == 1


def test_rename_moves_the_key(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.put(f"/Users/{body['id']}", person("Beth@Example.com"))

    assert response.json()["userName"] == "Beth@Example.com"
    assert response.json()["id"] == body["id"]
    row, user = row_of(body), host_of(body)
    assert (row.user_name, row.user_name_key) == ("Beth@Example.com", "beth@example.com")
    assert user.get_username().lower() == "beth@example.com"
    assert scim.find('userName eq "ann@example.com"') == []
    assert scim.create("ann@example.com")["id"] != body["id"]


def test_rename_in_case_only_is_no_conflict_with_oneself(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.put(f"/Users/{body['id']}", person("ANN@example.com"))

    assert response.status_code == 200
    assert response.json()["userName"] == "ANN@example.com"


@pytest.mark.parametrize("taken", ["beth@example.com", "BETH@example.com"])
def test_rename_to_a_taken_name_is_409_and_changes_nothing(scim: ScimClient, taken: str) -> None:
    body, _ = scim.create("ann@example.com"), scim.create("Beth@example.com")
    before = dump(events=False)

    response = scim.put(f"/Users/{body['id']}", person(taken, title="changed"))

    assert is_error(response, 409, "uniqueness")
    assert dump(events=False) == before


def test_missing_user_name_is_400_and_changes_nothing(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before = dump(events=False)

    assert is_error(scim.put(f"/Users/{body['id']}", {"displayName": "X", "active": False}), 400, "invalidValue")

    assert dump(events=False) == before


def test_read_only_attributes_and_foreign_ids_in_the_body_never_choose_the_target(scim: ScimClient) -> None:
    ann, beth = scim.create("ann@example.com"), scim.create("beth@example.com")

    response = scim.put(
        f"/Users/{ann['id']}",
        {
            **person("ann@example.com", title="X"),
            "id": beth["id"],
            "meta": {**beth["meta"], "location": beth["meta"]["location"]},
            "groups": [{"value": "admins"}],
            "$ref": beth["meta"]["location"],
        },
    )

    assert response.status_code == 200
    assert response.json()["id"] == ann["id"]
    assert response.json()["meta"]["location"] == ann["meta"]["location"]
    assert scim.get(f"/Users/{beth['id']}").json() == beth


@pytest.mark.parametrize("body", [person("ann@example.com"), {}, b"{", b"[]"])
def test_unknown_id_is_never_written(scim: ScimClient, body: Any) -> None:
    before = dump(events=False)

    assert scim.put(f"/Users/{NO_SUCH_ID}", body).status_code in (400, 404)

    assert dump(events=False) == before
    assert ScimUser.objects.count() == 0


def test_put_of_a_deleted_person_is_404_and_revives_nobody(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    scim.delete(f"/Users/{body['id']}")
    before = dump(events=False)

    assert is_error(scim.put(f"/Users/{body['id']}", person("ann@example.com")), 404)

    assert dump(events=False) == before


def test_password_of_a_put_is_dropped(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before = host_of(body).password

    response = scim.put(f"/Users/{body['id']}", {**body, "password": "hunter2"})

    assert response.status_code == 200
    assert "password" not in response.content.decode()
    assert host_of(body).password == before


def test_emails_that_one_column_cannot_hold_are_all_shown(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    emails = [
        {"value": "one@example.com", "type": "home"},
        {"value": "two@example.com", "type": "work", "primary": True},
        {"value": "three@example.com", "type": "other"},
    ]

    response = scim.put(f"/Users/{body['id']}", person("ann@example.com", emails=emails))

    assert response.json()["emails"] == emails
    assert scim.get(f"/Users/{body['id']}").json()["emails"] == emails
    if not has_column("full_name"):
        assert host_of(body).email == "two@example.com"
    for email in emails:
        assert [found["id"] for found in scim.find(f'emails eq "{email["value"]}"')] == [body["id"]]
    assert scim.find('emails eq "ann@example.com"') == []
