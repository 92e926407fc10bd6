from __future__ import annotations

from api.fixtures import threads

__all__ = ["threads"]
