from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from .managed import is_scim_locked, message


class ScimAccountAdapterMixin:
    """For the account adapter of django-allauth: managed people add and remove no address and set no password.

    Put it before ``DefaultAccountAdapter`` among the bases. It imports nothing of allauth.
    """

    request: Any = None

    def clean_email(self, email: str) -> str:
        """
        :raises ValidationError: a managed person, signed in, gives another address than the one they have.
        """
        cleaned: str = super().clean_email(email)  # type: ignore[misc]
        user = getattr(self.request, "user", None)
        if user is not None and user.is_authenticated and is_scim_locked(user):
            current = getattr(user, user.get_email_field_name(), None) or ""
            if cleaned.lower() != current.lower():
                raise ValidationError(message(user), code="scim_managed")
        return cleaned

    def clean_password(self, password: str, user: Any = None) -> str:
        """
        :raises ValidationError: the user is managed.
        """
        if user is not None and is_scim_locked(user):
            raise ValidationError(message(user), code="scim_managed")
        cleaned: str = super().clean_password(password, user)  # type: ignore[misc]
        return cleaned

    def can_delete_email(self, email_address: Any) -> bool:
        return not is_scim_locked(email_address.user) and bool(
            super().can_delete_email(email_address)  # type: ignore[misc]
        )
