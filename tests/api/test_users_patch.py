"""PATCH /Users/{id} (RFC 7644 section 3.5.2) through the endpoint; the engine itself is tested in tests/protocol."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator

from api.helpers import NO_SUCH_ID, dump, has_column, host_name, host_of, is_error, row_of, soft_deletes, statements
from api.test_users_create import FULL
from conftest import ScimClient, person
from django_scim_provider.models import ScimConnection, ScimValue
from django_scim_provider.protocol import urns
from factories import ConnectionFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

OFF = {"op": "replace", "value": {"active": False}}
ON = {"op": "replace", "value": {"active": True}}


def test_patch_is_200_with_the_resource_and_its_location(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "title", "value": "Engineer"})

    assert response.status_code == 200
    assert response.headers["Location"] == response.headers["Content-Location"] == body["meta"]["location"]
    assert response.headers["Cache-Control"] == "no-store, private"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert {**response.json(), "meta": None} == {**body, "title": "Engineer", "meta": None}
    assert scim.get(f"/Users/{body['id']}").json() == response.json()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "active", "value": False},
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "REPLACE", "path": "Active", "value": "false"},
        {"op": "add", "path": "active", "value": False},
        {"op": "replace", "path": f"{urns.USER}:active", "value": False},
        {"op": "replace", "value": {"active": False}},
        {"op": "replace", "value": {"active": "False"}},
        {"op": "replace", "value": [{"active": False}]},
        {"op": "replace", "path": "active", "value": [False]},
        {"op": "replace", "value": {urns.USER: {"active": False}}},
        {"op": "replace", "value": {f"{urns.USER}:active": False}},
        {"op": "add", "value": {"ACTIVE": False, "id": NO_SUCH_ID, "nonsense": 1}},
    ],
)
def test_every_shape_of_deactivation_ends_access(scim: ScimClient, operation: dict[str, Any]) -> None:
    body = scim.create("ann@example.com")
    user = host_of(body)
    user.set_password("known")
    user.save()
    link = default_token_generator.make_token(user)
    session_hash = user.get_session_auth_hash()

    response = scim.patch(f"/Users/{body['id']}", operation)

    assert response.status_code == 200
    assert response.json()["active"] is False
    user = host_of(body)
    assert not user.is_active
    assert not user.has_usable_password()
    assert user.get_session_auth_hash() != session_hash
    assert not default_token_generator.check_token(user, link)
    assert scim.get(f"/Users/{body['id']}").json()["active"] is False


def test_nothing_that_ended_works_again_after_reactivation(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    user = host_of(body)
    user.set_password("known")
    user.save()
    session_hash, link = user.get_session_auth_hash(), default_token_generator.make_token(user)

    scim.patch(f"/Users/{body['id']}", OFF)
    assert scim.patch(f"/Users/{body['id']}", ON).json()["active"] is True

    user = host_of(body)
    assert user.is_active
    assert not user.check_password("known")
    assert user.get_session_auth_hash() != session_hash
    assert not default_token_generator.check_token(user, link)


def test_soft_deleted_person_keeps_the_wire_form_and_frees_the_columns(scim: ScimClient) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    body = scim.create("Ann@example.com")

    off = scim.patch(f"/Users/{body['id']}", OFF).json()

    user = host_of(body)
    assert user.username.endswith("@deleted.invalid")
    assert user.email.endswith("@deleted.invalid")
    assert not get_user_model().objects.filter(pk=user.pk).exists()
    assert (off["userName"], off["emails"], off["id"]) == (body["userName"], body["emails"], body["id"])

    on = scim.patch(f"/Users/{body['id']}", ON).json()
    assert {**on, "meta": None} == {**body, "meta": None}
    assert host_of(body).username == "Ann@example.com"


def test_name_taken_meanwhile_makes_reactivation_409(scim: ScimClient) -> None:
    if not soft_deletes():
        pytest.skip("this host does not soft-delete")
    body = scim.create("ann@example.com")
    scim.patch(f"/Users/{body['id']}", OFF)
    get_user_model().objects.create(username="ann@example.com", email="other@example.com")
    before = dump(events=False)

    assert is_error(scim.patch(f"/Users/{body['id']}", ON), 409, "uniqueness")

    assert dump(events=False) == before


def test_deactivating_twice_is_one_deactivation(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    first = scim.patch(f"/Users/{body['id']}", OFF)
    before = dump(events=False)

    again = scim.patch(f"/Users/{body['id']}", OFF)

    assert again.status_code == 200
    assert again.json() == first.json()
    assert dump(events=False) == before


@pytest.mark.parametrize("value", ["0", "1", 0, 1, "no", [], {}, None, "", [True, False], 0.0, "maybe", ["x"]])
def test_active_that_is_no_boolean_never_changes_anything(scim: ScimClient, value: object) -> None:
    body = scim.create("ann@example.com")
    before = dump(events=False)

    response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": value})

    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert is_error(response, 400, "invalidValue")
        assert dump(events=False) == before
    assert host_of(body).is_active


def test_onelogin_may_say_active_with_digits(issue_token: Any) -> None:
    scim = ScimClient(issue_token(ConnectionFactory(provider="onelogin")))
    body = scim.create("ann@example.com", active="1")
    assert body["active"] is True

    assert scim.patch(f"/Users/{body['id']}", {"op": "replace", "value": {"active": "0"}}).json()["active"] is False
    assert not host_of(body).is_active


def test_entra_legacy_operations_are_all_applied(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.patch(
        f"/Users/{body['id']}",
        {"op": "Replace", "path": "displayName", "value": "Pvlo"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.com"},
        {"op": "Replace", "path": "name.givenName", "value": "Gwen"},
        {"op": "Replace", "path": "externalId", "value": "Eqpj"},
        {"op": "Add", "path": "nickName", "value": "Babs"},
        {"op": "Replace", "path": f"{urns.ENTERPRISE_USER}:employeeNumber", "value": "Eqpj"},
        {"op": "Add", "path": f"{urns.ENTERPRISE_USER}:manager", "value": NO_SUCH_ID},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+41 79"},
    )

    assert response.status_code == 200
    shown = response.json()
    assert shown["displayName"] == "Pvlo"
    assert shown["emails"] == [{"value": "new@example.com", "type": "work", "primary": True}]
    assert shown["name"]["givenName"] == "Gwen"
    assert shown["externalId"] == row_of(body).external_id == "Eqpj"
    assert shown["nickName"] == "Babs"
    assert shown[urns.ENTERPRISE_USER] == {"employeeNumber": "Eqpj", "manager": {"value": NO_SUCH_ID}}
    assert shown["phoneNumbers"] == [{"type": "mobile", "value": "+41 79"}]
    assert "Gwen" in host_name(host_of(body))
    if not has_column("full_name"):
        assert host_of(body).email == "new@example.com"
    assert [found["id"] for found in scim.find('emails eq "NEW@example.com"')] == [body["id"]]
    assert scim.find('emails eq "ann@example.com"') == []


def test_entra_flat_keys_are_all_applied_and_siblings_stay(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", **FULL)

    shown = scim.patch(
        f"/Users/{body['id']}",
        {
            "op": "replace",
            "value": {
                "displayName": "Bjfe",
                "name.givenName": "Kkom",
                'emails[type eq "home"].value': "k@home.example",
                f"{urns.ENTERPRISE_USER}:employeeNumber": "Aklq",
                urns.ENTERPRISE_USER: {"division": "New"},
            },
        },
    ).json()

    assert shown["name"] == {**FULL["name"], "givenName": "Kkom"}
    assert shown["emails"] == [FULL["emails"][0], {"value": "k@home.example", "type": "home"}]
    assert shown[urns.ENTERPRISE_USER] == {
        **FULL[urns.ENTERPRISE_USER],
        "employeeNumber": "Aklq",
        "division": "New",
    }
    assert shown["title"] == FULL["title"]


@pytest.mark.parametrize(
    ("broken", "scim_type"),
    [
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": None, "path": "title"}, "invalidSyntax"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
        ({"op": "replace", "path": 7, "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails[nonsense eq 1].value", "value": "x"}, "invalidFilter"),
        ({"op": "replace", "path": "id", "value": NO_SUCH_ID}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2011-05-13T04:42:34Z"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "admins"}]}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "userName", "value": ""}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": None}, "invalidValue"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "value": "x"}, "invalidSyntax"),
        ({"op": "replace", "path": "name", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": {"a": 1}}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": [{"value": 5}]}, "invalidValue"),
        ("replace", "invalidSyntax"),
        (None, "invalidSyntax"),
        ([], "invalidSyntax"),
    ],
)
def test_one_wrong_operation_undoes_them_all(scim: ScimClient, broken: Any, scim_type: str) -> None:
    body = scim.create("ann@example.com", **FULL)
    before = dump(events=False)

    response = scim.patch(
        f"/Users/{body['id']}",
        {"op": "replace", "path": "title", "value": "changed"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": "name.givenName", "value": "changed"},
        broken,
    )

    assert is_error(response, 400, scim_type)
    assert dump(events=False) == before
    assert scim.get(f"/Users/{body['id']}").json() == body


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"schemas": [urns.PATCH_OP]},
        {"Operations": None},
        {"Operations": "x"},
        {"Operations": 5},
        {"Operations": {}},
    ],
)
def test_message_without_operations_is_400_and_changes_nothing(scim: ScimClient, message: dict[str, Any]) -> None:
    body = scim.create("ann@example.com")
    before = dump(events=False)

    response = scim.request("PATCH", f"/Users/{body['id']}", message)

    assert is_error(response, 400, "invalidSyntax")
    assert dump(events=False) == before


def test_empty_list_of_operations_changes_nothing_and_is_200(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.patch(f"/Users/{body['id']}")

    assert response.status_code == 200
    assert response.json() == body


def test_more_than_a_thousand_operations_are_413_and_change_nothing(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    before = dump(events=False)
    operation = {"op": "replace", "path": "title", "value": "x"}

    assert is_error(scim.patch(f"/Users/{body['id']}", *[operation] * 1001), 413)
    assert dump(events=False) == before
    assert scim.patch(f"/Users/{body['id']}", *[operation] * 1000).status_code == 200


def test_operations_are_applied_in_order(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    shown = scim.patch(
        f"/Users/{body['id']}",
        {"op": "add", "path": "title", "value": "first"},
        {"op": "remove", "path": "title"},
        {"op": "add", "path": "title", "value": "second"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": "active", "value": True},
    ).json()

    assert (shown["title"], shown["active"]) == ("second", True)
    assert host_of(body).is_active


def test_rename_by_patch_moves_the_key_and_takes_no_other(scim: ScimClient) -> None:
    body, other = scim.create("ann@example.com"), scim.create("carol@example.com")

    response = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "userName", "value": "Beth@example.com"})

    assert response.json()["userName"] == "Beth@example.com"
    assert row_of(body).user_name_key == "beth@example.com"
    assert scim.find('userName eq "ann@example.com"') == []
    before = dump(events=False)
    taken = scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "userName", "value": "CAROL@example.com"})
    assert is_error(taken, 409, "uniqueness")
    assert dump(events=False) == before
    assert scim.get(f"/Users/{other['id']}").json() == other


def test_change_of_one_attribute_never_touches_another_column(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    columns = {"full_name": "By Hand"} if has_column("full_name") else {"last_name": "By Hand"}
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(**columns)

    sql = statements(lambda: scim.patch(f"/Users/{body['id']}", {"op": "add", "path": "active", "value": False}))

    user_table = get_user_model()._meta.db_table
    updates = [line for line in sql if line.startswith("UPDATE") and user_table in line]
    assert updates
    assert not [line for line in updates for column in columns if f'{column}"' in line or f"{column}`" in line]
    assert "By Hand" in host_name(host_of(body))


def test_removing_an_attribute_clears_column_and_index(scim: ScimClient) -> None:
    body = scim.create("ann@example.com", **FULL)

    shown = scim.patch(
        f"/Users/{body['id']}",
        {"op": "remove", "path": "title"},
        {"op": "remove", "path": "name"},
        {"op": "remove", "path": 'emails[type eq "home"]'},
        {"op": "remove", "path": "phoneNumbers"},
        {"op": "remove", "path": urns.ENTERPRISE_USER},
        {"op": "remove", "path": "externalId"},
    ).json()

    assert shown["emails"] == FULL["emails"][:1]
    for name in ("title", "phoneNumbers", "externalId", urns.ENTERPRISE_USER):
        assert name not in shown
    assert shown.get("name") in (None, {"formatted": "Ann Example"})
    assert shown["schemas"] == [urns.USER]
    assert row_of(body).external_id is None
    values = ScimValue.objects.filter(scim_user=row_of(body))
    assert not values.filter(attribute__in=["title", "phoneNumbers"]).exists()
    assert values.filter(attribute="emails").count() == 1
    assert scim.find('title eq "engineer"') == []
    assert scim.find('emails eq "ann@home.example"') == []
    assert scim.get(f"/Users/{body['id']}").json() == shown


def test_unknown_attributes_are_left_out_and_the_rest_is_applied(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.patch(
        f"/Users/{body['id']}",
        {"op": "add", "path": "urn:example:unknown:shoe", "value": 43},
        {"op": "add", "path": "nonsense", "value": True},
        {"op": "replace", "value": {"password": "x", "title": "Engineer", "is_superuser": True}},
    )

    assert response.status_code == 200
    assert response.json()["title"] == "Engineer"
    assert "nonsense" not in response.content.decode()
    assert not host_of(body).is_superuser


def test_strict_connection_refuses_what_the_others_forgive(issue_token: Any) -> None:
    scim = ScimClient(issue_token(ConnectionFactory(provider="strict")))
    body = scim.create("ann@example.com")
    before = dump(events=False)

    for operations in (
        [{"op": "replace", "value": {"active": False}}],
        [{"op": "replace", "path": "active", "value": "False"}],
        [{"op": "replace", "path": "nonsense", "value": "x"}],
        [],
    ):
        assert scim.patch(f"/Users/{body['id']}", *operations).status_code == 400, operations
    assert dump(events=False) == before


@pytest.mark.parametrize("policy", ["suspend", "delete", "nothing", "hook"])
def test_policy_decides_what_deactivation_does_to_the_host(scim: ScimClient, policy: str) -> None:
    ScimConnection.objects.update(on_deactivate=policy)
    body = scim.create("ann@example.com")
    pk = host_of(body).pk

    response = scim.patch(f"/Users/{body['id']}", OFF)

    assert response.status_code == 200
    user = get_user_model()._base_manager.filter(pk=pk).first()
    assert response.json()["active"] is False
    if policy == "delete":
        assert user is None
        assert [found["id"] for found in scim.find('userName eq "ann@example.com"')] == [body["id"]]
    elif policy == "nothing":
        assert user.is_active
    else:
        assert not user.is_active


def test_person_deleted_by_the_policy_returns_with_the_same_id_and_a_new_account(scim: ScimClient) -> None:
    ScimConnection.objects.update(on_deactivate="delete")
    body = scim.create("ann@example.com")
    scim.patch(f"/Users/{body['id']}", OFF)

    shown = scim.patch(f"/Users/{body['id']}", ON).json()

    assert {**shown, "meta": None} == {**body, "meta": None}
    assert host_of(body).is_active
    assert not host_of(body).has_usable_password()


def test_statements_of_a_patch_are_within_the_budget(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    path = f"/Users/{body['id']}"

    plain = statements(lambda: scim.patch(path, {"op": "replace", "path": "title", "value": "x"}))
    off = statements(lambda: scim.patch(path, OFF))

    assert len(plain) <= 8, plain
    assert len(off) <= 12, off


def test_patch_of_an_unknown_or_deleted_person_is_404(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    scim.delete(f"/Users/{body['id']}")
    before = dump(events=False)

    for scim_id in (NO_SUCH_ID, body["id"], "x"):
        assert is_error(scim.patch(f"/Users/{scim_id}", OFF), 404)
    assert dump(events=False) == before


def test_attributes_parameter_shapes_the_answer_of_a_patch(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")

    response = scim.request(
        "PATCH",
        f"/Users/{body['id']}",
        {"Operations": [{"op": "replace", "path": "title", "value": "x"}]},
        QUERY_STRING="excludedAttributes=emails,name",
    )

    assert response.json().keys() == {"schemas", "id", "userName", "active", "title", "meta"}
    assert row_of(body).attributes["emails"] == person("ann@example.com")["emails"]
