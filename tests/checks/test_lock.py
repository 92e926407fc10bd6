from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.sites import AdminSite
from django.contrib.auth import get_user_model

from checks.wiring import ids
from django_scim_provider.checks import lock
from django_scim_provider.checks.lock import check_lock
from lock.urls import People

VALIDATOR = {"NAME": "django_scim_provider.lock.ManagedUserPasswordValidator"}


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> AdminSite:
    """The only admin site there is."""
    site = AdminSite(name="staff")
    monkeypatch.setattr(lock, "all_sites", [site])
    return site


def test_what_is_open_is_named(settings: Any, site: AdminSite) -> None:
    site.register(get_user_model())
    messages = check_lock()
    assert ids(messages) == ["I110", "I111"]
    assert "'staff'" in messages[1].msg


def test_what_is_locked_is_not_spoken_of(settings: Any, site: AdminSite) -> None:
    settings.AUTH_PASSWORD_VALIDATORS = [VALIDATOR]
    assert ids(check_lock()) == [], "no user admin at all"
    site.register(get_user_model(), People)
    assert ids(check_lock()) == []


def test_without_the_admin_there_is_nothing_to_lock(monkeypatch: pytest.MonkeyPatch, site: AdminSite) -> None:
    site.register(get_user_model())
    monkeypatch.setattr(lock.apps, "is_installed", lambda name: False)
    assert ids(check_lock()) == ["I110"]
