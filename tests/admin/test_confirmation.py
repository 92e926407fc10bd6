"""Before a token is made: the same person, right now, and only once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.utils import timezone

from admin.browser import Browser, hidden, superuser, text, tokens_in, url
from django_scim_provider.admin import confirmation
from django_scim_provider.models import ScimConnection, ScimToken
from django_scim_provider.services.confirmation import MAX_ATTEMPTS

pytestmark = pytest.mark.django_db


# The same person, right now ---------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["wrong", "", None])
def test_without_the_password_nothing_is_saved(password: str | None, root: Browser) -> None:
    data = root.enable_form(password=password)
    page = root.post(url("add"), {key: value for key, value in data.items() if value is not None})
    assert page.context["confirmation"].errors["password"]
    assert "Nothing was saved" in text(page)
    assert not tokens_in(page)
    assert not ScimConnection.objects.exists()


def test_passwords_cannot_be_tried_without_end(root: Browser) -> None:
    for _ in range(MAX_ATTEMPTS):
        root.enable(password="wrong")
    assert "Too many wrong passwords" in text(root.enable())
    assert not ScimConnection.objects.exists()
    cache.clear()
    assert len(tokens_in(root.enable())) == 1


def test_the_right_password_forgets_the_wrong_ones(root: Browser) -> None:
    for name in ("Acme", "Globex"):
        for _ in range(MAX_ATTEMPTS - 1):
            root.enable(name=name, password="wrong")
        assert len(tokens_in(root.enable(name=name))) == 1


@pytest.mark.parametrize("backend", ["django.core.cache.backends.dummy.DummyCache", "api.helpers.BrokenCache"])
def test_a_cache_that_counts_nothing_locks_nobody_out(backend: str, root: Browser, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": backend}}
    root.enable(password="wrong")
    assert len(tokens_in(root.enable())) == 1


def logged_in(browser: Browser, ago: timedelta | None) -> None:
    last_login = None if ago is None else timezone.now() - ago
    get_user_model().objects.filter(pk=browser.user.pk).update(last_login=last_login)


@pytest.mark.hosts
def test_people_without_a_password_confirm_by_a_fresh_login() -> None:
    browser = superuser(password=None)
    page = browser.get(url("add"))
    assert "password" not in page.context["confirmation"].fields
    # The Enter key must not enable anything for somebody who types no password.
    assert text(page).index('name="_preview"') < text(page).index('name="_enable"')
    logged_in(browser, timedelta(minutes=9))
    assert len(tokens_in(browser.enable())) == 1


@pytest.mark.parametrize("ago", [timedelta(minutes=11), None])
def test_an_old_login_is_not_enough(ago: timedelta | None) -> None:
    browser = superuser(password=None)
    logged_in(browser, ago)
    page = browser.enable()
    assert "Sign in again" in text(page)
    assert not ScimConnection.objects.exists()


# Only once --------------------------------------------------------------------------------------------------


@pytest.mark.hosts
def test_sending_the_form_again_makes_no_second_token_and_shows_none(root: Browser) -> None:
    data = root.enable_form()
    (token,) = tokens_in(root.post(url("add"), data))
    again = root.post(url("add"), data)
    assert again.status_code == 409
    assert "Already issued" in text(again)
    assert token not in text(again)
    assert not tokens_in(again)
    assert ScimConnection.objects.count() == ScimToken.objects.count() == 1
    assert ScimConnection.objects.get().name in text(again)
    assert "no-store" in again.headers["Cache-Control"]


def test_two_submissions_at_once_make_one_connection(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second looked for an answer before the first had one."""
    data = root.enable_form()
    root.post(url("add"), data)
    answers = iter([None, ScimToken.objects.get()])
    monkeypatch.setattr(confirmation.ConfirmationForm, "answer", lambda self: next(answers))
    monkeypatch.setattr(ScimConnection, "validate_unique", lambda *args, **kwargs: None)
    assert root.post(url("add"), data).status_code == 409
    answers = iter([None, ScimToken.objects.get()])
    assert root.post(url("add"), data | {"name": "Another"}).status_code == 409
    assert ScimConnection.objects.count() == ScimToken.objects.count() == 1


@pytest.mark.parametrize("request_id", ["", "nonsense", "e30:1abc:def"])
def test_a_form_without_its_id_has_to_be_confirmed_again(request_id: str, root: Browser) -> None:
    page = root.enable(request_id=request_id)
    assert "Please confirm again" in text(page)
    assert not ScimConnection.objects.exists()
    assert len(tokens_in(root.enable(request_id=hidden(page, "request_id")))) == 1


def test_the_id_of_a_form_is_of_no_use_to_another_person(root: Browser) -> None:
    page = root.enable(request_id=hidden(superuser().get(url("add")), "request_id"))
    assert "open for too long" in text(page)
    assert not ScimConnection.objects.exists()


def test_a_form_that_was_open_for_days_is_confirmed_again(root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    data = root.enable_form()
    monkeypatch.setattr(confirmation, "_OPEN_FOR", timedelta(seconds=-1))
    assert "open for too long" in text(root.post(url("add"), data))
    assert not ScimConnection.objects.exists()
