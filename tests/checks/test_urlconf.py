from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy

from checks.wiring import Wire, ids
from django_scim_provider.checks.urlconf import check_urlconf

Route = Callable[..., None]
SCIM = include("django_scim_provider.urls")


def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    raise NotImplementedError


@pytest.fixture
def route(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Route:
    """Makes a URLconf of patterns the project's."""

    def route(*patterns: Any) -> None:
        module = ModuleType("urls_under_test")
        module.urlpatterns = list(patterns)
        monkeypatch.setitem(sys.modules, "urls_under_test", module)
        settings.ROOT_URLCONF = "urls_under_test"

    return route


@pytest.mark.parametrize(
    "patterns",
    [
        [path("scim/v2/", SCIM)],
        [path("", view), path("api/", include([path("scim/", SCIM), path("<slug:name>/", view)]))],
        [path("", include([path("", include([path("scim/v2/", SCIM)]))]))],
        [re_path(r"^scim/v2/", SCIM)],
        [re_path(r"^(?:scim|provisioning)/v2/", SCIM)],
        [path("scim/v2/", include("django_scim_provider.urls", namespace="provisioning"))],
        [path("scim/v2/", SCIM), re_path(r"", view)],
        [path(gettext_lazy("scim/v2/"), SCIM)],
        [*i18n_patterns(path("shop/", view)), path("scim/v2/", SCIM)],
    ],
)
def test_a_mount_that_requests_reach_is_right(route: Route, patterns: list[Any]) -> None:
    route(*patterns)
    assert ids(check_urlconf()) == []


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ([path("", view)], ["W070"]),
        ([], ["W070"]),
        (i18n_patterns(path("scim/v2/", SCIM)), ["E071"]),
        ([path("scim/v2/", SCIM), path("scim/", SCIM)], ["I072"]),
        ([path("<slug:tenant>/scim/v2/", SCIM)], ["E073"]),
        ([re_path(r"^(?P<tenant>\w+)/scim/v2/", SCIM)], ["E073"]),
        ([path("t/<int:tenant>/", include([path("scim/", SCIM)]))], ["E073"]),
        ([path("scim/v2", SCIM)], ["E074"]),
        ([path("", SCIM)], ["W075"]),
        ([re_path(r"^.*$", view), path("scim/v2/", SCIM)], ["E076"]),
        ([path("<path:anything>", view), path("scim/v2/", SCIM)], ["E076"]),
    ],
)
def test_a_mount_that_requests_do_not_reach_is_reported(route: Route, patterns: list[Any], expected: list[str]) -> None:
    route(*patterns)
    assert ids(check_urlconf()) == expected


def test_the_line_to_add_is_shown(route: Route) -> None:
    route()
    (message,) = check_urlconf()
    assert message.hint == (
        'Add to urlpatterns in urls_under_test: path("scim/v2/", include("django_scim_provider.urls")),'
    )


def test_a_project_without_urls_is_not_bothered(settings: Any) -> None:
    del settings.ROOT_URLCONF
    assert ids(check_urlconf()) == []


def test_a_urlconf_that_cannot_be_imported_does_not_raise(settings: Any) -> None:
    settings.ROOT_URLCONF = "nowhere.urls"
    assert ids(check_urlconf()) == ["E099"]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (None, []),
        (5, []),
        ("https://app.example.com/scim/v2", []),
        ("https://app.example.com/scim/v2/", []),
        ("https://gateway.example.com/acme/scim/v2", []),
        ("https://app.example.com", ["W077"]),
        ("https://app.example.com/scim/v2/Users", ["W077"]),
    ],
)
def test_a_base_url_that_is_not_the_mounts_is_reported(
    route: Route, wire: Wire, base: Any, expected: list[str]
) -> None:
    route(path("scim/v2/", SCIM))
    wire(BASE_URL=base)
    assert ids(check_urlconf()) == expected


def test_a_base_url_is_not_compared_with_what_is_not_known(route: Route, wire: Wire) -> None:
    wire(BASE_URL="https://app.example.com/elsewhere")
    route(re_path(r"^scim/v2/", SCIM))
    assert ids(check_urlconf()) == []
    route()
    assert ids(check_urlconf()) == ["W070"]
