"""M1 to M15 of the threat list: what breaks the usual SCIM server for Django, one test each.

The races run 30 and 5 rounds here; the long run is in the documentation of reliability.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.tokens import default_token_generator
from django.db import close_old_connections, connections
from django.db import connection as database
from django.db.models.signals import post_save
from django.test import Client

from api.helpers import VENDOR, apart, dump, has_column, host_name, host_of, is_error, row_of, together
from conftest import MOUNT, ScimClient, person
from django_scim_provider.models import ScimEvent, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory, HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]

ROUNDS_OF_PATCH = 30
ROUNDS_OF_POST = 5


def new_scim() -> ScimClient:
    return ScimClient(tokens.issue(Context(ConnectionFactory())).text)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_m1_deactivation_is_never_lost_to_a_concurrent_change_of_the_name(threads: None, method: str) -> None:
    def setting() -> tuple[ScimClient, dict[str, Any]]:
        scim = new_scim()
        return scim, scim.create("ann@example.com")

    scim, body = apart(setting)
    path = f"/Users/{body['id']}"

    def change(number: int) -> Any:
        if method == "PATCH":
            return scim.patch(path, {"op": "replace", "path": "name.givenName", "value": f"Name{number}"})
        # PUT without "active" leaves activity alone.
        return scim.put(
            path, {"userName": "ann@example.com", "name": {"givenName": f"Name{number}", "familyName": "X"}}
        )

    def check(number: int) -> None:
        shown = scim.get(path).json()
        assert shown["active"] is False
        assert shown["name"]["givenName"] == f"Name{number}"
        assert not host_of(body).is_active
        assert scim.patch(path, {"op": "replace", "value": {"active": True}}).status_code == 200
        assert host_name(host_of(body)).startswith(f"Name{number}")
        assert host_of(body).is_active

    for number in range(ROUNDS_OF_PATCH):
        off, renamed = together(
            [
                lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}),
                lambda number=number: change(number),
            ]
        )
        assert (off.status_code, renamed.status_code) == (200, 200), (number, off.content, renamed.content)
        assert off.json()["active"] is False
        apart(lambda number=number: check(number))


@pytest.mark.slow
def test_m1_changes_of_different_attributes_at_the_same_moment_all_survive(threads: None) -> None:
    """Kept attributes are in one document, so only the locks keep one change from undoing another."""

    def setting() -> tuple[ScimClient, str]:
        scim = new_scim()
        return scim, f"/Users/{scim.create('ann@example.com')['id']}"

    scim, path = apart(setting)
    names = ("userType", "locale", "timezone", "preferredLanguage")
    for number in range(10):
        wanted = {name: f"{name} {number}" for name in names}

        answers = together(
            [
                lambda name=name, text=text: scim.patch(path, {"op": "replace", "path": name, "value": text})
                for name, text in wanted.items()
            ]
        )

        assert [answer.status_code for answer in answers] == [200] * len(names)
        shown = apart(lambda: scim.get(path).json())
        assert {name: shown[name] for name in names} == wanted
        for name, text in wanted.items():
            assert len(apart(lambda name=name, text=text: scim.find(f'{name} eq "{text}"'))) == 1


@pytest.mark.slow
def test_m2_sixteen_posts_of_one_name_in_four_spellings_make_one_row_and_fifteen_409s(threads: None) -> None:
    scim = apart(new_scim)
    users = apart(get_user_model()._base_manager.count)
    for number in range(ROUNDS_OF_POST):
        name = f"user{number}@example.com"
        spellings = [name, name.upper(), name.title(), f"ｕ{name[1:]}"]

        answers = together([lambda text=text: scim.post("/Users", person(text)) for text in spellings * 4])

        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}, [a.content for a in answers]
        assert all(is_error(answer, 409, "uniqueness") for answer in answers if answer.status_code == 409)
        assert apart(lambda name=name: ScimUser.objects.filter(user_name_key=name).count()) == 1
        assert apart(get_user_model()._base_manager.count) == users + number + 1
        found = apart(lambda name=name: scim.find(f'userName eq "{name}"'))
        assert len(found) == 1


@pytest.mark.parametrize(
    "filter_",
    [
        'userName eq "alice@example.com" and externalId eq "NOPE"',
        'userName eq "alice@example.com" and title eq "NOPE"',
        'userName eq "alice@example.com" and nonsense eq "NOPE"',
        'userName eq "alice@example.com" and nonsense pr',
        'userName eq "alice@example.com" and urn:example:x:y eq "NOPE"',
        'nonsense eq "NOPE"',
        "nonsense pr",
        'nonsense eq "NOPE" or nonsense2 eq "NOPE"',
        'emails[nonsense eq "NOPE"]',
        'emails[type eq "work" and nonsense eq "NOPE"]',
        'groups[value eq "NOPE"] and userName pr',
    ],
)
def test_m3_condition_on_an_unknown_or_other_attribute_never_widens_a_filter(scim: ScimClient, filter_: str) -> None:
    scim.create("alice@example.com", externalId="real")

    response = scim.get("/Users", filter=filter_)

    if "nonsense" in filter_ or "urn:" in filter_:
        assert is_error(response, 400, "invalidFilter")
    else:
        assert response.json()["Resources"] == []


@pytest.mark.parametrize(
    "filter_",
    ['userName sw "%"', 'userName co "_____"', 'userName ew "%"', 'userName eq "%"', 'userName eq "alic_@example.com"',
     'emails.value co "%%"', 'title sw "_"', 'externalId sw "%"', 'name.givenName co "%"', 'userName co "\\\\"'],
)  # fmt: skip
def test_m4_wildcards_of_like_match_nobody(scim: ScimClient, filter_: str) -> None:
    scim.create("alice@example.com", title="Engineer", externalId="alice")

    assert scim.find(filter_) == []


def test_m5_thirty_clauses_joined_by_or_are_answered(scim: ScimClient) -> None:
    body = scim.create("user29@example.com")

    for word in ("userName", "emails.value", "title", "externalId"):
        clauses = [f'{word} eq "user{number}@example.com"' for number in range(30)]
        found = scim.find(" or ".join(clauses))
        assert [item["id"] for item in found] == ([body["id"]] if word in ("userName", "emails.value") else [])
    many = " or ".join(f'id eq "{number}"' for number in range(128))
    assert scim.find(many) == []
    assert is_error(scim.get("/Users", filter=f"{many} or title pr"), 400, "invalidFilter")


@pytest.mark.parametrize("depth", [33, 900, 20_000])
@pytest.mark.parametrize(
    ("opening", "closing"), [("(", ")"), ("not (", ")"), ("(not (", "))"), ("emails[", "]"), ("(emails[not (", ")])")]
)
def test_m6_nesting_beyond_the_limit_is_400_at_once(scim: ScimClient, opening: str, closing: str, depth: int) -> None:
    for inner, end in (("userName pr", closing * depth), ("userName pr", ""), ("", "")):
        started = time.process_time()
        response = scim.get("/Users", filter=opening * depth + inner + end)
        assert is_error(response, 400, "invalidFilter")
        assert time.process_time() - started < 1


@pytest.mark.parametrize("depth", [1, 16, 32])
def test_m6_nesting_within_the_limit_is_answered(scim: ScimClient, depth: int) -> None:
    body = scim.create("alice@example.com")

    assert [item["id"] for item in scim.find("(" * depth + "userName pr" + ")" * depth)] == [body["id"]]
    negated = scim.find("not (" * depth + "userName pr" + ")" * depth)
    assert [item["id"] for item in negated] == ([] if depth % 2 else [body["id"]])


M7 = {
    "surrogate": b'{"userName":"\\ud800x"}',
    "array": b"[1]",
    "string": b'"x"',
    "bad UTF-8": b'{"userName":"\xff"}',
    "100,000 brackets": b"[" * 100_000,
    "5000-digit integer": b'{"userName":"a@example.com","x":' + b"1" * 5000 + b"}",
    "name is a string": b'{"userName":"a@example.com","name":"str"}',
    "op missing": json.dumps({"schemas": [urns.PATCH_OP], "Operations": [{"path": "title", "value": "x"}]}).encode(),
}


@pytest.mark.parametrize("name", M7)
def test_m7_hostile_json_is_400_and_writes_nothing(scim: ScimClient, name: str) -> None:
    body = scim.create("alice@example.com")
    before = dump(events=False)

    methods = ["PATCH"] if name == "op missing" else ["POST", "PUT", "PATCH"]
    for method in methods:
        response = scim.request(method, "/Users" if method == "POST" else f"/Users/{body['id']}", M7[name])
        assert response.status_code == 400, (method, response.content)
        assert is_error(response, 400, response.json()["scimType"])

    assert dump(events=False) == before


def test_m8_nul_is_400_on_every_database(scim: ScimClient) -> None:
    body = scim.create("alice@example.com")
    before = dump(events=False)

    for attribute in ("userName", "title", "externalId", "displayName", "password", "nonsense"):
        assert is_error(scim.post("/Users", person("a@example.com", **{attribute: "a\0b"})), 400, "invalidSyntax")
    operation = {"op": "replace", "path": "title", "value": "\0"}
    assert is_error(scim.patch(f"/Users/{body['id']}", operation), 400, "invalidSyntax")
    for filter_ in ('userName eq "a\0b"', 'userName eq "a\\u0000b"', 'title co "\0"', "\0"):
        assert is_error(scim.get("/Users", filter=filter_), 400, "invalidFilter")
    for query in ({"sortBy": "\0"}, {"startIndex": "\0"}, {"count": "1\0"}):
        assert is_error(scim.get("/Users", **query), 400, "invalidValue")
    assert scim.get("/Users", attributes="\0").status_code == 200
    assert is_error(scim.get("/Users/%00"), 404)

    assert dump(events=False) == before


@pytest.mark.parametrize("length", [255, 1000, 100_000])
def test_m9_user_name_of_any_length_is_400_on_every_database(scim: ScimClient, length: int) -> None:
    body = scim.create("alice@example.com")
    before = dump(events=False)

    for text in ("a" * length, "é" * length, "ä@" * (length // 2 + 1)):
        assert is_error(scim.post("/Users", {"userName": text}), 400, "invalidValue")
        assert is_error(scim.put(f"/Users/{body['id']}", {"userName": text}), 400, "invalidValue")
        operation = {"op": "replace", "path": "userName", "value": text}
        assert is_error(scim.patch(f"/Users/{body['id']}", operation), 400, "invalidValue")

    assert dump(events=False) == before


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (b'{"userName":5}', "invalidValue"),
        (b'{"userName":"a@example.com","title":NaN}', "invalidSyntax"),
        (b'{"userName":"a","userName":"b"}', "invalidSyntax"),
        (b'{"userName":"a","USERNAME":"b"}', "invalidSyntax"),
        (b'{"userName":"a","active":true,"Active":false}', "invalidSyntax"),
    ],
)
def test_m10_types_and_duplicate_keys_are_not_guessed_at(scim: ScimClient, body: bytes, scim_type: str) -> None:
    before = dump(events=False)

    assert is_error(scim.post("/Users", body), 400, scim_type)

    assert dump(events=False) == before


def test_m11_start_index_zero_is_one_and_a_negative_count_is_zero(scim: ScimClient) -> None:
    scim.create("alice@example.com")

    first = scim.get("/Users", startIndex=0, count=1).json()
    none = scim.get("/Users", count=-1).json()

    assert (first["startIndex"], len(first["Resources"])) == (1, 1)
    assert (none["totalResults"], none["itemsPerPage"], none["Resources"]) == (1, 0, [])


def test_m12_superuser_keeps_address_name_password_and_access(scim: ScimClient) -> None:
    boss = HostUserFactory(name="boss", is_superuser=True, is_staff=True)
    boss.set_password("known to the boss")
    boss.save()
    row = ScimUser.objects.get(user=boss)
    path = f"/Users/{row.scim_id}"
    before = dump(events=False)
    taking_over = [
        lambda: scim.put(path, person("evil@example.net", emails=[{"value": "evil@example.net"}], password="x")),
        lambda: scim.patch(path, {"op": "replace", "path": "userName", "value": "evil@example.net"}),
        lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}),
        lambda: scim.delete(path),
    ]
    if not has_column("full_name"):
        # Where the address is the userName, "emails" is written nowhere.
        value = [{"value": "evil@example.net"}]
        taking_over.append(lambda: scim.patch(path, {"op": "replace", "path": "emails", "value": value}))
    for attack in taking_over:
        assert is_error(attack(), 403)
        assert dump(events=False) == before
    assert ScimEvent.objects.filter(status=403, outcome="refused").count() == len(taking_over)

    scim.patch(path, {"op": "replace", "value": {"password": "evil", "is_superuser": False, "title": "Boss"}})
    boss.refresh_from_db()
    assert boss.check_password("known to the boss")
    assert boss.is_superuser
    assert boss.is_active
    assert boss.email == "boss@example.com"


def test_m13_session_cookie_is_no_credential_whatever_the_content_type(scim: ScimClient) -> None:
    browser = Client()
    browser.force_login(HostUserFactory(name="ordinary"))
    before = dump()

    for content_type in ("text/plain", "application/json", "application/scim+json"):
        response = browser.post(f"{MOUNT}/Users", b'{"userName":"evil"}', content_type=content_type)
        assert is_error(response, 401)
    assert is_error(browser.get(f"{MOUNT}/Users"), 401)

    assert dump() == before


def test_m14_conflict_tells_nothing_of_the_database_or_of_anybody(scim: ScimClient, second_scim: ScimClient) -> None:
    scim.create("alice@example.com", displayName="Secret Name", externalId="secret-id")

    for client in (scim, second_scim):
        response = client.post("/Users", person("ALICE@example.com"))
        assert is_error(response, 409, "uniqueness")
        for word in (
            "key",
            "constraint",
            "username",
            "auth_user",
            "scim_provider",
            "Secret",
            "secret-id",
            "alice",
            "ALICE",
        ):
            assert word not in response.json()["detail"]


def test_m15_body_too_large_is_a_scim_413(scim: ScimClient) -> None:
    before = dump(events=False)

    assert is_error(scim.post("/Users", b'{"userName":"' + b"a" * 3_000_000 + b'"}'), 413)

    assert dump(events=False) == before


def assert_unavailable(response: Any) -> None:
    assert is_error(response, 503)
    assert response.headers["Retry-After"].isdecimal()
    assert int(response.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in response.headers


def everything(scim: ScimClient, scim_id: str) -> list[Callable[[], Any]]:
    path = f"/Users/{scim_id}"
    return [
        lambda: scim.get("/Users"),
        lambda: scim.get(path),
        lambda: scim.get("/Users", filter='userName eq "nobody@example.com"'),
        lambda: scim.post("/Users", person("beth@example.com")),
        lambda: scim.put(path, person("ann@example.com", name={"givenName": "Changed", "familyName": "Name"})),
        lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False}),
        lambda: scim.delete(path),
    ]


def test_m15_database_that_cannot_be_reached_is_a_scim_503_from_the_look_up_of_the_token_on(
    threads: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A database at a closed port, or a file in a folder that is not there; then the real one again."""

    def setting() -> tuple[ScimClient, dict[str, Any], Any]:
        scim = new_scim()
        return scim, scim.create("ann@example.com"), dump(bookkeeping=True)

    scim, body, before = apart(setting)
    settings = connections.settings["default"]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed_port = unused.getsockname()[1]
    stopped = {"HOST": "127.0.0.1", "PORT": str(closed_port)}
    if VENDOR == "sqlite":
        stopped = {"NAME": str(tmp_path / "gone" / "db.sqlite3")}

    with monkeypatch.context() as patch:
        patch.setitem(connections.settings, "default", {**settings, **stopped})
        answers = apart(lambda: [request() for request in everything(scim, body["id"])])
        discovery = apart(lambda: ScimClient(None).get("/Schemas"))

    for answer in answers:
        assert_unavailable(answer)
    assert discovery.status_code == 200
    assert apart(lambda: dump(bookkeeping=True)) == before
    assert apart(lambda: scim.get(f"/Users/{body['id']}").json()) == body


