"""Nobody gets at an account, a privilege or another connection's people through SCIM (threats T1 to T3, T26, T39)."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core import mail
from django.core.management import call_command
from django.test import Client

from api.helpers import NO_SUCH_ID, dump, has_column, host_of, is_error, row_of, soft_deletes
from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

NEEDS_IS_ACTIVE = pytest.mark.skipif(
    not has_column("is_active"), reason="Django's reset form asks for a column is_active"
)


def rows_of(users: list[Any]) -> list[tuple[Any, ...]]:
    """Everything the database has of these host users, many-to-many tables included."""
    pks = [user.pk for user in users]
    rows: list[tuple[Any, ...]] = list(get_user_model()._base_manager.filter(pk__in=pks).order_by("pk").values_list())
    for user in users:
        rows.append(tuple(Group.objects.filter(user=user.pk).values_list("pk", flat=True)))
        rows.append(tuple(Permission.objects.filter(user=user.pk).values_list("pk", flat=True)))
    return rows


# T-GRAF: client identifiers name nobody (CVE-2025-41115) -----------------------------------------------------


def test_identifiers_that_the_client_makes_up_reach_no_existing_account(
    scim: ScimClient, second_scim: ScimClient
) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    foreign = second_scim.create("foreign@example.com", externalId="foreign-1")
    victims = [
        HostUserFactory(name="root", is_superuser=True, is_staff=True),
        HostUserFactory(name="staff", is_staff=True),
        HostUserFactory(name="local"),
        host_of(foreign),
    ]
    before, theirs = rows_of(victims), second_scim.get("/Users").content
    mine = scim.create("attacker@example.com")
    number = 0
    for victim in victims:
        pk = victim.pk if isinstance(victim.pk, int) else str(victim.pk)
        names = [pk, str(pk), victim.get_username(), victim.email, f"urn:uuid:{victim.pk}"]
        for value in (*names, foreign["id"], row_of(foreign).pk, "1", "0", "-1"):
            text = str(value)
            number += 1
            claims = {
                "externalId": text,
                "id": value,
                "meta": {"location": f"{MOUNT}/Users/{text}", "resourceType": "User", "version": text},
                "pk": value,
                "user_id": value,
                urns.ENTERPRISE_USER: {"employeeNumber": text, "manager": {"value": text}},
                "urn:example:x:2.0:User": {"id": value},
            }
            created = scim.post("/Users", person(f"new{number}@example.com", **claims))
            assert created.status_code == 201
            assert uuid.UUID(created.json()["id"]).version == 4
            assert created.json()["id"] not in (foreign["id"], mine["id"], text)
            for response in (
                scim.put(f"/Users/{mine['id']}", person("attacker@example.com", **claims)),
                scim.patch(f"/Users/{mine['id']}", {"op": "replace", "value": {"externalId": text, "id": value}}),
            ):
                assert response.status_code == 200
                assert response.json()["id"] == mine["id"]
            found = scim.find(f'externalId eq "{text}"')
            assert {item["userName"] for item in found} <= {"attacker@example.com", f"new{number}@example.com"} | {
                f"new{other}@example.com" for other in range(number)
            }
            if text != mine["id"]:
                assert scim.get(f"/Users/{text}").status_code == 404

    assert rows_of(victims) == before
    assert second_scim.get("/Users").content == theirs
    assert get_user_model()._base_manager.count() == len(victims) + number + 1


def test_number_as_external_id_is_refused(scim: ScimClient) -> None:
    victim = HostUserFactory(name="local")

    assert is_error(scim.post("/Users", person("x@example.com", externalId=5)), 400, "invalidValue")
    if isinstance(victim.pk, int):
        assert is_error(scim.post("/Users", person("x@example.com", externalId=victim.pk)), 400, "invalidValue")


# T-GL1: no adoption by name or address (CVE-2022-1680, CISO Assistant #4658) ----------------------------------


def spellings(name: str) -> list[str]:
    return [name, name.upper(), name.title(), f"{chr(ord(name[0]) + 0xFEE0)}{name[1:]}"]


@pytest.mark.parametrize("kind", ["local", "inactive", "staff", "superuser", "soft-deleted", "other connection's"])
def test_account_that_the_connection_does_not_own_is_409_in_every_spelling_and_stays_as_it_is(
    scim: ScimClient, second_scim: ScimClient, kind: str
) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    if kind == "soft-deleted" and not soft_deletes():
        pytest.skip("this host does not soft-delete")
    if kind == "other connection's":
        victim = host_of(second_scim.create("victim@example.com"))
    else:
        flags = {"staff": {"is_staff": True}, "superuser": {"is_superuser": True}, "inactive": {"is_active": False}}
        victim = HostUserFactory(name="victim", **flags.get(kind, {}))
        if kind == "soft-deleted":
            get_user_model()._base_manager.filter(pk=victim.pk).update(deleted_at="2026-01-01T00:00:00Z")
    before = dump(events=False)

    for spelling in spellings("victim@example.com"):
        response = scim.post("/Users", person(spelling, emails=[{"value": "evil@example.net"}], password="x"))
        assert is_error(response, 409, "uniqueness"), spelling
        assert dump(events=False) == before, spelling


def test_decomposed_accents_are_the_same_name(scim: ScimClient) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    HostUserFactory(name="jos\u00e9@example.com")
    before = dump(events=False)

    for spelling in ("jose\u0301@example.com", "JOSE\u0301@example.com", "Jos\u00c9@example.com"):
        response = scim.post("/Users", person(spelling))
        assert is_error(response, 409, "uniqueness"), spelling
    assert dump(events=False) == before


def test_rename_onto_an_account_that_the_connection_does_not_own_is_409(scim: ScimClient) -> None:
    ScimConnection.objects.update(existing_accounts="never")
    HostUserFactory(name="victim", is_staff=True)
    mine = scim.create("attacker@example.com")
    before = dump(events=False)

    for spelling in spellings("victim@example.com"):
        path = f"/Users/{mine['id']}"
        assert is_error(scim.put(path, person(spelling)), 409, "uniqueness"), spelling
        assert is_error(scim.patch(path, {"op": "replace", "path": "userName", "value": spelling}), 409, "uniqueness")
        assert dump(events=False) == before


def test_address_of_somebody_else_never_links_or_changes_them(scim: ScimClient) -> None:
    """E-mail addresses are not unique to SCIM; what counts is that nobody is matched by one."""
    ScimConnection.objects.update(existing_accounts="never")
    victim = HostUserFactory(name="victim", is_staff=True)
    before = rows_of([victim])

    created = scim.post(
        "/Users", person("attacker@example.com", emails=[{"value": "victim@example.com", "primary": True}])
    )

    if created.status_code == 201:
        assert row_of(created.json()).user_id != victim.pk
        for method, body in (("PUT", person("attacker@example.com", active=False)), ("DELETE", None)):
            scim.request(method, f"/Users/{created.json()['id']}", body)
    assert rows_of([victim]) == before
    assert not ScimUser.objects.filter(user=victim).exists()


@NEEDS_IS_ACTIVE
def test_whole_chain_of_post_reset_and_login_ends_at_every_link(scim: ScimClient, settings: Any) -> None:
    """CISO Assistant #4658: adopt by name, write the address, have the reset link sent to it, sign in."""
    ScimConnection.objects.update(existing_accounts="never")
    settings.ROOT_URLCONF = "api.urls_with_auth"
    victim = HostUserFactory(name="victim", is_staff=True)
    victim.set_password("known to the victim")
    victim.save()

    response = scim.post(
        "/Users", person("victim@example.com", emails=[{"value": "evil@example.net"}], password="chosen by evil")
    )
    assert is_error(response, 409, "uniqueness")
    browser = Client()
    browser.post("/accounts/password_reset/", {"email": "evil@example.net"})
    assert mail.outbox == []
    assert not browser.login(username="victim@example.com", password="chosen by evil")
    victim.refresh_from_db()
    assert victim.email == "victim@example.com"
    assert victim.check_password("known to the victim")


