"""Whatever is sent: never a 5xx, never HTML, always a SCIM answer.

In the long form each test goes on until its family has had its share of SCIM_INPUTS requests, 200,000 in all.
"""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
from django.db import transaction
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.helpers import VENDOR, dump, with_setting
from conftest import ScimClient, person
from django_scim_provider.models import ScimEvent
from django_scim_provider.protocol import urns

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(36000)]

SOAK = bool(os.environ.get("SCIM_SOAK")) and VENDOR == "sqlite"
INPUTS = int(os.environ.get("SCIM_INPUTS", "200000"))
SENT: Counter[str] = Counter()
"""Requests by family: what is in them that was made up."""


def examples(short: int, share: float, requests: float) -> int:
    """How many examples a test has; in the long form so many that its share of the inputs is sent.

    :param requests: how many inputs an example sends.
    """
    return round(INPUTS * share / requests) + 1 if SOAK else short


def tell(config: pytest.Config) -> None:
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nfuzzing: {SENT.total()} inputs: {dict(SENT)}", flush=True)  # noqa: T201


@pytest.fixture(scope="module", autouse=True)
def _count(request: pytest.FixtureRequest) -> Iterator[None]:
    SENT.clear()
    yield
    tell(request.config)


@pytest.fixture(autouse=SOAK)
def _count_so_far(request: pytest.FixtureRequest) -> Iterator[None]:
    """A run of hours that is ended early has told what it did."""
    yield
    tell(request.config)


FAST = settings(
    max_examples=60,
    deadline=None,
    derandomize=not SOAK,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

NAMES = [
    "schemas", "id", "externalId", "meta", "userName", "name", "displayName", "nickName", "title", "active", "emails",
    "phoneNumbers", "addresses", "groups", "roles", "password", "value", "type", "primary", "display", "$ref", "givenName",
    "familyName", "formatted", "op", "path", "Operations", urns.USER, urns.ENTERPRISE_USER, "department", "manager",
    f"{urns.ENTERPRISE_USER}:department", "name.givenName", 'emails[type eq "work"].value', "is_superuser", "user__password",
]  # fmt: skip
WORDS = [
    "ann@example.com", "work", "true", "False", "1", "", " ", "\0", "\ud800", "\uffff", "💥", "é", "\u202e", "%", "_", "\\", '"', "'",
    "2011-05-13T04:42:34Z", "null", "A" * 300, urns.USER, "add", "remove", "replace", "Replace",
]  # fmt: skip

text = st.one_of(st.sampled_from(WORDS), st.text(max_size=20))
name = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES).map(str.upper), st.text(max_size=8))
scalar = st.one_of(
    st.none(), st.booleans(), text, st.integers(), st.floats(), st.sampled_from([2**63, -(2**63) - 1, 10**40, 1e308])
)
value = st.recursive(
    scalar,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(name, inner, max_size=4)),
    max_leaves=12,
)
attributes = st.dictionaries(name, value, max_size=6)

ATOMS = ["userName", "emails", "emails.value", "title", "active", "meta.created", "id", "externalId", "groups", "password", "nonsense",
         urns.USER + ":userName", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", "and", "or", "not", "(", ")", "[", "]", '"',
         '"ann"', '"\\u0000"', '"\\ud800"', "true", "null", "5", "1e400", ".value", " ", "$", ":", "\0", "é", "%", '"2011-05-13T04:42:34Z"']  # fmt: skip
filters = st.one_of(
    st.lists(st.sampled_from(ATOMS), max_size=14).map(" ".join), st.lists(st.sampled_from(ATOMS)).map("".join), text
)
paths = st.one_of(st.sampled_from(NAMES), filters, st.lists(st.sampled_from(ATOMS), max_size=5).map("".join))
operations = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "op": st.one_of(st.sampled_from(["add", "remove", "replace", "Add", "REMOVE", "move", "", None, 5]), value),
            "path": st.one_of(paths, value),
            "value": value,
        },
    ),
    max_size=4,
)


