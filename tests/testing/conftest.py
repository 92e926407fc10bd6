from __future__ import annotations

from collections.abc import Callable

import pytest

from django_scim_provider.models import ScimConnection
from django_scim_provider.testing import InProcess


@pytest.fixture
def transport(connection: ScimConnection, issue_token: Callable[..., str]) -> InProcess:
    return InProcess(issue_token(connection))
