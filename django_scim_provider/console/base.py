"""What all endpoints share: who asks, for which connection, and how the answer travels."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections as databases
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from rest_framework.exceptions import APIException
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..models import ScimConnection
from ..services import access, overview, plans, tokens
from ..services.addresses import remote_address
from ..services.context import Context
from ..services.mount import base_url
from ..services.tokens import AlreadyIssued
from . import errors
from .errors import Conflict, EnterpriseRequired, NotThere
from .operations import Operation

RowT = TypeVar("RowT", bound=Model)
_KEY: Final = re.compile("[0-9]{1,18}")


class IsConnectionAdministrator(BasePermission):
    """A user of the host's with the panel's permissions or, under ``CONSOLE_OWNERS``, with tenants of their own."""

    def has_permission(self, request: Request, view: Any) -> bool:
        operation = view.operation
        needs = operation.needs if operation else ()
        return isinstance(request.user, get_user_model()) and access.may(request.user, *needs)


class Pages(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200


class ConsoleView(APIView):
    """The host's ``REST_FRAMEWORK`` decides on authentication and throttling, and may ask for more permissions."""

    schema = None
    """A document of the host's own API leaves these endpoints out: they have one of their own."""
    # Permissions by model would need a queryset, and cannot tell one connection's tenant from another's.
    _ignore_model_permissions = True
    http_method_names: Sequence[str] = ["get", "head", "post", "patch", "delete"]
    renderer_classes = [JSONRenderer]
    parser_classes = [JSONParser]
    versioning_class = None
    admits: Sequence[type[BasePermission]] = (IsConnectionAdministrator,)
    """Who, besides what the host's own permission classes say."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        # Services open their own transactions.
        for alias in databases:
            transaction.non_atomic_requests(alias)(view)
        return view

    # Reports of errors show the variables of nothing that is called from here.
    @method_decorator(sensitive_variables())
    def dispatch(self, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(*args, **kwargs)

    @property
    def operation(self) -> Operation | None:
        """What the method of the request was declared to be."""
        return getattr(getattr(self, str(self.request.method).lower(), None), "operation", None)

    def get_permissions(self) -> Any:
        return [*super().get_permissions(), *(permission() for permission in self.admits)]

    def get_exception_handler(self) -> Any:
        return errors.answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        patch_cache_control(response, no_store=True, private=True)
        return response

    # Who asks ----------------------------------------------------------------------------------------------

    @property
    def declared(self) -> Operation:
        assert self.operation is not None  # noqa: S101 (only its own method asks)
        return self.operation

    def reachable(self) -> QuerySet[ScimConnection]:
        """The connections with which the caller may do this: where every query starts."""
        return access.reachable(self.request.user, *self.declared.needs).select_related("state_changed_by")

    def open(self, connection_id: str) -> Context:
        """
        :raises NotThere: there is none, or it belongs to a tenant that the caller does not administer.
        :raises EnterpriseRequired: see ``check_plan``.
        """
        try:
            key = UUID(connection_id)
        except ValueError:
            raise NotThere from None
        connection = self.reachable().filter(pk=key).first()
        if connection is None:
            raise NotThere
        if self.declared.is_paid:
            self.check_plan(connection)
        return self.context_of(connection)

    def context_of(self, connection: ScimConnection) -> Context:
        return Context(connection, actor=self.request.user, remote_addr=remote_address(self.request._request.META))

    def check_plan(self, connection: ScimConnection) -> None:
        """
        :raises EnterpriseRequired: the host does not allow the connection, for the reason that it gives.
        """
        reason = plans.refusal(connection)
        if reason:
            raise EnterpriseRequired(reason)

    # What was sent, what is answered -----------------------------------------------------------------------

    def sent(self, *, partial: bool = False, **context: Any) -> dict[str, Any]:
        """The valid body.

        :raises rest_framework.exceptions.ValidationError: it is not valid, or not confirmed by the right password.
        """
        return self._valid(self.declared.body, self.request.data, partial=partial, **context)

    def asked(self) -> dict[str, Any]:
        """The valid parameters of the query.

        :raises rest_framework.exceptions.ValidationError: they are not valid.
        """
        return self._valid(self.declared.query, self.request.query_params)

    def _valid(self, kind: Any, data: Any, *, partial: bool = False, **context: Any) -> dict[str, Any]:
        serializer = kind(data=data, partial=partial, context={"user": self.request.user, **context})
        serializer.is_valid(raise_exception=True)
        found: dict[str, Any] = serializer.validated_data
        return found

    def answer(self, found: Any, *connections: ScimConnection) -> Response:
        """:param connections: those that are shown, so that their state is looked up."""
        return Response(self._shown(found, connections), self.declared.status)

    def page(
        self, found: QuerySet[Any, Any], read: Callable[[list[Any]], Sequence[Any]] = list, **context: Any
    ) -> Response:
        """A page of what a query finds.

        :param read: looks up what is shown of the rows of the page, where that is more than the rows.
        :param context: what the serializer's fields ask for.
        """
        pages = Pages()
        rows = read(pages.paginate_queryset(found, self.request, view=self) or [])
        connections = [row for row in rows if isinstance(row, ScimConnection)]
        return pages.get_paginated_response(self._shown(rows, connections, context, many=True))

    def _shown(
        self, found: Any, connections: Sequence[ScimConnection], more: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        serializer: Any = self.declared.answer
        states = {state.connection.pk: state for state in overview.states(connections)} if connections else {}
        context = {"base_url": base_url(self.request._request), "states": states, **(more or {})}
        return serializer(found, context=context, **options).data

    @contextmanager
    def once(self) -> Iterator[str | None]:
        """Around what makes a token: gives its ``request_id``, so that sending the request again makes no second one.

        :raises Conflict: this ``Idempotency-Key`` has been answered with a token, whatever went wrong this time.
        """
        sent = self.request.headers.get("Idempotency-Key")
        # Of use to this person only.
        text = f"console:{self.request.user.pk}:{sent}"
        request_id = hashlib.sha256(text.encode()).hexdigest()[:32] if sent else None
        try:
            yield request_id
        except (AlreadyIssued, APIException, ValidationError):
            if request_id is None or tokens.issued_for(request_id) is None:
                raise
            raise Conflict(_("This request was answered with a token already, which cannot be shown again.")) from None


def one_of(found: QuerySet[RowT], pk: str) -> RowT:
    """The row with a numeric key that came in a path.

    :raises NotThere: there is none.
    """
    row = found.filter(pk=int(pk)).first() if _KEY.fullmatch(pk) else None
    if row is None:
        raise NotThere
    return row
