"""What a host declares: how SCIM reads on its models, and who is in scope."""

from __future__ import annotations

from ..protocol.urns import ENTERPRISE_USER
from .attributes import Attr, Boolean, Identifier, Not, PrimaryValue, full_name
from .base import MapError, ResourceAdapter
from .groups import GroupAdapter
from .registry import get_adapter, get_group_adapter, get_user_adapter
from .roles import ChoiceRoles, GroupRoles, MembershipFieldRoles, Role, RoleBackend
from .users import UserAdapter

__all__ = [
    "ENTERPRISE_USER",
    "Attr",
    "Boolean",
    "ChoiceRoles",
    "GroupAdapter",
    "GroupRoles",
    "Identifier",
    "MapError",
    "MembershipFieldRoles",
    "Not",
    "PrimaryValue",
    "ResourceAdapter",
    "Role",
    "RoleBackend",
    "UserAdapter",
    "full_name",
    "get_adapter",
    "get_group_adapter",
    "get_user_adapter",
]
