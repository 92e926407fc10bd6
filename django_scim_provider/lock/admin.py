from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from .managed import is_scim_locked, is_scim_managed, locked_fields, message, provenance

REMOVE: Final = "scim_provider.remove_managed_people"


class ScimManagedAdminMixin:
    """For the ``ModelAdmin`` of the user model: e-mail address and user name of managed people are read-only, the
    password cannot be set, and who may delete them needs the permission ``scim_provider.remove_managed_people``. The
    page says which connection manages the person, since when, and when it last changed something.

    Put it before ``UserAdmin`` or ``ModelAdmin`` among the bases.
    """

    admin_site: Any
    opts: Any

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        fields: Sequence[Any] = super().get_readonly_fields(request, obj)  # type: ignore[misc]
        if obj is None or not is_scim_locked(obj):
            return fields
        # A read-only password would be shown as it is stored; the form only links to the page that is closed below.
        return [*fields, *sorted(locked_fields(obj) - {"password"} - set(fields))]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if request.method == "GET" and obj is not None:
            if is_scim_locked(obj):
                messages.info(request, message(obj))
            for line in provenance(obj):
                messages.info(request, line)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)  # type: ignore[misc]
        return response

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Django's page that sets a password: closed for managed people."""
        user = self.get_object(request, unquote(id))  # type: ignore[attr-defined]
        if user is None or not is_scim_locked(user):
            response: HttpResponse = super().user_change_password(request, id, form_url)  # type: ignore[misc]
            return response
        messages.error(request, message(user))
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[quote(user.pk)], current_app=self.admin_site.name))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may: bool = super().has_delete_permission(request, obj)  # type: ignore[misc]
        if not may or obj is None or not is_scim_managed(obj):
            return may
        return bool(request.user.has_perm(REMOVE))
