"""Canaries: a token, a password and personal data go through every request, failing ones too, and turn up nowhere else.

Tokens and passwords may be nowhere. Personal data has its place: the resource, what is kept for an undo, the account; and
Django's report of an error, which prints the local variables of the request that failed.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.core.signals import got_request_exception
from django.db import IntegrityError, OperationalError
from django.db import connection as database
from django.db.models.signals import post_save, pre_save
from django.utils.log import AdminEmailHandler
from django.views.debug import ExceptionReporter

from conftest import ScimClient, person
from django_scim_provider.models import ScimEvent
from django_scim_provider.protocol import urns

pytestmark = pytest.mark.django_db(transaction=True)

# Put together, since reports show the lines of this file as well.
PASSWORD = "-".join(("correct", "horse", "canary"))
PHONE = "-".join(("+1555", "0199", "canary"))
STREET = " ".join(("Nightingale", "Lane", "canary"))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, settings: Any) -> Iterator[list[str]]:
    """What an error tells: Django's page for DEBUG, the mail to the admins in text and in HTML, the log."""
    address = "admin@example.com"
    settings.ADMINS = [address if django.VERSION >= (6, 0) else ("Admin", address)]
    reports: list[str] = []
    handler = AdminEmailHandler(include_html=True)
    logger = logging.getLogger("django_scim_provider")

    def report(request: Any = None, **kwargs: Any) -> None:
        for is_html in (True, False):
            reporter = ExceptionReporter(request, *sys.exc_info())
            reports.append(reporter.get_traceback_html() if is_html else reporter.get_traceback_text())

    caplog.set_level(logging.DEBUG)
    logger.addHandler(handler)
    got_request_exception.connect(report)
    yield reports
    got_request_exception.disconnect(report)
    logger.removeHandler(handler)


def body(name: str) -> dict[str, Any]:
    return person(
        f"{name}@example.com",
        password=PASSWORD,
        phoneNumbers=[{"value": PHONE, "type": "work"}],
        addresses=[{"streetAddress": STREET, "type": "work"}],
    )


def requests(scim: ScimClient, scim_id: str) -> Iterator[Callable[[], Any]]:
    path, named = f"/Users/{scim_id}", {"password": PASSWORD, "addresses": [{"streetAddress": STREET}]}
    bulk = {"schemas": [urns.BULK_REQUEST], "Operations": [{"method": "POST", "path": "/Users", "bulkId": "b", "data": body("cy")}]}  # fmt: skip
    yield lambda: scim.post("/Users", body("bob"))
    yield lambda: scim.put(path, body("ann") | {"name": {"givenName": "A", "familyName": "B"}})
    yield lambda: scim.patch(path, {"op": "replace", "value": {**named, "name": {"givenName": "C"}}})
    yield lambda: scim.patch(path, {"op": "replace", "path": "active", "value": False})
    yield lambda: scim.post("/Bulk", bulk)
    yield lambda: scim.get("/Users", filter=f'phoneNumbers eq "{PHONE}" and addresses.streetAddress eq "{STREET}"')
    for text in (f'password eq "{PHONE}"', f'nonsense eq "{PHONE}" or'):
        yield lambda text=text: scim.post("/Users/.search", {"schemas": [urns.SEARCH_REQUEST], "filter": text})
    yield lambda: scim.post("/Users", b'{"password": "' + PASSWORD.encode() + b'", ')
    yield lambda: scim.delete(path)


class Broken(RuntimeError):
    """Of the host's code."""


def raising(error: Exception) -> Callable[..., None]:
    def fail(**kwargs: Any) -> None:
        raise error

    return fail


def of_the_database(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith(("INSERT", "UPDATE")):
        raise OperationalError("server closed the connection unexpectedly")
    return execute(sql, params, many, context)


def everywhere(reports: list[str], caplog: pytest.LogCaptureFixture) -> Iterator[tuple[str, str]]:
    yield "reports", "".join(reports)
    # A record of Django's has the request, whose repr shows the address with its query, as every access log does.
    yield "log", caplog.text + repr([vars(record) | {"request": None} for record in caplog.records])
    yield "mail", repr([message.message().as_string() for message in mail.outbox])
    yield "sessions", repr([session.get_decoded() for session in Session.objects.all()])
    yield "cache", repr(getattr(cache, "_cache", ""))
    yield "events", repr(list(ScimEvent.objects.values()))
    for model in apps.get_models():
        yield model._meta.label, repr(list(model._base_manager.values())) + repr(list(model._base_manager.all()))


PLACES = {
    "scim_provider.ScimUser",
    "scim_provider.ScimValue",
    "scim_provider.ScimRemoval",
    get_user_model()._meta.label,
}
"""Where personal data belongs."""


@pytest.mark.parametrize("fault", ["none", "receiver", "constraint", "database"])
def test_canaries_turn_up_nowhere(
    scim: ScimClient, told: list[str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], fault: str
) -> None:
    token = str(scim.django.defaults["HTTP_AUTHORIZATION"])
    secret = token.rpartition("_")[2]
    answers = [scim.create("ann@example.com", password=PASSWORD)]
    fail = raising(Broken("host") if fault == "receiver" else IntegrityError("NOT NULL constraint failed: x"))
    if fault in ("receiver", "constraint"):
        (post_save if fault == "receiver" else pre_save).connect(fail, sender=get_user_model())
    statuses = []
    try:
        for request in requests(scim, answers[0]["id"]):
            if fault == "database":
                with database.execute_wrapper(of_the_database):
                    response = request()
            else:
                response = request()
            statuses.append(response.status_code)
            answers.append(response.content)
    finally:
        post_save.disconnect(fail, sender=get_user_model())
        pre_save.disconnect(fail, sender=get_user_model())

    expected = {"none": 201, "receiver": 500, "constraint": 400, "database": 503}
    assert statuses[0] == expected[fault]
    assert bool(told) is (fault == "receiver")
    found = dict(everywhere(told, caplog))
    output = capfd.readouterr()
    found |= {"output": output.out + output.err, "answers": repr(answers)}
    for place, text in found.items():
        assert secret not in text, place
        assert PASSWORD not in text, place
        if place not in PLACES | {"answers", "reports", "mail"}:
            assert PHONE not in text, place
            assert STREET not in text, place
