"""The test of a connection: what each provider asks, through the mounted views, and nothing of it kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection as database
from django.db.models.signals import pre_save
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import override_settings
from django.utils import translation

from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.services.context import Context
from django_scim_provider.services.findings import Status
from django_scim_provider.services.in_process import Site
from django_scim_provider.services.rehearsal import Asked, rehearse
from factories import ConnectionFactory

pytestmark = pytest.mark.django_db
HERE = Site("testserver", is_secure=False)


def everything() -> dict[str, list[dict[str, Any]]]:
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in apps.get_models()}


def bad(found: list[Asked]) -> dict[str, tuple[str, ...]]:
    return {asked.step: asked.remarks for asked in found if asked.status is not Status.OK}


def play(site: Site = HERE, **options: Any) -> list[Asked]:
    return rehearse(Context(ConnectionFactory(**options)), site)


@pytest.mark.hosts
def test_what_every_provider_asks_works_and_nothing_stays() -> None:
    for provider in ScimConnection.Provider.values:
        context = Context(ConnectionFactory(provider=provider, enabled=False, on_create="ignore", tenant="acme"))
        before = everything()
        found = rehearse(context, HERE)
        assert bad(found) == {}, provider
        assert len(found) >= 9
        assert everything() == before
        assert not cache._cache if hasattr(cache, "_cache") else True


def test_each_provider_has_its_habits() -> None:
    asked = {provider: [one.request for one in play(provider=provider)] for provider in ("okta", "entra", "google")}
    assert asked["okta"][:2] == ["GET /Users?startIndex=1&count=2", "GET /Groups?startIndex=1&count=100"]
    assert asked["entra"][1].startswith('GET /Groups?excludedAttributes=members&filter=displayName eq "')
    assert not [one for one in asked["google"] if "/Groups" in one]
    assert [one.split(" ")[0] for one in asked["okta"] if one.startswith(("PUT", "DELETE /Users"))] == ["PUT"] * 5
    assert asked["entra"][-1].startswith("DELETE /Users/")


def test_the_list_of_allowed_addresses_and_proxies_do_not_stand_in_the_way(settings: Any) -> None:
    assert bad(play(ip_allowlist="203.0.113.0/24\n198.51.100.7")) == {}
    settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"TRUSTED_PROXIES": 2, "REQUIRE_HTTPS": True}
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert bad(play(Site("testserver", is_secure=True), ip_allowlist="2001:db8::/32")) == {}


def only(found: list[Asked]) -> str:
    """What is said of the one thing that failed."""
    failed = [asked for asked in found if asked.status is Status.FAILED]
    assert all(asked.request for asked in failed)
    (said,) = {" ".join(asked.remarks) for asked in failed}
    return said


def asking_for_a_login(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponseRedirect("/login/?next=/secret/")


def a_page(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    return lambda request: HttpResponse("<h1>Maintenance</h1>")


def old_answers(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    seen: dict[str, HttpResponse] = {}

    def middleware(request: HttpRequest) -> HttpResponse:
        address = request.get_full_path()
        return seen.setdefault(address, get_response(request)) if "userName" in address else get_response(request)

    return middleware


def without_the_header(get_response: Any) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        request.META.pop("HTTP_AUTHORIZATION")
        translation.activate("de")
        response: HttpResponse = get_response(request)
        return response

    return middleware


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MIDDLEWARE": [f"{__name__}.asking_for_a_login"]}, "a redirection to /login/: something in MIDDLEWARE"),
        ({"MIDDLEWARE": [f"{__name__}.a_page"]}, "answered with status 200: middleware of this site"),
        ({"MIDDLEWARE": [f"{__name__}.without_the_header"]}, "may have removed the Authorization header"),
        ({"MIDDLEWARE": [f"{__name__}.old_answers"]}, "The filter by userName does not find the person"),
        ({"SECURE_SSL_REDIRECT": True}, "plain HTTP on to https://testserver/scim/v2/Users"),
        ({"SCIM_PROVIDER": {"REQUIRE_HTTPS": True}}, "set SECURE_PROXY_SSL_HEADER"),
        ({"SCIM_PROVIDER": {"REQUIRE_HTTPS": False, "THROTTLE_RATE": "3/h"}}, "the limit is 3/h (THROTTLE_RATE)"),
        (
            {"SCIM_PROVIDER": {"REQUIRE_HTTPS": False, "IS_ALLOWED": f"{__name__}.unpaid"}},
            "SCIM answered with status 403: Unpaid.",
        ),
    ],
)
def test_what_is_wrong_around_scim_is_said_in_words(changes: dict[str, Any], said: str) -> None:
    with override_settings(**changes):
        found = play()
    assert said in only(found)
    assert "secret" not in repr(found)
    assert translation.get_language() == "en"


def unpaid(connection: ScimConnection) -> str:
    return "Unpaid."


def test_what_is_wrong_in_the_application_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> None:
        raise RuntimeError("mail server")

    def shout(instance: Any, **kwargs: Any) -> None:
        instance.last_name = instance.last_name.upper()

    def heard(receiver: Callable[..., None]) -> str:
        pre_save.connect(receiver, sender=get_user_model())
        try:
            return only(play())
        finally:
            pre_save.disconnect(receiver, sender=get_user_model())

    said = heard(fail)
    assert "failed with status 500" in said
    assert "scim_check" in said
    assert "“name.familyName” was sent as 'Alpha familyName' and is shown as 'ALPHA FAMILYNAME'" in heard(shout)
    monkeypatch.setattr(UserAdapter, "suspend", lambda *args: None)
    assert "“active”" in only(play())


@pytest.mark.parametrize("policy", ["suspend", "delete", "nothing", "hook"])
def test_it_runs_under_the_policies_of_the_connection(policy: str) -> None:
    assert bad(play(on_deactivate=policy, on_delete=policy, provider="generic")) == {}


def test_without_transactions_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything()
    with monkeypatch.context() as patched:
        patched.setattr(database.features, "supports_transactions", False)
        (found,) = play()
    assert found.status is Status.SKIPPED
    ScimConnection.objects.all().delete()
    assert everything() == before
