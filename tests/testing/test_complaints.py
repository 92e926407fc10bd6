"""Against a server that is broken on purpose, each provider says what it is known to say, and does what it then does."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from django_scim_provider.models import ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.testing import Entra, Google, IdentityProvider, InProcess, JumpCloud, Okta, OneLogin
from django_scim_provider.testing.directory import Person, State
from django_scim_provider.testing.entra import _PATIENCE
from django_scim_provider.testing.provider import DAY
from django_scim_provider.testing.transports import Answer
from testing_support import Change, Meddler, answered, html, lost

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MONO = "Impossible to search on a mono valued attribute"


def error(status: int, detail: str = "", scim_type: str = "", **headers: str) -> Answer:
    body = {"schemas": [urns.ERROR], "status": str(status), "detail": detail, "scimType": scim_type}
    return answered(status, body, **headers)


def when(method: str, start: str, broken: Callable[[Answer], Answer]) -> Change:
    """Break the answers to some requests."""

    def change(asked: str, target: str, answer: Answer) -> Answer:
        return broken(answer) if asked == method and target.startswith(start) else answer

    return change


def always(answer: Answer) -> Callable[[Answer], Answer]:
    return lambda true: answer


def with_numbers_as_text(answer: Answer) -> Answer:
    return answer._replace(json={**answer.json, "startIndex": "1"})


def without(name: str) -> Callable[[Answer], Answer]:
    return lambda answer: answer._replace(json={key: answer.json[key] for key in answer.json.keys() - {name}})


def with_integer_id(answer: Answer) -> Answer:
    return answer._replace(json={**answer.json, "id": 17})


def as_json(answer: Answer) -> Answer:
    return answer._replace(headers={"content-type": "application/json"})


def lost_answer(answer: Answer) -> Answer:
    return lost()


def too_late(answer: Answer) -> Answer:
    return answer._replace(seconds=61)


def no_types(answer: Answer) -> Answer:
    schemas = [{**schema, "attributes": [{"name": "userName"}]} for schema in answer.json["Resources"]]
    return answer._replace(json={**answer.json, "Resources": schemas})


LOOK_UP = "/Users?filter=userName"
CASES: list[tuple[type[IdentityProvider], Change, str]] = [
    # What a list must be.
    (Okta, when("GET", "/Users", without("Resources")), "No results for users returned"),
    (Okta, when("GET", "/Users", always(html())), "No results for users returned"),
    (Okta, when("GET", "/Users", always(answered(200, []))), "No results for users returned"),
    (Okta, when("GET", "/Groups", always(answered(200))), "No results for users returned"),
    (Okta, when("GET", LOOK_UP, with_numbers_as_text), "Automatic provisioning of user .+ to app .+ failed: null"),
    (Okta, when("GET", LOOK_UP, always(html())), "Error authenticating: Invalid JSON"),
    (Okta, when("GET", LOOK_UP, always(html(302))), "Error while verifying if user .+ exists: Found"),
    # What a new resource must be.
    (Okta, when("POST", "/Users", always(answered(201))), "Error while creating user .+: Create new user returned empty"),
    (Okta, when("POST", "/Users", without("id")), "Automatic provisioning of user .+: Create new user returned empty user."),
    (Okta, when("POST", "/Users", always(html(200))), "Error authenticating: Invalid JSON"),
    (Okta, when("POST", "/Users", always(error(409, "taken"))), "Conflict. Errors reported by remote server: taken"),
    # The credential.
    (Okta, when("GET", "/Users", always(error(401, "no"))), "The credentials used to connect to the API were invalid"),
    (
        Okta,
        when("GET", LOOK_UP, always(error(401, "token expired"))),
        "Error while verifying if user .+ exists: Unauthorized. Errors reported by remote server: token expired",
    ),
    # No answer.
    (Okta, when("GET", "/Users", lost_answer), "Error authenticating: Connect timed out"),
    (Okta, when("GET", LOOK_UP, too_late), "Error authenticating: Connect timed out"),
    (Okta, when("GET", LOOK_UP, always(error(500, "oops"))), "Internal Server Error. Errors reported by .+: oops"),
    (Okta, when("GET", LOOK_UP, always(answered(599))), "exists: 599. "),
    (Okta, when("POST", "/Groups", always(error(409, "taken"))), "Unable to update Group Push mapping target App group .+ taken"),
    (
        Okta,
        when("GET", "/Users?startIndex", lambda a: answered(200, {**a.json, "totalResults": 9, "Resources": []})),
        "Matching user not found",
    ),
    (Entra, when("GET", "/Groups", always(error(404))), "SystemForCrossDomainIdentityManagementServiceIncompatible: "),
    (Entra, when("GET", "/Users", as_json), "SystemForCrossDomainIdentityManagementServiceIncompatible: "),
    (Entra, when("GET", "/Users", always(html())), "ServiceIncompatible: .+ Web Response: <html>Sign in</html>"),
    (Entra, when("POST", "/Users", without("id")), "SystemForCrossDomainIdentityManagementServiceIncompatible: "),
    (Entra, when("PATCH", "/Groups", always(error(400, MONO))), f"ServiceIncompatible: .+ Web Response: .+{MONO}"),
    (
        Entra,
        when("GET", LOOK_UP, always(error(400, "no filters", "invalidFilter"))),
        "SystemForCrossDomainIdentityManagementServiceIncompatibleFiltering: ",
    ),
    (Entra, when("POST", "/Users", always(error(409, "rule"))), "ServiceIncompatibleFiltering: .+rule"),
    (Entra, when("GET", "/Users", always(error(401))), "SystemForCrossDomainIdentityManagementCredentialValidationFailure"),
    (Entra, when("GET", "/Users", always(error(403))), "SystemForCrossDomainIdentityManagementCredentialValidationFailure"),
    (Entra, when("GET", "/Users", lost_answer), "CredentialValidationUnavailable: "),
    (Entra, when("POST", "/Users", always(error(500))), "InternalError: create "),
    (Entra, when("POST", "/Users", always(error(429))), "TooManyRequests: create "),
    (OneLogin, when("PATCH", "/Groups", always(error(405, 'Method "PATCH" not allowed.'))), 'failed: Method "PATCH" not allowed.'),
    (OneLogin, when("GET", "/Users", always(error(401, "bad token"))), "Enabling the API connection failed: bad token"),
    (OneLogin, when("GET", "/Users", without("Resources")), "Enabling the API connection failed: "),
    (OneLogin, when("PATCH", "/Groups", lost_answer), "no answer came"),
    (JumpCloud, when("POST", "/Users", with_integer_id), "Connection test failed: type mismatch on id"),
    (JumpCloud, when("GET", "/Users", always(html(404))), "Connection test failed: .+trailing /"),
    (JumpCloud, when("POST", "/Groups", always(error(501))), "Connection test failed: Not Implemented"),
    (JumpCloud, when("DELETE", "/Groups", always(error(405))), "Connection test failed: Method Not Allowed"),
    (JumpCloud, when("GET", "/Users", always(answered(200, {"Resources": ["x"]}))), "Connection test failed: .+no id"),
    (Google, when("GET", "/Schemas", no_types), "Provisioning activation failed: the schemas do not say"),
    (Google, when("GET", "/Users", always(error(401, "bad token"))), "Provisioning activation failed: Unauthorized. bad token"),
    (Google, when("POST", "/Users", always(error(400, "no"))), "Provisioning failed for .+: create, Bad Request. no"),
]  # fmt: skip


@pytest.mark.parametrize(("provider", "change", "words"), CASES)
def test_each_provider_complains_in_its_own_words(
    transport: InProcess, provider: type[IdentityProvider], change: Change, words: str
) -> None:
    report = provider(Meddler(transport, change), users=2, groups=2, days=1, seed=3).run()

    assert not report.ok
    found = "\n".join(report.complaints)
    assert re.search(words, found), found


@pytest.mark.parametrize(
    ("provider", "change"),
    [
        (Okta, when("GET", LOOK_UP, lambda answer: answer if answer.json["totalResults"] else error(404))),
        (Okta, when("GET", "/Users", as_json)),
        (OneLogin, when("GET", LOOK_UP, lambda answer: answer if answer.json["totalResults"] else error(404))),
        (OneLogin, when("GET", "/Users", as_json)),
        (Entra, when("GET", "/Users", with_numbers_as_text)),
        (Entra, when("PATCH", "/Users", always(answered(204)))),
        (JumpCloud, when("DELETE", "/Users", always(answered(200)))),
        (Google, when("GET", "/Users", as_json)),
    ],
)
def test_what_a_provider_overlooks_is_no_complaint(
    transport: InProcess, provider: type[IdentityProvider], change: Change
) -> None:
    report = provider(Meddler(transport, change), users=2, groups=1, days=1, seed=3).run()
    assert report.ok, report.render()


def test_nothing_is_sent_after_a_test_of_the_connection_that_fails(transport: InProcess) -> None:
    wire = Meddler(transport, when("GET", "/Users", without("Resources")))
    report = Okta(wire, users=2, days=1).run()
    assert [sent.method for sent in wire.sent] == ["GET"]
    assert report.differences == []


def test_okta_creates_nobody_after_a_look_up_with_text_for_numbers(transport: InProcess) -> None:
    wire = Meddler(transport, when("GET", LOOK_UP, with_numbers_as_text))
    report = Okta(wire, users=2, groups=0, days=1).run()
    assert "POST" not in {sent.method for sent in wire.sent}
    assert len(report.differences) == 2


def test_jumpcloud_refuses_a_test_user_who_is_there(transport: InProcess) -> None:
    idp = JumpCloud(transport, users=0, groups=0, days=1)
    body = {"schemas": [urns.USER], "userName": f"jumpcloud.test@{idp.directory.domain}"}
    assert transport.send("POST", "/Users", headers=idp.headers("POST"), body=body).status == 201
    report = idp.run()
    assert "Connection test failed: the test user's e-mail is in use" in report.complaints[0]
    assert ScimUser.objects.filter(alive=True).count() == 1


def test_jumpcloud_names_the_event_that_failed(transport: InProcess) -> None:
    number = itertools.count()
    refuse = when("POST", "/Users", lambda answer: error(400, "no") if next(number) else answer)
    report = JumpCloud(Meddler(transport, refuse), users=1, groups=0, days=1, seed=4).run()
    assert re.match("user_create_provision of .+ failed: Bad Request. no ", report.complaints[0])


def test_jumpcloud_takes_the_test_user_of_a_lost_answer_for_its_own(transport: InProcess) -> None:
    number = itertools.count()
    lose = when("POST", "/Users", lambda answer: answer if next(number) else lost())
    assert JumpCloud(Meddler(transport, lose), users=1, groups=0, days=1).run().ok


# Patience --------------------------------------------------------------------------------------------------------


def throttled(times: int, retry_after: str | None) -> Change:
    """The first so many creations are refused."""
    left = itertools.count(times, -1)
    headers = {} if retry_after is None else {"Retry_After": retry_after}

    def refuse(answer: Answer) -> Answer:
        return error(429, **{name.lower(): value for name, value in headers.items()}) if next(left) > 0 else answer

    return when("GET", LOOK_UP, refuse)


@pytest.mark.parametrize(
    ("provider", "retry_after", "paused"),
    [
        (Okta, "7", [7, 7, 7]),
        (Okta, None, [300, 600, 1200]),
        (Okta, "Wed, 21 Oct 2026 07:28:00 GMT", [300, 600, 1200]),
        (Google, "7", [7, 7, 7]),
        (Google, None, [60, 120, 180]),
    ],
)
def test_429_makes_a_provider_wait_in_simulated_time(
    transport: InProcess, provider: type[IdentityProvider], retry_after: str | None, paused: list[int]
) -> None:
    wire = Meddler(transport, throttled(3, retry_after))
    idp = provider(wire, users=1, groups=0, days=1)
    report = idp.run()
    assert report.ok, report.render()
    assert wire.paused == paused
    assert idp.clock >= sum(paused)
    assert report.statuses[429] == 3


def test_okta_gives_up_after_ten_times_429(transport: InProcess) -> None:
    wire = Meddler(transport, throttled(99, "1"))
    report = Okta(wire, users=1, groups=0, days=1).run()
    assert report.statuses[429] == 10
    assert "Too Many Requests" in report.complaints[0]


def test_okta_gives_up_after_ten_answers_that_do_not_come(transport: InProcess) -> None:
    report = Okta(Meddler(transport, when("POST", "/Users", lost_answer)), users=1, groups=0, days=1).run()
    # The second attempt finds what the first one made.
    assert report.ok, report.render()
    report = Okta(Meddler(transport, when("GET", LOOK_UP, lost_answer)), users=1, groups=0, days=1, seed=2).run()
    assert report.statuses[0] == 10
    assert report.complaints == [
        "Error authenticating: Connect timed out [reset by peer: no answer came]",
    ]


@pytest.fixture
def ann() -> Person:
    return Person("k1", "ann@example.com", "Ann", "Berg", "Ann Berg", "Lead", "Sales", "17", "+49 30 1", "de-DE")


def test_okta_misses_somebody_who_vanished(transport: InProcess, ann: Person) -> None:
    idp = Okta(transport, users=0, groups=0, days=0)
    idp.directory.life = [[ann]]
    assert idp.run().ok
    transport.send("DELETE", f"/Users/{idp.links['k1']}", headers=idp.headers("DELETE"))
    idp.directory.life = [[replace(ann, title="Boss")], [], []]
    assert idp.run().complaints[0].startswith("Matching user not found [GET /Users/")


def test_entra_tries_again_what_failed(transport: InProcess) -> None:
    left = itertools.count(2, -1)
    broken = when("POST", "/Users", lambda answer: error(500) if next(left) > 0 else answer)

    class Refuses(Meddler):
        """A server that fails before it has done anything."""

        def send(self, method: str, target: str, **options: Any) -> Answer:
            if method == "POST" and target.startswith("/Users"):
                failed = broken(method, target, answered(200))
                if failed.status == 500:
                    return failed
            return super().send(method, target, **options)

    idp = Entra(Refuses(transport), users=2, groups=2, days=1)
    report = idp.run()
    assert report.differences == []
    assert [text[:21] for text in report.complaints] == ["InternalError: create"] * 2
    assert idp.clock > 6 * 3600
    assert idp.escrow == {}


def test_entra_gives_up_on_a_job_after_four_weeks(transport: InProcess) -> None:
    # What looks for a person, and not for the nobody of the test that goes before each cycle.
    def fail(method: str, target: str, answer: Answer) -> Answer:
        return error(500) if "%40" in target else answer

    idp = Entra(Meddler(transport, fail), users=1, groups=0, days=1)
    report = idp.run()
    assert len(report.differences) == 1
    assert _PATIENCE < idp.clock < _PATIENCE + 3 * DAY
    assert 28 <= report.statuses[500] <= 31


def test_entra_is_in_quarantine_while_the_credential_is_refused(transport: InProcess, ann: Person) -> None:
    number = itertools.count()
    refuse = when("GET", "/Users", lambda answer: error(401, "revoked") if next(number) else answer)
    idp = Entra(Meddler(transport, refuse), users=0, groups=0, days=0)
    idp.directory.life = [[ann], [replace(ann, title="Boss")]]
    report = idp.run()
    assert "CredentialValidationFailure" in report.complaints[0]
    assert report.complaints[-1] == "Provisioning was in quarantine for four weeks and is disabled."
    # Once a day, after the test of the connection that the administrator makes.
    assert 28 <= report.statuses[401] <= 32
    assert idp.is_disabled
    idp.cycle()
    assert report.statuses[401] == sum(report.statuses.values()) - 1


def test_entra_is_in_quarantine_while_the_service_does_not_answer(transport: InProcess, ann: Person) -> None:
    number = itertools.count()
    lose = when("GET", "/Users", lambda answer: lost() if next(number) else answer)
    idp = Entra(Meddler(transport, lose), users=0, groups=0, days=0)
    idp.directory.life = [[ann]]
    report = idp.run()
    assert report.complaints[0].startswith("SystemForCrossDomainIdentityManagementCredentialValidationUnavailable")
    assert idp.is_disabled


def test_entra_goes_on_after_a_cycle_that_was_lost(transport: InProcess, ann: Person) -> None:
    number = itertools.count()
    lose = when("GET", "/Users", lambda answer: lost() if next(number) in (1, 2, 4, 5) else answer)
    idp = Entra(Meddler(transport, lose), users=0, groups=0, days=0)
    idp.directory.life = [[ann]]
    report = idp.run()
    assert report.ok, report.render()
    assert report.statuses[0] == 4


class Small(Entra):
    """Whose quarantine needs no thousands of failures."""

    escrow_minimum = 3


def test_entra_is_in_quarantine_when_too_much_fails(transport: InProcess) -> None:
    report = Small(
        Meddler(transport, when("POST", "/Users", always(error(400, "no")))), users=4, groups=0, days=1
    ).run()
    assert (
        "EncounteredEscrowProportionThreshold: 4 of 4 jobs failed, so provisioning is in quarantine."
        in report.complaints
    )


def test_whoever_left_before_the_profile_was_pushed_is_deactivated(transport: InProcess, ann: Person) -> None:
    """The look-up found somebody, the PUT failed: the provider knows the id all the same."""
    known = {"schemas": [urns.USER], "userName": ann.user_name, "active": True}
    idp = Okta(transport, users=0, groups=0, days=0)
    transport.send("POST", "/Users", headers=idp.headers("POST"), body=known)
    fails = itertools.count()
    idp.transport = Meddler(transport, when("PUT", "/Users", lambda a: error(500) if next(fails) == 0 else a))
    idp.directory.life = [[ann], [replace(ann, state=State.SUSPENDED)]]
    report = idp.run()
    assert len(report.complaints) == 1
    assert ScimUser.objects.get().user.is_active is False
