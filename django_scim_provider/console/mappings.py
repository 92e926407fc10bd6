"""What groups mean: pushed groups, roles, and which gives which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import GroupRoleMapping, ScimUser
from ..protocol.keys import fold
from ..services import access, group_rows, role_mappings
from ..services.context import Context
from ..services.role_changes import Change
from . import answers, bodies
from .base import ConsoleView, one_of
from .operations import operation

NAMES: Final = 20


def _mappings(context: Context) -> QuerySet[GroupRoleMapping]:
    mappings = GroupRoleMapping.objects.using(context.using).filter(connection=context.connection)
    return mappings.select_related("group").order_by("-priority", "group_name_key", "pk")


class GroupsView(ConsoleView):
    @operation("The groups that were pushed.", answer=answers.GroupSerializer, is_page=True)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.page(group_rows.groups(self.open(connection_id)).order_by("display_name_key", "pk"))


class RolesView(ConsoleView):
    @operation("The roles that a group can give.", answer=answers.RolesSerializer)
    def get(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        roles = [role._asdict() for role in context.adapter.roles.assignable(context.connection)]
        return self.answer({"is_exclusive": context.adapter.roles.exclusive, "roles": roles})


class MappingsView(ConsoleView):
    @operation("Which group gives which role.", answer=answers.MappingSerializer, is_page=True)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.page(_mappings(self.open(connection_id)))

    @operation(
        "Map a group to a role, and give it to the members there are.",
        access.MAP_ROLES,
        body=bodies.MappingBody,
        answer=answers.MappingSerializer,
        status=201,
        is_paid=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context, wanted = self.open(connection_id), self.sent()
        mapping = role_mappings.add_mapping(context, **wanted)
        return self.answer(mapping)


class MappingPreviewView(ConsoleView):
    @operation(
        "Who would gain and lose what by a mapping. Saves nothing.",
        access.MAP_ROLES,
        body=bodies.MappingBody,
        answer=answers.EffectSerializer,
        is_paid=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context, wanted = self.open(connection_id), self.sent()
        changes = role_mappings.preview(context, **wanted)
        is_pushed = group_rows.groups(context).filter(display_name_key=fold(wanted["group_name"])).exists()
        return self.answer({"is_pushed": is_pushed, **_effect(context, changes)})


class MappingView(ConsoleView):
    @operation("Remove a mapping; the roles that only it gave go with it.", access.MAP_ROLES, status=204)
    def delete(self, request: Request, connection_id: str, mapping_id: str) -> Response:
        context = self.open(connection_id)
        role_mappings.delete_mapping(context, one_of(_mappings(context), mapping_id))
        return Response(status=self.declared.status)


class MappingRemovalView(ConsoleView):
    @operation("Who would lose what without it.", access.MAP_ROLES, answer=answers.EffectSerializer)
    def get(self, request: Request, connection_id: str, mapping_id: str) -> Response:
        context = self.open(connection_id)
        mapping = one_of(_mappings(context), mapping_id)
        changes = role_mappings.preview_removal(context, mapping)
        return self.answer({"is_pushed": mapping.group_id is not None, **_effect(context, changes)})


def _effect(context: Context, changes: Iterable[Change]) -> dict[str, Any]:
    gains: defaultdict[str, list[int]] = defaultdict(list)
    loses: defaultdict[str, list[int]] = defaultdict(list)
    for change in changes:
        for role in change.gains:
            gains[role].append(change.scim_user)
        for role in change.loses:
            loses[role].append(change.scim_user)
    samples = {pk for people in (*gains.values(), *loses.values()) for pk in sorted(people)[:NAMES]}
    people = ScimUser.objects.using(context.using).filter(pk__in=samples)
    names = dict(people.values_list("pk", "user_name"))
    return {"gains": _changes(gains, names), "loses": _changes(loses, names)}


def _changes(found: Mapping[str, list[int]], names: Mapping[int, str]) -> list[dict[str, Any]]:
    return [
        {
            "role": role,
            "count": len(people),
            "people": sorted(names[pk] for pk in sorted(people)[:NAMES] if pk in names),
        }
        for role, people in sorted(found.items())
    ]
