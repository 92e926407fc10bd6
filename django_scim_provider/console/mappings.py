"""What groups mean: pushed groups, roles, and which gives which."""

from __future__ import annotations

from functools import partial

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ..services import access, listings, role_changes, role_mappings
from . import answers, bodies
from .base import ConsoleView, one_of
from .operations import operation


class PriorityBody(bodies.Body):
    priority = serializers.IntegerField(min_value=0, max_value=32767)


class GroupsView(ConsoleView):
    @operation(
        "The groups that were pushed, by name, with how many are in them and the roles that they give.",
        query=bodies.SearchQuery,
        answer=answers.GroupSerializer,
        is_page=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context, text = self.open(connection_id), self.asked()["search"]
        found = listings.groups(context, text).values_list("pk", flat=True)
        return self.page(found, partial(listings.listed_groups, context))


class RolesView(ConsoleView):
    @operation("The roles that a group can give.", answer=answers.RolesSerializer)
    def get(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        roles = [role._asdict() for role in context.adapter.roles.assignable(context.connection)]
        return self.answer({"is_exclusive": context.adapter.roles.exclusive, "roles": roles})


class MappingsView(ConsoleView):
    @operation("Which group gives which role.", answer=answers.MappingSerializer, is_page=True)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.page(role_mappings.mappings(self.open(connection_id)))

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
        effects = role_changes.by_role(context, role_mappings.preview(context, **wanted))
        is_pushed = role_mappings.is_pushed(context, wanted["group_name"])
        return self.answer({"is_pushed": is_pushed, **effects._asdict()})


class MappingView(ConsoleView):
    @operation(
        "Change its priority: where a person holds one role, the highest wins.",
        access.MAP_ROLES,
        body=PriorityBody,
        answer=answers.MappingSerializer,
        is_paid=True,
    )
    def patch(self, request: Request, connection_id: str, mapping_id: str) -> Response:
        context = self.open(connection_id)
        mapping = one_of(role_mappings.mappings(context), mapping_id)
        return self.answer(role_mappings.set_priority(context, mapping, **self.sent()))

    @operation("Remove a mapping; the roles that only it gave go with it.", access.MAP_ROLES, status=204)
    def delete(self, request: Request, connection_id: str, mapping_id: str) -> Response:
        context = self.open(connection_id)
        role_mappings.delete_mapping(context, one_of(role_mappings.mappings(context), mapping_id))
        return Response(status=self.declared.status)


class MappingRemovalView(ConsoleView):
    @operation("Who would lose what without it.", access.MAP_ROLES, answer=answers.EffectSerializer)
    def get(self, request: Request, connection_id: str, mapping_id: str) -> Response:
        context = self.open(connection_id)
        mapping = one_of(role_mappings.mappings(context), mapping_id)
        effects = role_changes.by_role(context, role_mappings.preview_removal(context, mapping))
        return self.answer({"is_pushed": mapping.group_id is not None, **effects._asdict()})
