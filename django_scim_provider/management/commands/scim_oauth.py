from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from ...models import ScimOAuthClient
from ...services import oauth_clients
from ...services.context import Context, database
from ..base import CONNECTION_HELP, ScimCommand, quoted
from ..output import table


class Command(ScimCommand):
    help = "Link clients of the site's own OAuth 2.0 server to SCIM connections."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="link|list|unlink", title="what to do")
        link = self.add_verb(verbs, "link", self.link, "Let a client of the OAuth server act as a connection.")
        link.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        link.add_argument("client_id", metavar="CLIENT_ID", help="the client's id at the OAuth server")
        self.add_json(link)
        listing = self.add_verb(verbs, "list", self.list, "List the clients that are linked.")
        listing.add_argument("--connection", metavar="NAME", help=f"{CONNECTION_HELP}; default: all connections")
        self.add_json(listing)
        unlink = self.add_verb(verbs, "unlink", self.unlink, "Shut a client out: its access tokens are refused now.")
        unlink.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        unlink.add_argument("client_id", metavar="CLIENT_ID", help="the client's id as 'scim_oauth list' shows it")
        self.add_json(unlink)

    # Verbs -------------------------------------------------------------------------------------------------

    def link(self, *, connection: str, client_id: str, json: bool, **options: Any) -> None:
        context = self.context(connection)
        try:
            client = oauth_clients.link(context, client_id)
        except oauth_clients.NotLinked as error:
            raise CommandError(f"Nothing was linked. {error}") from None
        if json:
            self.print_json(_document(client))
            return
        self.stdout.write(f"The OAuth client {client.client_id} acts as “{context.connection.name}” from now on.")
        if not context.connection.enabled:
            self.remark(
                "SCIM is disabled for this connection, so the client is refused until then: "
                f"manage.py scim_connection enable {quoted(context.connection)}"
            )

    def list(self, *, connection: str | None, json: bool, **options: Any) -> None:
        documents = [_document(client) for client in self._clients(connection)]
        if json:
            self.print_json(documents)
        elif documents:
            self.stdout.write(table(_HEADINGS, (_cells(document) for document in documents)))
        else:
            self.remark("No client is linked. Link one: manage.py scim_oauth link --connection NAME CLIENT_ID")

    def unlink(self, *, connection: str, client_id: str, json: bool, **options: Any) -> None:
        linked = self._clients(connection)
        client = linked.filter(client_id=client_id).first()
        if client is None:
            names = ", ".join(linked.values_list("client_id", flat=True)) or "none"
            raise CommandError(f"No client with this id is linked here. Linked: {names}.")
        oauth_clients.unlink(Context(client.connection), client)
        if json:
            self.print_json(_document(client))
        else:
            self.stdout.write(f"The OAuth client {client.client_id} is shut out.")

    def _clients(self, connection: str | None) -> QuerySet[ScimOAuthClient]:
        found = ScimOAuthClient.objects.using(database()).select_related("connection")
        return found if connection is None else found.filter(connection=self.connection(connection))


_HEADINGS = ("client id", "connection", "key id", "linked")


def _document(client: ScimOAuthClient) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "connection": client.connection.name,
        "key_id": client.key_id,
        "created_at": client.created_at,
    }


def _cells(document: dict[str, Any]) -> tuple[object, ...]:
    return (
        document["client_id"],
        document["connection"],
        document["key_id"],
        f"{document['created_at']:%Y-%m-%d}",
    )
