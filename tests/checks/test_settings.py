from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.wiring import Wire, ids
from django_scim_provider.checks.settings import check_settings


def test_no_setting_at_all_is_right(settings: Any) -> None:
    del settings.SCIM_PROVIDER
    assert ids(check_settings()) == []


@pytest.mark.parametrize("value", [[], ["x"], "text", 5, True])
def test_the_setting_must_be_a_dictionary(settings: Any, value: Any) -> None:
    settings.SCIM_PROVIDER = value
    assert ids(check_settings()) == ["E001"]


def test_an_unknown_key_is_an_error_with_a_suggestion(wire: Wire) -> None:
    wire(REQUIRE_HTPS=False, max_results=5, SOMETHING_ELSE=1)
    messages = check_settings()
    assert ids(messages) == ["E002"] * 3
    assert [str(message.hint).partition("?")[0] for message in messages] == [
        "Did you mean 'REQUIRE_HTTPS'",
        "The settings page of the documentation lists the keys.",
        "Did you mean 'MAX_RESULTS'",
    ]


def test_a_key_that_is_no_text_is_reported(settings: Any) -> None:
    settings.SCIM_PROVIDER = {5: 1, "MAX_RESULTS": 300}
    assert ids(check_settings()) == ["E002"]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("DEFAULT_COUNT", "many", "E003"),
        ("DEFAULT_COUNT", None, "E003"),
        ("DEFAULT_COUNT", True, "E003"),
        ("DEFAULT_COUNT", 1.5, "E003"),
        ("DEFAULT_COUNT", 0, "E004"),
        ("MAX_RESULTS", [], "E003"),
        ("MAX_FILTER_LENGTH", -1, "E004"),
        ("MAX_FILTER_TERMS", 0, "E004"),
        ("MAX_FILTER_DEPTH", 0, "E004"),
        ("MAX_PATCH_OPERATIONS", 0, "E004"),
        ("MAX_BODY_SIZE", "1 MB", "E003"),
        ("BULK_MAX_OPERATIONS", 0, "E004"),
        ("GROUP_BODY_LIMIT", 0, "E004"),
        ("TRUSTED_PROXIES", -1, "E004"),
        ("TRUSTED_PROXIES", ["10.0.0.1"], "E003"),
        ("TOKEN_TTL", "365", "E003"),
        ("TOKEN_TTL", None, "E003"),
        ("TOKEN_TTL", True, "E003"),
        ("TOKEN_TTL", 0, "E004"),
        ("TOKEN_TTL", timedelta(days=-1), "E004"),
        ("TOKEN_TTL", 731, "E004"),
        ("TOKEN_TTL", timedelta(days=730, seconds=1), "E004"),
        ("TOKEN_TTL", float("nan"), "E004"),
        ("EVENT_RETENTION", "ninety", "E003"),
        ("EVENT_RETENTION", 0, "E004"),
        ("EVENT_RETENTION", float("inf"), "E004"),
        ("THROTTLE_RATE", "fast", "E005"),
        ("THROTTLE_RATE", "50", "E005"),
        ("THROTTLE_RATE", "0/s", "E005"),
        ("THROTTLE_RATE", "x/s", "E005"),
        ("THROTTLE_RATE", "50/month", "E005"),
        ("THROTTLE_RATE", 50, "E005"),
        ("THROTTLE_RATE", ["50/s"], "E005"),
        ("FAILURE_RATE", "20/fortnight", "E005"),
        ("EVENT_VALUES", "False", "E003"),
        ("CONSOLE_OWNERS", "False", "E003"),
        ("REQUIRE_HTTPS", "no", "E003"),
        ("REQUIRE_HTTPS", None, "E003"),
        ("ADAPTERS", "accounts.scim.Adapter", "E003"),
        ("PORTALS", ["store"], "E003"),
        ("DIALECTS", None, "E003"),
        ("AUTHENTICATION", "accounts.scim.Authentication", "E003"),
        ("IS_ALLOWED", len, "E003"),
        ("BASE_URL", 5, "E003"),
        ("BASE_URL", "app.example.com/scim/v2", "E008"),
        ("BASE_URL", "/scim/v2", "E008"),
        ("BASE_URL", "ftp://app.example.com", "E008"),
        ("BASE_URL", "https://", "E008"),
        ("BASE_URL", "https://app.example.com:port/", "E008"),
        ("BASE_URL", "https://app.example.com/scim/v2?x=1", "E008"),
        ("BASE_URL", "https://app.example.com/scim/v2#x", "E008"),
        ("BASE_URL", " https://app.example.com/scim/v2", "E008"),
        ("BASE_URL", "https://user:pass@app.example.com/scim/v2", "E008"),
        ("BASE_URL", "https://[::1/scim", "E008"),
        ("DOCUMENTATION_URI", "docs/scim", "E008"),
        ("DOCUMENTATION_URI", b"https://app.example.com", "E003"),
    ],
)
def test_a_value_that_cannot_work_is_reported(wire: Wire, key: str, value: Any, expected: str) -> None:
    wire(**{key: value})
    messages = check_settings()
    assert ids(messages) == [expected]
    assert key in messages[0].msg


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DEFAULT_COUNT", "50"),
        ("DEFAULT_COUNT", 50.0),
        ("MAX_FILTER_DEPTH", 100),
        ("TRUSTED_PROXIES", 0),
        ("TOKEN_TTL", timedelta(days=730)),
        ("TOKEN_TTL", 0.5),
        ("EVENT_RETENTION", timedelta(days=3650)),
        ("THROTTLE_RATE", None),
        ("THROTTLE_RATE", ""),
        ("THROTTLE_RATE", "1000/minute"),
        ("FAILURE_RATE", "5 / H"),
        ("EVENT_VALUES", True),
        ("BASE_URL", None),
        ("BASE_URL", "https://app.example.com/scim/v2/"),
        ("BASE_URL", "http://[::1]:8000"),
        ("DOCUMENTATION_URI", "https://docs.example.com/scim?lang=en#top"),
        ("AUTHENTICATION", ()),
        ("IS_ALLOWED", None),
    ],
)
def test_a_value_that_works_is_not_reported(wire: Wire, key: str, value: Any) -> None:
    wire(**{key: value})
    assert ids(check_settings()) == []


@pytest.mark.parametrize("keys", [{"MAX_RESULTS": 50}, {"DEFAULT_COUNT": 300}, {"MAX_RESULTS": 5, "DEFAULT_COUNT": 6}])
def test_a_default_page_larger_than_the_largest_is_reported(wire: Wire, keys: dict[str, int]) -> None:
    wire(**keys)
    assert ids(check_settings()) == ["W006"]


def test_a_filter_depth_that_is_not_used_is_reported(wire: Wire) -> None:
    wire(MAX_FILTER_DEPTH=101)
    assert ids(check_settings()) == ["W007"]
