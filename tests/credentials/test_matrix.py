"""Nothing that was issued to a person works once their access ended, nor when they are back: every way in, every kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.test import Client, override_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import RefreshToken

from api.helpers import with_setting
from conftest import ScimClient, person
from credentials.wallet import Use, alive, bearer, wallet
from django_scim_provider import signals
from django_scim_provider.models import ScimConnection, ScimEvent, ScimUser
from django_scim_provider.protocol.urns import BULK_REQUEST, PATCH_OP
from services.people import listening

pytestmark = [pytest.mark.django_db, pytest.mark.credentials]

ANN = "ann@example.com"
SUSPENDING, SOFT = "hosts.credentials.scim.SuspendingAdapter", "django_scim_provider.adapters.UserAdapter"
KEEPING = "hosts.credentials.scim.KeepingAdapter"


@dataclass
class Somebody:
    """A person whom the identity provider made, from both sides."""

    scim: ScimClient
    id: str
    pk: int = field(init=False)

    def __post_init__(self) -> None:
        self.pk = ScimUser.objects.get(scim_id=self.id).user_id

    @property
    def path(self) -> str:
        return f"/Users/{self.id}"

    @property
    def account(self) -> Any:
        return get_user_model()._base_manager.filter(pk=self.pk).first()

    def patch(self, **operation: Any) -> None:
        assert self.scim.patch(self.path, {"op": "replace", **operation}).status_code == 200

    def put(self, active: bool) -> None:
        assert self.scim.put(self.path, person(ANN, active=active)).status_code == 200

    def in_bulk(self, method: str, **data: Any) -> None:
        body = {"schemas": [BULK_REQUEST], "Operations": [{"method": method, "path": self.path, "data": data}]}
        (done,) = self.scim.post("/Bulk", body).json()["Operations"]
        assert done["status"] in ("200", "204")

    def delete(self) -> None:
        assert self.scim.delete(self.path).status_code == 204

    def post(self, active: bool = True) -> None:
        assert self.scim.post("/Users", person(ANN, active=active)).status_code == 201

    def post_inactive_after_delete(self) -> None:
        self.delete()
        self.post(active=False)

    def shut_by_the_host(self) -> None:
        user = self.account
        user.is_active = False
        user.save()

    def let_in_by_the_host(self) -> None:
        user = self.account
        user.restore()
        user.is_active = True
        user.save()


Step = Callable[[Somebody], None]


def patched(**operation: Any) -> Step:
    return lambda somebody: somebody.patch(**operation)


TURN_OFF = {"op": "replace", "path": "active", "value": False}
OFF, ON = patched(path="active", value=False), patched(path="active", value=True)


def shut_before(step: Step) -> Step:
    def steps(somebody: Somebody) -> None:
        somebody.shut_by_the_host()
        step(somebody)

    return steps


@dataclass(frozen=True)
class Way:
    end: Step
    back: Step = ON
    adapter: str = SUSPENDING
    policies: dict[str, str] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()
    """What still answers while the person is inactive."""


LINK = frozenset({"password reset link"})
"""It leads to a password for an account that nobody can sign in to, and that loses it when they can."""
WAYS = {
    "PUT": Way(lambda somebody: somebody.put(False), lambda somebody: somebody.put(True)),
    "PATCH with a path": Way(OFF),
    "PATCH without a path": Way(patched(value={"active": False}), patched(value={"active": True})),
    "PATCH as Entra ID sends it": Way(patched(op="Replace", path="active", value="False")),
    "PATCH by add": Way(patched(op="add", path="active", value=False)),
    "PATCH of more": Way(patched(value={"active": False, "title": "Gone", "name.familyName": "Left"})),
    "PUT in bulk": Way(lambda somebody: somebody.in_bulk("PUT", **person(ANN, active=False))),
    "PATCH in bulk": Way(lambda somebody: somebody.in_bulk("PATCH", schemas=[PATCH_OP], Operations=[TURN_OFF])),
    "DELETE in bulk": Way(lambda somebody: somebody.in_bulk("DELETE"), Somebody.let_in_by_the_host),
    "POST inactive of somebody whom DELETE left alone": Way(
        Somebody.post_inactive_after_delete, Somebody.let_in_by_the_host, policies={"on_delete": "nothing"}
    ),
    "DELETE": Way(Somebody.delete, Somebody.let_in_by_the_host),
    "DELETE, and the name is given to a new account": Way(Somebody.delete, Somebody.post),
    "PATCH of somebody whom the host shut out before": Way(shut_before(OFF), harmless=LINK),
    "PUT of somebody whom the host shut out before": Way(
        shut_before(lambda somebody: somebody.put(False)), harmless=LINK
    ),
    "DELETE of somebody whom the host shut out before": Way(shut_before(Somebody.delete), Somebody.let_in_by_the_host),
    "policy remove": Way(OFF, policies={"on_deactivate": "remove"}),
    "policy delete": Way(OFF, policies={"on_deactivate": "delete"}),
    "policy hook": Way(OFF, policies={"on_deactivate": "hook"}),
    "DELETE with policy hook": Way(Somebody.delete, Somebody.let_in_by_the_host, policies={"on_delete": "hook"}),
    "DELETE with policy delete": Way(Somebody.delete, Somebody.post, policies={"on_delete": "delete"}),
    "soft deletion by PATCH": Way(OFF, adapter=SOFT),
    "soft deletion by PUT, revived by POST": Way(lambda somebody: somebody.put(False), Somebody.post, SOFT),
    "soft deletion by DELETE": Way(Somebody.delete, Somebody.let_in_by_the_host, SOFT),
}


@pytest.fixture
def somebody(scim: ScimClient) -> Somebody:
    return Somebody(scim, scim.create(ANN)["id"])


def issued_to(somebody: Somebody) -> dict[str, Use]:
    """A wallet in which everything works."""
    held = wallet(somebody.account)
    assert alive(held) == dict.fromkeys(held, True)
    return held


@pytest.mark.parametrize("name", WAYS)
def test_no_credential_works_while_inactive_or_after_the_return(scim: ScimClient, name: str) -> None:
    way = WAYS[name]
    with with_setting(ADAPTERS={"User": way.adapter}):
        ScimConnection.objects.update(**way.policies)
        somebody = Somebody(scim, scim.create(ANN)["id"])
        # Using a dead session clears it away: what is tried after the return is not tried before.
        during, after = issued_to(somebody), issued_to(somebody)

        way.end(somebody)
        assert alive(during) == {name: name in way.harmless for name in during}

        way.back(somebody)
        if way.policies.get("on_deactivate") != "delete" and way.back is not Somebody.post:
            assert somebody.account.is_active
        assert alive(after) == dict.fromkeys(after, False)
        assert alive(wallet(get_user_model().objects.get(username=ANN))) == dict.fromkeys(after, True)


def test_nothing_comes_back_that_the_host_had_shut_before(somebody: Somebody) -> None:
    """Unticking ``is_active`` leaves sessions and tokens where they are (they work again once it is ticked)."""
    with with_setting(ADAPTERS={"User": SUSPENDING}):
        held = issued_to(somebody)
        somebody.shut_by_the_host()
        ON(somebody)

        assert somebody.account.is_active
        assert alive(held) == dict.fromkeys(held, False)


@pytest.mark.parametrize("adapter", [SUSPENDING, SOFT])
def test_do_nothing_ends_nothing(somebody: Somebody, adapter: str) -> None:
    with with_setting(ADAPTERS={"User": adapter}):
        ScimConnection.objects.update(on_deactivate="nothing", on_delete="nothing")
        held = issued_to(somebody)
        for step in (OFF, ON, OFF, Somebody.delete, Somebody.post):
            step(somebody)
        assert alive(held) == dict.fromkeys(held, True)


def test_inactive_person_who_is_protected_or_under_do_nothing_keeps_tokens(somebody: Somebody) -> None:
    with with_setting(ADAPTERS={"User": SUSPENDING}):
        user = somebody.account
        held = {name: use for name, use in wallet(user).items() if name == "OAuth access token"}
        somebody.shut_by_the_host()
        get_user_model().objects.filter(pk=user.pk).update(is_superuser=True)
        somebody.patch(path="title", value="Boss")
        assert alive(held) == {"OAuth access token": True}

        get_user_model().objects.filter(pk=user.pk).update(is_superuser=False)
        ScimConnection.objects.update(on_deactivate="nothing")
        somebody.patch(path="title", value="Chef")
        assert alive(held) == {"OAuth access token": True}

        ScimConnection.objects.update(on_deactivate="suspend")
        somebody.patch(path="title", value="Head")
        assert alive(held) == {"OAuth access token": False}
        assert "OAuth tokens" in ScimEvent.objects.order_by("pk").last().detail


def test_host_that_keeps_passwords_keeps_what_hangs_on_them_and_loses_the_rest(somebody: Somebody) -> None:
    with with_setting(ADAPTERS={"User": KEEPING}):
        user = somebody.account
        user.set_password("secret")
        user.save()
        held = issued_to(somebody)
        OFF(somebody)
        ON(somebody)

        assert somebody.account.check_password("secret")
        kept = {name for name, works in alive(held).items() if works}
        untracked = {name for name in held if name.startswith("session on ")}
        assert kept == untracked | {"password reset link", "JWT for access"}


def test_event_and_signal_tell_what_ended(
    somebody: Somebody, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with with_setting(ADAPTERS={"User": SUSPENDING}):
        wallet(somebody.account)
        with listening(signals.credentials_ended) as heard, django_capture_on_commit_callbacks(execute=True):
            OFF(somebody)

    ended = {
        "sessions": 1,
        "password reset links": None,
        "API tokens": 1,
        "Knox tokens": 1,
        "OAuth tokens": 13,
        "JWT refresh tokens": 2,
        "OpenID Connect tokens": 1,
    }
    ((_, told),) = heard
    assert (told["ended"], told["user"], str(told["scim_user"].scim_id)) == (ended, somebody.account, somebody.id)
    assert ScimEvent.objects.get(action="modify").detail == (
        "Deactivated. Ended: sessions (1), password reset links, API tokens (1), Knox tokens (1), OAuth tokens (13), "
        "JWT refresh tokens (2), OpenID Connect tokens (1)."
    )


def test_somebody_else_keeps_everything(scim: ScimClient, somebody: Somebody) -> None:
    other = Somebody(scim, scim.create("bob@example.com")["id"])
    held = issued_to(other)
    issued_to(somebody)
    somebody.delete()

    assert alive(held) == dict.fromkeys(held, True)


def test_json_web_tokens_end_without_a_list_of_them(somebody: Somebody) -> None:
    """What ``CHECK_REVOKE_TOKEN`` is good for: a site without the blacklist app."""
    refresh = RefreshToken.for_user(somebody.account)
    OFF(somebody)
    ON(somebody)
    BlacklistedToken.objects.all().delete()

    answer = Client().post("/jwt/refresh", {"refresh": str(refresh)}, content_type="application/json")
    assert answer.status_code == 200
    assert not bearer("/jwt", f"Bearer {answer.json()['access']}")()


def test_library_without_one_of_the_models_is_no_obstacle(somebody: Somebody) -> None:
    with override_settings(OAUTH2_PROVIDER_DEVICE_GRANT_MODEL="oauth2_provider.NotYet"):
        OFF(somebody)

    assert somebody.scim.get(somebody.path).json()["active"] is False


def test_wiring_that_keeps_tokens_alive_is_reported() -> None:
    with with_setting(ADAPTERS={"User": KEEPING}), override_settings(SIMPLE_JWT={}):
        messages = run_checks(tags=["scim_provider"])
    assert sorted(str(message.id) for message in messages) == ["scim_provider.W036", "scim_provider.W037"]
