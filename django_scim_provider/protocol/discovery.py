"""The documents of RFC 7643 sections 5 to 7 and RFC 7644 section 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import urns
from .schemas import ResourceType, Schema


@dataclass(frozen=True, slots=True)
class ServiceProviderConfig:
    """What the server supports. ``bulk`` and its limits are always spelled out: authentik needs them there."""

    documentation_uri: str | None = None
    max_results: int = 200
    authentication_schemes: tuple[Mapping[str, Any], ...] = ()
    bulk_max_operations: int = 1000
    bulk_max_payload_size: int = 4 * 1024 * 1024
    default_page_size: int = 100
    cursor_timeout: int = 3600
    interop_profile: bool = False
    """Whether everything is as the SCIM 2.0 Interoperability Profile wants it; shown only where it is."""

    def as_document(self, base_url: str) -> dict[str, Any]:
        document: dict[str, Any] = {"schemas": [urns.SERVICE_PROVIDER_CONFIG]}
        if self.documentation_uri:
            document["documentationUri"] = self.documentation_uri
        if self.interop_profile:
            document["interopProfileConformant"] = True
        return document | {
            "patch": {"supported": True},
            "bulk": {
                "supported": True,
                "maxOperations": self.bulk_max_operations,
                "maxPayloadSize": self.bulk_max_payload_size,
            },
            "filter": {"supported": True, "maxResults": self.max_results},
            "changePassword": {"supported": False},
            "sort": {"supported": True},
            "etag": {"supported": True},
            # RFC 9865 section 4; by index where a client names neither, as section 2.4 advises.
            "pagination": {
                "cursor": True,
                "index": True,
                "defaultPaginationMethod": "index",
                "defaultPageSize": min(self.default_page_size, self.max_results),
                "maxPageSize": self.max_results,
                "cursorTimeout": self.cursor_timeout,
            },
            "authenticationSchemes": [dict(scheme) for scheme in self.authentication_schemes],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": f"{base_url}/ServiceProviderConfig",
            },
        }


def resource_type(item: ResourceType, base_url: str) -> dict[str, Any]:
    """A resource type with its ``meta``."""
    meta = {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{item.name}"}
    return item.as_document() | {"meta": meta}


def schemas(resource_types: Iterable[ResourceType]) -> list[Schema]:
    """Every schema that some resource type names, once each."""
    return list({schema.id: schema for item in resource_types for schema in item.schemas}.values())


def schema(item: Schema, base_url: str) -> dict[str, Any]:
    """A schema with its ``meta``."""
    meta = {"resourceType": "Schema", "location": f"{base_url}/Schemas/{item.id}"}
    return item.as_document() | {"meta": meta}
