"""Migrations say what the models say, and can be taken back, under every host's user model and on every database."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from django_scim_provider.models import ScimConnection

pytestmark = pytest.mark.hosts


@pytest.mark.django_db
def test_models_and_migrations_say_the_same() -> None:
    call_command("makemigrations", "scim_provider", check=True, dry_run=True, stdout=StringIO())


def our_tables() -> set[str]:
    return {name for name in connection.introspection.table_names() if name.startswith("scim_provider_")}


@pytest.fixture
def _migrated_again(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.slow
@pytest.mark.usefixtures("_migrated_again")
def test_migrations_run_back_to_nothing_and_forward_again() -> None:
    tables = our_tables()
    ScimConnection.objects.create(name="Acme")

    call_command("migrate", "scim_provider", "zero", verbosity=0)
    assert our_tables() == set()

    call_command("migrate", "scim_provider", verbosity=0)
    assert our_tables() == tables
    assert len(tables) == 13
    assert not ScimConnection.objects.exists()
