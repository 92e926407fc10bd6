from __future__ import annotations

import dataclasses

import pytest
from django.test import override_settings

from django_scim_provider.dialects import DIALECTS, Dialect, get_dialect
from django_scim_provider.models import ScimConnection
from django_scim_provider.protocol.tolerance import LENIENT, STRICT

OWN = Dialect("own")


@pytest.mark.parametrize("provider", [*ScimConnection.Provider.values, "unheard of", ""])
def test_every_provider_has_a_dialect(provider: str) -> None:
    assert isinstance(get_dialect(provider), Dialect)


@pytest.mark.parametrize("provider", ["generic", "okta", "entra", "unheard of"])
def test_dialect_is_lenient_unless_something_else_is_known(provider: str) -> None:
    assert get_dialect(provider).tolerance == LENIENT


def test_strict_dialect_tolerates_nothing() -> None:
    tolerance = get_dialect("strict").tolerance

    assert tolerance == STRICT
    assert not any(dataclasses.asdict(tolerance).values())


def test_digits_are_booleans_for_onelogin_only() -> None:
    assert [name for name, dialect in DIALECTS.items() if dialect.tolerance.boolean_digits] == ["onelogin"]


def test_shipped_dialects_bear_the_name_they_are_found_by() -> None:
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {name: name for name in DIALECTS}


@pytest.mark.parametrize("provider", ["okta", "strict", "acme"])
def test_host_may_add_and_replace_a_dialect(provider: str) -> None:
    with override_settings(SCIM_PROVIDER={"DIALECTS": {provider: f"{__name__}.OWN"}}):
        assert get_dialect(provider) is OWN
    assert get_dialect(provider) is not OWN


def test_dialect_that_cannot_be_imported_is_an_error() -> None:
    with (
        override_settings(SCIM_PROVIDER={"DIALECTS": {"acme": "nowhere.OWN"}}),
        pytest.raises(ImportError),
    ):
        get_dialect("acme")
