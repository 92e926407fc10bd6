"""Tokens: issue, rotate, revoke; and the one response that shows a token."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from ..models import ScimToken
from ..services import access, tokens
from ..services.context import Context
from ..services.mount import base_url
from ..services.tokens import AlreadyIssued, Issued
from . import words
from .base import Panel, never_stored
from .confirmation import ConfirmationForm
from .forms import IssueForm, RotateForm
from .guides import guide

sensitive = method_decorator([sensitive_post_parameters(), sensitive_variables()])


class Secret(str):
    """Text for one page and for nothing else: reports of errors print ``repr``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Secret>"


class TokenPages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        token = "<uuid:connection_id>/tokens/<int:token_id>"  # noqa: S105 (a path)
        return [
            self.route("<uuid:connection_id>/tokens/issue/", self.issue_view, "issue"),
            self.route(f"{token}/rotate/", self.rotate_view, "rotate"),
            self.route(f"{token}/revoke/", self.revoke_view, "revoke"),
            *super().panel_urls(),
        ]

    # The pages ---------------------------------------------------------------------------------------------

    @sensitive
    def issue_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE_TOKENS)
        form = IssueForm(request.POST or None)

        def make(request_id: str) -> Issued:
            return tokens.issue(
                context,
                name=form.cleaned_data["name"],
                life=timedelta(days=form.cleaned_data["days"]),
                scopes=form.cleaned_data["scopes"],
                request_id=request_id,
            )

        return self._ask(
            request,
            context,
            form,
            make,
            refusal="" if context.connection.enabled else _("SCIM is off. Enable it again to get a new token."),
            title=_("Issue another token"),
            text=_(
                "The tokens there are go on working. Issue another one to change over without an interruption, or for "
                "a second client."
            ),
            button=_("Issue token"),
        )

    @sensitive
    def rotate_view(self, request: HttpRequest, connection_id: UUID, token_id: int) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE_TOKENS)
        token = self._find(context, token_id)
        form = RotateForm(request.POST or None)

        def make(request_id: str) -> Issued:
            overlap = timedelta(hours=int(form.cleaned_data["overlap"]))
            return tokens.rotate(context, token, overlap=overlap, request_id=request_id)

        return self._ask(
            request,
            context,
            form,
            make,
            refusal="" if self._is_usable(context, token) else _("This token has ended. Issue another one instead."),
            replaced=token,
            title=_("Rotate the token %(token)s") % {"token": token.starts_with},
            text=_("You get a new token now. Until the old one ends both work, so that nothing is interrupted."),
            button=_("Rotate token"),
        )

    def revoke_view(self, request: HttpRequest, connection_id: UUID, token_id: int) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE_TOKENS)
        connection, token = context.connection, self._find(context, token_id)
        back = self.page_url("change", connection.pk)
        if token.revoked_at is not None:
            messages.info(request, _("The token was revoked already."))
            return HttpResponseRedirect(back)
        if request.method == "POST":
            tokens.revoke(context, token)
            messages.success(request, _("The token %(token)s was revoked.") % {"token": token.starts_with})
            return HttpResponseRedirect(back)
        live = ScimToken.objects.using(context.using).filter(connection=connection, revoked_at=None)
        others = [other for other in live.exclude(pk=token.pk) if other.is_live()]
        return self.page(
            request,
            "confirm",
            title=_("Revoke the token %(token)s") % {"token": token.starts_with},
            connection=connection,
            points=[
                _("Whoever uses it is turned away at once. This cannot be undone."),
                ngettext("One other token stays valid.", "%(count)s other tokens stay valid.", len(others))
                % {"count": words.number(len(others))}
                if others
                else _("It is the last token: provisioning stops until you issue a new one."),
            ],
            button=_("Revoke token"),
            cancel_url=back,
        )

    def _find(self, context: Context, token_id: int) -> ScimToken:
        found = ScimToken.objects.using(context.using).filter(connection=context.connection, pk=token_id).first()
        if found is None:
            raise Http404
        return found

    @staticmethod
    def _is_usable(context: Context, token: ScimToken) -> bool:
        return context.connection.enabled and token.is_live()

    # Asking and showing ------------------------------------------------------------------------------------

    @sensitive
    def _ask(
        self,
        request: HttpRequest,
        context: Context,
        form: Any,
        make: Callable[[str], Issued],
        *,
        refusal: str,
        replaced: ScimToken | None = None,
        **page: Any,
    ) -> HttpResponse:
        """A form with the password below it; when both are right, the token that ``make`` makes, once."""
        confirmation = ConfirmationForm(request.POST or None, user=request.user)
        answer = confirmation.answer()
        if answer is not None:
            return self.already_issued(request, answer)
        if refusal:
            messages.error(request, refusal)
            return HttpResponseRedirect(self.page_url("change", context.connection.pk))
        if all([form.is_valid(), confirmation.is_valid()]):
            try:
                issued = make(confirmation.cleaned_data["request_id"])
            except AlreadyIssued:
                return self.already_issued(request, confirmation.answer())
            return self.reveal(request, context, issued, replaced=replaced)
        return self.page(
            request,
            "ask",
            connection=context.connection,
            form=form,
            confirmation=confirmation,
            cancel_url=self.page_url("change", context.connection.pk),
            **page,
        )

    @sensitive
    def reveal(
        self,
        request: HttpRequest,
        context: Context,
        issued: Issued,
        *,
        notes: list[str] | None = None,
        replaced: ScimToken | None = None,
        title: str = "",
    ) -> TemplateResponse:
        """The page that shows the token: the answer to the POST itself, never to be had again."""
        connection = context.connection
        ends = words.moment(replaced.expires_at) if replaced and replaced.is_live() else None
        response = self.page(
            request,
            "reveal",
            title=title or _("A new token for %(connection)s") % {"connection": connection.name},
            connection=connection,
            base_url=base_url(request),
            secret=Secret(issued.text),
            token=issued.token,
            expires=words.moment(issued.token.expires_at),
            replaced=replaced,
            replaced_ends=ends,
            guide=guide(connection.provider),
            notes=notes or [],
            done_url=self.page_url("change", connection.pk),
        )
        return never_stored(response)

    def already_issued(self, request: HttpRequest, token: ScimToken | None) -> TemplateResponse:
        """The answer to a form that was sent before: nothing happens, nothing is shown."""
        rotate_url = None
        if token is not None and token.is_live() and access.has(request.user, access.MANAGE_TOKENS):
            rotate_url = self.page_url("rotate", token.connection_id, token.pk)
        response = self.page(
            request,
            "already_issued",
            title=_("Already issued"),
            connection=token.connection if token else None,
            token=token,
            rotate_url=rotate_url,
            done_url=self.page_url("change", token.connection_id) if token else self.page_url("changelist"),
            status=409,
        )
        return never_stored(response)
