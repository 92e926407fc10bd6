"""What must be installed before anything else here can even be imported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error

REQUIRED: Final = ("django.contrib.auth", "django.contrib.contenttypes")


def missing() -> list[str]:
    """Apps that this one builds on and that are not in ``INSTALLED_APPS``."""
    return [name for name in REQUIRED if not apps.is_installed(name)]


def check_installed_apps(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    return [
        Error(
            f"{name} is not in INSTALLED_APPS, so SCIM is not set up.",
            hint=f"Add '{name}' to INSTALLED_APPS: django_scim_provider provisions Django's user model.",
            id="scim_provider.E060",
        )
        for name in missing()
    ]
