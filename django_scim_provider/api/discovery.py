"""What this provider can do (RFC 7644 section 4), derived from what is configured.

Without a token the documents are generic, with a valid one they are that connection's, with a bad one they are 401.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from ..conf import app_settings
from ..protocol import discovery
from ..protocol.errors import Forbidden, NotFound
from ..protocol.messages import list_response
from ..protocol.schemas import ResourceType
from ..services import role_catalog
from ..services.verbs import resource_types
from .client import base_url
from .messages import respond
from .views import ScimView, authenticators

PROFILE_PAGE: Final = 100
"""Resources that the SCIM 2.0 Interoperability Profile wants on a page, asked for or not."""


class DiscoveryView(ScimView):
    """Reads only; query parameters are ignored, but a filter is refused (RFC 7644 section 4)."""

    is_public = True

    def resource_types(self) -> tuple[ResourceType, ...]:
        context = self.context
        portal = context.connection.portal if context else ""
        found = resource_types(portal)
        return (*found, role_catalog.ROLES) if context and context.dialect.lists_roles else found

    def base(self, request: Request) -> str:
        return self.context.base_url if self.context else base_url(request._request, self.depth)

    def refuse_filter(self, request: Request) -> None:
        if any(name.lower() == "filter" for name in request._request.GET):
            raise Forbidden("Discovery endpoints cannot be filtered.")

    @property
    def conforms(self) -> bool:
        """Whether the caller is served by the interoperability profile; its pages have room for 100 at least."""
        is_roomy = min(app_settings.DEFAULT_COUNT, app_settings.MAX_RESULTS) >= PROFILE_PAGE
        return self.context is not None and self.context.dialect.is_interop_profile and is_roomy

    def listed(self, request: Request, documents: list[dict[str, Any]]) -> HttpResponse:
        self.refuse_filter(request)
        return respond(list_response(documents, total=len(documents), start_index=1))


def authentication_schemes() -> Iterator[dict[str, Any]]:
    """``authenticationSchemes`` (RFC 7643 section 5): an entry for each authentication class, the first is primary."""
    for position, authenticator_class in enumerate(authenticators()):
        scheme = {name: value for name, value in _scheme(authenticator_class()).items() if name != "primary"}
        yield scheme if position else scheme | {"primary": True}


def _scheme(authenticator: Any) -> Mapping[str, Any]:
    """The entry for an authentication class; one of the host's own may not tell."""
    if hasattr(authenticator, "get_scheme"):
        scheme: Mapping[str, Any] = authenticator.get_scheme()
        return scheme
    return {"type": "custom", "name": type(authenticator).__name__, "description": "Defined by this application."}


class ServiceProviderConfigView(DiscoveryView):
    """``/ServiceProviderConfig``."""

    def get(self, request: Request) -> HttpResponse:
        self.refuse_filter(request)
        config = discovery.ServiceProviderConfig(
            documentation_uri=app_settings.DOCUMENTATION_URI,
            max_results=app_settings.MAX_RESULTS,
            default_page_size=app_settings.DEFAULT_COUNT,
            cursor_timeout=app_settings.CURSOR_TIMEOUT,
            interop_profile=self.conforms,
            bulk_max_operations=app_settings.BULK_MAX_OPERATIONS,
            bulk_max_payload_size=app_settings.BULK_MAX_PAYLOAD_SIZE,
            authentication_schemes=tuple(authentication_schemes()),
        )
        return respond(config.as_document(self.base(request)))


class ResourceTypesView(DiscoveryView):
    """``/ResourceTypes``."""

    def get(self, request: Request) -> HttpResponse:
        base = self.base(request)
        return self.listed(request, [discovery.resource_type(item, base) for item in self.resource_types()])


class ResourceTypeView(DiscoveryView):
    """``/ResourceTypes/{name}``."""

    depth = 2

    def get(self, request: Request, name: str) -> HttpResponse:
        self.refuse_filter(request)
        for item in self.resource_types():
            if item.name == name:
                return respond(discovery.resource_type(item, self.base(request)))
        raise NotFound


class SchemasView(DiscoveryView):
    """``/Schemas``."""

    def get(self, request: Request) -> HttpResponse:
        base = self.base(request)
        return self.listed(request, [discovery.schema(item, base) for item in discovery.schemas(self.resource_types())])


class SchemaView(DiscoveryView):
    """``/Schemas/{urn}``."""

    depth = 2

    def get(self, request: Request, urn: str) -> HttpResponse:
        self.refuse_filter(request)
        for item in discovery.schemas(self.resource_types()):
            if item.id == urn:
                return respond(discovery.schema(item, self.base(request)))
        raise NotFound
