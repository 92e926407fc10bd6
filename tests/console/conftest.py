from __future__ import annotations

from typing import Any

import pytest

from console.caller import Caller


@pytest.fixture(autouse=True)
def _console(settings: Any) -> None:
    settings.ROOT_URLCONF = "console.urls"


@pytest.fixture
def root(db: None) -> Caller:
    """A superuser with a password."""
    return Caller(name="root", is_superuser=True)


@pytest.fixture
def owners(settings: Any) -> None:
    """The console is open to owners of organizations."""
    adapters = {**settings.SCIM_PROVIDER.get("ADAPTERS", {}), "User": "console.owners.OwnedAdapter"}
    settings.SCIM_PROVIDER = {**settings.SCIM_PROVIDER, "ADAPTERS": adapters, "CONSOLE_OWNERS": True}
