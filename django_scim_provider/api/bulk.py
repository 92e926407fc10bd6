"""``/Bulk`` (RFC 7644 section 3.7)."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from ..conf import app_settings
from ..protocol.bulk import BulkRequest, parse_bulk
from ..protocol.errors import ScimError
from ..protocol.urns import BULK_RESPONSE
from ..services import audit, bulk
from . import throttling
from .exceptions import to_scim_error
from .messages import read_body, respond
from .views import Action, ScimView


class BulkView(ScimView):
    """Many operations in one request. Once one of them has been tried, the answer is 200 with the results."""

    def post(self, request: Request) -> HttpResponse:
        with audit.refusals(self.caller, Action.MODIFY, ""):
            wanted = self._read(request)
        throttling.charge(self.caller.connection, len(wanted.operations) - 1)

        def on_fault(error: Exception) -> ScimError:
            return to_scim_error(error, request._request)

        results = bulk.perform(self.caller, wanted, on_fault)
        return respond({"schemas": [BULK_RESPONSE], "Operations": [result.as_document() for result in results]})

    def _read(self, request: Request) -> BulkRequest:
        return parse_bulk(
            read_body(request._request, bulk=True),
            max_operations=app_settings.BULK_MAX_OPERATIONS,
            tolerance=self.caller.dialect.tolerance,
        )
