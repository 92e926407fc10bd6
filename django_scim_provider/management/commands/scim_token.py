from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from ...models import ScimConnection, ScimToken
from ...models.token_format import PREFIX, key_id_of
from ...services import expiry, tokens
from ...services.context import Context, database
from ..base import CONNECTION_HELP, ScimCommand, quoted
from ..output import plural, table


def days(text: str) -> int:
    number = int(text)
    if not 1 <= number <= tokens.MAX_LIFE.days:
        raise argparse.ArgumentTypeError(f"a token lives between 1 and {tokens.MAX_LIFE.days} days")
    return number


def hours(text: str) -> int:
    number = int(text)
    if not 0 <= number <= tokens.MAX_LIFE.days * 24:
        raise argparse.ArgumentTypeError("the overlap is a number of hours, 0 or more")
    return number


class Command(ScimCommand):
    help = (
        "Issue, list, rotate and revoke the tokens of SCIM connections, and warn of those that expire. A token's text "
        "is shown once, when it is made."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="issue|list|rotate|revoke|warn", title="what to do")
        issue = self.add_verb(verbs, "issue", self.issue, "Make a token and print it, this once.")
        issue.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        issue.add_argument("--name", default="", metavar="TEXT", help="what the token is for, to tell tokens apart")
        issue.add_argument("--days", type=days, metavar="N", help="how long it lives; default: the TOKEN_TTL setting")
        issue.add_argument("--read-only", action="store_true", help="a token that may read and change nothing")
        self.add_json(issue)
        listing = self.add_verb(verbs, "list", self.list, "List tokens, without their secrets.")
        listing.add_argument("--connection", metavar="NAME", help=f"{CONNECTION_HELP}; default: all connections")
        listing.add_argument(
            "--expiring", type=days, metavar="DAYS", help="only live ones that end within so many days"
        )
        self.add_json(listing)
        rotate = self.add_verb(verbs, "rotate", self.rotate, "Replace a token by a new one and print that, this once.")
        rotate.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        rotate.add_argument("key_id", metavar="KEY_ID", help="the key id that 'scim_token list' shows")
        rotate.add_argument(
            "--overlap-hours",
            type=hours,
            default=0,
            metavar="N",
            help="how long the old token goes on beside the new one; default: it ends now",
        )
        self.add_json(rotate)
        revoke = self.add_verb(verbs, "revoke", self.revoke, "End one token, or all of a connection, now.")
        revoke.add_argument("key_id", nargs="?", metavar="KEY_ID", help="the key id that 'scim_token list' shows")
        revoke.add_argument("--connection", metavar="NAME", help=CONNECTION_HELP)
        revoke.add_argument("--all", action="store_true", help="every token of --connection")
        self.add_json(revoke)
        warn = self.add_verb(
            verbs,
            "warn",
            self.warn,
            "Tell of tokens that end in 30, 14, 7 and 1 days, by mail, once each. Run it daily.",
        )
        self.add_json(warn)

    # Verbs -------------------------------------------------------------------------------------------------

    def issue(
        self, *, connection: str, name: str, days: int | None, read_only: bool, json: bool, **options: Any
    ) -> None:
        context = self.context(connection)
        life = None if days is None else timedelta(days=days)
        scopes = ScimToken.Scopes.READ if read_only else ScimToken.Scopes.WRITE
        issued = tokens.issue(context, name=name, life=life, scopes=scopes)
        self._reveal(issued, json=json)
        if not context.connection.enabled:
            self.remark(
                "SCIM is disabled for this connection, so the token is refused until then: "
                f"manage.py scim_connection enable {quoted(context.connection)}"
            )

    def list(self, *, connection: str | None, expiring: int | None, json: bool, **options: Any) -> None:
        found = self._tokens(connection).select_related("connection")
        if expiring is not None:
            found = found.filter(pk__in=expiry.expiring(expiring)).order_by("expires_at", "pk")
        moment = timezone.now()
        documents = [_document(token, moment) for token in found]
        if json:
            self.print_json(documents)
        elif documents:
            self.stdout.write(table(_HEADINGS, (_cells(document) for document in documents)))
        elif expiring is not None:
            self.remark(f"No token ends within {plural(expiring, 'day', 'days')}.")
        else:
            self.remark("There is no token. Make one: manage.py scim_token issue --connection NAME")

    def rotate(self, *, connection: str, key_id: str, overlap_hours: int, json: bool, **options: Any) -> None:
        context = self.context(connection)
        token = self._token(key_id, connection)
        if not token.is_live():
            raise CommandError(
                f"The token {token.key_id} has ended already. "
                f"Issue a new one: manage.py scim_token issue --connection {quoted(context.connection)}"
            )
        issued = tokens.rotate(context, token, overlap=timedelta(hours=overlap_hours))
        self._reveal(issued, json=json, replaced=token)
        end = "has ended" if token.revoked_at else f"ends on {token.expires_at:%Y-%m-%d %H:%M %Z}"
        self.remark(f"The old token {token.key_id} {end}.")

    def revoke(self, *, key_id: str | None, connection: str | None, json: bool, **options: Any) -> None:
        if options["all"]:
            if key_id or not connection:
                raise CommandError("--all goes with --connection NAME, and without a KEY_ID.")
            revoked = tokens.revoke_all(self.context(connection))
        elif key_id:
            token = self._token(key_id, connection)
            revoked = int(token.revoked_at is None)
            tokens.revoke(Context(token.connection), token)
        else:
            raise CommandError("Say which: a KEY_ID, or --connection NAME --all for all tokens of a connection.")
        if json:
            self.print_json({"revoked": revoked})
        else:
            self.stdout.write(f"{plural(revoked, 'token was', 'tokens were')} revoked.")

    def warn(self, *, json: bool, **options: Any) -> None:
        sent = expiry.warn()
        if json:
            self.print_json(
                [
                    {"connection": one.token.connection.name, "key_id": one.token.key_id, "days": one.days}
                    for one in sent
                ]
            )
            return
        for one in sent:
            left = plural(one.days, "day", "days")
            self.stdout.write(f"The token {one.token.starts_with} of “{one.token.connection.name}” ends in {left}.")

    # -------------------------------------------------------------------------------------------------------

    def _tokens(self, connection: str | None) -> QuerySet[ScimToken]:
        found = ScimToken.objects.using(database())
        return found if connection is None else found.filter(connection=self.connection(connection))

    def _token(self, text: str, connection: str | None) -> ScimToken:
        """The token of a key id, as it is or as it is shown; or of a whole token that somebody found.

        :raises CommandError: there is none.
        """
        key_id = key_id_of(text) or text.removeprefix(PREFIX).removesuffix("…")
        tokens_ = self._tokens(connection).select_related("connection")
        found = tokens_.filter(key_id=key_id).first()
        if found is not None:
            return found
        live = ", ".join(token.key_id for token in tokens_ if token.is_live()) or "none"
        # Not the text itself: it may be a secret with a typing error.
        raise CommandError(f"There is no token with this key id here. Live tokens: {live}.")

    def _reveal(self, issued: tokens.Issued, *, json: bool, replaced: ScimToken | None = None) -> None:
        token = issued.token
        if json:
            document = {
                "token": issued.text,
                "key_id": token.key_id,
                "name": token.name,
                "connection": token.connection.name,
                "scopes": token.scopes,
                "expires_at": token.expires_at,
            }
            if replaced is not None:
                ends_at = replaced.revoked_at or replaced.expires_at
                document["replaced"] = {"key_id": replaced.key_id, "ends_at": ends_at}
            self.print_json(document)
            return
        # The token alone on standard output, so that TOKEN=$(...) works.
        self.remark(f"The token of “{token.connection.name}”, valid until {token.expires_at:%Y-%m-%d}:")
        self.stdout.write(issued.text)
        self.remark("Copy it now. It cannot be shown again.")


_HEADINGS = ("key id", "connection", "name", "scopes", "state", "created", "expires", "last used", "from")


def _state(token: ScimToken, connection: ScimConnection, moment: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if not token.is_live(moment):
        return "expired"
    return "live" if connection.enabled else "connection disabled"


def _document(token: ScimToken, moment: datetime) -> dict[str, Any]:
    return {
        "key_id": token.key_id,
        "connection": token.connection.name,
        "name": token.name,
        "scopes": token.scopes,
        "state": _state(token, token.connection, moment),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "last_used_ip": token.last_used_ip,
        "revoked_at": token.revoked_at,
    }


def _cells(document: dict[str, Any]) -> tuple[object, ...]:
    used = document["last_used_at"]
    return (
        document["key_id"],
        document["connection"],
        document["name"],
        document["scopes"],
        document["state"],
        f"{document['created_at']:%Y-%m-%d}",
        f"{document['expires_at']:%Y-%m-%d}",
        f"{used:%Y-%m-%d %H:%M}" if used else "never",
        document["last_used_ip"],
    )
