"""A stock Django project: ``auth.User``, nothing configured. What it has besides people, tests wire where they need it."""

from __future__ import annotations

from hosts.base_settings import *  # noqa: F403
