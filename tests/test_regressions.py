"""One short test for each bug that was found, named after what must hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from api.helpers import dump, has_column, host_of, is_error, row_of, soft_deletes
from conftest import ScimClient, person
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser, ScimValue
from django_scim_provider.protocol import urns
from django_scim_provider.services import sync
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


def test_digits_in_a_text_attribute_stay_text(scim: ScimClient) -> None:
    """SQLite gave the text "4130" under a key of a JSON column as a number."""
    body = scim.create("ann@example.com", **{urns.ENTERPRISE_USER: {"costCenter": "4130", "department": "true"}})

    assert scim.get(f"/Users/{body['id']}").json() == body


def test_soft_deleted_person_who_starts_anew_leaves_the_filter_index(scim: ScimClient) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    ScimConnection.objects.update(on_reprovision="anew")
    old = scim.create("ann@example.com")
    scim.patch(f"/Users/{old['id']}", {"op": "replace", "path": "active", "value": False})
    scim.create("ann@example.com")

    assert not ScimValue.objects.filter(scim_user=row_of(old)).exists()


def test_look_up_by_name_is_not_fooled_by_the_hosts_collation(scim: ScimClient) -> None:
    """MariaDB's default collation takes é for e: the client would have linked somebody else's account."""
    scim.create("cafe@example.com")

    assert scim.find('userName eq "café@example.com"') == []
    assert scim.find('userName eq "cafe@example.com "') == []


def test_soft_deleted_superuser_cannot_be_brought_back_by_scim(scim: ScimClient) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    boss = HostUserFactory(name="boss", is_superuser=True)
    row = ScimUser.objects.get(user=boss)
    boss.soft_delete()
    before = dump(events=False)

    for response in (
        scim.patch(f"/Users/{row.scim_id}", {"op": "replace", "path": "active", "value": True}),
        scim.put(f"/Users/{row.scim_id}", person("boss@example.com", emails=[{"value": "evil@example.net"}])),
        scim.post("/Users", person("boss@example.com", emails=[{"value": "evil@example.net"}])),
    ):
        assert is_error(response, 403)
    assert dump(events=False) == before


def test_filter_index_follows_a_change_that_the_host_made_by_update(scim: ScimClient) -> None:
    """A PATCH of something else wrote the host's new address down as known, but not into the index."""
    body = scim.create("ann@example.com", emails=[{"value": "old@example.com", "type": "work"}])
    if has_column("full_name"):
        pytest.skip("this host's address is the userName")
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(email="new@example.com")

    scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "displayName", "value": "Ann"})

    assert [found["id"] for found in scim.find('emails.value eq "new@example.com"')] == [body["id"]]
    assert scim.find('emails.value eq "old@example.com"') == []


def test_user_name_follows_a_change_that_the_host_made_by_update(scim: ScimClient, context: Context) -> None:
    """A PATCH of something else made the rename look known: the old name stayed taken, and nobody had it."""
    body = scim.create("ann@example.com")
    column = get_user_model().USERNAME_FIELD
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(**{column: "beth@example.com"})

    scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "displayName", "value": "Beth"})
    sync.refresh_all(context)

    assert row_of(body).user_name_key == "beth@example.com"
    assert scim.post("/Users", person("ann@example.com")).status_code == 201


@pytest.mark.parametrize("length", [255, 256, 1000])
def test_external_id_too_long_for_its_column_is_400_on_every_database(scim: ScimClient, length: int) -> None:
    """SQLite does not look at the length."""
    body = scim.create("beth@example.com")

    for response in (
        scim.post("/Users", person("ann@example.com", externalId="x" * length)),
        scim.patch(f"/Users/{body['id']}", {"op": "add", "path": "externalId", "value": "x" * length}),
    ):
        assert response.status_code in (200, 201) if length <= 255 else is_error(response, 400, "invalidValue")


def test_long_type_of_a_value_is_stored_and_found_on_every_database(scim: ScimClient) -> None:
    kind = "k" * 600
    body = scim.create("ann@example.com", emails=[{"value": "ann@example.com", "type": kind}])

    assert [found["id"] for found in scim.find(f'emails[type eq "{kind}"]')] == [body["id"]]
    assert scim.find(f'emails[type eq "{kind}x"]') == []


