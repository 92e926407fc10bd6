"""Whether a name is free: one query, and never a wrong yes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.helpers import VENDOR
from django_scim_provider.adapters import UserAdapter
from django_scim_provider.models import ScimConnection, ScimUser
from django_scim_provider.services import names
from django_scim_provider.services.context import Context
from factories import HostUserFactory
from services.people import configured, post

pytestmark = pytest.mark.django_db


class Unique(UserAdapter):
    """Of a host where two people cannot share an address."""

    unique_columns = ("username", "email")


class Own(UserAdapter):
    """Of a host that asks otherwise."""

    def taken(self, *args: Any, **kwargs: Any) -> None:
        return None


@pytest.fixture(params=["Unique"])
def asking(request: pytest.FixtureRequest, connection: ScimConnection) -> Iterator[Context]:
    with configured(ADAPTERS={"User": f"{__name__}.{request.param}"}):
        yield Context(connection)


def ask(context: Context, name: str, **columns: str) -> bool:
    return names.are_free(context, name.lower(), {"username": name, **columns})


@pytest.mark.parametrize("any_case", [False, True])
def test_what_is_taken_is_never_free(asking: Context, any_case: bool, django_assert_num_queries: Any) -> None:
    policy = ScimConnection.ExistingAccounts
    asking.connection.existing_accounts = policy.NEVER if any_case else policy.ADOPT
    HostUserFactory(name="Taken_One")
    ScimUser.objects.all().delete()  # where receivers gave them a row
    post(asking, "ours@example.com")

    with django_assert_num_queries(1):
        assert ask(asking, "free@example.com", email="free@example.com")
    assert ask(asking, "takenXone@example.com"), "an underscore is no wildcard"
    assert not ask(asking, "Taken_One@example.com")
    assert not ask(asking, "free@example.com", email="Taken_One@example.com")
    assert not ask(asking, "Ours@example.com")
    # MariaDB's usual collation takes the spellings for one.
    assert ask(asking, "TAKEN_ONE@example.com") is not (any_case or VENDOR == "mysql")
    assert names.are_free(asking, "free@example.com", {})
    assert not names.are_free(asking, "ours@example.com", {})


@pytest.mark.parametrize("any_case", [False, True])
def test_of_many_who_come_together_none_is_in_the_way_of_another(
    asking: Context, any_case: bool, django_assert_num_queries: Any
) -> None:
    policy = ScimConnection.ExistingAccounts
    asking.connection.existing_accounts = policy.NEVER if any_case else policy.ADOPT
    HostUserFactory(name="Taken_One")
    ScimUser.objects.all().delete()

    def ask_all(*people: tuple[str, str]) -> bool:
        columns = [{"username": name, "email": address} for name, address in people]
        return names.all_are_free(asking, [name.lower() for name, _ in people], columns)

    with django_assert_num_queries(1):
        assert ask_all(("ann", "ann@example.com"), ("bob", "bob@example.com"))
    assert not ask_all(("ann", "one@example.com"), ("bob", "one@example.com"))
    assert not ask_all(("straße", "ann@example.com"), ("STRASSE", "bob@example.com"))
    assert not ask_all(("ann", "ann@example.com"), ("ANN", "bob@example.com"))
    assert not ask_all(("ann", "ann@example.com"), ("Taken_One@example.com", "bob@example.com"))
    taken_in_any_case = any_case or VENDOR == "mysql"
    assert ask_all(("ann", "a@example.com"), ("TAKEN_ONE@example.com", "b@example.com")) is not taken_in_any_case


@pytest.mark.parametrize("asking", ["Own"], indirect=True)
def test_a_host_that_asks_for_itself_is_asked(asking: Context, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert not ask(asking, "free@example.com")
        assert not names.all_are_free(asking, ["free@example.com"], [{"username": "free@example.com"}])
