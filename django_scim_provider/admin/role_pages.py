"""Groups as they were pushed, and what they mean: mappings to roles, each shown in its effect before it is saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override

from ..models import GroupRoleMapping
from ..protocol.errors import NotFound
from ..protocol.keys import fold
from ..services import access, listings, role_mappings
from ..services.context import Context
from ..services.role_changes import NAMES, Change, Effect, by_role
from . import words
from .base import Panel, page_of, search_text

SUGGESTIONS: Final = 200


class Finding(NamedTuple):
    """One consequence, and the people it is about."""

    text: str
    summary: str
    names: list[str]


def _priority() -> forms.IntegerField:
    return forms.IntegerField(
        label=gettext_lazy("Priority"),
        min_value=0,
        max_value=32767,
        initial=0,
        help_text=gettext_lazy("A person holds one role: of several mappings the one with the highest number wins."),
    )


class MappingForm(forms.Form):
    """Which group gives which role; privileged roles are not on offer, and refused when they come all the same."""

    group = forms.CharField(
        label=gettext_lazy("Group"),
        max_length=255,
        widget=forms.TextInput(attrs={"list": "scim-groups", "autocomplete": "off"}),
        help_text=gettext_lazy("Its name at the identity provider. It may be one that has not been pushed yet."),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"))
    priority = _priority()
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    """For which choices the effect was shown."""

    def __init__(self, *args: Any, context: Context, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        backend = context.adapter.roles
        roles = backend.assignable(context.connection)
        self.has_roles = bool(roles)
        self.fields["role"] = forms.ChoiceField(
            label=self.fields["role"].label,
            choices=[("", _("Choose one")), *((role.key, role.label) for role in roles)],
        )
        if not backend.exclusive:
            del self.fields["priority"]

    @property
    def wish(self) -> tuple[str, str, int]:
        """Group, role and priority of a valid form."""
        cleaned = self.cleaned_data
        return cleaned["group"], cleaned["role"], cleaned.get("priority", 0)

    @property
    def choices_made(self) -> str:
        """What the effect depends on; ``seen`` must say the same before anything is saved."""
        group, role, priority = self.wish
        return f"{fold(group)}/{role}/{priority}"


class PriorityForm(forms.Form):
    priority = _priority()
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    """For which priority the effect was shown."""


class RolePages(Panel):
    def panel_urls(self) -> list[URLPattern]:
        return [
            self.route("<uuid:connection_id>/groups/", self.groups_view, "groups"),
            self.route("<uuid:connection_id>/groups/priority/<int:mapping_id>/", self.priority_view, "priority"),
            self.route("<uuid:connection_id>/groups/unmap/<int:mapping_id>/", self.unmap_view, "unmap"),
            *super().panel_urls(),
        ]

    def groups_view(self, request: HttpRequest, connection_id: UUID) -> HttpResponse:
        """The first sending of the form shows what would change, the second saves it."""
        context = self.open(request, connection_id)
        may_map = access.has(request.user, access.MAP_ROLES)
        if request.method == "POST":
            self.check_access(request, access.MAP_ROLES)
        form = MappingForm(request.POST or None, context=context)
        effect: list[Finding] | None = None
        seen = ""
        if form.is_bound and form.is_valid():
            seen = form.choices_made
            if form.cleaned_data["seen"] == seen:
                return self._save(request, context, form)
            group, role, priority = form.wish
            effect = _effect(context, role_mappings.preview(context, group, role, priority=priority))
        return self.page(
            request,
            "groups",
            title=context.connection.name,
            subtitle=_("Groups and roles"),
            connection=context.connection,
            tab="groups",
            may_map=may_map,
            form=form,
            seen=seen,
            effect=effect,
            is_waiting=bool(seen) and not role_mappings.is_pushed(context, form.cleaned_data["group"]),
            mappings=self._mappings(context),
            is_exclusive=context.adapter.roles.exclusive,
            **self._groups(request, context),
        )

    def _save(self, request: HttpRequest, context: Context, form: MappingForm) -> HttpResponse:
        group, role, priority = form.wish
        known = set(role_mappings.mappings(context).values_list("pk", flat=True))
        mapping = role_mappings.save_mapping(context, group, role, priority=priority)
        self._log(request, context, "changed" if mapping.pk in known else "added", mapping)
        messages.success(
            request,
            _("Members of “%(group)s” have the role “%(role)s” now.")
            % {"group": mapping.group_name, "role": _labels(context).get(role, role)}
            if mapping.group_id
            else _("Saved. The role is given as soon as the identity provider pushes the group “%(group)s”.")
            % {"group": mapping.group_name},
        )
        return HttpResponseRedirect(request.path)

    def priority_view(self, request: HttpRequest, connection_id: UUID, mapping_id: int) -> HttpResponse:
        """As ``groups_view``: shows first, then saves; of this very mapping, whatever other groups bear its name."""
        context = self.open(request, connection_id, access.MAP_ROLES)
        back = self.page_url("groups", connection_id)
        mapping = _one(context, mapping_id)
        form = PriorityForm(request.POST or None, initial={"priority": mapping.priority})
        effect: list[Finding] | None = None
        seen = ""
        if form.is_bound and form.is_valid():
            priority = form.cleaned_data["priority"]
            seen = str(priority)
            if form.cleaned_data["seen"] == seen:
                self._set_priority(request, context, mapping, priority)
                return HttpResponseRedirect(back)
            effect = _effect(context, role_mappings.preview_priority(context, mapping, priority))
        return self.page(
            request,
            "priority",
            title=_("Priority of the mapping of “%(group)s” to “%(role)s”")
            % {"group": mapping.group_name, "role": _labels(context).get(mapping.role, mapping.role)},
            connection=context.connection,
            form=form,
            seen=seen,
            effect=effect,
            cancel_url=back,
        )

    def _set_priority(self, request: HttpRequest, context: Context, mapping: GroupRoleMapping, priority: int) -> None:
        """
        :raises Http404: somebody removed the mapping meanwhile.
        """
        try:
            role_mappings.set_priority(context, mapping, priority)
        except NotFound:
            raise Http404 from None
        self._log(request, context, "changed", mapping)
        messages.success(request, _("The priority was saved."))

    def _log(self, request: HttpRequest, context: Context, what: str, mapping: GroupRoleMapping) -> None:
        """The admin's own history, in the words that Django has for what belongs to an object."""
        with override(None):
            about: dict[str, Any] = {"name": str(mapping._meta.verbose_name), "object": str(mapping)}
        if what == "changed":
            about["fields"] = ["priority"]
        self.log_change(request, context.connection, [{what: about}])

    def unmap_view(self, request: HttpRequest, connection_id: UUID, mapping_id: int) -> HttpResponse:
        context = self.open(request, connection_id, access.MAP_ROLES)
        back = self.page_url("groups", connection_id)
        mapping = _one(context, mapping_id)
        if request.method == "POST":
            role_mappings.delete_mapping(context, mapping)
            self._log(request, context, "deleted", mapping)
            messages.success(
                request, _("“%(group)s” is not mapped to that role any more.") % {"group": mapping.group_name}
            )
            return HttpResponseRedirect(back)
        effect = _effect(context, role_mappings.preview_removal(context, mapping))
        return self.page(
            request,
            "confirm",
            title=_("Remove the mapping of “%(group)s” to “%(role)s”")
            % {"group": mapping.group_name, "role": _labels(context).get(mapping.role, mapping.role)},
            connection=context.connection,
            points=[finding.text for finding in effect] or [_("Nobody's roles change.")],
            button=_("Remove mapping"),
            cancel_url=back,
        )

    def _mappings(self, context: Context) -> list[dict[str, Any]]:
        labels = _labels(context)
        rows = list(role_mappings.mappings(context))
        groups = listings.listed_groups(context, [row.group_id for row in rows if row.group_id])
        counts = {group.row.pk: words.people(group.people) for group in groups}
        return [
            {
                "mapping": row,
                "role": labels.get(row.role),
                "people": counts.get(row.group_id or 0, ""),
                "priority_url": self.page_url("priority", context.connection.pk, row.pk),
                "unmap_url": self.page_url("unmap", context.connection.pk, row.pk),
            }
            for row in rows
        ]

    def _groups(self, request: HttpRequest, context: Context) -> dict[str, Any]:
        """Pushed groups, a page of them, and names to choose from."""
        query = search_text(request)
        page = page_of(request, listings.groups(context, query).values_list("pk", flat=True))
        unmapped = listings.groups(context).filter(mappings=None)
        return {
            "page": page,
            "query": query,
            "suggestions": list(unmapped.values_list("display_name", flat=True)[:SUGGESTIONS]),
            "groups": [
                {
                    "name": group.row.display_name,
                    "people": words.number(group.people),
                    "nested": words.number(group.groups) if group.groups else "",
                    "roles": ", ".join(role.label for role in group.roles),
                    "changed": words.moment(group.row.modified_at),
                }
                for group in listings.listed_groups(context, list(page))
            ],
        }


