"""Which choices of a policy make sense for an adapter; whoever offers or accepts one asks here."""

from __future__ import annotations

from typing import Any, Final

from ..adapters import UserAdapter
from ..models import ScimConnection

Existing = ScimConnection.ExistingAccounts
Removal = ScimConnection.OnDeactivate

CHOICES: Final = (
    "on_create",
    "on_deactivate",
    "on_delete",
    "on_reprovision",
    "existing_accounts",
    "role_mapping",
    "unknown_member",
    "equal_group_names",
    "raw_token",
    "guard",
)
"""The policies that are one of a few values; names of fields of ``ScimConnection``, as those below."""

ROLES: Final = ("default_role", "unmapped_role")
"""Those that are a role of the backend, or nothing."""

FREE: Final = ("guard_limit", "ip_allowlist")
"""Those that are written out."""


def offered(name: str, adapter: UserAdapter) -> set[str]:
    """The values that an administrator may choose for a policy, a field of ``ScimConnection``."""
    kind = type(adapter)
    if name in ("on_deactivate", "on_delete"):
        found = {Removal.SUSPEND, Removal.DELETE, Removal.NOTHING}
        found |= {Removal.REMOVE} if adapter.multi_tenant else set()
        found |= {Removal.HOOK} if kind.deactivate is not UserAdapter.deactivate else set()
        return {str(value) for value in found}
    if name == "existing_accounts":
        # Where tenants share accounts, one tenant's provider must not take over everybody.
        existing = {Existing.NEVER} if adapter.multi_tenant else {Existing.NEVER, Existing.ADOPT}
        existing |= {Existing.VERIFIED} if kind.verified_domains is not UserAdapter.verified_domains else set()
        return {str(value) for value in existing}
    if name == "on_reprovision" and not adapter.soft_deletes:
        return set()
    field: Any = ScimConnection._meta.get_field(name)
    return {str(value) for value, _ in field.choices}
