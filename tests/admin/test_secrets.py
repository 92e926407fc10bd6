"""A token is shown once, by one response, and is nowhere else afterwards (threats T16, T29)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from django.urls import reverse
from django.views.debug import ExceptionReporter

from admin.browser import TOKEN, VIEW, VIEW_EVENTS, Browser, live_token, text, tokens_in, url
from django_scim_provider.admin.credentials import Secret
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.services import connections
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db

WAYS = ["enable", "enable again", "issue", "rotate"]


def reveal(way: str, root: Browser) -> HttpResponse:
    """A response that shows a token, in each of the ways to get one."""
    if way == "enable":
        return root.enable(name="Acme")
    connection = ConnectionFactory(name="Acme", enabled=way != "enable again")
    if way == "enable again":
        return root.ask(url("enable", connection.pk))
    if way == "issue":
        return root.ask(url("issue", connection.pk), days="30")
    return root.ask(url("rotate", connection.pk, live_token(connection).pk), overlap="24")


def pages() -> Iterator[str]:
    connection = ScimConnection.objects.get()
    yield from (
        reverse("admin:index"),
        reverse("admin:app_list", args=["scim_provider"]),
        url("changelist"),
        url("add"),
    )
    for page in ("change", "people", "groups", "policies", "events", "history", "issue", "disable", "test"):
        yield url(page, connection.pk)
    for token in ScimToken.objects.all():
        yield from (url("rotate", connection.pk, token.pk), url("revoke", connection.pk, token.pk))
    yield reverse("admin:scim_provider_scimevent_changelist")
    for event in ScimEvent.objects.all():
        yield reverse("admin:scim_provider_scimevent_change", args=[event.pk])


@pytest.mark.parametrize("way", WAYS)
def test_a_token_is_shown_once_and_never_again(
    way: str, root: Browser, log: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    response = reveal(way, root)
    (token,) = tokens_in(response)
    secret = token.rpartition("_")[2]
    assert text(response).count(secret) == 1

    session = root.client.session
    assert secret not in repr(dict(session.items()))
    for stored in Session.objects.all():
        assert secret not in repr(stored.get_decoded())
    assert secret not in repr({name: str(cookie) for name, cookie in root.client.cookies.items()})
    assert secret not in repr(dict(response.headers))
    for model in apps.get_models():
        assert secret not in repr(list(model._default_manager.values())), model
    assert secret not in repr(getattr(cache, "_cache", ""))
    assert secret not in repr([message.message().as_string() for message in mail.outbox])
    for address in pages():
        page = root.get(address)
        assert page.status_code == 200
        assert secret not in text(page), address
    connection = ScimConnection.objects.get()
    assert secret not in text(root.post(url("test", connection.pk)))
    for file_format in ("csv", "jsonl"):
        exported = b"".join(root.get(url("export", connection.pk, file_format)).streaming_content)  # type: ignore[arg-type]
        assert token[:19].encode() in exported
        assert secret.encode() not in exported
    assert secret not in log.text
    assert secret not in repr([record.__dict__ for record in log.records])
    captured = capfd.readouterr()
    assert secret not in captured.out + captured.err


@pytest.mark.hosts
@pytest.mark.parametrize("way", WAYS)
def test_the_response_that_shows_it_is_kept_nowhere(way: str, root: Browser) -> None:
    response = reveal(way, root)
    assert response.status_code == 200
    assert {"no-store", "private"} <= {part.strip() for part in response.headers["Cache-Control"].split(",")}
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert "shown only now" in text(response)
    # Not in a field, whose value browsers keep to restore it.
    assert f'<code id="scim-token" data-scim-secret>{tokens_in(response)[0]}</code>' in text(response)


def test_the_page_needs_nothing_that_a_strict_policy_forbids(root: Browser) -> None:
    """No inline script, style or handler; the script is a file of ours."""
    for page in (root.get(url("add")), reveal("enable", root), root.get(url("changelist"))):
        body = text(page).split('<div id="content"', 1)[1]
        assert "<script" not in body
        assert "style=" not in body
        assert not re.search(r"<[^>]* on\w+=", body)
    assert '<script src="/static/scim_provider/copy.js"' in text(
        root.get(url("change", ScimConnection.objects.get().pk))
    )


def test_a_nonce_of_the_site_is_used(root: Browser) -> None:
    options = {"context_processors": ["admin.browser.nonce", "django.contrib.auth.context_processors.auth"]}
    options["context_processors"] += [
        "django.template.context_processors.request",
        "django.contrib.messages.context_processors.messages",
    ]
    backend = {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": options}
    with override_settings(TEMPLATES=[backend]):
        assert '<script src="/static/scim_provider/copy.js" nonce="r4nd0m"' in text(reveal("enable", root))


def test_reports_of_errors_show_neither_token_nor_password(
    root: Browser, monkeypatch: pytest.MonkeyPatch, rf: RequestFactory
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("after the token was made")

    data = root.enable_form()
    monkeypatch.setattr("django_scim_provider.admin.enabling.EnablingPages._reveal_enabled", fail)
    with pytest.raises(RuntimeError) as caught:
        root.post(url("add"), data)
    request = rf.post(url("add"), data)
    request.sensitive_post_parameters = "__ALL__"  # type: ignore[attr-defined]
    frames = ExceptionReporter(request, caught.type, caught.value, caught.tb).get_traceback_frames()
    ours = [frame for frame in frames if "django_scim_provider" in frame["filename"]]
    assert any(frame["function"] == "add_view" for frame in ours)
    for frame in ours:
        shown = repr(frame["vars"])
        assert not TOKEN.search(shown)
        assert "correct horse" not in shown


def test_a_secret_is_text_on_the_page_and_nothing_in_a_report() -> None:
    assert f"{Secret('djscim_x')}" == "djscim_x"
    assert "djscim" not in repr({"secret": Secret("djscim_x")})


def test_those_who_may_only_look_never_see_more_than_the_beginning(root: Browser) -> None:
    (token,) = tokens_in(reveal("enable", root))
    reader = Browser(VIEW, VIEW_EVENTS)
    connection = ScimConnection.objects.get()
    for page in ("change", "people", "policies", "events"):
        response = reader.get(url(page, connection.pk))
        assert not tokens_in(response)
    setup = reader.get(url("change", connection.pk))
    assert f"{token[:19]}…" in text(setup)
    for action in ("issue", "disable", "enable"):
        assert f'href="{url(action, connection.pk)}"' not in text(setup)


HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def test_hostile_names_are_text_everywhere(root: Browser) -> None:
    root.enable(name=HOSTILE[:100], existing_accounts="adopt")
    connection = ScimConnection.objects.get()
    context = Context(connection, actor=root.user)
    live_token(connection, name=HOSTILE)
    ScimToken.objects.update(name=HOSTILE)
    ScimEvent.objects.bulk_create(
        ScimEvent(
            connection=connection,
            connection_name=connection.name,
            at=connection.created_at,
            action="create",
            outcome=outcome,
            label=HOSTILE,
            detail=HOSTILE,
            changed=[HOSTILE],
            values={HOSTILE: HOSTILE},
            warnings=[HOSTILE],
        )
        for outcome in ("success", "refused")
    )
    for address in [*pages(), f"{url('people', connection.pk)}?q=%3Cscript%3Ealert('x')%3C/script%3E"]:
        body = text(root.get(address))
        assert "<script>alert" not in body, address
        assert "<img src=x" not in body, address
    connections.disable(context)
    for page in ("enable", "delete", "change"):
        assert "<script>alert" not in text(root.get(url(page, connection.pk)))


def test_a_hostile_draft_is_text(root: Browser) -> None:
    data = root.enable_form(name=HOSTILE, provider=HOSTILE, seen=HOSTILE, _preview="1")
    page = text(root.post(url("add"), data | {"request_id": HOSTILE}))
    assert "<script>alert" not in page