@NEEDS_IS_ACTIVE
def test_person_made_by_scim_gets_no_reset_link_and_cannot_sign_in(scim: ScimClient, settings: Any) -> None:
    """T-PW and Langfuse #15997: a supplied password opens nothing, and an unusable one cannot be reset."""
    settings.ROOT_URLCONF = "api.urls_with_auth"
    scim.create("ann@example.com", password="chosen")
    browser = Client()

    browser.post("/accounts/password_reset/", {"email": "ann@example.com"})

    assert mail.outbox == []
    assert not browser.login(username="ann@example.com", password="chosen")


# T-PW --------------------------------------------------------------------------------------------------------

CANARY = "correct-horse-battery-canary"


@pytest.mark.parametrize(
    "name", ["password", "Password", "PASSWORD", f"{urns.USER}:password", f"{urns.USER.upper()}:Password"]
)
def test_password_is_dropped_in_every_syntax_and_is_nowhere(scim: ScimClient, name: str) -> None:
    body = scim.create("ann@example.com", **{name: CANARY})
    path = f"/Users/{body['id']}"
    before = host_of(body).password
    answers = [
        scim.put(path, person("ann@example.com", **{name: CANARY})),
        scim.patch(path, {"op": "add", "path": name, "value": CANARY}),
        scim.patch(path, {"op": "replace", "path": name, "value": {"value": CANARY}}),
        scim.patch(path, {"op": "replace", "value": {name: CANARY}}),
        scim.patch(path, {"op": "replace", "value": {urns.USER: {"password": CANARY}}}),
        scim.patch(path, {"op": "remove", "path": name}),
        scim.get(path, attributes=name),
    ]

    assert {answer.status_code for answer in answers} == {200}
    user = host_of(body)
    assert user.password == before
    assert not user.has_usable_password()
    assert not user.check_password(CANARY)
    assert CANARY not in str(dump(bookkeeping=True))
    for answer in answers:
        assert CANARY not in answer.content.decode()
        assert "password" not in answer.content.decode().lower()
    for warnings in ScimEvent.objects.values_list("warnings", flat=True):
        assert "password" not in str(warnings).lower()


