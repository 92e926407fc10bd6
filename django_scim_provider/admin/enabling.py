"""SCIM on and off: enable for a new connection, disable, enable again."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import ScimConnection
from ..services import access, connections, listings, overview, sync
from ..services.addresses import remote_address
from ..services.connections import Enabled
from ..services.context import Context
from ..services.mount import base_url
from ..services.tokens import AlreadyIssued
from . import words
from .base import place
from .confirmation import ConfirmationForm
from .credentials import TokenPages, sensitive
from .forms import EnableForm

AT_ONCE: Final = 20_000
"""As many people are put under management within a request; more take longer than many web servers let one last."""


class EnablingPages(TokenPages):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/enable/", self.enable_again_view, "enable"),
            self.route("<uuid:connection_id>/disable/", self.disable_view, "disable"),
            *super().panel_urls(),
        ]

    # A new connection --------------------------------------------------------------------------------------

    @sensitive
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Three steps on one page. "Show what will happen" sends the page round without saving anything."""
        self.check_access(request, access.MANAGE)
        if not access.portals_to_manage(request.user):
            return self.page(request, "enable", title=_("Enable SCIM"), is_empty=True)
        is_draft = "_preview" in request.POST
        form = EnableForm(request.POST or None, user=request.user, draft=is_draft)
        confirmation = ConfirmationForm(None if is_draft else request.POST or None, user=request.user)
        complete = not is_draft and all([form.is_valid(), confirmation.is_valid()])
        # Asked last: of a form sent twice at once, the second finds its own name taken by the first.
        answer = confirmation.answer()
        if answer is not None:
            return self.already_issued(request, answer)
        unseen = complete and form.cleaned_data["seen"] != form.consequences
        if complete and not unseen:
            response = self._create(request, form, confirmation)
            if response is not None:
                return response
        return self.page(
            request,
            "enable",
            title=_("Enable SCIM"),
            form=form,
            confirmation=confirmation,
            unseen=unseen,
            is_draft=is_draft,
            base_url=base_url(request),
            **self._preview(request, form),
        )

    @sensitive
    def _create(self, request: HttpRequest, form: EnableForm, confirmation: ConfirmationForm) -> HttpResponse | None:
        """``None`` when the form has errors after all."""
        try:
            enabled = connections.create_enabled(
                **form.options(),
                actor=request.user,
                remote_addr=remote_address(request.META),
                request_id=confirmation.cleaned_data["request_id"],
            )
        except AlreadyIssued:
            return self.already_issued(request, confirmation.answer())
        except ValidationError as error:
            # The same form, sent twice at once, loses the race for its own name.
            answer = confirmation.answer()
            if answer is not None:
                return self.already_issued(request, answer)
            place(form, error)
            return None
        self.log_addition(request, enabled.context.connection, [{"added": {}}])
        return self._reveal_enabled(request, enabled)

    def _preview(self, request: HttpRequest, form: EnableForm) -> dict[str, Any]:
        """What enabling would do, for the choices made so far; nothing where they name none that may be made."""
        if form.is_bound:
            form.is_valid()
        connection = form.instance
        if not form.is_bound:
            connection.existing_accounts = form.initial["existing_accounts"]
        if "tenant" in form.errors:
            return {"preview": None, "seen": ""}
        takes_over = connection.existing_accounts != ScimConnection.ExistingAccounts.NEVER
        if takes_over and not access.may_make(request.user, connection.portal, connection.tenant):
            return {"preview": None, "seen": ""}
        return {"preview": self.preview(Context(connection, actor=request.user)), "seen": form.consequences}

    # An old one --------------------------------------------------------------------------------------------

    @sensitive
    def enable_again_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE)
        connection = context.connection
        back = self.page_url("change", connection.pk)
        confirmation = ConfirmationForm(request.POST or None, user=request.user)
        answer = confirmation.answer()
        if answer is not None:
            return self.already_issued(request, answer)
        if connection.enabled:
            messages.info(request, _("SCIM is on already."))
            return HttpResponseRedirect(back)
        if confirmation.is_valid():
            try:
                enabled = connections.enable_again(context, request_id=confirmation.cleaned_data["request_id"])
            except AlreadyIssued:
                return self.already_issued(request, confirmation.answer())
            self.log_settings(request, connection, ["enabled"])
            return self._reveal_enabled(request, enabled)
        return self.page(
            request,
            "ask",
            title=_("Enable SCIM again for %(connection)s") % {"connection": connection.name},
            connection=connection,
            text=_("You get a new token now; old ones stay dead, so the identity provider needs the new one."),
            preview=self.preview(context),
            confirmation=confirmation,
            button=_("Enable SCIM again"),
            cancel_url=back,
        )

    def disable_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE)
        connection = context.connection
        back = self.page_url("change", connection.pk)
        if not connection.enabled:
            messages.info(request, _("SCIM is off already."))
            return HttpResponseRedirect(back)
        if request.method == "POST":
            connections.disable(context)
            self.log_settings(request, connection, ["enabled"])
            messages.success(request, _("SCIM is off for %(connection)s.") % {"connection": connection.name})
            return HttpResponseRedirect(back)
        state = overview.states([connection])[0]
        return self.page(
            request,
            "confirm",
            title=_("Disable SCIM for %(connection)s") % {"connection": connection.name},
            connection=connection,
            points=[
                _("The identity provider is turned away at once: nobody is created, updated or deactivated any more."),
                ngettext(
                    "The token of this connection ends now and never works again.",
                    "The %(count)s tokens of this connection end now and never work again.",
                    len(state.tokens),
                )
                % {"count": words.number(len(state.tokens))}
                if state.tokens
                else _("There is no valid token that could end."),
                *([words.people_keep_accounts(state.managed)] if state.managed else []),
                _("Policies and events stay. You can enable SCIM again at any time; that makes a new token."),
            ],
            button=_("Disable SCIM"),
            cancel_url=back,
        )

    # In words ----------------------------------------------------------------------------------------------

    @sensitive
    def _reveal_enabled(self, request: HttpRequest, enabled: Enabled) -> HttpResponse:
        connection, adoption = enabled.context.connection, enabled.adoption
        notes = []
        if adoption.adopted:
            text = ngettext(
                "%(count)s existing person is managed by SCIM now.",
                "%(count)s existing people are managed by SCIM now.",
                adoption.adopted,
            )
            notes.append(text % {"count": words.number(adoption.adopted)})
        if adoption.left_out:
            text = ngettext(
                "%(count)s person could not be put under management.",
                "%(count)s people could not be put under management.",
                adoption.left_out,
            )
            notes.append(text % {"count": words.number(adoption.left_out)})
        title = _("SCIM is on for %(connection)s") % {"connection": connection.name}
        return self.reveal(request, enabled.context, enabled.issued, notes=notes, title=title)

    @staticmethod
    def preview(context: Context) -> dict[str, Any]:
        """What enabling would do, in words and with samples of names."""
        found, protected = sync.preview(context)
        return {
            "headline": ngettext(
                "%(count)s existing person will be managed.",
                "%(count)s existing people will be managed.",
                found.adopted,
            )
            % {"count": words.number(found.adopted)}
            if found.adopted
            else _("No existing account will be managed, only people whom the identity provider creates."),
            "is_long": found.adopted > AT_ONCE,
            "findings": [
                {"text": text % {"count": _at_least(names)}, "summary": summary, "names": names}
                for names, text, summary in (
                    (
                        protected,
                        ngettext(
                            "%(count)s of them is protected and stays yours: the identity provider may update name and "
                            "profile, nothing else.",
                            "%(count)s of them are protected and stay yours: the identity provider may update name and "
                            "profile, nothing else.",
                            len(protected),
                        ),
                        _("Who is protected"),
                    ),
                    (
                        found.collisions,
                        ngettext(
                            "%(count)s person cannot be managed, because the user name differs from another one only "
                            "in capital letters or spelling. Change one of the two first.",
                            "%(count)s people cannot be managed, because their user names differ from others only in "
                            "capital letters or spelling. Change one of each two first.",
                            len(found.collisions),
                        ),
                        _("Whose user names collide"),
                    ),
                    (
                        found.unusable,
                        ngettext(
                            "%(count)s person cannot be managed, because SCIM cannot carry the user name.",
                            "%(count)s people cannot be managed, because SCIM cannot carry their user names.",
                            len(found.unusable),
                        ),
                        _("Which user names"),
                    ),
                )
                if names
            ]
            + _elsewhere(context),
        }


def _elsewhere(context: Context) -> list[dict[str, Any]]:
    """Who cannot be taken over because another connection has them, as far as the reader may know of that one."""
    counts = listings.managed_elsewhere(context)
    names = dict(access.connections(context.actor).filter(pk__in=counts).order_by("name").values_list("pk", "name"))
    return [
        {
            "text": ngettext(
                "%(count)s person is managed by another connection (%(connection)s) and stays there.",
                "%(count)s people are managed by another connection (%(connection)s) and stay there.",
                counts[pk],
            )
            % {"count": words.number(counts[pk]), "connection": name}
        }
        for pk, name in names.items()
    ]


def _at_least(names: list[str]) -> str:
    """The size of a list that may be a sample."""
    if len(names) < sync.SAMPLE:
        return words.number(len(names))
    return _("%(count)s or more") % {"count": words.number(len(names))}
