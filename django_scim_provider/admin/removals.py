"""Removals that are held and those that were done: let them pass, undo them, or raise the limit."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ..services import access, alarm, held, listings, rows
from ..services.context import Context
from ..services.held import Watch
from . import words
from .base import Panel, page_of

NAMES: Final = 20
"""People named in messages: these travel in a cookie."""
SHOWN: Final = 100


class LimitForm(forms.Form):
    guard_limit = forms.IntegerField(
        label=gettext_lazy("Removals in ten minutes that need no attention"),
        required=False,
        min_value=0,
        max_value=2_000_000_000,
        help_text=gettext_lazy("Empty: 10, or 10 % of the people managed where that is more."),
    )


class RemovalPages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/removals/", self.removals_view, "removals"),
            self.route("<uuid:connection_id>/removals/release/", self.release_view, "release"),
            self.route("<uuid:connection_id>/removals/undo/", self.undo_view, "undo"),
            *super().panel_urls(),
        ]

    def removals_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE)
        connection = context.connection
        form = LimitForm(request.POST or None, initial={"guard_limit": connection.guard_limit})
        if self.configure(request, context, form) is not None:
            messages.success(request, _("The limit was saved."))
            return HttpResponseRedirect(request.path)
        waiting = held.held(context)
        page = page_of(request, held.removals(context).select_related("scim_user"))
        tokens = listings.credentials(context)
        watch = held.watch([connection]).get(connection.pk, Watch())
        return self.page(
            request,
            "removals",
            title=connection.name,
            subtitle=_("Held removals"),
            connection=connection,
            tab="removals",
            form=form,
            policy=connection.get_guard_display(),
            limit=words.number(held.limit(context, rows.count(context))),
            watch=watch,
            warnings=self.removal_warnings(watch),
            count=words.number(waiting.count()),
            held=[self._held(row, tokens) for row in waiting[:SHOWN]],
            page=page,
            removals=[self._removal(row, tokens) for row in page],
            release_url=self.page_url("release", connection.pk),
            undo_url=self.page_url("undo", connection.pk),
        )

    def _held(self, row: Any, tokens: dict[str, str]) -> dict[str, Any]:
        return {
            "label": row.label,
            "people": words.people(row.people) if row.resource_type == "Group" else "",
            "first": words.moment(row.first_at),
            "last": words.moment(row.last_at) if row.count > 1 else None,
            "times": words.number(row.count),
            "by": tokens.get(row.key_id, row.key_id),
            "address": row.remote_addr,
        }

    def _removal(self, row: Any, tokens: dict[str, str]) -> dict[str, Any]:
        return {
            "label": row.scim_user.user_name,
            "kind": row.get_kind_display(),
            "at": words.moment(row.at),
            "by": tokens.get(row.key_id, row.key_id),
            "address": row.remote_addr,
        }

    def removal_warnings(self, watch: Watch) -> list[str]:
        """What an administrator should know about a connection's removals."""
        if watch.is_holding:
            text = ngettext("%(count)s removal is being held.", "%(count)s removals are being held.", watch.held)
            return [text % {"count": words.number(watch.held)}]
        since = words.moment(watch.alarm_at)
        if since is not None:
            return [_("Unusually many people were removed, first noticed %(when)s.") % {"when": since.words}]
        return []

    def release_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE)
        back = self.page_url("removals", connection_id)
        if request.method == "POST":
            held.release(context)
            messages.success(request, _("Removals pass for a day. The identity provider will ask for them again."))
            return HttpResponseRedirect(back)
        return self.page(
            request,
            "confirm",
            title=_("Release removals"),
            connection=context.connection,
            points=[
                _("The removals that are held are done as soon as the identity provider asks for them again."),
                _("So are all others that it asks for within a day. After that they are counted anew."),
                _("Release them only if you know why so many people leave."),
            ],
            button=_("Release"),
            cancel_url=back,
        )

    def undo_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id, access.MANAGE)
        back = self.page_url("removals", connection_id)
        if request.method == "POST":
            self._undo(request, context)
            return HttpResponseRedirect(back)
        points = [
            _("%(people)s get back what they had: activity, groups, roles.")
            % {"people": words.people(alarm.people(context))},
            _("Passwords and sessions do not return, nor what was deleted for good."),
            _("What is held is forgotten, and removals are counted anew."),
        ]
        if context.connection.enabled:
            points.append(
                _("The identity provider may ask for the same again. Correct it first, or disable the connection.")
            )
        return self.page(
            request,
            "confirm",
            title=_("Undo removals"),
            connection=context.connection,
            points=points,
            button=_("Undo"),
            cancel_url=back,
        )

    def _undo(self, request: HttpRequest, context: Context) -> None:
        done, left = alarm.undo(context)
        refused = [one for one in done if one.refusal]
        incomplete = [one for one in done if one.missing]
        back = words.people(len(done) - len(refused))
        messages.success(request, _("%(people)s got back what they had.") % {"people": back})
        named = [*refused, *incomplete][:NAMES]
        for one in named:
            if one.refusal:
                text = _("“%(name)s” stays removed: %(why)s") % {"name": one.user_name, "why": one.refusal}
                messages.warning(request, text)
            else:
                missing = {"name": one.user_name, "what": "; ".join(one.missing)}
                messages.info(request, _("“%(name)s” did not get back: %(what)s") % missing)
        unnamed = len(refused) + len(incomplete) - len(named)
        if unnamed:
            text = ngettext(
                "%(count)s more person did not get everything back.",
                "%(count)s more people did not get everything back.",
                unnamed,
            )
            messages.warning(request, text % {"count": words.number(unnamed)})
        if left:
            text = _("%(count)s more are to be undone: press the button again.")
            messages.warning(request, text % {"count": words.number(left)})
