"""A host that ran django-scim2: its columns are there, as its mixins make them, the package is not any more."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS

INSTALLED_APPS = ["hosts.legacy", *INSTALLED_APPS]
AUTH_USER_MODEL = "legacy.Person"
SCIM_SERVICE_PROVIDER = {"GROUP_MODEL": "hosts.legacy.models.Department"}