def test_page_of_equal_external_ids_keeps_to_count(scim: ScimClient) -> None:
    for number in range(3):
        scim.create(f"ann{number}@example.com", externalId="same")

    page = scim.get("/Users", filter='externalId eq "same"', count=2).json()

    assert (len(page["Resources"]), page["itemsPerPage"], page["totalResults"]) == (2, 2, 3)


def test_parameter_given_twice_is_refused(scim: ScimClient) -> None:
    """The last of several filters won without a word."""
    response = scim.get("/Users?filter=userName+eq+%22a%22&filter=userName+pr")

    assert is_error(response, 400, "invalidValue")


@pytest.mark.parametrize("path", ["%00", "%F0%9F%98%80" * 9, "a%0d%0ab", "%E2%80%AEdi"])
def test_refused_write_to_an_impossible_id_is_an_event_without_that_id(scim: ScimClient, path: str) -> None:
    assert is_error(scim.delete(f"/Users/{path}"), 404)

    assert ScimEvent.objects.filter(action="delete").values_list("resource_id", flat=True).get() == ""


def test_path_does_not_end_in_a_line_feed(scim: ScimClient) -> None:
    assert is_error(scim.get("/Users%0A"), 404)
    assert is_error(scim.get("/Schemas%0A"), 404)


@pytest.mark.parametrize("allowlist", ["nonsense", "10.0.0.0/99", "10.0.0.0/8, 192.168.0.0/16"])
def test_unreadable_allow_list_admits_nobody(issue_token: Callable[..., str], allowlist: str) -> None:
    connection = ConnectionFactory()
    ScimConnection.objects.filter(pk=connection.pk).update(ip_allowlist=allowlist)

    assert is_error(ScimClient(issue_token(connection)).get("/Users"), 403)


def test_host_columns_are_sorted_without_regard_to_case_and_empty_ones_last(scim: ScimClient) -> None:
    for number, name in enumerate(["bob", None, "Carl", "alice"]):
        scim.create(f"{number}@example.com", name={"givenName": name, "familyName": "x"})

    page = scim.get("/Users", sortBy="name.givenName").json()

    assert [item["userName"][0] for item in page["Resources"]] == ["3", "0", "2", "1"]


def test_order_by_groups_is_refused(scim: ScimClient) -> None:
    assert is_error(scim.get("/Users", sortBy="groups.value"), 400, "invalidValue")


def test_primary_value_decides_the_order_on_every_database(scim: ScimClient) -> None:
    """PostgreSQL puts NULL, that is "not said", before true."""
    for name, other, primary in (("ann", "z", "b"), ("beth", "a", "c")):
        emails = [{"value": f"{other}@example.com"}, {"value": f"{primary}@example.com", "primary": True}]
        scim.create(f"{name}@example.com", emails=emails)

    page = scim.get("/Users", sortBy="emails").json()

    assert [item["userName"] for item in page["Resources"]] == ["ann@example.com", "beth@example.com"]


@pytest.mark.hosts
@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "active"},
        {"op": "replace", "path": "active", "value": ""},
        {"op": "replace", "value": {"active": None}},
    ],
    ids=json.dumps,
)
def test_taking_active_away_from_an_inactive_person_does_not_bring_them_back(
    scim: ScimClient, operation: dict[str, Any]
) -> None:
    path = f"/Users/{scim.create('anna@example.com')['id']}"
    scim.patch(path, {"op": "replace", "path": "active", "value": False})
    assert "active" not in scim.patch(path, operation).json()
    scim.patch(path, {"op": "replace", "path": "title", "value": "Boss"})
    body = scim.get(path).json()
    assert scim.put(path, body).status_code == 200

    assert "active" not in scim.get(path).json()
    assert not host_of(body).is_active
    assert scim.patch(path, {"op": "replace", "path": "active", "value": True}).json()["active"] is True
    assert host_of(body).is_active


