from __future__ import annotations

from dataclasses import dataclass

from ..protocol.tolerance import LENIENT, Tolerance


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one identity provider means by what it sends: the deviations that its connections may use."""

    name: str
    tolerance: Tolerance = LENIENT
    lists_roles: bool = False
    """Whether /ResourceTypes lists the read-only roles: Okta looks for them, others would try to write there."""
