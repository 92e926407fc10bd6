"""What a request that changes a resource asks for: PUT and PATCH of whatever kind (RFC 7644 sections 3.5.1, 3.5.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..conf import app_settings
from ..protocol import mutability
from ..protocol.patch import apply_operations, parse_operations
from ..protocol.patch_operations import Parsed
from ..protocol.schemas import ResourceType
from ..protocol.validation import Cleaned, clean_resource, require
from .context import Context

Compute = Callable[[Mapping[str, Any]], tuple[dict[str, Any], tuple[str, ...]]]
"""From a resource as it is shown: the one that is wanted, and what of the request is ignored."""


def replacement(context: Context, body: Mapping[str, Any], resource_type: ResourceType) -> tuple[Compute, Cleaned]:
    """PUT: what the body leaves out is cleared, except ``active`` and what is immutable.

    :raises InvalidValue: and what else ``clean_resource`` raises; ``Compute`` raises where something required is left
        out, or something immutable would change.
    """
    cleaned = clean_resource(body, resource_type, tolerance=context.dialect.tolerance)

    def replaced(shown: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        active = {"active": shown["active"]} if "active" in shown else {}
        wanted = {**active, **mutability.replaced(shown, cleaned.document, resource_type)}
        require(wanted, resource_type)
        return wanted, cleaned.ignored

    return replaced, cleaned


def modification(context: Context, body: Mapping[str, Any], resource_type: ResourceType) -> tuple[Compute, Parsed]:
    """PATCH.

    :raises InvalidSyntax: and what else ``parse_operations`` raises; ``Compute`` raises what ``apply_operations`` does.
    """
    tolerance, most = context.dialect.tolerance, app_settings.MAX_PATCH_OPERATIONS
    parsed = parse_operations(body, resource_type, tolerance=tolerance, max_operations=most)

    def patched(shown: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
        result = apply_operations(shown, parsed.operations, resource_type, tolerance=tolerance)
        require(result.document, resource_type, before=shown)
        return result.document, parsed.ignored

    return patched, parsed
