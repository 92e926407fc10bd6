"""Each setting: its default, a value of the host's, its type."""

from __future__ import annotations

import inspect
from datetime import timedelta
from typing import Any, get_type_hints

import pytest
from django.test import override_settings

from django_scim_provider.conf import KEYS, Settings, app_settings

BEARER = "django_scim_provider.api.authentication.BearerAuthentication"
USER_ADAPTER = "django_scim_provider.adapters.UserAdapter"
GROUP_ADAPTER = "django_scim_provider.adapters.GroupAdapter"

DEFAULTS: dict[str, Any] = {
    "ADAPTERS": {"User": USER_ADAPTER, "Group": GROUP_ADAPTER},
    "PORTALS": {},
    "DIALECTS": {},
    "AUTHENTICATION": (BEARER,),
    "TOKEN_TTL": timedelta(days=365),
    "DEFAULT_COUNT": 100,
    "MAX_RESULTS": 200,
    "CURSOR_TIMEOUT": 3600,
    "MAX_FILTER_LENGTH": 4096,
    "MAX_FILTER_TERMS": 128,
    "MAX_FILTER_DEPTH": 32,
    "MAX_PATCH_OPERATIONS": 1000,
    "MAX_BODY_SIZE": 1024 * 1024,
    "BULK_MAX_OPERATIONS": 1000,
    "BULK_MAX_PAYLOAD_SIZE": 4 * 1024 * 1024,
    "GROUP_BODY_LIMIT": 1000,
    "THROTTLE_RATE": "50/s",
    "FAILURE_RATE": "20/m",
    "EVENT_RETENTION": timedelta(days=90),
    "EVENT_VALUES": False,
    "LOCK_EXEMPT": None,
    "NOTIFY": None,
    "TRUSTED_PROXIES": 0,
    "REQUIRE_HTTPS": True,
    "BASE_URL": None,
    "DOCUMENTATION_URI": None,
    "IS_ALLOWED": None,
}


def test_every_key_is_tested() -> None:
    assert DEFAULTS.keys() == KEYS


@pytest.mark.parametrize("value", [{}, None])
@pytest.mark.parametrize(("key", "default"), DEFAULTS.items())
def test_an_absent_key_has_its_default(key: str, default: Any, value: Any) -> None:
    with override_settings(SCIM_PROVIDER=value, DEBUG=False):
        assert getattr(app_settings, key) == default
        assert type(getattr(app_settings, key)) is type(default)


def test_without_the_setting_everything_has_its_default() -> None:
    with override_settings():
        from django.conf import settings

        del settings.SCIM_PROVIDER
        assert app_settings.MAX_RESULTS == 200


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("ADAPTERS", {"User": "accounts.scim.Adapter"}, {"User": "accounts.scim.Adapter", "Group": GROUP_ADAPTER}),
        ("ADAPTERS", {"Device": "d.Adapter"}, {"User": USER_ADAPTER, "Group": GROUP_ADAPTER, "Device": "d.Adapter"}),
        ("PORTALS", {"store": {"ADAPTERS": {}}}, {"store": {"ADAPTERS": {}}}),
        ("DIALECTS", {"okta": "accounts.scim.okta"}, {"okta": "accounts.scim.okta"}),
        ("AUTHENTICATION", ["accounts.scim.Authentication"], ("accounts.scim.Authentication",)),
        ("TOKEN_TTL", 30, timedelta(days=30)),
        ("TOKEN_TTL", 0.5, timedelta(hours=12)),
        ("TOKEN_TTL", timedelta(hours=1), timedelta(hours=1)),
        ("DEFAULT_COUNT", 50, 50),
        ("MAX_RESULTS", "500", 500),
        ("CURSOR_TIMEOUT", 60, 60),
        ("MAX_FILTER_LENGTH", 10, 10),
        ("MAX_FILTER_TERMS", 10, 10),
        ("MAX_FILTER_DEPTH", 10, 10),
        ("MAX_PATCH_OPERATIONS", 10, 10),
        ("MAX_BODY_SIZE", 10, 10),
        ("BULK_MAX_OPERATIONS", 10, 10),
        ("GROUP_BODY_LIMIT", 10, 10),
        ("THROTTLE_RATE", "5/m", "5/m"),
        ("THROTTLE_RATE", None, None),
        ("THROTTLE_RATE", "", None),
        ("FAILURE_RATE", "5/h", "5/h"),
        ("FAILURE_RATE", "", None),
        ("EVENT_RETENTION", 7, timedelta(days=7)),
        ("EVENT_RETENTION", timedelta(days=1), timedelta(days=1)),
        ("EVENT_VALUES", True, True),
        ("TRUSTED_PROXIES", 2, 2),
        ("REQUIRE_HTTPS", False, False),
        ("BASE_URL", "https://app.example.com/scim/v2/", "https://app.example.com/scim/v2"),
        ("BASE_URL", "", None),
        ("DOCUMENTATION_URI", "https://docs.example.com", "https://docs.example.com"),
        ("DOCUMENTATION_URI", "", None),
        ("IS_ALLOWED", "billing.scim_allowed", "billing.scim_allowed"),
        ("IS_ALLOWED", "", None),
    ],
)
def test_a_key_of_the_hosts_is_read(key: str, value: Any, expected: Any) -> None:
    with override_settings(SCIM_PROVIDER={key: value}):
        assert getattr(app_settings, key) == expected
        assert type(getattr(app_settings, key)) is type(expected)
    assert key in DEFAULTS


@pytest.mark.parametrize("debug", [True, False])
def test_https_is_required_unless_the_site_is_being_developed(debug: bool) -> None:
    with override_settings(SCIM_PROVIDER={}, DEBUG=debug):
        assert app_settings.REQUIRE_HTTPS is not debug


def test_values_are_read_when_they_are_used() -> None:
    with override_settings(SCIM_PROVIDER={"MAX_RESULTS": 1}):
        assert app_settings.MAX_RESULTS == 1
    with override_settings(SCIM_PROVIDER={"MAX_RESULTS": 2}):
        assert app_settings.MAX_RESULTS == 2


def test_what_the_host_wrote_cannot_be_changed_through_a_property() -> None:
    written: dict[str, Any] = {"ADAPTERS": {}, "PORTALS": {}, "DIALECTS": {}}
    with override_settings(SCIM_PROVIDER=written):
        for key in written:
            getattr(app_settings, key)["x"] = "y"
    assert written == {"ADAPTERS": {}, "PORTALS": {}, "DIALECTS": {}}


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_key_is_a_typed_property_that_says_what_it_does(key: str) -> None:
    found = inspect.getattr_static(Settings, key)
    assert isinstance(found, property)
    assert found.__doc__
    assert "return" in get_type_hints(found.fget)
