"""A host with roles of its own, in a column of the user and in one of a membership, and with teams."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS, SCIM_PROVIDER

INSTALLED_APPS = ["hosts.teams", *INSTALLED_APPS]
AUTH_USER_MODEL = "teams.Worker"
SCIM_PROVIDER = SCIM_PROVIDER | {
    "ADAPTERS": {"User": "hosts.teams.scim.WorkerAdapter", "Group": "hosts.teams.scim.TeamAdapter"}
}
