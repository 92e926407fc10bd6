"""Tokens: issued once, listed, rotated, revoked."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response

from ..models import ScimToken
from ..services import access, tokens
from ..services.context import Context
from . import answers, bodies
from .base import ConsoleView, one_of
from .errors import Conflict
from .operations import operation


def _tokens(context: Context) -> QuerySet[ScimToken]:
    return ScimToken.objects.using(context.using).filter(connection=context.connection).select_related("created_by")


class TokensView(ConsoleView):
    @operation("Its tokens, newest first, ended ones too.", answer=answers.TokenSerializer, is_page=True)
    def get(self, request: Request, connection_id: str) -> Response:
        return self.page(_tokens(self.open(connection_id)))

    @operation(
        "Issue another token.",
        access.MANAGE_TOKENS,
        body=bodies.IssueBody,
        answer=answers.IssuedSerializer,
        status=201,
        is_paid=True,
        shows_secret=True,
    )
    def post(self, request: Request, connection_id: str) -> Response:
        context = self.open(connection_id)
        with self.once() as request_id:
            if not context.connection.enabled:
                raise Conflict(_("SCIM is off. Enable it again to get a new token."))
            wanted = self.sent()
            life = timedelta(days=wanted.pop("days")) if "days" in wanted else None
            issued = tokens.issue(context, life=life, request_id=request_id, **wanted)
        return self.answer({"token": issued.token, "secret": issued.text})


class RotateView(ConsoleView):
    @operation(
        "Issue a successor; the old token goes on working for a while.",
        access.MANAGE_TOKENS,
        body=bodies.RotateBody,
        answer=answers.IssuedSerializer,
        status=201,
        is_paid=True,
        shows_secret=True,
    )
    def post(self, request: Request, connection_id: str, token_id: str) -> Response:
        context = self.open(connection_id)
        token = one_of(_tokens(context), token_id)
        with self.once() as request_id:
            if not (context.connection.enabled and token.is_live()):
                raise Conflict(_("This token has ended. Issue another one instead."))
            overlap = timedelta(hours=self.sent()["overlap_hours"])
            issued = tokens.rotate(context, token, overlap=overlap, request_id=request_id)
        return self.answer({"token": issued.token, "secret": issued.text})


class RevokeView(ConsoleView):
    @operation(
        "End a token now. Doing it again changes nothing.",
        access.MANAGE_TOKENS,
        body=bodies.Body,
        answer=answers.TokenSerializer,
    )
    def post(self, request: Request, connection_id: str, token_id: str) -> Response:
        context = self.open(connection_id)
        token = one_of(_tokens(context), token_id)
        self.sent()
        tokens.revoke(context, token)
        return self.answer(token)
