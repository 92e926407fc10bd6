from __future__ import annotations

from typing import Any

from django_scim_provider.adapters import GroupAdapter, UserAdapter
from django_scim_provider.models import ScimConnection


class DepartmentAdapter(GroupAdapter):
    team = "legacy.Department"
    team_members = "legacy.Assignment"
    member_team = "department"
    member_user = "person"


class StaffAdapter(UserAdapter):
    def get_queryset(self, connection: ScimConnection) -> Any:
        return super().get_queryset(connection).filter(is_superuser=True)
