from __future__ import annotations

from .connections import ConnectionGuard, ScimConnection
from .events import HeldRemoval, ScimEvent, ScimRemoval
from .mappings import GroupRoleMapping, RoleGrant
from .oauth_clients import ScimOAuthClient
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
    "ScimOAuthClient",
    "ScimRemoval",
    "ScimToken",
    "ScimUser",
    "ScimValue",
]
