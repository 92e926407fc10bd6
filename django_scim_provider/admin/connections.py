"""``ScimConnection`` in the admin: the panel, put together."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import GroupRoleMapping, ScimConnection, ScimGroup, ScimUser
from ..services import access, connections, overview, rows
from ..services.addresses import remote_address
from ..services.context import Context, database
from . import words
from .base import page_of, search_text
from .enabling import EnablingPages
from .event_pages import EventPages
from .removals import RemovalPages
from .role_pages import RolePages
from .sentences import sentence
from .tabs import TabPages
from .trial import TrialPages

CARDS: Final = 24
"""Connections on a page of the overview."""


class ScimConnectionAdmin(EnablingPages, RolePages, RemovalPages, TrialPages, EventPages, TabPages):
    """Lists connections, and leads to the pages of one."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        self.check_access(request)
        query = search_text(request)
        found = self.get_queryset(request)
        if query:
            found = found.filter(Q(name__icontains=query) | Q(tenant__icontains=query))
        page = page_of(request, found, CARDS)
        return self.page(
            request,
            "overview",
            title=_("SCIM provisioning"),
            is_overview=True,
            page=page,
            query=query,
            cards=[self._card(state) for state in overview.states(list(page))],
            add_url=self.page_url("add"),
            may_enable=self.has_add_permission(request) and bool(access.portals_to_manage(request.user)),
        )

    def _card(self, state: overview.State) -> dict[str, Any]:
        connection = state.connection
        return {
            "state": state,
            "connection": connection,
            "changed": words.moment(connection.state_changed_at),
            "seen": words.moment(connection.last_seen_at),
            "managed": words.people(state.managed),
            "kept": words.people_keep_accounts(state.managed) if state.managed else "",
            "active": words.number(state.active),
            "warnings": [*self.warnings(state), *self.removal_warnings(state.watch)],
            "review": self.page_url("removals", connection.pk) if state.watch.alarm_at else None,
            "problem": sentence(state.problem) if state.problem else "",
            "problem_at": words.moment(state.problem.at) if state.problem else None,
            "url": self.page_url("change", connection.pk),
            "events_url": self.page_url("events", connection.pk),
            "enable_url": self.page_url("enable", connection.pk),
            "rotate": self.page_url("rotate", connection.pk, state.expiring.pk) if state.expiring else None,
            "issue": self.page_url("issue", connection.pk) if state.has_no_token else None,
        }

    # Deleting: the admin's own view, with a page that tells what stays from what goes -----------------------

    delete_confirmation_template = "admin/scim_provider/delete.html"

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        connection = self.open(request, object_id, access.MANAGE).connection
        try:
            if not connection.enabled:
                return super().delete_view(request, object_id, {**self._about(connection), **(extra_context or {})})
        except connections.StillEnabled:
            # Somebody enabled it while the confirmation was open.
            pass
        messages.warning(request, _("SCIM is on for this connection. Disable it first, then delete it."))
        return HttpResponseRedirect(self.page_url("change", connection.pk))

    def _about(self, connection: ScimConnection) -> dict[str, Any]:
        people = rows.count(Context(connection))
        return {
            "title": _("Delete %(connection)s") % {"connection": connection.name},
            "connection": connection,
            "overview_url": self.page_url("changelist"),
            "cancel_url": self.page_url("change", connection.pk),
            "kept": [*([words.people_keep_accounts(people)] if people else []), _("The events stay.")],
        }

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Numbers instead of one line for each person."""

        def theirs(model: Any) -> Any:
            return model.objects.using(database()).filter(connection__in=objs)

        people = theirs(ScimUser).filter(alive=True).count()
        groups, mappings = theirs(ScimGroup).count(), theirs(GroupRoleMapping).count()
        counted = (
            (people, ngettext("The SCIM id of %(count)s person.", "The SCIM ids of %(count)s people.", people)),
            (groups, ngettext("%(count)s pushed group.", "%(count)s pushed groups.", groups)),
            (
                mappings,
                ngettext("%(count)s mapping of a group to a role.", "%(count)s mappings of groups to roles.", mappings),
            ),
        )
        listed = [
            _("The connection, its policies, its tokens, and what was kept to undo removals."),
            *(text % {"count": words.number(number)} for number, text in counted if number),
        ]
        return listed, {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: ScimConnection) -> None:
        connections.delete(Context(obj, actor=request.user, remote_addr=remote_address(request.META)))

    def history_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        self.open(request, object_id)
        return super().history_view(request, object_id, *args, **kwargs)
