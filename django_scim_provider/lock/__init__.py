"""Self-service lock: what an identity provider manages is not changed here. Opt-in, place by place."""

from __future__ import annotations

from .accounts import ScimAccountAdapterMixin
from .admin import ScimManagedAdminMixin
from .forms import ScimManagedFormMixin
from .managed import is_scim_locked, is_scim_managed, scim_managed_by
from .passwords import ManagedUserPasswordValidator

__all__ = [
    "ManagedUserPasswordValidator",
    "ScimAccountAdapterMixin",
    "ScimManagedAdminMixin",
    "ScimManagedFormMixin",
    "is_scim_locked",
    "is_scim_managed",
    "scim_managed_by",
]
