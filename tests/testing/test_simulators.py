"""Each provider lives its life against the app, in short; tests/reliability has the long form."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from conftest import person
from django_scim_provider.models import ScimGroup, ScimMembership, ScimUser
from django_scim_provider.protocol import urns
from django_scim_provider.testing import SIMULATORS, Entra, Flaky, Google, InProcess, JumpCloud, Okta, OneLogin
from django_scim_provider.testing.directory import Group, Person, State
from django_scim_provider.testing.provider import DAY
from django_scim_provider.testing.transports import Answer
from testing_shapes import compare
from testing_support import Meddler, answered

pytestmark = pytest.mark.django_db

EVERYBODY = [(provider, variant) for provider in SIMULATORS.values() for variant in provider.variants]


@pytest.mark.parametrize(
    ("provider", "variant", "every"),
    [(provider, variant, 10 * provider.variants.index(variant)) for provider, variant in EVERYBODY],
)
def test_no_complaint_and_the_same_state_in_the_end(
    transport: InProcess, provider: Any, variant: str, every: int
) -> None:
    """With the second variant, every tenth answer is lost after the server has done its work. What is sent looks like
    the recordings of what the originals send."""
    wire = Meddler(transport)
    sending = Flaky(wire, every) if every else wire
    idp = provider(sending, users=10, groups=3, days=3, seed=2, variant=variant)

    report = idp.run()

    assert report.ok, report.render()
    assert report.requests == sum(report.statuses.values()) >= 20
    assert bool(report.statuses[0]) is bool(every)
    compare(idp.name, variant, wire.sent)
    people = idp.directory.people.values()
    active = {person.user_name for person in people if person.is_active}
    assert set(get_user_model().objects.filter(is_active=True).values_list("username", flat=True)) == active
    if provider is Google:
        assert not ScimGroup.objects.exists()
    elif provider is not OneLogin:
        names = {group.name for group in idp.directory.groups.values() if not group.is_deleted}
        assert set(ScimGroup.objects.values_list("display_name", flat=True)) == names


def test_the_same_seed_sends_the_same_requests(transport: InProcess) -> None:
    lives = [Okta(Meddler(transport), users=4, groups=1, days=2, seed=seed).directory.life for seed in (3, 3, 4)]
    assert lives[0] == lives[1] != lives[2]


def test_progress_is_told_to_the_end(transport: InProcess) -> None:
    told: list[tuple[int, int]] = []
    Google(transport, users=3, days=1).run(lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_variant_is_refused(transport: InProcess) -> None:
    with pytest.raises(ValueError, match="Okta has no variant “scim1”: aiw, oin"):
        Okta(transport, variant="scim1")


def test_differences_are_seen(transport: InProcess) -> None:
    class Late(Okta):
        def settle(self) -> None:
            def send(method: str, target: str, body: Any = None) -> None:
                answer = self.transport.send(method, target, headers=self.headers(method), body=body)
                assert answer.status < 300, answer.text

            def patch(target: str, **value: Any) -> None:
                send("PATCH", target, {"schemas": [urns.PATCH_OP], "Operations": [{"op": "replace", "value": value}]})

            first, second, _ = ScimUser.objects.order_by("pk")
            patch(f"/Users/{first.scim_id}", name={"givenName": "Mallory"})
            send("DELETE", f"/Users/{second.scim_id}")
            send("POST", "/Users", person("eve@example.com"))
            gone, *others = self.group_links.values()
            send("DELETE", f"/Groups/{gone}")
            for number, link in enumerate(others):
                patch(f"/Groups/{link}", displayName=f"Other {number}", members=[])
            somebody = next(iter(self.directory.people.values()))
            self.directory.apply(replace(somebody, key="x", user_name="late@x"))
            self.directory.apply(Group("y", "Late group"))

    report = Late(transport, users=3, groups=3, days=1).run()

    assert not report.complaints
    found = "\n".join(report.differences)
    assert "late@x is not there." in found
    assert "Late group is not there." in found
    assert "name.givenName is 'Mallory', not " in found
    assert "eve@example.com is there, and should not be." in found
    assert " is called Other 0." in found
    assert " has 0 members too many and lacks 1." in found
    assert len([line for line in report.differences if line.endswith(" is not there.")]) == 4


# What each of them does ------------------------------------------------------------------------------------------


def life(*changes: Any) -> list[list[Any]]:
    return [[change] for change in changes]


@pytest.fixture
def ann() -> Person:
    return Person(
        "k1", "ann@example.com", "Ann", "Berg", "Ann Berg", "Lead", "Sales", "17", "+49 30 1", "de-DE", password=""
    )


def methods(wire: Meddler) -> list[str]:
    return [f"{sent.method} {sent.target.partition('?')[0].split('/')[1]}" for sent in wire.sent]


def test_okta_never_deletes_and_entra_waits_30_days(transport: InProcess, ann: Person) -> None:
    for provider, deletes in ((Okta, 0), (Entra, 1)):
        wire = Meddler(transport)
        idp = provider(wire, users=0, groups=0, days=0)
        idp.directory.life = [[ann], [replace(ann, state=State.DELETED)], *([[]] * 29)]
        assert idp.run().ok
        assert methods(wire).count("DELETE Users") == 0
        assert not get_user_model().objects.get(username=ann.user_name).is_active

        idp.directory.life = [*idp.directory.life, [], [], []]
        wire.sent.clear()
        if provider is Entra:
            for day in (30, 31):
                idp.clock = day * DAY
                idp.begin_day(0)
                idp.end_day(day)
        assert methods(wire).count("DELETE Users") == deletes


def test_entra_deletes_at_once_who_is_purged(transport: InProcess, ann: Person) -> None:
    wire = Meddler(transport)
    idp = Entra(wire, users=0, groups=0, days=0)
    never = replace(ann, key="k2", user_name="never@example.com", state=State.PURGED)
    idp.directory.life = life(ann, replace(ann, state=State.DELETED), replace(ann, state=State.PURGED), never)
    assert idp.run().ok
    assert methods(wire).count("DELETE Users") == 1
    assert not ScimUser.objects.filter(alive=True).exists()


@pytest.mark.parametrize("variant", Entra.variants)
def test_entra_empties_a_group_and_is_content_that_it_is_gone_already(
    transport: InProcess, ann: Person, variant: str
) -> None:
    wire = Meddler(transport)
    idp = Entra(wire, users=0, groups=0, days=0, variant=variant)
    idp.directory.life = life(ann, Group("g1", "Crew", frozenset({"k1"})), Group("g1", "Crew"))
    assert idp.run().ok
    assert not ScimMembership.objects.exists()
    transport.send("DELETE", f"/Groups/{idp.group_links['g1']}", headers={"Accept": "*/*"})
    idp.directory.life = life(Group("g1", "Crew", is_deleted=True))
    assert idp.run().ok
    assert "DELETE Groups" in methods(wire)
    assert idp.report.statuses[404] == 1


def test_google_deletes_a_day_later_and_does_not_deactivate_before(transport: InProcess, ann: Person) -> None:
    wire = Meddler(transport)
    idp = Google(wire, users=0, days=0)
    never = replace(ann, key="k2", user_name="never@example.com", state=State.DELETED)
    idp.directory.life = life(ann, replace(ann, state=State.DELETED), never)
    assert idp.run().ok
    assert methods(wire)[-1] == "DELETE Users"
    assert "PATCH Users" not in methods(wire)


def test_people_who_are_there_are_matched_and_pushed(transport: InProcess, ann: Person) -> None:
    for number, (provider, variant) in enumerate(EVERYBODY):
        known = replace(ann, key=f"k{number}", title=f"T{number}")
        idp = provider(transport, users=0, groups=0, days=0, variant=variant)
        idp.directory.life = [[known]]
        report = idp.run()
        assert report.ok, report.render()
        assert ScimUser.objects.filter(alive=True).count() == 1


def test_whoever_vanished_from_the_server_is_made_again(transport: InProcess, ann: Person) -> None:
    """Entra asks first, and Okta looks up at reactivation."""
    for provider in (Entra, Okta):
        idp = provider(transport, users=0, groups=0, days=0)
        idp.directory.life = [[ann], [replace(ann, state=State.SUSPENDED)]]
        assert idp.run().ok
        transport.send("DELETE", f"/Users/{idp.links[ann.key]}", headers={"Accept": "*/*"})
        idp.directory.life = [[replace(ann, title="Boss")]]
        assert idp.run().ok
        assert get_user_model().objects.get(username=ann.user_name).is_active
        transport.send("DELETE", f"/Users/{idp.links[ann.key]}", headers={"Accept": "*/*"})


def test_onelogin_reads_entitlements_page_after_page(transport: InProcess) -> None:
    def by_one(method: str, target: str, answer: Answer) -> Answer:
        if not target.startswith("/Groups") or method != "GET":
            return answer
        page = answer.json["Resources"][:1]
        return answered(200, {**answer.json, "Resources": page, "itemsPerPage": len(page)})

    first = OneLogin(transport, users=2, groups=3, days=1)
    assert first.run().ok
    again = OneLogin(Meddler(transport, by_one), users=2, groups=3, days=1)
    assert again.run().ok
    assert again.names == first.names


def test_jumpcloud_leaves_nothing_of_its_test_behind(transport: InProcess) -> None:
    idp = JumpCloud(transport, users=0, groups=1, days=1)
    idp.directory.life = [[]]
    assert idp.run().ok
    assert not ScimUser.objects.filter(alive=True).exists()
    assert not ScimGroup.objects.exists()
