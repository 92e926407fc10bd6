"""The pages of one connection that show something: set-up, people, policies."""

from __future__ import annotations

import copy
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _

from ..models import ScimToken, ScimUser
from ..protocol.keys import fold
from ..services import access, listings, overview
from ..services.context import Context
from ..services.held import limit
from ..services.listings import ListedPerson
from ..services.mount import base_url
from ..services.rows import UserRow, count
from . import words
from .base import page_of, search_text
from .forms import PoliciesForm
from .guides import guide
from .oauth_clients import ClientPages

ENDED_TOKENS: Final = 20


class TabPages(ClientPages):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/people/", self.people_view, "people"),
            self.route("<uuid:connection_id>/policies/", self.policies_view, "policies"),
            *super().panel_urls(),
        ]

    # Set-up ------------------------------------------------------------------------------------------------

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        context = self.open(request, object_id)
        connection = context.connection
        state = overview.states([connection])[0]
        tokens = ScimToken.objects.using(context.using).filter(connection=connection).select_related("created_by")
        live = {token.pk for token in state.tokens}
        return self.page(
            request,
            "setup",
            title=connection.name,
            subtitle=_("Set-up"),
            connection=connection,
            tab="change",
            state=state,
            warnings=self.warnings(state),
            base_url=base_url(request),
            guide=guide(connection.provider),
            live_tokens=[self._token(token) for token in tokens.filter(pk__in=live)],
            clients=[self.client_row(client) for client in state.clients],
            ended_tokens=[self._token(token) for token in tokens.exclude(pk__in=live)[:ENDED_TOKENS]],
            disable_url=self.page_url("disable", connection.pk),
            enable_url=self.page_url("enable", connection.pk),
            test_url=self.page_url("test", connection.pk),
            issue_url=self.page_url("issue", connection.pk),
            delete_url=self.page_url("delete", connection.pk),
            history_url=self.page_url("history", connection.pk),
        )

    def _token(self, token: ScimToken) -> dict[str, Any]:
        return {
            "token": token,
            "created": words.moment(token.created_at),
            "expires": words.moment(token.expires_at),
            "used": words.moment(token.last_used_at),
            "revoked": words.moment(token.revoked_at),
            "rotate_url": self.page_url("rotate", token.connection_id, token.pk),
            "revoke_url": self.page_url("revoke", token.connection_id, token.pk),
        }

    def warnings(self, state: overview.State) -> list[str]:
        """What an administrator should do about a connection's tokens."""
        if state.has_no_token:
            return [_("No token is valid, so the identity provider is turned away. Issue a new one.")]
        if state.expiring:
            left = words.moment(state.expiring.expires_at)
            return [_("The token expires %(when)s. Rotate it before then.") % {"when": left.words if left else ""}]
        if state.outdated:
            left = words.moment(state.outdated.expires_at)
            text = _(
                "The identity provider still uses the token %(token)s, which ends %(when)s. "
                "Give it the new one before then."
            )
            return [text % {"token": state.outdated.starts_with, "when": left.words if left else ""}]
        return []

    # People ------------------------------------------------------------------------------------------------

    def people_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id)
        query = search_text(request)
        page = page_of(request, listings.people(context, query).values_list("pk", flat=True))
        shown = listings.listed_people(context, list(page))
        log = self.page_url("events", context.connection.pk) if access.has(request.user, access.VIEW_EVENTS) else ""
        return self.page(
            request,
            "people",
            title=context.connection.name,
            subtitle=_("People"),
            connection=context.connection,
            tab="people",
            page=page,
            query=query,
            count=words.people(page.paginator.count),
            people=[self._person(request, context, person, log) for person in shown],
        )

    def _person(self, request: HttpRequest, context: Context, person: ListedPerson, log: str) -> dict[str, Any]:
        row = person.row
        return {
            "user_name": row.user_name,
            "name": person.name,
            "is_active": person.is_active,
            "since": words.moment(row.created_at),
            "origin": ScimUser.Origin(person.origin).label,
            "changed": words.moment(row.modified_at),
            "groups": sorted((group.name for group in person.groups if group.kind == "direct"), key=fold),
            "roles": ", ".join(role.label for role in person.roles),
            "url": self._host_url(request, context, row),
            "log": log and f"{log}?q={row.scim_id}",
        }

    def _host_url(self, request: HttpRequest, context: Context, row: UserRow) -> str | None:
        """The page of the host's own user admin, where there is one that this administrator may open."""
        model = context.adapter.model
        url = None if row.user_id is None else self.admin_url(model, row.user_id)
        if url is None or not self.admin_site.get_model_admin(model).has_view_or_change_permission(request):
            return None
        return url

    # Policies ----------------------------------------------------------------------------------------------

    def policies_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        context = self.open(request, connection_id)
        connection = context.connection
        data = None
        if request.method == "POST":
            self.check_access(request, access.MANAGE)
            data = request.POST
        # A copy, since validation assigns to the instance.
        form = PoliciesForm(data, instance=copy.copy(connection), adapter=context.adapter)
        changed = self.configure(request, context, form)
        if changed is not None:
            if changed:
                messages.success(request, _("The policies were saved."))
            else:
                messages.info(request, _("Nothing was changed."))
            return HttpResponseRedirect(request.path)
        if not access.has(request.user, access.MANAGE):
            for field in form.fields.values():
                field.disabled = True
        return self.page(
            request,
            "policies",
            title=context.connection.name,
            subtitle=_("Policies"),
            connection=connection,
            tab="policies",
            form=form,
            people=words.people(limit(context, count(context))),
        )
