"""The endpoints of RFC 7644 section 3.2. Checked in this order: path, credential, method, media type, body."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, ClassVar, NoReturn

from django.core.signals import setting_changed
from django.db import connections, transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.views import APIView

from ..conf import app_settings
from ..models import ScimToken
from ..protocol.errors import Forbidden, MethodNotAllowed, NotFound, Unauthorized
from ..protocol.messages import ListQuery
from ..protocol.projection import Projection
from ..services import audit, kinds, plans, role_catalog, search
from ..services.addresses import remote_address
from ..services.context import Context
from ..services.verbs import USERS, Verbs, Written, is_endpoint, verbs_of
from . import throttling
from .authentication import refuse_unread
from .client import base_url, is_allowed_address
from .exceptions import to_scim_error
from .messages import read_body, read_match, read_query, respond, respond_with_error, respond_with_found

Action = audit.Action
READING = frozenset({"GET", "HEAD"})


@lru_cache(maxsize=1)
def authenticators() -> tuple[type[BaseAuthentication], ...]:
    return tuple(import_string(path) for path in app_settings.AUTHENTICATION)


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "SCIM_PROVIDER":
        authenticators.cache_clear()


class ScimView(APIView):
    """What all endpoints share. The host's REST_FRAMEWORK settings have no effect on it."""

    schema = None
    """A document of the host's own API leaves these endpoints out; ``scim_openapi`` describes them."""

    http_method_names: Sequence[str] = ["get", "head", "post", "put", "patch", "delete"]
    depth: int = 1
    """Segments of the path below the mount."""
    is_public: ClassVar[bool] = False
    is_personal: ClassVar[bool] = False
    """Whether it is open to a credential that is one person's."""
    reading: Collection[str] = READING
    """The methods that change nothing."""
    context: Context | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        # Services open their own transactions: a refusal is recorded after the rollback, even under ATOMIC_REQUESTS.
        for alias in connections:
            transaction.non_atomic_requests(alias)(view)
        return view

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [authenticator() for authenticator in authenticators()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        presented: Any = request.auth
        if presented is None:
            refuse_unread(request)
            if not self.is_public:
                raise Unauthorized
            return
        connection = presented.connection
        self.context = context = Context(
            connection,
            base_url=base_url(request._request, self.depth),
            key_id=presented.key_id,
            scopes=presented.scopes,
            remote_addr=remote_address(request._request.META),
            # The host's own authentication classes may say whose credential it is.
            actor=getattr(presented, "user", None),
        )
        with audit.refusals(context, Action.AUTHENTICATE, ""):
            self._check_access(request, context)
        throttling.check_connection(connection)

    def _check_access(self, request: Request, context: Context) -> None:
        if app_settings.REQUIRE_HTTPS and not request._request.is_secure():
            raise Forbidden("SCIM is served over HTTPS only. The token was sent in clear text: rotate it.")
        if not is_allowed_address(context.remote_addr, context.connection.ip_allowlist):
            raise Forbidden("This address is not on the connection's list of allowed addresses.")
        reason = plans.refusal(context.connection)
        if reason:
            raise Forbidden(reason)
        if context.actor is not None and not (self.is_personal or self.is_public):
            raise Forbidden("This credential is one person's: only /Me is open to it.")
        if not getattr(context.actor, "is_active", True):
            raise Forbidden("The account behind this credential is not active.")
        if not context.scopes:
            raise Forbidden("This access token does not have the scope that SCIM needs.")
        if context.scopes != ScimToken.Scopes.WRITE and request.method not in self.reading:
            raise Forbidden("This token may only read.")

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        allowed = tuple(name.upper() for name in self.http_method_names if hasattr(self, name))
        raise MethodNotAllowed(str(request.method), allowed)

    def handle_exception(self, exc: Exception) -> Any:
        response = respond_with_error(to_scim_error(exc, self.request._request))
        if response.status_code == Unauthorized.status:
            response["WWW-Authenticate"] = self._challenge(self.request) or response["WWW-Authenticate"]
        return response

    def _challenge(self, request: Request) -> str:
        """What each authentication class asks for, in their order (RFC 9110 section 11.6.1)."""
        asked = (authenticator.authenticate_header(request) for authenticator in self.get_authenticators())
        return ", ".join(dict.fromkeys(filter(None, asked)))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return response

    @property
    def caller(self) -> Context:
        """The context of an endpoint that is not public."""
        assert self.context is not None  # noqa: S101 (initial() refused every request without one)
        return self.context


def _locations(location: str) -> dict[str, str]:
    """The headers that say what ``meta.location`` says (RFC 7643 section 3.1)."""
    return {"Location": location, "Content-Location": location}


class ResourceView(ScimView):
    """What the endpoints of a resource type share."""

    verbs: Verbs = USERS

    @property
    def kind(self) -> kinds.Kind[Any]:
        return self.verbs.kind(self.caller)

    @contextmanager
    def watched(self, action: str, scim_id: str = "") -> Iterator[None]:
        with audit.refusals(self.caller, action, self.kind.resource_type.name, scim_id):
            yield

    def projection(self, request: Request) -> Projection:
        return Projection.of(read_query(request._request), self.kind.resource_type)

    def listed(self, query: ListQuery) -> HttpResponse:
        """A page of what a query finds."""
        projection = Projection.of(query, self.kind.resource_type)
        page = search.list_resources(self.kind, query, projection)
        return respond(page.as_document(query))

    def locations(self, scim_id: str) -> dict[str, str]:
        return _locations(f"{self.caller.base_url}{self.kind.resource_type.endpoint}/{scim_id}")

    def written(self, written: Written, projection: Projection, status: int) -> HttpResponse:
        resource = self.verbs.render(self.caller, written, projection)
        # Too large to send back after every change: 204 (RFC 7644 section 3.5.2), but 201 stays 201.
        status = 204 if resource is None and status == 200 else status
        return respond(resource, status, {**self.locations(written.id), "ETag": written.version})


class ResourcesView(ResourceView):
    """``/Users``, ``/Groups``: query and create (RFC 7644 sections 3.4.2 and 3.3)."""

    def get(self, request: Request) -> HttpResponse:
        with self.watched(Action.READ):
            return self.listed(read_query(request._request))

    def post(self, request: Request) -> HttpResponse:
        with self.watched(Action.CREATE):
            projection = self.projection(request)
            written = self.verbs.create(self.caller, read_body(request._request))
        return self.written(written, projection, 201)


class OneResourceView(ResourceView):
    """``/Users/{id}``, ``/Groups/{id}`` (RFC 7644 sections 3.4.1, 3.5 and 3.6)."""

    depth = 2

    def get(self, request: Request, scim_id: str) -> HttpResponseBase:
        with self.watched(Action.READ, scim_id):
            found = search.find_resource(self.kind, scim_id, self.projection(request), read_match(request._request))
        return respond_with_found(found, self.locations(scim_id))

    def put(self, request: Request, scim_id: str) -> HttpResponse:
        with self.watched(Action.REPLACE, scim_id):
            projection = self.projection(request)
            written = self.verbs.replace(
                self.caller, scim_id, read_body(request._request), if_match=read_match(request._request)
            )
        return self.written(written, projection, 200)

    def patch(self, request: Request, scim_id: str) -> HttpResponse:
        with self.watched(Action.MODIFY, scim_id):
            projection = self.projection(request)
            written = self.verbs.modify(
                self.caller, scim_id, read_body(request._request), if_match=read_match(request._request)
            )
        return self.written(written, projection, 200)

    def delete(self, request: Request, scim_id: str) -> HttpResponse:
        with self.watched(Action.DELETE, scim_id):
            self.verbs.delete(self.caller, scim_id, if_match=read_match(request._request))
        return respond(None, 204)


class HostView(ResourceView):
    """What the endpoints of the host's own resource types share: which one it is stands in the path."""

    endpoint: str
    """Without a slash."""

    def dispatch(self, request: HttpRequest, *args: Any, endpoint: str, **kwargs: Any) -> Any:
        self.endpoint = endpoint
        return super().dispatch(request, *args, **kwargs)

    def get_authenticators(self) -> list[BaseAuthentication]:
        return super().get_authenticators() if is_endpoint(f"/{self.endpoint}") else []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not is_endpoint(f"/{self.endpoint}"):
            refuse_path(request)
        super().initial(request, *args, **kwargs)
        verbs = verbs_of(self.caller).get(f"/{self.endpoint}")
        if verbs is None:
            # Another portal has it.
            refuse_path(request)
        self.verbs = verbs


class RecordsView(HostView, ResourcesView):
    """``/Devices``."""


class RecordView(HostView, OneResourceView):
    """``/Devices/{id}``."""


class RolesView(ScimView):
    """``/Roles``: what can be assigned; Okta's entitlement discovery reads it."""

    def get(self, request: Request) -> HttpResponse:
        with audit.refusals(self.caller, Action.READ, role_catalog.ROLES.name):
            query = read_query(request._request)
            projection = Projection.of(query, role_catalog.ROLES)
            page = role_catalog.list_roles(self.caller, query, projection)
        return respond(page.as_document(query))


class RoleView(ScimView):
    """``/Roles/{id}``; a role's name may hold slashes."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.depth = 2 + str(kwargs["key"]).count("/")
        super().initial(request, *args, **kwargs)

    def get(self, request: Request, key: str) -> HttpResponseBase:
        with audit.refusals(self.caller, Action.READ, role_catalog.ROLES.name, key):
            projection = Projection.of(read_query(request._request), role_catalog.ROLES)
            found = role_catalog.get_role(self.caller, key, projection, read_match(request._request))
        return respond_with_found(found, _locations(role_catalog.location(self.caller, key)))


def refuse_path(request: Request) -> NoReturn:
    # As BearerAuthentication does: no report of this request can print the token.
    request._request.META.pop("HTTP_AUTHORIZATION", None)
    raise NotFound("There is no such endpoint.")


class UnknownView(ScimView):
    """Every other path under the mount."""

    def get_authenticators(self) -> list[BaseAuthentication]:
        return []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> NoReturn:
        refuse_path(request)
