"""What went wrong elsewhere and needs a host that issues credentials to be tried; docs/explanation/attacks.csv."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import AccessToken, Application
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import RefreshToken, SlidingToken

from api.helpers import dump, is_error
from conftest import ScimClient
from factories import HostUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.credentials]


def headers_of(user: Any) -> list[str]:
    """What opens the host's own API to this person."""
    application = Application.objects.create(name="App", client_type="public", authorization_grant_type="password")
    moment = timezone.now() + timedelta(hours=1)
    oauth = AccessToken.objects.create(
        user=user, application=application, token="oauth-token", expires=moment, scope="read openid"
    )
    texts = [
        Token.objects.create(user=user).key,
        AuthToken.objects.create(user)[1],
        oauth.token,
        str(RefreshToken.for_user(user)),
        str(RefreshToken.for_user(user).access_token),
        str(SlidingToken.for_user(user)),
    ]
    return [f"{scheme} {text}" for text in texts for scheme in ("Bearer", "Token", "JWT")] + texts


def test_what_the_site_issues_is_no_credential_here(scim: ScimClient) -> None:
    """Budibase CVE-2026-46425: whoever could sign in could manage everybody."""
    root = HostUserFactory(name="root", is_superuser=True, is_staff=True)
    headers = headers_of(root)
    before = dump(events=False)
    for header in headers:
        client = ScimClient(None, Authorization=header)
        assert is_error(client.get("/Users"), 401)
        assert is_error(client.post("/Users", {"userName": "evil@example.net"}), 401)
    assert dump(events=False) == before


def test_an_address_from_scim_is_never_a_verified_one(scim: ScimClient) -> None:
    """HackerOne 565883: an address that the identity provider wrote counted as proved."""
    user = get_user_model().objects.get(pk=HostUserFactory(name="own").pk)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    before = list(EmailAddress.objects.values_list())

    body = scim.create("ann@elsewhere.example", emails=[{"value": "boss@example.com", "primary": True}])
    value = [{"value": "root@example.com", "primary": True}]
    assert scim.patch(f"/Users/{body['id']}", {"op": "replace", "path": "emails", "value": value}).status_code == 200

    assert list(EmailAddress.objects.values_list()) == before
