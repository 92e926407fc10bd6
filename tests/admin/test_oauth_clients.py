"""OAuth clients in the panel: shown, named in events, shut out; they are linked on the server."""

from __future__ import annotations

import pytest

from admin.browser import MANAGE_TOKENS, VIEW, Browser, text, url
from django_scim_provider.models import ScimConnection, ScimEvent, ScimOAuthClient
from django_scim_provider.services import audit, overview
from django_scim_provider.services.context import Context
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(db: None) -> ScimConnection:
    return ConnectionFactory(name="Acme")


@pytest.fixture
def client(connection: ScimConnection, root: Browser) -> ScimOAuthClient:
    return ScimOAuthClient.objects.create(
        connection=connection, application_key="1", client_id="entra-production", created_by=root.user
    )


@pytest.mark.hosts
def test_the_set_up_page_shows_clients_and_no_warning_that_a_token_is_missing(
    root: Browser, connection: ScimConnection
) -> None:
    page = text(root.get(url("change", connection.pk)))
    assert "OAuth client" not in page
    assert "No token is valid" in page

    made = ScimOAuthClient.objects.create(connection=connection, application_key="1", client_id="entra-production")
    page = text(root.get(url("change", connection.pk)))
    assert "entra-production" in page
    assert url("unlink", connection.pk, made.pk) in page
    assert "No token is valid" not in page
    assert not overview.states([connection])[0].has_no_token
    assert "entra-production" not in text(root.get(url("change", ConnectionFactory().pk)))


def test_who_may_not_issue_tokens_sees_clients_and_no_way_to_shut_them_out(client: ScimOAuthClient) -> None:
    address, unlink = url("change", client.connection_id), url("unlink", client.connection_id, client.pk)
    page = text(Browser(VIEW).get(address))
    assert "entra-production" in page
    assert unlink not in page
    assert unlink in text(Browser(VIEW, MANAGE_TOKENS).get(address))


def test_a_client_is_shut_out_after_a_question(root: Browser, client: ScimOAuthClient) -> None:
    address = url("unlink", client.connection_id, client.pk)
    assert "turned away at once" in text(root.get(address))
    assert ScimOAuthClient.objects.exists()

    assert root.post(address).headers["Location"] == url("change", client.connection_id)

    assert "entra-production was unlinked" in text(root.get(url("change", client.connection_id)))
    assert not ScimOAuthClient.objects.exists()
    event = ScimEvent.objects.get(action="client_unlink")
    assert (event.actor_id, event.label) == (root.user.pk, "entra-production")
    assert root.get(address).status_code == root.post(address).status_code == 404


def test_a_client_is_reached_through_its_own_connection_alone(root: Browser, client: ScimOAuthClient) -> None:
    address = url("unlink", ConnectionFactory().pk, client.pk)
    assert root.get(address).status_code == root.post(address).status_code == 404
    assert ScimOAuthClient.objects.exists()


def test_events_name_the_client(root: Browser, client: ScimOAuthClient, connection: ScimConnection) -> None:
    event = audit.record(
        Context(connection, key_id=client.key_id), audit.Action.CREATE, resource_type="User", label="alice"
    )
    page = text(root.get(f"/admin/scim_provider/scimevent/{event.pk}/change/"))
    assert "as the OAuth client entra-production" in page


def test_a_client_goes_with_its_connection(client: ScimOAuthClient, connection: ScimConnection) -> None:
    assert str(client) == "entra-production"
    connection.delete()
    assert not ScimOAuthClient.objects.exists()
