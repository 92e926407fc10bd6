"""Two administrators, or one impatient one, at the same moment: the database is the judge."""

from __future__ import annotations

import pytest

from admin.browser import PASSWORD, Browser, hidden, superuser, tokens_in, url
from api.fixtures import threads
from api.helpers import apart, together
from django_scim_provider.models import ScimConnection, ScimToken
from factories import ConnectionFactory

__all__ = ["threads"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("threads")]


def press(browser: Browser, address: str, data: dict[str, str], times: int = 4) -> list[tuple[int, int]]:
    """Send a form several times at once; the status and the number of tokens shown, of each answer."""

    def send() -> tuple[int, int]:
        response = browser.client.__class__()
        response.cookies = browser.client.cookies
        answer = response.post(address, data)
        return answer.status_code, len(tokens_in(answer))

    return sorted(together([send] * times))


def test_a_double_click_on_enable_makes_one_connection_and_shows_one_token() -> None:
    def prepare() -> tuple[Browser, dict[str, str]]:
        browser = superuser()
        return browser, browser.enable_form()

    browser, data = apart(prepare)
    assert press(browser, url("add"), data) == [(200, 1), (409, 0), (409, 0), (409, 0)]
    assert apart(lambda: (ScimConnection.objects.count(), ScimToken.objects.count())) == (1, 1)


def test_a_double_click_on_issue_shows_one_token() -> None:
    def prepare() -> tuple[Browser, str, dict[str, str]]:
        browser, connection = superuser(), ConnectionFactory()
        address = url("issue", connection.pk)
        data = {"request_id": hidden(browser.get(address), "request_id"), "password": PASSWORD}
        data |= {"days": "30", "scopes": "write"}
        return browser, address, data

    browser, address, data = apart(prepare)
    assert press(browser, address, data) == [(200, 1), (409, 0), (409, 0), (409, 0)]
    assert apart(ScimToken.objects.count) == 1
