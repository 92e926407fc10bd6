from __future__ import annotations

from api.fixtures import second, second_scim, threads

__all__ = ["second", "second_scim", "threads"]
