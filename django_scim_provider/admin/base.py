"""What every page of the panel stands on: who sees which connection, and the admin's own frame around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from ..models import ScimConnection
from ..services import access, connections
from ..services.addresses import remote_address
from ..services.context import Context
from .sentences import field_label

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    ConnectionAdmin = admin.ModelAdmin[ScimConnection]
else:
    ConnectionAdmin = admin.ModelAdmin


PER_PAGE: Final = 50


class Tab(NamedTuple):
    """One page of a connection, a plain link."""

    page: str
    label: StrOrPromise
    permission: str


class SearchForm(forms.Form):
    """Free text; what no text column holds, such as NUL, looks for nothing."""

    q = forms.CharField(required=False)


def search_text(request: HttpRequest) -> str:
    form = SearchForm(request.GET)
    form.is_valid()
    return str(form.cleaned_data.get("q", ""))


def page_of(request: HttpRequest, found: QuerySet[Any, Any], per_page: int = PER_PAGE) -> Page[Any]:
    """The page that is asked for, or the nearest that there is."""
    return Paginator(found, per_page).get_page(request.GET.get("p"))


class Panel(ConnectionAdmin):
    """Pages are methods that begin with ``self.open(...)``, which checks; the modules beside this one add theirs."""

    tabs: ClassVar[tuple[Tab, ...]] = (
        Tab("change", _("Set-up"), access.VIEW),
        Tab("people", _("People"), access.VIEW),
        Tab("groups", _("Groups and roles"), access.VIEW),
        Tab("policies", _("Policies"), access.VIEW),
        Tab("removals", _("Held removals"), access.MANAGE),
        Tab("events", _("Events"), access.VIEW_EVENTS),
    )

    # Addresses ---------------------------------------------------------------------------------------------

    def page_url(self, page: str, *args: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=args, current_app=self.admin_site.name)

    def admin_url(self, model: type[Model], pk: object) -> str | None:
        """Another model's page in the same admin, if it has one there."""
        if not self.admin_site.is_registered(model):
            return None
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        return reverse(name, args=[pk], current_app=self.admin_site.name)

    def route(self, route: str, view: Callable[..., Any], page: str) -> URLPattern:
        """A page that only staff reaches, protected from forged requests and from caches by the admin site."""
        return path(
            route, self.admin_site.admin_view(view), name=f"{self.opts.app_label}_{self.opts.model_name}_{page}"
        )

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        return [*self.panel_urls(), *super().get_urls()]

    def panel_urls(self) -> list[URLPattern]:
        return []

    # Access ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        return access.connections(request.user).select_related("state_changed_by").order_by("name")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.has(request.user, access.VIEW)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj) and access.has(request.user, access.MANAGE)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def check_access(self, request: HttpRequest, *permissions: str) -> None:
        """
        :raises PermissionDenied: the person may not see connections, or lacks one of the permissions.
        """
        if not all(access.has(request.user, permission) for permission in (access.VIEW, *permissions)):
            raise PermissionDenied

    def open(self, request: HttpRequest, connection_id: object, *permissions: str) -> Context:
        """The connection a page is about, with the person who acts on it.

        :raises PermissionDenied: see ``check_access``.
        :raises Http404: there is none, or it belongs to a tenant that the person does not administer.
        """
        self.check_access(request, *permissions)
        try:
            key = UUID(str(connection_id))
        except ValueError:
            raise Http404 from None
        connection = self.get_queryset(request).filter(pk=key).first()
        if connection is None:
            raise Http404
        return Context(connection, actor=request.user, remote_addr=remote_address(request.META))

    # Pages -------------------------------------------------------------------------------------------------

    def page(
        self,
        request: HttpRequest,
        template: str,
        *,
        title: StrOrPromise,
        connection: ScimConnection | None = None,
        tab: str = "",
        status: int = 200,
        **extra: Any,
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "subtitle": None,
            "connection": connection,
            "tab": tab,
            "tabs": self._tabs(request, connection, tab) if connection else [],
            "overview_url": self.page_url("changelist"),
            "may_manage": access.has(request.user, access.MANAGE),
            "may_manage_tokens": access.has(request.user, access.MANAGE_TOKENS),
            **extra,
        }
        return TemplateResponse(request, f"admin/scim_provider/{template}.html", context, status=status)

    def configure(self, request: HttpRequest, context: Context, form: forms.BaseForm) -> list[str] | None:
        """The names of the settings that a form changed; ``None`` when it was not sent or has errors."""
        if not (form.is_bound and form.is_valid()):
            return None
        try:
            changed = connections.configure(context, **form.cleaned_data)
        except ValidationError as error:
            place(form, error)
            return None
        if changed:
            self.log_settings(request, context.connection, changed)
        return changed

    def log_settings(self, request: HttpRequest, connection: ScimConnection, names: Sequence[str]) -> None:
        """The admin's own history; names of settings only, never a value."""
        with override(None):
            labels = [field_label(name) for name in names]
        self.log_change(request, connection, [{"changed": {"fields": labels}}])

    def _tabs(self, request: HttpRequest, connection: ScimConnection, current: str) -> list[dict[str, Any]]:
        return [
            {"label": tab.label, "url": self.page_url(tab.page, connection.pk), "is_current": tab.page == current}
            for tab in self.tabs
            if access.has(request.user, tab.permission)
        ]


def place(form: forms.BaseForm, error: ValidationError) -> None:
    """Put what a service says about fields beside those fields, or on top where the form does not have them."""
    for name, said in error.message_dict.items():
        form.add_error(name if name in form.fields else None, said)


def never_stored(response: TemplateResponse) -> TemplateResponse:
    """For the one response that shows a token: no cache, no history keeps it, no other site learns of it."""
    patch_cache_control(response, no_store=True, private=True)
    # Not "no-referrer": browsers would send "Origin: null" with the forms of the page, and Django refuse them.
    response["Referrer-Policy"] = "same-origin"
    return response
