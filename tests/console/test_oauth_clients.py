"""OAuth clients over the console: listed, counted, shut out. That their access tokens end with it, test_oauth.py shows."""

from __future__ import annotations

import pytest

from console.caller import VIEW, Caller, error
from django_scim_provider.models import ScimConnection, ScimEvent, ScimOAuthClient
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(connection: ScimConnection) -> str:
    return f"/connections/{connection.pk}"


@pytest.fixture
def client(connection: ScimConnection, root: Caller) -> ScimOAuthClient:
    return ScimOAuthClient.objects.create(
        connection=connection, application_key="1", client_id="entra-production", created_by=root.user
    )


@pytest.mark.hosts
def test_where_none_is_linked_there_is_none(root: Caller, path: str) -> None:
    assert root.get(f"{path}/oauth-clients").json()["results"] == []
    status = root.get(path).json()["status"]
    assert (status["live_tokens"], status["oauth_clients"], status["warnings"]) == (0, 0, ["no_token"])
    for number in ("1", "9" * 30, "x"):
        assert error(root.request("DELETE", f"{path}/oauth-clients/{number}")) == (404, "not_found")


@pytest.mark.hosts
def test_a_connection_that_lives_on_oauth_alone_lacks_no_token(
    root: Caller, path: str, client: ScimOAuthClient
) -> None:
    status = root.get(path).json()["status"]
    assert (status["live_tokens"], status["oauth_clients"], status["warnings"]) == (0, 1, [])
    (listed,) = Caller(VIEW).get(f"{path}/oauth-clients").json()["results"]
    assert listed.pop("created_at")
    assert listed == {
        "id": client.pk,
        "client_id": "entra-production",
        "key_id": client.key_id,
        "created_by": root.user.get_username(),
    }
    other = ConnectionFactory()
    assert root.get(f"/connections/{other.pk}/oauth-clients").json()["count"] == 0


def test_a_client_is_shut_out_once_through_its_own_connection(root: Caller, path: str, client: ScimOAuthClient) -> None:
    below = f"oauth-clients/{client.pk}"
    assert error(root.request("DELETE", f"/connections/{ConnectionFactory().pk}/{below}")) == (404, "not_found")
    assert ScimOAuthClient.objects.exists()
    assert root.request("DELETE", f"{path}/{below}").status_code == 204
    assert not ScimOAuthClient.objects.exists()
    event = ScimEvent.objects.get(action="client_unlink")
    assert (event.actor_id, event.label) == (root.user.pk, "entra-production")
    assert error(root.request("DELETE", f"{path}/{below}")) == (404, "not_found")