def test_presence_within_brackets_is_not_lost_beside_or_and_not(scim: ScimClient) -> None:
    """``type pr`` holds for every member, and an empty condition was dropped: the filter found other groups."""
    ann = scim.create("ann@example.com")
    body = {"schemas": [urns.GROUP], "displayName": "Staff", "members": [{"value": ann["id"]}]}
    assert scim.post("/Groups", body).status_code == 201

    for text, total in {'type pr or type eq "Group"': 1, "not (type pr)": 0, "not (type pr) and value pr": 0}.items():
        assert scim.get("/Groups", filter=f"members[{text}]").json()["totalResults"] == total, text


@pytest.mark.hosts
def test_lists_begin_before_the_first_key_on_every_database(scim: ScimClient) -> None:
    """The first page asks for keys above one that nobody has; MariaDB's backend refuses 0 as a key."""
    scim.create("ann@example.com")

    assert scim.get("/Users").json()["totalResults"] == 1


def test_somebody_may_be_renamed_to_what_a_deleted_person_was_called(scim: ScimClient) -> None:
    """It was 409, although the name is free by then, and a POST gets it."""
    gone, bob = scim.create("ann@example.com"), scim.create("bob@example.com")
    scim.delete(f"/Users/{gone['id']}")
    renamed = person("ann@example.com")
    assert scim.put(f"/Users/{bob['id']}", renamed).status_code == 200
    assert [found["id"] for found in scim.find('userName eq "ann@example.com"')] == [bob["id"]]
    assert scim.get(f"/Users/{gone['id']}").status_code == 404


@pytest.mark.parametrize("returns", [False, True])
def test_a_name_of_an_account_that_is_no_longer_scims_alone_is_not_taken_from_it(
    scim: ScimClient, returns: bool
) -> None:
    if not has_column("is_active") or soft_deletes():
        pytest.skip("on this host a deletion frees the name at once, or activity is another column")
    gone, bob = scim.create("ann@example.com"), scim.create("bob@example.com")
    scim.delete(f"/Users/{gone['id']}")
    if returns:
        scim.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": False})
    get_user_model().objects.filter(pk=host_of(gone).pk).update(is_active=True)
    body = person("ann@example.com", active=True)
    assert scim.put(f"/Users/{bob['id']}", body).status_code == 409


@pytest.mark.parametrize("column", ["user_name_key", "external_id"])
def test_what_identity_providers_look_up_has_an_index_of_the_connection(column: str) -> None:
    """The key of names was indexed behind the scope alone, so that a look-up read the whole index."""
    assert ["connection", column] in [index.fields[:2] for index in ScimUser._meta.indexes]


@pytest.mark.parametrize("way", ["create", "rename"])
def test_name_that_two_deleted_accounts_have_in_two_spellings_is_free(scim: ScimClient, way: str) -> None:
    """One of the two was freed, and the other then refused every attempt: 409 for ever."""
    other = scim.create("zoe@example.com")
    ScimConnection.objects.update(existing_accounts="adopt")
    for name, spelling in (("ann", "Bob@example.com"), ("cy", "bob@example.com")):
        made = scim.create(f"{name}@example.com")
        renamed = scim.patch(f"/Users/{made['id']}", {"op": "replace", "path": "userName", "value": spelling})
        assert renamed.status_code == 200
        scim.delete(f"/Users/{made['id']}")
    ScimConnection.objects.update(existing_accounts="never")

    if way == "create":
        response = scim.post("/Users", person("bob@example.com"))
    else:
        rename = {"op": "replace", "path": "userName", "value": "bob@example.com"}
        response = scim.patch(f"/Users/{other['id']}", rename)

    assert response.status_code == (201 if way == "create" else 200), response.content
    assert response.json()["userName"] == "bob@example.com"


def test_adapter_that_gives_no_names_up_is_a_conflict_and_no_endless_loop(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = scim.create("bob@example.com")
    scim.delete(f"/Users/{made['id']}")
    monkeypatch.setattr(UserAdapter, "free_names", lambda *given: None)

    response = scim.post("/Users", person("bob@example.com"))

    assert response.status_code == (201 if soft_deletes() else 409)
