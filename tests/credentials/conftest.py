from __future__ import annotations

from django.apps import apps

# For the host project that has these apps (hosts.credentials); under the others there is nothing to import.
collect_ignore_glob = [] if apps.is_installed("knox") else ["test_*.py"]
