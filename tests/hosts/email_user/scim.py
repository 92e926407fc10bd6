from __future__ import annotations

from typing import ClassVar

from django_scim_provider.adapters import ENTERPRISE_USER, Not, PrimaryValue, UserAdapter, full_name


class PersonAdapter(UserAdapter):
    attributes: ClassVar = {
        "userName": "email",
        **full_name("full_name"),
        "emails": PrimaryValue("email", writes=False),
        "active": Not("is_locked"),
        f"{ENTERPRISE_USER}:department": "metadata__department",
        f"{ENTERPRISE_USER}:costCenter": "metadata__cost_center",
    }
