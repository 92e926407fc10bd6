"""Whether what a customer pays for includes SCIM: the host's answer, by ``IS_ALLOWED``."""

from __future__ import annotations

from django.utils.module_loading import import_string

from ..conf import app_settings
from ..models import ScimConnection


def refusal(connection: ScimConnection) -> str:
    """Why a connection is not allowed, in the host's words; empty when it is. What the host raises is no yes."""
    path = app_settings.IS_ALLOWED
    return str(import_string(path)(connection) or "") if path else ""
