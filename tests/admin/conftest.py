from __future__ import annotations

from collections.abc import Iterator

import pytest

from admin.browser import Browser, superuser


@pytest.fixture
def root(db: None) -> Browser:
    """A superuser with a password."""
    return superuser(name="root")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any logger says."""
    with caplog.at_level(0):
        yield caplog
