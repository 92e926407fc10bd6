from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from .managed import is_scim_locked, message


class ManagedUserPasswordValidator:
    """For ``AUTH_PASSWORD_VALIDATORS``: no form of Django's sets a password for somebody who is managed.

    It needs no option, and does not look at the password.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """
        :raises ValidationError: the user is managed by an identity provider.
        """
        if user is not None and is_scim_locked(user):
            raise ValidationError(message(user), code="scim_managed")

    def get_help_text(self) -> str:
        return ""
