"""Who is managed."""

from __future__ import annotations

from functools import partial

from rest_framework.request import Request
from rest_framework.response import Response

from ..services import listings
from . import answers, bodies
from .base import ConsoleView
from .operations import operation


class PeopleView(ConsoleView):
    @operation(
        "The people whom it manages, by user name, with their groups and roles.",
        query=bodies.SearchQuery,
        answer=answers.PersonSerializer,
        is_page=True,
    )
    def get(self, request: Request, connection_id: str) -> Response:
        context, text = self.open(connection_id), self.asked()["search"]
        found = listings.people(context, text).values_list("pk", flat=True)
        return self.page(found, partial(listings.listed_people, context))
