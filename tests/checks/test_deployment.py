from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS

from checks.wiring import Wire, ids
from django_scim_provider.checks import deployment
from django_scim_provider.checks.deployment import check_deployment

SHARED = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}


@pytest.fixture(autouse=True)
def _production(settings: Any, wire: Wire, pretend: Any) -> None:
    """A site that is wired as it should be."""
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["app.example.com"]
    settings.CACHES = SHARED
    pretend("postgresql", CONN_MAX_AGE=60)
    wire()


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Any:
    def pretend(vendor: str, **values: Any) -> None:
        wrapper = SimpleNamespace(vendor=vendor, settings_dict=values)
        monkeypatch.setattr(deployment, "connections", {DEFAULT_DB_ALIAS: wrapper})

    return pretend


def test_a_site_that_is_wired_as_it_should_be_is_right() -> None:
    assert ids(check_deployment()) == []


def test_nothing_is_said_before_the_settings_are_right(settings: Any, wire: Wire) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    wire(REQUIRE_HTTPS="yes")
    assert ids(check_deployment()) == []
    settings.SCIM_PROVIDER = ["REQUIRE_HTTPS"]
    assert ids(check_deployment()) == []


def test_plain_http_is_reported(settings: Any, wire: Wire) -> None:
    wire(REQUIRE_HTTPS=False)
    assert ids(check_deployment()) == ["W090"]
    wire()
    settings.DEBUG = True
    assert ids(check_deployment()) == ["W090"]


def test_an_address_that_is_refused_is_reported(wire: Wire) -> None:
    wire(BASE_URL="http://app.example.com/scim/v2")
    assert ids(check_deployment()) == ["W091"]
    wire(BASE_URL="https://app.example.com/scim/v2")
    assert ids(check_deployment()) == []


def test_a_proxy_that_is_known_to_half_of_the_settings_is_reported(settings: Any, wire: Wire) -> None:
    wire(TRUSTED_PROXIES=1)
    assert ids(check_deployment()) == ["W092"]
    wire(TRUSTED_PROXIES=1, REQUIRE_HTTPS=False)
    assert ids(check_deployment()) == ["W090"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    wire(TRUSTED_PROXIES=1)
    assert ids(check_deployment()) == []
    wire()
    assert ids(check_deployment()) == ["W093"]
    settings.SECURE_PROXY_SSL_HEADER = None
    settings.USE_X_FORWARDED_HOST = True
    assert ids(check_deployment()) == ["W093"]


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache"])
def test_a_cache_that_counts_for_one_process_is_reported(settings: Any, wire: Wire, backend: str) -> None:
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert ids(check_deployment()) == ["W094"]
    wire(THROTTLE_RATE=None)
    assert ids(check_deployment()) == ["W094"]
    wire(THROTTLE_RATE=None, FAILURE_RATE=None)
    assert ids(check_deployment()) == []


def test_hosts_of_any_name_are_reported(settings: Any, wire: Wire) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert ids(check_deployment()) == ["W095"]
    wire(BASE_URL="https://app.example.com/scim/v2")
    assert ids(check_deployment()) == []


def test_a_redirect_is_reported(settings: Any) -> None:
    settings.PREPEND_WWW = True
    assert ids(check_deployment()) == ["W096"]


def test_a_redirect_to_https_that_hides_a_leak_is_reported(settings: Any, wire: Wire) -> None:
    settings.SECURE_SSL_REDIRECT = True
    messages = check_deployment()
    assert ids(messages) == ["I098"]
    assert r'r"^scim/v2/"' in str(messages[0].hint)
    settings.SECURE_REDIRECT_EXEMPT = [r"^scim/v2/"]
    assert ids(check_deployment()) == []
    settings.SECURE_REDIRECT_EXEMPT = []
    del settings.ROOT_URLCONF
    assert ids(check_deployment()) == []


@pytest.mark.parametrize(
    ("vendor", "values", "expected"),
    [
        ("postgresql", {"CONN_MAX_AGE": 0}, ["I097"]),
        ("mysql", {"CONN_MAX_AGE": 0, "OPTIONS": {}}, ["I097"]),
        ("postgresql", {"CONN_MAX_AGE": None}, []),
        ("postgresql", {"CONN_MAX_AGE": 0, "OPTIONS": {"pool": True}}, []),
        ("sqlite", {"CONN_MAX_AGE": 0}, []),
    ],
)
def test_a_connection_for_each_request_is_reported(
    pretend: Any, vendor: str, values: dict[str, Any], expected: list[str]
) -> None:
    pretend(vendor, **values)
    assert ids(check_deployment()) == expected
