"""GET /Users/{id} (RFC 7644 section 3.4.1)."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model

from api.helpers import NO_SUCH_ID, dump, has_column, host_of, is_error, row_of, statements
from conftest import MOUNT, ScimClient
from django_scim_provider.models import ScimGroup, ScimMembership, ScimUser
from django_scim_provider.services.transactions import now
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def test_person_is_200_with_headers_and_the_same_bytes_each_time(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    location = f"http://testserver{MOUNT}/Users/{body['id']}"

    first, again = scim.get(f"/Users/{body['id']}"), scim.get(f"/Users/{body['id']}/")

    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.json() == body
    assert first.headers["Location"] == first.headers["Content-Location"] == location
    assert first.headers["Cache-Control"] == "no-store, private"
    assert first.headers["X-Content-Type-Options"] == "nosniff"


def test_adopted_host_user_is_shown_with_the_hosts_values(scim: ScimClient) -> None:
    user = HostUserFactory(name="ann", given="Ann", family="Example")
    row = ScimUser.objects.get(user=user)

    body = scim.get(f"/Users/{row.scim_id}").json()

    assert row.origin == "adopted"
    assert body["userName"] == "ann@example.com"
    assert [email["value"] for email in body["emails"]] == ["ann@example.com"]
    assert body["active"] is True
    name = body["name"]
    assert name.get("formatted", f"{name.get('givenName')} {name.get('familyName')}") == "Ann Example"


def test_reading_never_writes(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    scim.get("/Users")  # notes the token's use, once a minute
    before = dump(bookkeeping=True)

    for path in (f"/Users/{body['id']}", "/Users", "/Users?filter=userName+eq+%22ann@example.com%22", "/Schemas"):
        sql = statements(lambda path=path: scim.get(path))
        assert not [line for line in sql if not line.startswith("SELECT")], sql

    assert dump(bookkeeping=True) == before


def test_three_statements_are_enough(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    scim.get("/Users")

    assert len(statements(lambda: scim.get(f"/Users/{body['id']}"))) <= 3


@pytest.mark.parametrize(
    "scim_id",
    [
        NO_SUCH_ID,
        "1",
        "-1",
        "None",
        "null",
        "undefined",
        "%20",
        "..",
        "%2e%2e",
        "%00",
        "%0a",
        "%ff%fe",
        "💥",
        "{0.__class__}",
        "%25(x)s",
        "${7*7}",
        "' OR 1=1 --",
        "a" * 3000,
        "5b8e4f5e3f6f4c538f576a2d3d0b1c11",
        "{5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11}",
        "urn:uuid:5b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11",
        "٥b8e4f5e-3f6f-4c53-8f57-6a2d3d0b1c11",
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_ids_of_any_shape_are_the_same_404(scim: ScimClient, method: str, scim_id: str) -> None:
    expected = scim.request(method, f"/Users/{NO_SUCH_ID}")
    before = dump(events=False)

    response = scim.request(method, f"/Users/{scim_id}")

    assert is_error(response, 404)
    assert response.content == expected.content
    assert scim_id not in response.content.decode()
    assert dump(events=False) == before


@pytest.mark.parametrize("path", ["..%2f..%2fadmin", "a/b", "a%2fb", "..%2f", "../Schemas", "//"])
def test_paths_below_a_person_are_404(scim: ScimClient, path: str) -> None:
    body = scim.create("ann@example.com")

    assert is_error(scim.get(f"/Users/{path}"), 404)
    assert is_error(scim.get(f"/Users/{body['id']}/{path}"), 404)


def test_spellings_of_a_real_id_other_than_ours_are_404(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    for spelling in (body["id"].upper(), body["id"].replace("-", ""), f"{{{body['id']}}}", f"{body['id']}%0A"):
        assert is_error(scim.get(f"/Users/{spelling}"), 404)
    assert is_error(scim.get(f"/Users/{row_of(body).pk}"), 404)
    assert is_error(scim.get(f"/Users/{row_of(body).user_id}"), 404)


def test_head_answers_like_get_without_a_body(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.request("HEAD", f"/Users/{body['id']}")

    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["Location"] == body["meta"]["location"]


def test_host_change_by_save_is_shown_at_once(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    user = host_of(body)
    setattr(user, "is_locked" if has_column("is_locked") else "is_active", has_column("is_locked"))
    user.save()

    shown = scim.get(f"/Users/{body['id']}").json()

    assert shown["active"] is False
    assert shown["meta"]["lastModified"] > body["meta"]["lastModified"]


def test_host_change_by_update_is_shown_at_once(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    columns = {"is_locked": True} if has_column("is_locked") else {"is_active": False}
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(**columns)

    assert scim.get(f"/Users/{body['id']}").json()["active"] is False
    assert [found["id"] for found in scim.find("active eq false")] == [body["id"]]


def test_person_whose_host_row_is_gone_stays_as_last_known_and_inactive(scim: ScimClient) -> None:
    body = scim.create("Ann@example.com", title="Engineer", displayName="Ann")
    host_of(body).delete()

    shown = scim.get(f"/Users/{body['id']}").json()

    assert (shown["userName"], shown["title"], shown["active"]) == ("Ann@example.com", "Engineer", False)
    assert [found["id"] for found in scim.find('userName eq "ann@example.com"')] == [body["id"]]
    assert [found["id"] for found in scim.find('title eq "engineer"')] == [body["id"]]


def test_groups_of_a_person_are_shown_with_their_address(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    row = row_of(body)
    group = ScimGroup.objects.create(
        connection_id=row.connection_id,
        display_name="Staff",
        display_name_key="staff",
        unique_key="staff",
        created_at=now(),
        modified_at=now(),
    )
    ScimMembership.objects.create(group=group, scim_user=row)

    for shown in (
        scim.get(f"/Users/{body['id']}").json(),
        scim.get("/Users").json()["Resources"][0],
        scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "title", "value": "X"}).json(),
    ):
        assert shown["groups"] == [
            {
                "value": str(group.scim_id),
                "$ref": f"http://testserver{MOUNT}/Groups/{group.scim_id}",
                "display": "Staff",
                "type": "direct",
            }
        ]
