"""Limits per connection, and per address for refused credentials: 429 with whole seconds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from api.helpers import dump, is_error, statements, with_setting
from conftest import ScimClient, person
from django_scim_provider.api import throttling
from django_scim_provider.models import ScimEvent

pytestmark = pytest.mark.django_db

HOUR = 4_000_000 * 3600.0


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that stands still, so that no window ends in the middle of a test."""
    now = [HOUR + 100.25]
    monkeypatch.setattr(throttling.time, "time", lambda: now[0])
    return now


def assert_throttled(response: Any, seconds: int) -> None:
    assert is_error(response, 429)
    assert re.fullmatch("[1-9][0-9]*", response.headers["Retry-After"])
    assert response.headers["Retry-After"] == str(seconds)


def test_connection_over_its_rate_waits_until_the_window_ends(scim: ScimClient, clock: list[float]) -> None:
    with with_setting(THROTTLE_RATE="3/m"):
        assert [scim.get("/Users").status_code for _ in range(3)] == [200, 200, 200]
        assert_throttled(scim.get("/Users"), 20)
        clock[0] += 19.5
        assert_throttled(scim.get("/Users"), 1)
        clock[0] += 0.5
        assert scim.get("/Users").status_code == 200


@pytest.mark.parametrize(("rate", "seconds"), [("1/s", 1), ("1/m", 20), ("1/h", 3500), ("1/d", 3500)])
def test_seconds_to_wait_are_whole_and_never_zero(scim: ScimClient, rate: str, seconds: int) -> None:
    with with_setting(THROTTLE_RATE=rate):
        assert scim.get("/Users").status_code == 200
        response = scim.get("/Users")
    assert is_error(response, 429)
    if rate != "1/d":
        assert response.headers["Retry-After"] == str(seconds)


def test_throttled_write_writes_nothing_and_leaves_no_event(scim: ScimClient) -> None:
    with with_setting(THROTTLE_RATE="1/h"):
        scim.get("/Users")
        before = dump()
        assert is_error(scim.post("/Users", person("ann@example.com")), 429)
    assert dump() == before


def test_connections_do_not_use_up_each_others_rate(scim: ScimClient, second_scim: ScimClient) -> None:
    with with_setting(THROTTLE_RATE="1/h"):
        assert scim.get("/Users").status_code == 200
        assert is_error(scim.get("/Users"), 429)
        assert second_scim.get("/Users").status_code == 200


def test_two_tokens_of_a_connection_share_its_rate(connection: Any, issue_token: Callable[..., str]) -> None:
    with with_setting(THROTTLE_RATE="1/h"):
        assert ScimClient(issue_token(connection)).get("/Users").status_code == 200
        assert is_error(ScimClient(issue_token(connection)).get("/Users"), 429)


@pytest.mark.parametrize("rate", [None, ""])
def test_no_rate_is_no_limit(scim: ScimClient, rate: str | None) -> None:
    with with_setting(THROTTLE_RATE=rate):
        assert {scim.get("/Schemas").status_code for _ in range(60)} == {200}


def test_fifty_a_second_is_the_default(scim: ScimClient) -> None:
    with override_settings(SCIM_PROVIDER={"REQUIRE_HTTPS": False}):
        answers = [scim.get("/Schemas").status_code for _ in range(51)]
    assert answers == [200] * 50 + [429]


def test_guessing_is_stopped_before_any_query(connection: Any) -> None:
    guesser = ScimClient("djscim_wrong")
    with with_setting(FAILURE_RATE="5/m"):
        assert {guesser.get("/Users").status_code for _ in range(5)} == {401}
        before = dump()
        answers: list[Any] = []
        assert statements(lambda: answers.append(guesser.get("/Users"))) == []
        assert_throttled(answers[0], 20)
    assert dump() == before


def test_ten_thousand_guesses_reach_the_database_twenty_times(connection: Any, scim: ScimClient) -> None:
    """Shortened: after the twentieth nothing more is asked of the database."""
    guesser = ScimClient("djscim_wrong")
    with override_settings(SCIM_PROVIDER={"REQUIRE_HTTPS": False}):
        answers = [guesser.request("GET", "/Users", REMOTE_ADDR="203.0.113.66").status_code for _ in range(60)]
        good = scim.request("GET", "/Users", REMOTE_ADDR="203.0.113.1")

    assert answers == [401] * 20 + [429] * 40
    assert good.status_code == 200
    event = ScimEvent.objects.get(status=401)
    assert (event.count, event.remote_addr) == (20, "203.0.113.66")


def test_wrong_guesses_from_elsewhere_never_lock_the_good_token_out(scim: ScimClient) -> None:
    guesser = ScimClient("djscim_wrong")
    with with_setting(FAILURE_RATE="2/h"):
        for _ in range(5):
            guesser.request("GET", "/Users", REMOTE_ADDR="203.0.113.66")
        assert scim.request("GET", "/Users", REMOTE_ADDR="203.0.113.1").status_code == 200


def test_request_without_any_token_is_no_guess(anonymous: ScimClient, scim: ScimClient) -> None:
    with with_setting(FAILURE_RATE="2/h"):
        assert {anonymous.get("/Users").status_code for _ in range(5)} == {401}
        assert scim.get("/Users").status_code == 200


def test_cache_that_is_down_stops_nobody(scim: ScimClient) -> None:
    broken = {"default": {"BACKEND": "api.helpers.BrokenCache"}}
    with override_settings(CACHES=broken), with_setting(THROTTLE_RATE="1/h", FAILURE_RATE="1/h"):
        assert [scim.get("/Users").status_code for _ in range(3)] == [200, 200, 200]
        assert is_error(ScimClient("djscim_wrong").get("/Users"), 401)
    assert cache.get("anything") is None
