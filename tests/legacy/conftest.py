from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management.color import no_style
from django.db import connection

from management.conftest import manage

__all__ = ["manage"]

# For the host project that has django-scim2's columns (hosts.legacy); under the others there is nothing to import.
collect_ignore_glob = [] if apps.is_installed("hosts.legacy") else ["test_*.py"]
RECORDING = Path(__file__).with_name("recording.json")


@pytest.fixture
def recording(db: None) -> SimpleNamespace:
    """The rows as django-scim2 left them, now in the database, and the resources as it showed them."""
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))
    models: Any = {name: apps.get_model("legacy", name) for name in ("Department", "Person", "Assignment")}
    models["Department"].objects.bulk_create(models["Department"](**row) for row in recorded["departments"])
    get_user_model()._base_manager.bulk_create(models["Person"](password="!", **row) for row in recorded["people"])
    models["Assignment"].objects.bulk_create(
        models["Assignment"](person_id=person, department_id=department) for person, department in recorded["members"]
    )
    # They came with their keys, which a sequence does not notice.
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(models.values())):
            cursor.execute(statement)
    return SimpleNamespace(**recorded)
