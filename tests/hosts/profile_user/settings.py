"""A stock user with a one-to-one profile that holds department, nickname and title; a string primary key."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS, SCIM_PROVIDER

INSTALLED_APPS = ["hosts.profile_user", *INSTALLED_APPS]
AUTH_USER_MODEL = "profile_user.Account"
SCIM_PROVIDER = SCIM_PROVIDER | {"ADAPTERS": {"User": "hosts.profile_user.scim.AccountAdapter"}}