@pytest.mark.parametrize("operator", ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"])
@pytest.mark.parametrize("name", ["password", "Password", f"{urns.USER}:password", "user.password", "user__password"])
def test_password_cannot_be_filtered_by(scim: ScimClient, name: str, operator: str) -> None:
    scim.create("ann@example.com", password="x")

    response = scim.get("/Users", filter=f"{name} {operator}" + ("" if operator == "pr" else ' "x"'))

    assert is_error(response, 400, "invalidFilter")


# T2: another connection's people -----------------------------------------------------------------------------


def routes(scim_id: str) -> list[tuple[str, str, Any]]:
    path = f"/Users/{scim_id}"
    patch = {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": False}]}
    return [
        ("GET", path, None),
        ("GET", f"{path}/", None),
        ("GET", f"{path}?attributes=userName", None),
        ("HEAD", path, None),
        ("PUT", path, person("theirs@example.com", title="changed")),
        ("PUT", path, person("brand-new@example.com")),
        ("PUT", path, {"userName": ""}),
        ("PUT", path, b"{"),
        ("PATCH", path, patch),
        ("PATCH", path, {"Operations": []}),
        ("PATCH", path, {"Operations": [{"op": "replace", "path": "userName", "value": "theirs@example.com"}]}),
        ("PATCH", path, {"Operations": [{"op": "nonsense"}]}),
        ("DELETE", path, None),
    ]


@pytest.mark.parametrize("number", range(len(routes(""))))
@pytest.mark.parametrize("state", ["active", "inactive", "deleted"])
def test_foreign_id_answers_as_an_unknown_one_on_every_route(
    scim: ScimClient, second_scim: ScimClient, number: int, state: str
) -> None:
    theirs = second_scim.create("theirs@example.com", externalId="x", title="secret")
    scim.create("mine@example.com")
    if state == "inactive":
        second_scim.patch(f"/Users/{theirs['id']}", {"op": "replace", "path": "active", "value": False})
    if state == "deleted":
        second_scim.delete(f"/Users/{theirs['id']}")
    before = dump(events=False)

    method, path, body = routes(theirs["id"])[number]
    foreign = scim.request(method, path, body)
    method, path, body = routes(NO_SUCH_ID)[number]
    unknown = scim.request(method, path, body)

    assert foreign.status_code == unknown.status_code >= 400
    assert foreign.content == unknown.content
    assert dict(foreign.headers) == dict(unknown.headers)
    assert dump(events=False) == before


FILTERS = [
    'userName eq "theirs@example.com"',
    'userName sw "theirs"',
    'externalId eq "their-id"',
    'emails eq "theirs@example.com"',
    'emails[value co "theirs"]',
    'title eq "secret"',
    "title pr",
    'name.familyName eq "Hidden"',
    'userName ne "x"',
    'not (userName eq "x")',
    "active eq true or active eq false",
    'meta.created gt "2000-01-01T00:00:00Z"',
    'id pr and externalId eq "their-id"',
]


@pytest.mark.parametrize("filter_", FILTERS)
def test_people_of_another_connection_are_in_no_filter_and_no_total(
    scim: ScimClient, second_scim: ScimClient, filter_: str
) -> None:
    theirs = second_scim.create(
        "theirs@example.com", externalId="their-id", title="secret", name={"familyName": "Hidden", "givenName": "H"}
    )
    mine = scim.create("mine@example.com")

    for params in ({}, {"count": 0}, {"count": 1}, {"startIndex": 2}, {"sortBy": "title"}, {"sortBy": "userName"}):
        page = scim.get("/Users", filter=filter_, **params).json()
        assert page["totalResults"] <= 1, params
        assert {item["id"] for item in page["Resources"]} <= {mine["id"]}, params
        assert "theirs" not in str(page)
        assert theirs["id"] not in str(page)
    assert scim.find(f'id eq "{theirs["id"]}"') == []
    assert second_scim.get("/Users", filter=filter_).json()["totalResults"] == 1


def test_lists_of_two_connections_have_nobody_in_common(scim: ScimClient, second_scim: ScimClient) -> None:
    for number in range(3):
        scim.create(f"a{number}@example.com", externalId="same")
        second_scim.create(f"b{number}@example.com", externalId="same")

    for client, letter in ((scim, "a"), (second_scim, "b")):
        page = client.get("/Users").json()
        assert page["totalResults"] == 3
        assert {item["userName"][0] for item in page["Resources"]} == {letter}
        assert {item["userName"][0] for item in client.find('externalId eq "same"')} == {letter}
        assert client.get("/Users", filter='externalId eq "same"', count=2).json()["totalResults"] == 3


def test_read_between_two_connections_never_mixes_them_up(scim: ScimClient, second_scim: ScimClient) -> None:
    mine, theirs = (
        scim.create("mine@example.com", externalId="x"),
        second_scim.create("theirs@example.com", externalId="x"),
    )

    for _ in range(5):
        assert scim.get(f"/Users/{mine['id']}").json() == mine
        assert second_scim.get(f"/Users/{theirs['id']}").json() == theirs
        assert scim.get(f"/Users/{theirs['id']}").status_code == 404
        assert [item["id"] for item in scim.find('externalId eq "x"')] == [mine["id"]]
        assert [item["id"] for item in second_scim.find('externalId eq "x"')] == [theirs["id"]]


def test_manager_of_another_connection_is_text_and_tells_nothing(scim: ScimClient, second_scim: ScimClient) -> None:
    theirs = second_scim.create("theirs@example.com", displayName="Secret Name")

    shown = [
        scim.create(f"x{number}@example.com", **{urns.ENTERPRISE_USER: {"manager": {"value": value}}})
        for number, value in enumerate((theirs["id"], NO_SUCH_ID))
    ]

    managers = [body[urns.ENTERPRISE_USER]["manager"] for body in shown]
    assert [sorted(manager) for manager in managers] == [["value"], ["value"]]
    assert "Secret" not in str(shown)


# T26: protected people ---------------------------------------------------------------------------------------


@pytest.fixture
def boss(scim: ScimClient) -> ScimUser:
    user = HostUserFactory(name="boss", given="Big", family="Boss", is_superuser=True, is_staff=True)
    return ScimUser.objects.get(user=user)


@pytest.mark.parametrize(
    "attack",
    [
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "value": {"active": "False"}},
        {"op": "replace", "path": "userName", "value": "other@example.com"},
        {"op": "replace", "value": {"userName": "other@example.com", "name": {"givenName": "x"}}},
        {"op": "replace", "path": "emails", "value": [{"value": "evil@example.net", "primary": True}]},
        {"op": "add", "path": "emails", "value": [{"value": "evil@example.net", "primary": True}]},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "evil@example.net"},
        {"op": "replace", "path": "emails.value", "value": "evil@example.net"},
        {"op": "remove", "path": "emails"},
    ],
)
def test_protected_person_cannot_be_taken_over_by_any_operation(
    scim: ScimClient, boss: ScimUser, attack: dict[str, Any]
) -> None:
    before = dump(events=False)
    mails = "emails" in str(attack)

    response = scim.patch(f"/Users/{boss.scim_id}", attack)

    user = get_user_model()._base_manager.get(pk=boss.user_id)
    assert (user.email, user.is_active, user.get_username()) == ("boss@example.com", True, "boss@example.com")
    if mails and has_column("full_name"):
        return  # nothing of the host's is written there
    assert is_error(response, 403)
    assert dump(events=False) == before
    event = ScimEvent.objects.get(status=403)
    assert (event.action, event.outcome, event.resource_id) == ("modify", "refused", str(boss.scim_id))
    assert "protected" in event.detail


