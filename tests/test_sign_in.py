"""Who signs in beside SCIM: an active person whom that very connection manages, and nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import users
from django_scim_provider.services.context import Context
from django_scim_provider.sign_in import ScimSocialAccountAdapterMixin, resolve_user
from factories import ConnectionFactory, HostUserFactory
from services.people import ALICE, BOB, NAME_COLUMN, activity, host, patch, post, update

pytestmark = [pytest.mark.django_db, pytest.mark.hosts]


@pytest.fixture
def second(connection: ScimConnection) -> ScimConnection:
    return ConnectionFactory()


@pytest.fixture
def alice(context: Context) -> Any:
    """Provisioned, with an externalId."""
    return host(post(context, externalId="00u1"))


def scim_id(user: Any) -> str:
    return str(ScimUser.objects.get(user=user).scim_id)


def test_who_is_found(connection: ScimConnection, alice: Any) -> None:
    for identity in (
        {"external_id": "00u1"},
        {"user_name": ALICE},
        {"user_name": ALICE.upper()},
        {"external_id": "00u1", "user_name": ALICE},
    ):
        with CaptureQueriesContext(database) as queries:
            assert resolve_user(connection, **identity) == alice
        assert len([query for query in queries if "profile" not in query["sql"]]) <= 1


def test_who_is_not_found(connection: ScimConnection, context: Context, alice: Any) -> None:
    post(context, BOB, externalId="00u2")
    for identity in (
        {},
        {"external_id": ""},
        {"external_id": "00U1"},
        {"external_id": "00u1\x00"},
        {"external_id": "\ud800"},
        {"external_id": str(alice.pk)},
        {"external_id": scim_id(alice)},
        {"user_name": "nobody@example.com"},
        {"user_name": "\x00"},
        {"external_id": "00u2", "user_name": ALICE},
    ):
        assert resolve_user(connection, **identity) is None, identity


def test_an_external_id_of_two_is_nobodys(connection: ScimConnection, context: Context, alice: Any) -> None:
    post(context, BOB, externalId="00u1")
    assert resolve_user(connection, external_id="00u1") is None
    assert resolve_user(connection, external_id="00u1", user_name=ALICE) == alice


def test_another_connections_people_are_nobody(second: ScimConnection, alice: Any) -> None:
    HostUserFactory(name="by-hand")
    for identity in ({"external_id": "00u1"}, {"user_name": ALICE}, {"user_name": "by-hand@example.com"}):
        assert resolve_user(second, **identity) is None


def test_who_was_deprovisioned_is_nobody(connection: ScimConnection, context: Context, alice: Any) -> None:
    key = scim_id(alice)
    patch(context, key, active=False)
    assert resolve_user(connection, external_id="00u1") is None
    patch(context, key, active=True)
    assert resolve_user(connection, external_id="00u1") == alice
    update(alice, **activity(False))
    assert resolve_user(connection, user_name=ALICE) is None, "by the application's own doing"
    update(alice, **activity(True))
    users.delete_user(context, key)
    assert resolve_user(connection, user_name=ALICE) is None


def test_a_connection_that_is_off_lets_nobody_in(connection: ScimConnection, alice: Any) -> None:
    connection.enabled = False
    assert resolve_user(connection, user_name=ALICE) is None


def test_people_without_an_account_are_nobody(connection: ScimConnection, context: Context) -> None:
    connection.on_create = "ignore"
    post(context)
    assert resolve_user(connection, user_name=ALICE) is None


def test_a_name_that_the_host_took_away_is_not_theirs_any_more(connection: ScimConnection, alice: Any) -> None:
    """Changed behind our back, so that the key is of yesterday."""
    for name in (BOB, "a\u202eb"):
        update(alice, **{NAME_COLUMN: name})
        assert resolve_user(connection, user_name=ALICE) is None
        assert resolve_user(connection, external_id="00u1") == alice


# The example for allauth -------------------------------------------------------------------------------------


class DefaultSocialAccountAdapter:
    """What allauth's does here: nothing."""

    def pre_social_login(self, request: Any, sociallogin: Any) -> None:
        pass


class Adapter(ScimSocialAccountAdapterMixin, DefaultSocialAccountAdapter):
    """As in docs/howto/sign-in.rst."""

    def scim_connection(self, request: Any, sociallogin: Any) -> ScimConnection | None:
        return ScimConnection.objects.filter(slug=sociallogin.account.provider).first()


class OidcAdapter(Adapter):
    def scim_identity(self, request: Any, sociallogin: Any) -> dict[str, str | None]:
        return {"external_id": sociallogin.account.extra_data.get("oid")}


class Login:
    """A login as allauth hands it over."""

    def __init__(self, provider: str, uid: str, linked_to: Any = None, **claims: str) -> None:
        self.account = SimpleNamespace(provider=provider, uid=uid, extra_data=claims)
        self.is_existing = linked_to is not None
        self.user = linked_to or get_user_model()()

    def connect(self, request: Any, user: Any) -> None:
        self.user = user


def sign_in(adapter: Any, login: Login) -> Any:
    """Who is signed in; ``None`` for nobody."""
    try:
        adapter.pre_social_login(None, login)
    except PermissionDenied:
        return None
    return login.user


def test_saml_and_openid_connect_let_in_whom_scim_knows(connection: ScimConnection, alice: Any) -> None:
    assert sign_in(Adapter(), Login(connection.slug, ALICE)) == alice
    assert sign_in(Adapter(), Login(connection.slug, ALICE, linked_to=alice)) == alice
    assert sign_in(OidcAdapter(), Login(connection.slug, "sub", oid="00u1")) == alice


def test_they_let_in_nobody_else(connection: ScimConnection, second: ScimConnection, context: Context) -> None:
    alice, bob = host(post(context, externalId="00u1")), host(post(context, BOB))
    for adapter, login in (
        (Adapter(), Login(connection.slug, "stranger@example.com")),
        (Adapter(), Login(second.slug, ALICE)),
        (Adapter(), Login(second.slug, ALICE, linked_to=alice)),
        (Adapter(), Login(connection.slug, ALICE, linked_to=bob)),
        (OidcAdapter(), Login(connection.slug, ALICE)),
    ):
        assert sign_in(adapter, login) is None
    patch(context, scim_id(alice), active=False)
    for login in (Login(connection.slug, ALICE), Login(connection.slug, ALICE, linked_to=alice)):
        assert sign_in(Adapter(), login) is None


def test_other_providers_are_left_to_allauth(alice: Any) -> None:
    assert sign_in(Adapter(), Login("github", ALICE)) != alice
