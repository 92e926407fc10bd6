"""What a host declares: how SCIM reads on its models, and who is in scope."""

from __future__ import annotations

from ..protocol.schemas import Attribute, Schema
from ..protocol.urns import ENTERPRISE_USER
from .attribute_map import MapError
from .attributes import Attr, Boolean, Identifier, Not, PrimaryValue, full_name
from .base import ResourceAdapter
from .groups import GroupAdapter
from .memberships import MembershipUserAdapter
from .models import ModelAdapter
from .registry import get_adapter, get_group_adapter, get_model_adapters, get_user_adapter
from .roles import ChoiceRoles, GroupRoles, MembershipFieldRoles, Role, RoleBackend
from .users import UserAdapter

__all__ = [
    "ENTERPRISE_USER",
    "Attr",
    "Attribute",
    "Boolean",
    "ChoiceRoles",
    "GroupAdapter",
    "GroupRoles",
    "Identifier",
    "MapError",
    "MembershipFieldRoles",
    "MembershipUserAdapter",
    "ModelAdapter",
    "Not",
    "PrimaryValue",
    "ResourceAdapter",
    "Role",
    "RoleBackend",
    "Schema",
    "UserAdapter",
    "full_name",
    "get_adapter",
    "get_group_adapter",
    "get_model_adapters",
    "get_user_adapter",
]
