"""A host of many organizations: one table of accounts, memberships, and two portals over parts of that table."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS, SCIM_PROVIDER

INSTALLED_APPS = ["hosts.tenants", *INSTALLED_APPS, "rest_framework", "rest_framework.authtoken"]
AUTH_USER_MODEL = "tenants.Person"
SCIM_PROVIDER = SCIM_PROVIDER | {
    "ADAPTERS": {"User": "hosts.tenants.scim.MemberAdapter"},
    "PORTALS": {
        "dashboard": {"ADAPTERS": {"User": "hosts.tenants.scim.DashboardPeople"}},
        "store": {"ADAPTERS": {"User": "hosts.tenants.scim.StorePeople"}},
    },
}
