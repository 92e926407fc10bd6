from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class ScimProviderConfig(AppConfig):
    name = "django_scim_provider"
    label = "scim_provider"
    verbose_name = _("SCIM provisioning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The only imports inside a function: before this, the app registry is not ready for them.
        from .checks import installed  # noqa: PLC0415

        register(installed.check_installed_apps, self.label)
        if installed.missing():
            # Nothing else can be imported; the check says why.
            return

        from . import receivers  # noqa: PLC0415
        from .checks import registration  # noqa: PLC0415

        registration.register_all()
        receivers.connect()
