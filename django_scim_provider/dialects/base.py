from __future__ import annotations

from dataclasses import dataclass

from ..protocol.tolerance import LENIENT, STRICT, Tolerance


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one identity provider means by what it sends: the deviations that its connections may use."""

    name: str
    tolerance: Tolerance = LENIENT
    lists_roles: bool = False
    """Whether /ResourceTypes lists the read-only roles: Okta looks for them, others would try to write there."""

    @property
    def is_interop_profile(self) -> bool:
        """Whether this is the SCIM 2.0 Interoperability Profile, which tolerates nothing."""
        return self.tolerance == STRICT