def test_protected_person_cannot_be_replaced_or_deleted(scim: ScimClient, boss: ScimUser) -> None:
    before = dump(events=False)
    path = f"/Users/{boss.scim_id}"

    for response in (
        scim.put(path, person("boss@example.com", active=False)),
        scim.put(path, person("evil@example.com")),
        scim.delete(path),
    ):
        assert is_error(response, 403)
        assert dump(events=False) == before
    assert sorted(ScimEvent.objects.filter(status=403).values_list("action", flat=True)) == [
        "delete",
        "replace",
        "replace",
    ]


def test_protected_person_is_shown_and_keeps_name_and_profile_up_to_date(scim: ScimClient, boss: ScimUser) -> None:
    path = f"/Users/{boss.scim_id}"
    shown = scim.get(path).json()
    assert [item["id"] for item in scim.find('userName eq "boss@example.com"')] == [shown["id"]]

    response = scim.patch(
        path,
        {"op": "replace", "value": {"name": {"givenName": "New", "familyName": "Name"}, "title": "CEO"}},
    )
    again = scim.put(path, {**response.json(), "nickName": "Chief"})

    assert (response.status_code, again.status_code) == (200, 200)
    user = get_user_model()._base_manager.get(pk=boss.user_id)
    assert "New" in (user.full_name if has_column("full_name") else user.first_name)
    assert again.json()["title"] == "CEO"
    assert (user.is_superuser, user.is_staff, user.is_active) == (True, True, True)


