"""A host that marks people deleted and frees their names, by ``SoftDeleteUserMixin``."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
from hosts.base_settings import INSTALLED_APPS

INSTALLED_APPS = ["hosts.soft_delete", *INSTALLED_APPS]
AUTH_USER_MODEL = "soft_delete.User"
