"""Conformance as somebody else reads the RFCs: scim2-tester over a socket."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server, filling

from django_scim_provider.models import ScimConnection, ScimGroup, ScimUser
from hosts.inventory.models import Device
from hosts.inventory.scim import DeviceAdapter

FAILURES = (Status.ERROR, Status.CRITICAL, Status.DEVIATION)
HOST_OWNED = {"email_user.Person": ("'emails'",)}
"""By user model, what the host shows by itself where the client sent none: there the address is the login."""


def _told(results: list[CheckResult], *statuses: Status) -> list[tuple[str | None, str | None]]:
    return [(result.title, result.reason) for result in results if result.status in statuses]


class Dice:
    """Stands in for ``random`` in the tester, whose people would else be active in every other run."""

    randint = staticmethod(random.randint)

    def __init__(self, boolean: bool) -> None:
        self.boolean = boolean

    def choice(self, options: Any) -> Any:
        return self.boolean if options == [True, False] else random.choice(options)


@pytest.mark.hosts
@pytest.mark.parametrize("active", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_scim2_tester_finds_no_error(remote: SyncSCIMClient, active: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # An Okta connection lists the roles as well, which nobody may write.
    ScimConnection.objects.update(provider="generic")
    monkeypatch.setattr(filling, "random", Dice(active))
    results = check_server(remote)

    counted = Counter(result.status.name for result in results)
    print("\nscim2-tester:", dict(sorted(counted.items())))  # noqa: T201
    print(*_told(results, Status.SKIPPED, Status.ACCEPTABLE, *FAILURES), sep="\n")  # noqa: T201
    owned = HOST_OWNED.get(settings.AUTH_USER_MODEL, ())
    failed = _told(results, *FAILURES)
    assert not [(title, reason) for title, reason in failed if not any(name in str(reason) for name in owned)]
    assert not _told(results, Status.SKIPPED)
    # Nothing failed because nothing was tried: it has written people of every kind, and cleaned up after itself.
    assert counted["SUCCESS"] > 100
    assert {"User", "Group"} == {result.resource_type for result in results if result.resource_type}
    assert ScimUser.objects.filter(alive=None).count() > 20
    assert not ScimUser.objects.filter(alive=True).exists()
    assert not ScimGroup.objects.exists()


UNTRIED = {
    # It makes plain texts for these types, which its own models then refuse.
    *("price", "size.width", "boughtAt", "fingerprint"),
    # It does not know that one column has one address, of one type.
    "emails",
}
HAS_A_DEFAULT = ("'active'", "'loan'")
"""What no PATCH can take away: a boolean column that is NOT NULL."""


class Tried(DeviceAdapter):
    attributes = {key: column for key, column in DeviceAdapter.attributes.items() if key not in UNTRIED}


@pytest.mark.skipif(not apps.is_installed("hosts.inventory"), reason="for the host that has more than people")
def test_a_resource_type_of_the_hosts_own_is_no_exception(remote: SyncSCIMClient, settings: Any) -> None:
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "ADAPTERS": {"Device": f"{__name__}.Tried"}}
    ScimConnection.objects.update(provider="generic")
    results = check_server(remote, resource_types=["Device"])
    print(*_told(results, Status.SKIPPED, Status.ACCEPTABLE, *FAILURES), sep="\n")  # noqa: T201
    failed = _told(results, *FAILURES)
    assert not [(title, reason) for title, reason in failed if not str(reason).endswith(HAS_A_DEFAULT)]
    assert len([result for result in results if result.status == Status.SUCCESS]) > 40
    assert not Device.objects.exists()
