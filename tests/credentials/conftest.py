from __future__ import annotations

from django.apps import apps

from api.fixtures import reports
from management.conftest import manage

__all__ = ["manage", "reports"]

# For the host project that has these apps (hosts.credentials); under the others there is nothing to import.
collect_ignore_glob = [] if apps.is_installed("knox") else ["test_*.py"]
