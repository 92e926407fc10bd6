"""DELETE /Users/{id} (RFC 7644 section 3.6)."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from api.helpers import NO_SUCH_ID, dump, host_of, is_error, row_of, soft_deletes, statements
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimUser, ScimValue

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def test_deleted_person_is_204_without_a_body_then_404_everywhere(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", externalId="x")

    response = scim.delete(f"/Users/{body['id']}")

    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["Cache-Control"] == "no-store, private"
    assert "Location" not in response.headers
    path = f"/Users/{body['id']}"
    for again in (
        scim.get(path),
        scim.put(path, person("ann@example.com")),
        scim.patch(path, {"op": "replace", "path": "active", "value": True}),
        scim.delete(path),
    ):
        assert is_error(again, 404)
    for filter_ in ('userName eq "ann@example.com"', 'externalId eq "x"', f'id eq "{body["id"]}"', "active pr"):
        assert scim.find(filter_) == []
    assert scim.get("/Users").json()["totalResults"] == 0


def test_tombstone_stays_and_the_host_row_is_suspended(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    password = host_of(body).password

    scim.delete(f"/Users/{body['id']}")

    row, user = row_of(body), host_of(body)
    assert row.alive is None
    assert row.attributes["active"] is False
    assert not ScimValue.objects.filter(scim_user=row).exists()
    assert not user.is_active
    assert user.password != password
    assert not user.has_usable_password()
    assert not soft_deletes() or user.deleted_at is not None


@pytest.mark.parametrize("policy", ["suspend", "delete", "nothing", "hook"])
def test_policy_decides_what_deletion_does_to_the_host(scim: ScimClient, policy: str) -> None:
    ScimConnection.objects.update(on_delete=policy)
    body = scim.create("ann@example.com")
    pk = host_of(body).pk

    assert scim.delete(f"/Users/{body['id']}").status_code == 204

    user = get_user_model()._base_manager.filter(pk=pk).first()
    assert is_error(scim.get(f"/Users/{body['id']}"), 404)
    if policy == "delete":
        assert user is None
        assert row_of(body).user_id is None
    else:
        assert user.is_active is (policy == "nothing")


def test_person_deleted_while_inactive_stays_without_access(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": False})

    assert scim.delete(f"/Users/{body['id']}").status_code == 204

    assert not host_of(body).is_active


def test_person_whose_host_row_is_gone_can_be_deleted(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    host_of(body).delete()

    assert scim.delete(f"/Users/{body['id']}").status_code == 204
    assert row_of(body).alive is None


def test_body_and_content_type_of_a_delete_are_ignored(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.request("DELETE", f"/Users/{body['id']}", b"{not json", content_type="text/plain")

    assert response.status_code == 204


def test_deleting_nobody_changes_nothing(scim: ScimClient) -> None:
    scim.create("ann@example.com")
    before = dump(events=False)

    for scim_id in (NO_SUCH_ID, "x", "%00"):
        assert is_error(scim.delete(f"/Users/{scim_id}"), 404)

    assert dump(events=False) == before


def test_id_of_a_deleted_person_is_never_used_again(scim: ScimClient) -> None:
    ids = set()
    for _ in range(5):
        body = scim.create("ann@example.com")
        ids.add(body["id"])
        scim.delete(f"/Users/{body['id']}")

    assert len(ids) == ScimUser.objects.count() == 5


def test_deleting_takes_as_many_statements_as_the_budget_has(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    sql = statements(lambda: scim.delete(f"/Users/{body['id']}"))

    assert len(sql) <= 14, sql


def test_old_account_of_a_deleted_person_is_out_of_reach_for_the_new_one(scim: ScimClient) -> None:
    old = scim.create("ann@example.com", title="Old")
    old_account = host_of(old)
    scim.delete(f"/Users/{old['id']}")

    new = scim.create("ann@example.com")

    assert "title" not in new
    assert host_of(new).pk != old_account.pk
    old_account.refresh_from_db()
    assert not old_account.is_active
    assert old_account.get_username() != "ann@example.com"
