"""A SCIM 2.0 service provider for any Django project (RFC 7643, RFC 7644)."""

from __future__ import annotations

__version__ = "0.1.0"
