"""The test of a connection in the panel."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from admin.browser import Browser, text, url
from django_scim_provider.models import ScimEvent, ScimToken, ScimUser
from django_scim_provider.services.findings import Finding, Status
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.mark.hosts
def test_one_click_says_that_everything_works_and_leaves_nothing(root: Browser) -> None:
    connection = ConnectionFactory(provider="entra")
    people = get_user_model().objects.count()
    setup = text(root.get(url("change", connection.pk)))
    assert f'action="{url("test", connection.pk)}"' in setup
    page = root.post(url("test", connection.pk))
    assert "Everything that Microsoft Entra ID will ask works." in text(page)
    assert text(page).count("scim-check-ok") == len(page.context["steps"]) > 10
    assert "<form" in text(page)
    assert get_user_model().objects.count() == people
    assert not ScimToken.objects.exists()
    assert not ScimUser.objects.exists()
    assert not ScimEvent.objects.exists()


def test_opening_the_page_tries_nothing(root: Browser) -> None:
    page = root.get(url("test", ConnectionFactory().pk))
    assert "Try here what Okta will ask" in text(page)
    assert "steps" not in page.context


def test_what_fails_is_red_and_says_what_to_change(root: Browser) -> None:
    connection = ConnectionFactory(enabled=False)
    provider = {"REQUIRE_HTTPS": True, "BASE_URL": "http://my_site.example.com/scim/v2"}
    with override_settings(SCIM_PROVIDER=provider):
        page = root.post(url("test", connection.pk))
    body = text(page)
    assert "1 step does not work." in body or "2 steps do not work." in body
    assert "scim-check-failed" in body
    assert "set SECURE_PROXY_SSL_HEADER" in body
    assert "not tried, because an earlier step failed" in body
    assert "SCIM is off for this connection. The test does as if it were on." in body
    assert "Okta refuses base URLs with an underscore." in body


def test_what_could_not_be_tried_is_no_success(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Finding("existing people", Status.ADVICE, ("“alice” and another user name differ only in spelling.",))
    connection = ConnectionFactory()
    monkeypatch.setattr("django_scim_provider.admin.trial.selftest.check", lambda connection: [finding])
    monkeypatch.setattr("django.db.connection.features.supports_transactions", False)
    body = text(root.post(url("test", connection.pk)))
    assert "Not everything could be tried." in body
    assert "“alice” and another user name differ only in spelling." in body


def test_without_an_address_there_is_nothing_to_test(root: Browser) -> None:
    connection = ConnectionFactory()
    with override_settings(ROOT_URLCONF="admin.unmounted"):
        page = root.post(url("test", connection.pk))
    assert "This site has no SCIM address yet." in text(page)
    assert "steps" not in page.context


def test_an_address_elsewhere_cannot_be_tried_here(root: Browser) -> None:
    provider = {"BASE_URL": "https://scim.example.com/v2"}
    with override_settings(ROOT_URLCONF="admin.unmounted", SCIM_PROVIDER=provider):
        page = root.post(url("test", ConnectionFactory().pk))
    assert "the URLconf of this site does not include “django_scim_provider.urls”" in text(page)
    assert 'value="Test the connection"' not in text(page)
    assert "steps" not in page.context
