"""The lock for views of REST framework; a module of its own, so that the others do without that."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from .managed import is_scim_locked, locked_fields, message

__all__ = ["IsNotScimManaged", "ScimManagedSerializerMixin"]


class ScimManagedSerializerMixin:
    """For a ``ModelSerializer`` of the user model: another e-mail address, user name or password is a 400.

    Put it before ``ModelSerializer`` among the bases. The same value may be sent again.
    """

    instance: Any

    def validate(self, attrs: Any) -> Any:
        attrs = super().validate(attrs)  # type: ignore[misc]
        user = self.instance
        if user is None or not is_scim_locked(user):
            return attrs
        changed = [name for name in locked_fields(user) & attrs.keys() if attrs[name] != getattr(user, name)]
        if changed:
            raise ValidationError({name: message(user) for name in changed}, code="scim_managed")
        return attrs


class IsNotScimManaged(BasePermission):
    """Refuses writes to managed people and by them, with the name of who manages them: for a view that changes an
    account or lets somebody leave their organization."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return self._permits(request, request.user)

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return not isinstance(obj, get_user_model()) or self._permits(request, obj)

    def _permits(self, request: Request, user: Any) -> bool:
        if request.method in SAFE_METHODS or not is_scim_locked(user):
            return True
        self.message = message(user)
        return False
