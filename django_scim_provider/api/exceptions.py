"""Every exception that a view can meet, as a SCIM error."""

from __future__ import annotations

import logging

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError
from django.http import HttpRequest
from rest_framework.exceptions import APIException, AuthenticationFailed, NotAuthenticated

from ..protocol import errors

RETRY_AFTER = 30
"""Seconds; long enough for a database to come back, short enough that nobody notices a sync was late."""

logger = logging.getLogger("django_scim_provider")


def to_scim_error(error: Exception, request: HttpRequest) -> errors.ScimError:
    """The SCIM error to answer with. Faults of ours are logged and reported as Django would report them."""
    if isinstance(error, errors.ScimError):
        return error
    if isinstance(error, PermissionDenied):
        return errors.Forbidden()
    if isinstance(error, SuspiciousOperation):
        logger.warning("A suspicious SCIM request was refused: %s", type(error).__name__)
        return errors.BadRequest("The request's host or headers are not acceptable.")
    if isinstance(error, AuthenticationFailed | NotAuthenticated):
        # What classes of other packages raise.
        return errors.Unauthorized()
    if isinstance(error, APIException) and error.status_code == 403:
        return errors.Forbidden()
    if isinstance(error, APIException) and error.status_code < 500:
        return errors.BadRequest("The request is malformed.")
    # InternalError: PostgreSQL's word for a server that went read-only; DatabaseError itself: SQLite's for a bad file.
    if isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError:
        # An identity provider disables a connection that answers 401 or 404 for a database that is down.
        logger.error("The database failed during a SCIM request.", exc_info=error)
        return errors.Unavailable(retry_after=RETRY_AFTER)
    if isinstance(error, DatabaseError):
        logger.error("The database refused a statement of a SCIM request.", exc_info=error)
        got_request_exception.send(sender=None, request=request)
        return errors.InternalError()
    logger.error("A SCIM request failed.", exc_info=error, extra={"request": request})
    got_request_exception.send(sender=None, request=request)
    return errors.InternalError()
