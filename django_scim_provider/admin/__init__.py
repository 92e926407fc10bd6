"""The panel in the Django admin."""

from __future__ import annotations

from django.contrib import admin

from ..models import ScimConnection, ScimEvent
from .connections import ScimConnectionAdmin
from .events import ScimEventAdmin

__all__ = ["ScimConnectionAdmin", "ScimEventAdmin"]

admin.site.register(ScimConnection, ScimConnectionAdmin)
admin.site.register(ScimEvent, ScimEventAdmin)
