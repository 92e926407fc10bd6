"""What only the host project ``hosts.teams`` has."""

from __future__ import annotations

import pytest
from django.conf import settings

on_teams_host = pytest.mark.skipif(
    settings.AUTH_USER_MODEL != "teams.Worker", reason="for the host that has roles and teams of its own (hosts.teams)"
)