def _kill(pid: int) -> None:
    """End another connection to the database, as a restart of the server does."""
    with database.cursor() as cursor:
        if VENDOR == "postgresql":
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
        else:
            cursor.execute(f"KILL {pid:d}")


def _pid() -> int:
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()" if VENDOR == "postgresql" else "SELECT CONNECTION_ID()")
        return int(cursor.fetchone()[0])


@pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has no server that could end a connection")
@pytest.mark.parametrize("number", range(7))
def test_m15_connection_that_the_database_ends_is_a_scim_503_and_the_next_request_is_served(
    threads: None, number: int
) -> None:
    def setting() -> tuple[ScimClient, dict[str, Any], Any]:
        scim = new_scim()
        return scim, scim.create("ann@example.com"), dump(bookkeeping=True)

    scim, body, before = apart(setting)

    def worker() -> tuple[Any, Any]:
        assert scim.get("/Schemas").status_code == 200
        pid = _pid()
        apart(lambda: _kill(pid))
        time.sleep(0.05)
        answer = everything(scim, body["id"])[number]()
        close_old_connections()  # what Django does between two requests
        return answer, scim.get(f"/Users/{body['id']}")

    answer, again = apart(worker)

    assert_unavailable(answer)
    assert again.json() == body
    assert apart(lambda: dump(bookkeeping=True)) == before


