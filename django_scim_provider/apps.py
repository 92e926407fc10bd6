from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ScimProviderConfig(AppConfig):
    name = "django_scim_provider"
    label = "scim_provider"
    verbose_name = _("SCIM provisioning")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The only imports inside a function: before this, the app registry is not ready for them.
        from . import checks, receivers  # noqa: PLC0415

        checks.register_all()
        receivers.connect()
