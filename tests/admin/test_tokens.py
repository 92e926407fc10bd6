"""Tokens in the panel: issue, rotate, revoke, and the one page that shows one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from admin.browser import Browser, hidden, live_token, text, tokens_in, url
from conftest import ScimClient
from django_scim_provider.admin import confirmation
from django_scim_provider.models import ScimConnection, ScimEvent, ScimToken
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(db: None) -> ScimConnection:
    return ConnectionFactory(name="Acme")


def days_left(token: ScimToken) -> int:
    return round((token.expires_at - timezone.now()) / timedelta(days=1))


@pytest.mark.hosts
def test_another_token_leaves_the_first_alone(root: Browser, connection: ScimConnection) -> None:
    first = tokens.issue(Context(connection)).text
    response = root.ask(url("issue", connection.pk), name="Staging", days="30")
    (second,) = tokens_in(response)
    assert "A new token for Acme" in text(response)
    assert ScimClient(first).get("/Users").status_code == 200
    assert ScimClient(second).get("/Users").status_code == 200
    token = ScimToken.objects.get(name="Staging")
    assert days_left(token) == 30
    assert token.created_by_id == root.user.pk


def test_a_token_may_be_one_that_only_reads(root: Browser, connection: ScimConnection) -> None:
    address = url("issue", connection.pk)
    assert root.get(address).context["form"]["scopes"].value() == "write"
    (reading,) = tokens_in(root.ask(address, days="30", scopes="read"))
    assert ScimToken.objects.get().scopes == "read"
    assert ScimClient(reading).get("/Users").status_code == 200
    assert ScimClient(reading).post("/Users", {}).status_code == 403
    assert "Read only" in text(root.get(url("change", connection.pk)))
    for scopes in ("", "everything"):
        assert root.ask(address, days="30", scopes=scopes).context["form"].errors["scopes"]
    assert ScimToken.objects.count() == 1


def test_the_life_offered_is_that_of_the_settings(root: Browser, connection: ScimConnection, settings: object) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"TOKEN_TTL": 90}  # type: ignore[attr-defined]
    assert 'value="90"' in text(root.get(url("issue", connection.pk)))
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"TOKEN_TTL": timedelta(hours=1)}  # type: ignore[attr-defined]
    assert 'name="days" value="1"' in text(root.get(url("issue", connection.pk)))


@pytest.mark.parametrize("days", ["0", "-1", "731", "", "nonsense", "1.5"])
def test_a_life_that_no_token_has_is_refused(days: str, root: Browser, connection: ScimConnection) -> None:
    page = root.ask(url("issue", connection.pk), days=days)
    assert page.context["form"].errors["days"]
    assert not ScimToken.objects.exists()


@pytest.mark.parametrize("page", ["issue", "rotate"])
@pytest.mark.parametrize("password", ["wrong", "", None])
def test_a_wrong_password_changes_nothing(
    password: str | None, page: str, root: Browser, connection: ScimConnection
) -> None:
    token = live_token(connection)
    address = url("issue", connection.pk) if page == "issue" else url("rotate", connection.pk, token.pk)
    response = root.ask(address, password=password, days="30", overlap="0")
    assert response.context["confirmation"].errors["password"]
    assert not tokens_in(response)
    assert ScimToken.objects.get().is_live()


@pytest.mark.parametrize("page", ["issue", "rotate"])
def test_a_form_makes_one_token_however_often_it_is_sent(page: str, root: Browser, connection: ScimConnection) -> None:
    token = live_token(connection)
    address = url("issue", connection.pk) if page == "issue" else url("rotate", connection.pk, token.pk)
    form = {"request_id": hidden(root.get(address), "request_id"), "password": "correct horse battery staple"}
    form |= {"days": "30", "scopes": "write", "overlap": "0"}
    assert len(tokens_in(root.post(address, form))) == 1
    again = root.post(address, form)
    assert again.status_code == 409
    assert not tokens_in(again)
    new = ScimToken.objects.exclude(pk=token.pk).get()
    assert url("rotate", connection.pk, new.pk) in text(again)


def test_of_two_submissions_at_once_one_makes_a_token(
    root: Browser, connection: ScimConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second looked for an answer before the first had one; the database is the judge."""
    address = url("issue", connection.pk)
    form = {"request_id": hidden(root.get(address), "request_id"), "password": "correct horse battery staple"}
    root.post(address, form | {"days": "30", "scopes": "write"})
    answers = iter([None, None])
    monkeypatch.setattr(confirmation.ConfirmationForm, "answer", lambda self: next(answers))
    again = root.post(address, form | {"days": "30", "scopes": "write"})
    assert again.status_code == 409
    assert not tokens_in(again)
    assert ScimToken.objects.count() == 1