@pytest.mark.skipif(VENDOR == "sqlite", reason="SQLite has no server that could end a connection")
def test_m15_connection_that_ends_in_the_middle_of_a_write_leaves_nothing_half_written(threads: None) -> None:
    def setting() -> tuple[ScimClient, dict[str, Any], Any]:
        scim = new_scim()
        return scim, scim.create("ann@example.com"), dump()

    scim, body, before = apart(setting)

    def killer(**kwargs: Any) -> None:
        pid = _pid()
        apart(lambda: _kill(pid))
        time.sleep(0.05)

    model = get_user_model()
    post_save.connect(killer, sender=model)
    try:
        for request in everything(scim, body["id"])[3:]:
            assert_unavailable(apart(request))
            assert apart(dump) == before
    finally:
        post_save.disconnect(killer, sender=model)
    assert apart(lambda: host_of(body).is_active)
    assert apart(lambda: row_of(body).alive)


def test_probe_of_the_password_reset_link_after_deactivation_is_dead(scim: ScimClient) -> None:
    """M17 and M18: a link made before stays dead, also when the person returns."""
    body = scim.create("ann@example.com")
    link = default_token_generator.make_token(host_of(body))

    scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": False})
    assert not default_token_generator.check_token(host_of(body), link)

    scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "active", "value": True})
    assert not default_token_generator.check_token(host_of(body), link)
