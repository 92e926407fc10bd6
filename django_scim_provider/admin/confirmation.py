"""Before a credential is made: the same person, right now, and only once (CVE-2026-43640: a session alone sufficed)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from ..models import ScimToken
from ..services import tokens
from ..services.confirmation import NotConfirmed, check_fresh, check_password

_OPEN_FOR: Final = timedelta(days=1)
_SALT: Final = "django_scim_provider.admin.confirmation"


def new_request_id(user: Any) -> str:
    """What a form carries, so that sending it again makes no second token; of use to this person only."""
    return signing.TimestampSigner(salt=_SALT).sign_object([str(user.pk), uuid.uuid4().hex])


def read_request_id(text: str, user: Any) -> str | None:
    """The id in a form's field; ``None`` if it is too old, made up or somebody else's."""
    signer = signing.TimestampSigner(salt=_SALT)
    try:
        pk, request_id = signer.unsign_object(text, max_age=_OPEN_FOR)
    except signing.BadSignature:
        return None
    return str(request_id) if pk == str(user.pk) else None


class ConfirmationForm(forms.Form):
    """Asks for the password, or for a fresh login where people sign in elsewhere; stands beside an action's own form.

    ``cleaned_data["request_id"]`` names this form in ``ScimToken.request_id``.
    """

    request_id = forms.CharField(widget=forms.HiddenInput, required=False)
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("Asked again, because whoever holds the token can change accounts."),
        error_messages={"required": _("Enter your password to confirm.")},
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        self.user = user
        kwargs["initial"] = {"request_id": new_request_id(user), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.has_password = user.has_usable_password()
        if not self.has_password:
            del self.fields["password"]

    def clean_request_id(self) -> str:
        request_id = read_request_id(self.cleaned_data["request_id"], self.user)
        if request_id is None:
            self.data = {**self.data, self.add_prefix("request_id"): new_request_id(self.user)}
            self.add_error(None, _("This page was open for too long. Please confirm again."))
        return request_id or ""

    def answer(self) -> ScimToken | None:
        """The token that this very form has been answered with before."""
        request_id = read_request_id(self.data.get(self.add_prefix("request_id"), ""), self.user)
        return tokens.issued_for(request_id) if request_id else None

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        try:
            check_password(self.user, password)
        except NotConfirmed as error:
            raise ValidationError(error.message) from None
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.has_password:
            try:
                check_fresh(self.user)
            except NotConfirmed as error:
                raise ValidationError(error.message) from None
        return cleaned