def assert_scim(response: HttpResponse, family: str) -> None:
    SENT[family] += 1
    assert response.status_code < 500 or response.status_code == 501, (response.status_code, response.content)
    assert not response.content.lstrip().startswith(b"<")
    if response.content:
        body = json.loads(response.content)
        assert body["schemas"]
        if response.status_code >= 400:
            assert body["status"] == str(response.status_code)
            assert body["detail"]


def tables(family: str) -> dict[str, Any]:
    """Every row there is; in the long form one time in ten, since reading them takes longer than the request."""
    return {} if SOAK and SENT[family] % 10 else dump(events=False)


@contextmanager
def undone() -> Iterator[None]:
    """Thousands of examples share one database: none leaves people behind."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def ann(scim: ScimClient) -> dict[str, Any]:
    return scim.create("ann@example.com", title="Engineer")


@settings(FAST, max_examples=examples(30, 0.2, 3))
@given(body=st.one_of(attributes, value), base=st.booleans())
def test_any_json_body_gets_a_scim_answer(scim: ScimClient, ann: dict[str, Any], body: Any, base: bool) -> None:
    if base and isinstance(body, dict):
        body = {**person("beth@example.com"), **body}
    data = json.dumps(body).encode()
    with undone():
        before = tables("bodies")
        for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann['id']}"), ("PATCH", f"/Users/{ann['id']}")):
            response = scim.request(method, path, data)
            assert_scim(response, "bodies")
            if before and response.status_code >= 400:
                assert dump(events=False) == before
            elif before:
                before = dump(events=False)


@settings(FAST, max_examples=examples(60, 0.2, 1))
@given(changes=operations)
def test_any_patch_gets_a_scim_answer_and_a_refused_one_changes_nothing(
    scim: ScimClient, ann: dict[str, Any], changes: Any
) -> None:
    before = tables("PATCH")

    response = scim.request(
        "PATCH", f"/Users/{ann['id']}", json.dumps({"schemas": [urns.PATCH_OP], "Operations": changes}).encode()
    )

    assert_scim(response, "PATCH")
    if response.status_code >= 400:
        assert not before or dump(events=False) == before
    else:
        # What was answered is what a client reads next.
        assert scim.get(f"/Users/{ann['id']}").json() == response.json()


@settings(FAST, max_examples=examples(60, 0.1, 3))
@given(data=st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(
    [b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u0000", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b"1", b"-", b"e9", b"NaN", b"null",
     b'"userName"', b'"active"', b"true", b" ", b"\n", b'"a@example.com"']), max_size=25).map(b"".join)))  # fmt: skip
def test_any_bytes_get_a_scim_answer(scim: ScimClient, ann: dict[str, Any], data: bytes) -> None:
    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{ann['id']}"), ("PATCH", f"/Users/{ann['id']}")):
        with undone():
            assert_scim(scim.request(method, path, data, CONTENT_TYPE="application/scim+json"), "bodies")


@settings(FAST, max_examples=examples(150, 0.2, 1))
@given(filter_=filters)
def test_any_filter_gets_a_scim_answer_and_never_widens(scim: ScimClient, ann: dict[str, Any], filter_: str) -> None:
    response = scim.request("GET", "/Users", QUERY_STRING="filter=" + quote(filter_, errors="surrogatepass"))

    assert_scim(response, "filters")
    if response.status_code == 200:
        narrowed = quote(f'({filter_}) and userName eq "nobody"', errors="surrogatepass")
        again = scim.request("GET", "/Users", QUERY_STRING="filter=" + narrowed)
        assert again.status_code == 400 or again.json()["Resources"] == []


@settings(FAST, max_examples=examples(60, 0.08, 4))
@given(query=st.dictionaries(st.sampled_from(
    ["filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes", "COUNT", "x", ""]),
    st.one_of(text, st.integers().map(str), paths, st.sampled_from(["ascending", "descending", "userName", "emails"])), max_size=6))  # fmt: skip
def test_any_query_string_gets_a_scim_answer(scim: ScimClient, ann: dict[str, Any], query: dict[str, str]) -> None:
    encoded = "&".join(f"{name}={quote(item, errors='surrogatepass')}" for name, item in query.items())

    for path in ("/Users", f"/Users/{ann['id']}", "/Schemas", "/ServiceProviderConfig"):
        assert_scim(scim.request("GET", path, QUERY_STRING=encoded), "paths")


@settings(FAST, max_examples=examples(60, 0.12, 2))
@given(
    path=st.lists(st.one_of(st.sampled_from(
        ["/", "Users", "Schemas", "Bulk", "Me", ".search", "..", "%2e", "%2f", "%00", "%0a", "%ff", "x", "?", "#", ";", "💥", "a" * 300, urns.USER]),
        st.text(max_size=5)), max_size=6).map("".join),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", ""]),
)  # fmt: skip
def test_any_path_and_method_get_a_scim_answer(scim: ScimClient, anonymous: ScimClient, path: str, method: str) -> None:
    for client in (scim, anonymous):
        answer = client.request(method, "/" + quote(path, safe="/%?#;", errors="surrogatepass"), b"{}")
        assert_scim(answer, "paths")


LATIN = st.text(st.characters(max_codepoint=255), max_size=40)
HEADERS = ["HTTP_ACCEPT", "HTTP_ACCEPT_CHARSET", "HTTP_ACCEPT_LANGUAGE", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_ENCODING", "HTTP_IF_MATCH",
           "HTTP_IF_NONE_MATCH", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_COOKIE", "HTTP_USER_AGENT", "REMOTE_ADDR", "HTTP_ORIGIN",
           "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_EXPECT", "HTTP_RANGE", "HTTP_PREFER", "HTTP_X_CSRFTOKEN", "HTTP_TRANSFER_ENCODING"]  # fmt: skip


@settings(FAST, max_examples=examples(60, 0.06, 1))
@given(headers=st.dictionaries(st.sampled_from(HEADERS), LATIN, max_size=5), method=st.sampled_from(["GET", "POST"]))
def test_any_header_gets_a_scim_answer(scim: ScimClient, headers: dict[str, str], method: str) -> None:
    assert_scim(scim.request(method, "/Users", b'{"userName":"x@example.com"}', **headers), "headers")


@settings(FAST, max_examples=examples(100, 0.05, 1))
@given(
    header=st.one_of(
        LATIN,
        st.tuples(
            st.sampled_from(["Bearer", "bearer", "Basic", "Token", ""]), st.sampled_from([" ", "", "\t", "  "]), LATIN
        ).map("".join),
        st.lists(
            st.sampled_from(["Bearer ", "djscim_", "A", "0" * 12, "_", "a" * 43, "b" * 6, ",", " ", "\xff", "\0"]),
            max_size=8,
        ).map("".join),
        st.binary(max_size=2000).map(lambda pair: f"Basic {b64encode(pair).decode()}"),
        st.tuples(LATIN, LATIN).map(lambda pair: f"Basic {b64encode(':'.join(pair).encode()).decode()}"),
    )
)
def test_any_authorization_that_is_no_token_is_401(connection: Any, header: str) -> None:
    classes = [f"django_scim_provider.api.authentication.{name}Authentication" for name in ("Bearer", "Basic")]
    with with_setting(AUTHENTICATION=classes):
        response = ScimClient(None).request("GET", "/Users", HTTP_AUTHORIZATION=header)

    assert_scim(response, "headers")
    assert response.status_code == 401


@settings(FAST, max_examples=examples(60, 0.05, 1))
@given(tampered=st.data())
def test_any_change_to_a_token_is_401(connection: Any, issue_token: Any, tampered: st.DataObject) -> None:
    token = issue_token(connection)
    position = tampered.draw(st.integers(0, len(token) - 1))
    char = tampered.draw(st.characters(max_codepoint=255))
    changed = token[:position] + char + token[position + 1 :]

    response = ScimClient(None).request("GET", "/Users", HTTP_AUTHORIZATION=f"Bearer {changed}")

    assert_scim(response, "headers")
    assert response.status_code == (200 if changed == token else 401)
    assert token not in str(list(ScimEvent.objects.values_list("detail", "label", "key_id")))
