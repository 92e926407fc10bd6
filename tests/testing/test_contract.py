"""Broken adapters, and a project that does odd things around them: the contract sees each, and says what to change."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.db.models.functions import Reverse
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest, HttpResponse

from django_scim_provider.adapters import Attr, GroupRoles, Not, UserAdapter
from django_scim_provider.models import ScimConnection
from django_scim_provider.testing import contract
from hosts.inventory.scim import DeviceAdapter

pytestmark = pytest.mark.django_db


class Site(contract.AdapterContract):
    """Run here, not by pytest: without the set-up of a class, which would close the test's own database."""

    __test__ = False
    databases: ClassVar[Any] = {"default"}


class Tenants(Site):
    __test__ = False
    tenant, other_tenant = "acme", "globex"


def run(name: str, case: type[Site] = Site) -> str:
    """What one test of the contract says; nothing where it passes."""
    result = unittest.TestResult()
    case(f"test_{name}")(result)
    assert result.testsRun == 1, result.errors
    return "\n".join(text for _, text in (*result.failures, *result.errors, *result.skipped))


def every(case: type[Site]) -> list[str]:
    """The names of the tests."""
    return [name.removeprefix("test_") for name in unittest.defaultTestLoader.getTestCaseNames(case)]


@pytest.fixture
def use(settings: Any) -> Callable[..., None]:
    """Put an adapter of this module into the settings."""

    def use(adapter: type, kind: str = "User") -> None:
        adapters = {**settings.SCIM_PROVIDER.get("ADAPTERS", {}), kind: f"{__name__}.{adapter.__name__}"}
        settings.SCIM_PROVIDER = settings.SCIM_PROVIDER | {"ADAPTERS": adapters}

    return use


def mapped(**entries: Any) -> dict[str, Any]:
    return {**UserAdapter.attributes, **{name.replace("_", "."): entry for name, entry in entries.items()}}


# The map ----------------------------------------------------------------------------------------------------------


class Shared(UserAdapter):
    attributes: ClassVar[Any] = mapped(displayName="first_name")


class Lossy(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: (value or "")[:3]))


class Backwards(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", get=lambda value: value[::-1]))


class Moody(UserAdapter):
    attributes: ClassVar[Any] = mapped(
        title=Attr("date_joined", get=lambda value, count=itertools.count(): f"{next(count)}", set=None)
    )


class ElsewhereSought(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", lookup="last_name"))


class Careless(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: value.strip()))


class Forgetful(UserAdapter):
    def shown(self, sent: Any, columns: Any) -> dict[str, Any]:
        document = super().shown(sent, columns)
        document.pop("nickName", None)
        return document


class Ignoring(UserAdapter):
    keep_unmapped = False


class Blinkered(UserAdapter):
    def read_columns(self, instance: Any) -> dict[str, Any]:
        return super().read_columns(instance)

    def shown(self, sent: Any, columns: Any) -> dict[str, Any]:
        return super().shown(sent, None) if sent else super().shown(sent, columns)


class Limited(UserAdapter):
    attributes: ClassVar[Any] = mapped(name_givenName=Attr("first_name", set=lambda value: (value or "")[:150]))


class OddlySorted(UserAdapter):
    class Reversed(Attr):
        def order(self, column: Any) -> Any:
            return Reverse(column)

    attributes: ClassVar[Any] = mapped(name_givenName=Reversed("first_name"))


class Asking(UserAdapter):
    attributes: ClassVar[Any] = mapped(
        title=Attr("id", get=lambda pk: str(get_user_model().objects.get(pk=pk).date_joined.year), set=None)
    )


# People -----------------------------------------------------------------------------------------------------------


class Elsewhere(UserAdapter):
    attributes: ClassVar[Any] = mapped(active="is_staff")


class Inverted(UserAdapter):
    class Wrong(Not):
        def condition(self, compare: Any, prefix: str) -> Q:
            return ~super().condition(compare, prefix)  # type: ignore[operator]

    attributes: ClassVar[Any] = mapped(active=Wrong("is_staff"))


class Unprotecting(UserAdapter):
    def is_protected(self, user: Any) -> bool:
        return False


class Unending(UserAdapter):
    def end_credentials(self, user: Any, connection: ScimConnection, using: str) -> Any:
        return {}


class Keeping(UserAdapter):
    rotate_password = False


class Lazy(UserAdapter):
    def suspend(self, user: Any, using: str) -> None:
        """Forgotten."""


class StuckRoles(GroupRoles):
    def take(self, role: str, users: Any, connection: ScimConnection, using: str) -> None:
        """Forgotten."""


class Promoting(UserAdapter):
    roles = StuckRoles()


# Tenants: groups of Django's stand for them ---------------------------------------------------------------------------


class Scoped(UserAdapter):
    multi_tenant = True

    def get_queryset(self, connection: ScimConnection) -> QuerySet[Any]:
        return super().get_queryset(connection).filter(groups__name=connection.tenant)

    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        user.groups.add(Group.objects.get_or_create(name=connection.tenant)[0])


class Unscoped(Scoped):
    def get_queryset(self, connection: ScimConnection) -> QuerySet[Any]:
        return UserAdapter.get_queryset(self, connection)


class Unadmitting(Scoped):
    def admit(self, user: Any, connection: ScimConnection, using: str) -> None:
        """Forgotten."""


class OneScope(Scoped):
    def scope(self, connection: ScimConnection) -> str:
        return "everybody"


class Strict(Scoped):
    def has_tenant(self, connection: ScimConnection) -> bool:
        return False


class BrokenDevices(DeviceAdapter):
    attributes: ClassVar[Any] = {
        **DeviceAdapter.attributes,
        "displayName": Attr("label", get=lambda value: f"{value}!"),
    }


BROKEN = [
    (Shared, "what_is_created_is_stored_and_read_back", "The adapter maps displayName to `first_name`, but what was sent, 'Alpha displayName', reads back as 'Alpha givenName'"),
]


@pytest.mark.parametrize(("adapter", "test", "said"), BROKEN)
def test_a_broken_adapter_is_caught(use: Callable[..., None], adapter: type, test: str, said: str) -> None:
    use(adapter)
    assert said in run(test)


def test_x(use, settings):
    for adapter in (Shared, Lossy, Backwards, Moody, ElsewhereSought, Careless, Forgetful, Ignoring, Blinkered, Limited, OddlySorted, Asking, Elsewhere, Inverted, Unprotecting, Unending, Keeping, Lazy, Promoting):
        use(adapter)
        for name in every(Site):
            said = run(name)
            if said: print("##", adapter.__name__, name, "\n   ", said[-500:])
    for adapter in (Scoped, Unscoped, Unadmitting, OneScope, Strict):
        use(adapter)
        for name in every(Tenants):
            said = run(name, Tenants)
            if said: print("##", adapter.__name__, name, "\n   ", said[-500:])
