"""A real browser in front of a real server; without Playwright or Chromium these tests are skipped, and say so."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest
from django.contrib.auth import get_user_model
from django.utils import translation

T = TypeVar("T")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PASSWORD = "correct horse battery staple"
WIDE, NARROW = (1280, 900), (390, 844)


@cache
def chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.browser)


class Tab:
    """One page of the browser.

    Playwright lives in a thread of its own: its event loop would forbid the ORM to the thread that runs the test.
    """

    def __init__(self, worker: ThreadPoolExecutor, browser: Any, base_url: str, **options: Any) -> None:
        self.worker = worker
        self.context = worker.submit(lambda: browser.new_context(base_url=base_url, **options)).result()
        self.page = worker.submit(self.context.new_page).result()

    def do(self, work: Callable[[Any], T]) -> T:
        """Run something with Playwright's page."""
        return self.worker.submit(work, self.page).result()

    def open(self, path: str) -> None:
        response = self.do(lambda page: page.goto(path))
        assert response.status == 200, path

    def back(self) -> None:
        """A page that no cache may keep is not there any more: Chromium says so instead of sending a form again."""

        def go(page: Any) -> None:
            before = page.url
            with suppress(Exception):
                page.go_back()
            page.wait_for_function(
                "before => document.readyState === 'complete' && location.href !== before", arg=before
            )

        self.do(go)

    def click(self, name: str, role: str = "button") -> None:
        """Something that leads to another page."""

        def go(page: Any) -> None:
            with page.expect_navigation():
                page.get_by_role(role, name=name, exact=True).first.click()

        self.do(go)

    def follow(self, name: str) -> None:
        self.click(name, "link")

    def fill(self, label: str, value: str) -> None:
        self.do(lambda page: page.locator("form").get_by_label(label).first.fill(value))

    def choose(self, label: str, value: str) -> None:
        self.do(lambda page: page.locator("form").get_by_label(label).first.select_option(label=value))

    def text(self) -> str:
        """What a person can read."""
        return str(self.do(lambda page: page.locator("body").inner_text()))

    def source(self) -> str:
        return str(self.do(lambda page: page.content()))

    def read(self, selector: str) -> str:
        return str(self.do(lambda page: page.locator(selector).first.inner_text()))

    def sign_in(self, user: Any) -> None:
        self.open("/admin/")
        self.fill("Username", user.get_username())
        self.fill("Password", PASSWORD)
        self.click("Log in")
        assert "Log out" in self.source()

    def close(self) -> None:
        self.worker.submit(self.context.close).result()


def _give_up(reason: str) -> NoReturn:
    """A skip, with its reason in the summary; a failure where the browser is what was asked for."""
    if os.environ.get("SCIM_BROWSER") == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def _worker() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser") as worker:
        yield worker


@pytest.fixture(scope="session")
def _browser(_worker: ThreadPoolExecutor) -> Iterator[Any]:
    path = chromium()
    if path is None:
        _give_up(f"no Chromium on PATH: none of {', '.join(NAMES)}")
    try:
        sync_api = importlib.import_module("playwright.sync_api")
    except ImportError:
        _give_up("no Playwright here: see the dependency group browser")
    manager = sync_api.sync_playwright()
    playwright = _worker.submit(manager.start).result()
    # Containers seldom let Chromium make its sandbox; it opens nothing here but our own pages.
    launch = lambda: playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])  # noqa: E731
    browser = _worker.submit(launch).result()
    yield browser
    _worker.submit(browser.close).result()
    _worker.submit(playwright.stop).result()


@pytest.fixture
def new_tab(_worker: ThreadPoolExecutor, _browser: Any, live_server: Any) -> Iterator[Callable[..., Tab]]:
    """Opens pages on the server of the test: ``new_tab(color_scheme="dark")``."""
    tabs: list[Tab] = []

    def make(*, size: tuple[int, int] = WIDE, **options: Any) -> Tab:
        viewport = {"width": size[0], "height": size[1]}
        tab = Tab(_worker, _browser, live_server.url, viewport=viewport, locale="en-US", **options)
        tabs.append(tab)
        return tab

    yield make
    for tab in tabs:
        tab.close()


@pytest.fixture
def administrator(transactional_db: None) -> Any:
    with translation.override("en"):
        return get_user_model().objects.create_superuser("avery", "avery@example.com", PASSWORD)