@pytest.mark.hosts
@pytest.mark.parametrize(("overlap", "status"), [("0", 401), ("24", 200), ("72", 200)])
def test_the_old_token_lives_as_long_as_was_chosen(
    overlap: str, status: int, root: Browser, connection: ScimConnection
) -> None:
    old = tokens.issue(Context(connection), name="Okta")
    response = root.ask(url("rotate", connection.pk, old.token.pk), overlap=overlap)
    (new,) = tokens_in(response)
    assert ScimClient(new).get("/Users").status_code == 200
    assert ScimClient(old.text).get("/Users").status_code == status
    old.token.refresh_from_db()
    if status == 200:
        assert round((old.token.expires_at - timezone.now()) / timedelta(hours=1)) == int(overlap)
        assert f"The old token {old.token.starts_with} ends" in text(response)
    else:
        assert f"The old token {old.token.starts_with} has ended" in text(response)
    assert ScimToken.objects.exclude(pk=old.token.pk).get().name == "Okta"


@pytest.mark.parametrize("overlap", ["", "1", "9999", "nonsense"])
def test_an_overlap_that_was_not_offered_is_refused(overlap: str, root: Browser, connection: ScimConnection) -> None:
    token = live_token(connection)
    page = root.ask(url("rotate", connection.pk, token.pk), overlap=overlap)
    assert page.context["form"].errors["overlap"]
    assert ScimToken.objects.get().is_live()


@pytest.mark.parametrize("ended", ["revoked", "expired", "disabled"])
def test_what_has_ended_is_not_rotated(ended: str, root: Browser, connection: ScimConnection) -> None:
    token = live_token(connection)
    if ended == "revoked":
        tokens.revoke(Context(connection), token)
    elif ended == "expired":
        ScimToken.objects.update(expires_at=timezone.now())
    else:
        ScimConnection.objects.update(enabled=False)
    response = root.get(url("rotate", connection.pk, token.pk))
    assert response.headers["Location"] == url("change", connection.pk)
    assert "This token has ended" in text(root.get(url("change", connection.pk)))


def test_no_token_is_issued_while_scim_is_off(root: Browser) -> None:
    connection = ConnectionFactory(enabled=False)
    assert root.get(url("issue", connection.pk)).status_code == 302
    assert root.post(url("issue", connection.pk), {"days": "30", "password": "x"}).status_code == 302
    assert "Enable it again to get a new token" in text(root.get(url("change", connection.pk)))
    assert not ScimToken.objects.exists()


@pytest.mark.hosts
def test_a_revoked_token_is_refused_at_once(root: Browser, connection: ScimConnection) -> None:
    issued = tokens.issue(Context(connection))
    address = url("revoke", connection.pk, issued.token.pk)
    assert "It is the last token" in text(root.get(address))
    assert ScimClient(issued.text).get("/Users").status_code == 200
    assert root.post(address).headers["Location"] == url("change", connection.pk)
    assert ScimClient(issued.text).get("/Users").status_code == 401
    assert "was revoked." in text(root.get(url("change", connection.pk)))
    assert ScimEvent.objects.filter(action="token_revoke", actor=root.user.pk).count() == 1


def test_revoking_says_how_many_others_there_are(root: Browser, connection: ScimConnection) -> None:
    token = live_token(connection)
    live_token(connection)
    address = url("revoke", connection.pk, token.pk)
    assert "One other token stays valid." in text(root.get(address))
    live_token(connection)
    ScimToken.objects.filter(pk=live_token(connection).pk).update(expires_at=timezone.now())
    assert "2 other tokens stay valid." in text(root.get(address))


def test_revoking_twice_is_told_and_does_nothing(root: Browser, connection: ScimConnection) -> None:
    token = live_token(connection)
    for _ in range(2):
        root.post(url("revoke", connection.pk, token.pk))
    assert "revoked already" in text(root.get(url("change", connection.pk)))
    assert ScimEvent.objects.filter(action="token_revoke").count() == 1


@pytest.mark.parametrize("page", ["rotate", "revoke"])
def test_the_token_of_another_connection_is_not_found(page: str, root: Browser, connection: ScimConnection) -> None:
    other = live_token(ConnectionFactory())
    for response in (root.get(url(page, connection.pk, other.pk)), root.post(url(page, connection.pk, other.pk))):
        assert response.status_code == 404
    assert ScimToken.objects.get().is_live()


@pytest.mark.parametrize(
    ("provider", "base_url_label", "token_label"),
    [
        ("okta", "SCIM connector base URL", "HTTP Header › Authorization: Bearer"),
        ("entra", "Tenant URL", "Secret Token"),
        ("onelogin", "SCIM Base URL", "SCIM Bearer Token"),
        ("jumpcloud", "Base URL", "Token Key"),
        ("google", "Endpoint URL", "Access token"),
        ("generic", "Base URL", "Bearer token"),
        ("keycloak", "Base URL", "Bearer token"),
    ],
)
def test_the_values_are_named_as_on_the_providers_own_screens(
    provider: str, base_url_label: str, token_label: str, root: Browser
) -> None:
    connection = ConnectionFactory(provider=provider)
    page = text(root.ask(url("issue", connection.pk), days="30"))
    assert f"<q>{base_url_label}</q>" in page
    assert f"<q>{token_label}</q>" in page
    assert page.count("<li>", page.index("scim-steps")) >= 5
