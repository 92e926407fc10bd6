"""Migrations say what the models say, and can be taken back, under every host's user model and on every database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from django_scim_provider.models import ScimConnection

pytestmark = pytest.mark.hosts


@pytest.mark.django_db
def test_models_and_migrations_say_the_same(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("nomigrations"):
        pytest.skip("this run makes its tables without migrations")
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


def migrate_to(name: str) -> Any:
    """The models as they were."""
    executor = MigrationExecutor(connection)
    executor.migrate([("scim_provider", name)])
    return MigrationExecutor(connection).loader.project_state([("scim_provider", name)]).apps


@pytest.mark.slow
@pytest.mark.usefixtures("_migrated_again")
def test_ids_stay_what_they_are_when_they_become_text_and_back() -> None:
    scim_id, acme = uuid.uuid4(), ScimConnection.objects.create(name="Acme")
    moment = {"created_at": timezone.now(), "modified_at": timezone.now()}
    rows = migrate_to("0001_initial").get_model("scim_provider", "ScimGroup").objects
    rows.create(connection_id=acme.pk, scim_id=scim_id, display_name="A", display_name_key="a", **moment)

    rows = migrate_to("0003_ids_as_text").get_model("scim_provider", "ScimGroup").objects
    assert rows.get().scim_id == str(scim_id)

    imported = rows.create(connection_id=acme.pk, scim_id="42", display_name="B", display_name_key="b", **moment)
    with pytest.raises(RuntimeError, match="1 rows of scim_provider_scimgroup bear ids that were imported"):
        migrate_to("0001_initial")
    imported.delete()
    rows = migrate_to("0001_initial").get_model("scim_provider", "ScimGroup").objects
    assert rows.get().scim_id == scim_id
