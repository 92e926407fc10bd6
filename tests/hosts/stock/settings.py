"""A stock Django project: ``auth.User``, nothing configured."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
