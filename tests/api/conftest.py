from __future__ import annotations

from api.fixtures import reports, second, second_scim, threads

__all__ = ["reports", "second", "second_scim", "threads"]
