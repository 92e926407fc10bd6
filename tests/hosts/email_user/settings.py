"""A user model without a username: people sign in by e-mail and have one column for the whole name."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS, SCIM_PROVIDER

INSTALLED_APPS = ["hosts.email_user", *INSTALLED_APPS]
AUTH_USER_MODEL = "email_user.Person"
SCIM_PROVIDER = SCIM_PROVIDER | {"ADAPTERS": {"User": "hosts.email_user.scim.PersonAdapter"}}
