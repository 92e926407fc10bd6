from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_scim_provider.models import ScimConnection
from django_scim_provider.testing.client import ScimClient, person
from factories import HostUserFactory

pytest_plugins = ["django_scim_provider.testing.plugin"]


@pytest.fixture
def somebody(db: None) -> Any:
    return HostUserFactory(name="anna")


def test_the_client_provisions_people(scim_client: ScimClient) -> None:
    made = scim_client.create("bob@example.com")
    assert scim_client.put(f"/Users/{made['id']}", made | {"active": False}).status_code == 200
    assert not get_user_model().objects.get(username="bob@example.com").is_active
    assert scim_client.find('userName eq "bob@example.com"')[0]["active"] is False


def test_the_connection_manages_who_is_there(somebody: Any, scim_client: ScimClient) -> None:
    assert [found["userName"] for found in scim_client.find("active eq true")] == ["anna@example.com"]


class TestOptions:
    @pytest.fixture
    def scim_options(self) -> dict[str, Any]:
        return {"name": "Acme · Okta", "provider": "okta", "existing_accounts": "never"}

    def test_a_project_says_what_the_connection_is_made_with(
        self, somebody: Any, scim_connection: ScimConnection, scim_client: ScimClient
    ) -> None:
        assert (scim_connection.name, scim_connection.provider, scim_connection.enabled) == (
            "Acme · Okta",
            "okta",
            True,
        )
        assert scim_client.find("active eq true") == []


def test_a_helper_that_is_refused_says_what_the_answer_was(scim_client: ScimClient) -> None:
    scim_client.create("carol@example.com")
    with pytest.raises(AssertionError, match=r"Status 409 instead of 201: .*userName is already taken"):
        scim_client.create("carol@example.com")
    with pytest.raises(AssertionError, match="Status 400 instead of 200"):
        scim_client.find("userName is it")
    assert scim_client.get("/Users?count=0").json()["totalResults"] == 1
    assert scim_client.post("/Users", b"{").status_code == 400
    assert scim_client.delete("/Users/nobody").status_code == 404


def test_requests_come_over_https_with_what_headers_the_project_adds(settings: Any, scim_token: str) -> None:
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"REQUIRE_HTTPS": True}
    assert ScimClient(scim_token, host="localhost").get("/Users").status_code == 200
    assert ScimClient(None).get("/Users").status_code == 401
    made = ScimClient(scim_token).post("/Users", person("dora@example.com", title="Captain"))
    assert (made.status_code, made.json()["title"]) == (201, "Captain")
    assert made.headers["Location"].startswith("https://testserver/scim/v2/Users/")