def test_inactive_protected_person_cannot_be_brought_back_by_scim(scim: ScimClient, boss: ScimUser) -> None:
    active = {"is_locked": True} if has_column("is_locked") else {"is_active": False}
    get_user_model()._base_manager.filter(pk=boss.user_id).update(**active)
    before = dump(events=False)

    for response in (
        scim.patch(f"/Users/{boss.scim_id}", {"op": "replace", "path": "active", "value": True}),
        scim.put(f"/Users/{boss.scim_id}", person("boss@example.com", active=True)),
    ):
        assert is_error(response, 403)
    assert dump(events=False) == before


def test_person_who_becomes_a_superuser_later_is_protected_from_then_on(scim: ScimClient) -> None:
    body = scim.create("ann@example.com")
    get_user_model()._base_manager.filter(pk=host_of(body).pk).update(is_superuser=True)
    before = dump(events=False)

    assert is_error(scim.delete(f"/Users/{body['id']}"), 403)
    assert is_error(scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": False}), 403)
    assert dump(events=False) == before


@pytest.mark.parametrize("policy", ["suspend", "delete", "hook"])
def test_no_policy_reaches_a_protected_person(scim: ScimClient, boss: ScimUser, policy: str) -> None:
    ScimConnection.objects.update(on_deactivate=policy, on_delete=policy)
    before = dump(events=False)

    assert is_error(scim.patch(f"/Users/{boss.scim_id}", {"op": "replace", "path": "active", "value": False}), 403)
    assert is_error(scim.delete(f"/Users/{boss.scim_id}"), 403)

    assert dump(events=False) == before


# T-FILT, SAP: client text is never a template, a format or a query -------------------------------------------

TEMPLATES = [
    "${7*7}", "#{7*7}", "{{7*7}}", "<%= 7*7 %>", "{0.__class__}", "{self}", "{}", "%(x)s", "%s%s%s%n", "%",
    "$(id)", "`id`",
    "${jndi:ldap://evil.example/x}", "{% debug %}", "'; DROP TABLE x; --", "1 OR 1=1", "\\x00",
    "<script>alert(1)</script>",
]  # fmt: skip


@pytest.mark.parametrize("text", TEMPLATES)
def test_client_text_is_never_evaluated_or_echoed(scim: ScimClient, text: str) -> None:
    before = dump(events=False)
    answers = [
        scim.request("GET", "/Schemas/" + quote(text, safe="")),
        scim.request("GET", "/ResourceTypes/" + quote(text, safe="")),
        scim.request("GET", "/Users/" + quote(text, safe="")),
        scim.request("GET", "/" + quote(text, safe="")),
        scim.get("/Users", filter=text),
        scim.get("/Users", filter=f'{text} eq "x"'),
        scim.get("/Users", filter=f'userName {text} "x"'),
        scim.get("/Users", sortBy=text),
        scim.get("/Users", startIndex=text),
        scim.post("/Users", {"userName": {text: text}}),
        scim.post("/Users", {text: 1}),
        scim.patch(f"/Users/{NO_SUCH_ID}", {"op": text, "path": "title", "value": 1}),
        scim.patch(f"/Users/{NO_SUCH_ID}", {"op": "replace", "path": text, "value": 1}),
        scim.request("POST", "/Users", b"{}", content_type=text),
    ]

    for response in answers:
        assert 400 <= response.status_code < 500, response.content
        detail = response.json()["detail"]
        assert "49" not in detail
        assert text not in detail or text == "%"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert dump(events=False) == before


@pytest.mark.parametrize("text", TEMPLATES)
def test_client_text_is_kept_and_found_as_it_is(scim: ScimClient, text: str) -> None:
    body = scim.create("ann@example.com", userType=text, externalId=text)

    assert (body["userType"], body["externalId"]) == (text, text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert [item["id"] for item in scim.find(f'userType eq "{escaped}" and externalId eq "{escaped}"')] == [body["id"]]


# T39: addresses of photos and profiles -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,<script>", "file:///etc/passwd", "http://169.254.169.254/latest/meta-data/",
     "http://127.0.0.1:{port}/canary", "//evil.example/x", "https://example.com/a.jpg"],
)  # fmt: skip
def test_addresses_of_photos_and_profiles_are_never_fetched(
    scim: ScimClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda *args: asked.append(args))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: asked.append(args) or [])

    response = scim.post("/Users", person("ann@example.com", photos=[{"value": url}], profileUrl=url))

    assert response.status_code in (201, 400)
    assert asked == []
    if response.status_code == 201:
        shown = scim.get(f"/Users/{response.json()['id']}")
        assert asked == []
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Content-Type"].startswith("application/scim+json")


# Static ------------------------------------------------------------------------------------------------------


def test_no_model_of_ours_has_a_nullable_owner() -> None:
    """GHSA-j8v8-g9cx-5qf4: "owner is None" let everybody in. Events outlive their connection, and are read-only."""
    for model in apps.get_app_config("scim_provider").get_models():
        for field in model._meta.concrete_fields:
            if field.name == "connection" and model.__name__ != "ScimEvent":
                assert not field.null, model


def test_system_checks_find_nothing_wrong_with_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check")


def test_slug_or_name_of_a_connection_is_no_key_to_anything(issue_token: Callable[..., str]) -> None:
    """GHSA-rjg6-39jm-rgg4: connections named like something else share nothing with it."""
    first = ScimClient(issue_token(ConnectionFactory(name="google")))
    others = [ScimClient(issue_token(ConnectionFactory(name=name))) for name in ("google-2", "saml", "okta")]
    body = first.create("ann@example.com")

    for client in others:
        assert is_error(client.get(f"/Users/{body['id']}"), 404)
        assert client.get("/Users").json()["totalResults"] == 0
