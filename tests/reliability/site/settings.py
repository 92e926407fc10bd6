"""A site in processes of its own, for faults that end a process."""

from __future__ import annotations

from hosts.stock.settings import *  # noqa: F403
from hosts.stock.settings import DATABASES

ROOT_URLCONF = "reliability.site.urls"
if not DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A connection that was open when the server went down is found dead by the next request.
    DATABASES["default"]["CONN_MAX_AGE"] = None
LOGGING = {"version": 1, "disable_existing_loggers": False, "root": {"level": "CRITICAL"}}