def _one(context: Context, mapping_id: int) -> GroupRoleMapping:
    """
    :raises Http404: the connection has no such mapping.
    """
    mapping = role_mappings.mappings(context).filter(pk=mapping_id).first()
    if mapping is None:
        raise Http404
    return mapping


def _labels(context: Context) -> dict[str, str]:
    return {role.key: role.label for role in context.adapter.roles.choices(context.connection)}


def _effect(context: Context, changes: Iterable[Change]) -> list[Finding]:
    """Who gains and who loses which role, in a sentence each, with the first names behind it."""
    labels = _labels(context)
    effects = by_role(context, changes)
    return [*(_gain(one, labels) for one in effects.gains), *(_loss(one, labels) for one in effects.loses)]


def _gain(effect: Effect, labels: Mapping[str, str]) -> Finding:
    text = ngettext("%(count)s person gains %(role)s.", "%(count)s people gain %(role)s.", effect.count)
    return _finding(text, effect, labels)


def _loss(effect: Effect, labels: Mapping[str, str]) -> Finding:
    text = ngettext("%(count)s person loses %(role)s.", "%(count)s people lose %(role)s.", effect.count)
    return _finding(text, effect, labels)


def _finding(text: str, effect: Effect, labels: Mapping[str, str]) -> Finding:
    count, role = words.number(effect.count), labels.get(effect.role, effect.role)
    summary = _("Who?") if effect.count <= NAMES else _("The first %(count)s of them") % {"count": words.number(NAMES)}
    return Finding(text % {"count": count, "role": role}, summary, effect.people)
