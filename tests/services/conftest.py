from __future__ import annotations

from api.fixtures import second, threads

__all__ = ["second", "threads"]
