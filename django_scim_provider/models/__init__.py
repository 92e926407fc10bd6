from __future__ import annotations

from .connections import ConnectionGuard, ScimConnection
from .events import HeldRemoval, ScimEvent, ScimRemoval
from .mappings import GroupRoleMapping, RoleGrant
from .resources import ScimGroup, ScimMembership, ScimUser
from .tokens import ScimToken
from .values import ScimValue

__all__ = [
    "ConnectionGuard",
    "GroupRoleMapping",
    "HeldRemoval",
    "RoleGrant",
    "ScimConnection",
    "ScimEvent",
    "ScimGroup",
    "ScimMembership",
    "ScimRemoval",
    "ScimToken",
    "ScimUser",
    "ScimValue",
]
