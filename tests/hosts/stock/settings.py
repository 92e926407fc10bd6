"""A stock Django project: ``auth.User``, nothing configured."""

from hosts.base_settings import *  # noqa: F403
