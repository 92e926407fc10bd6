from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db.models import Count
from django.utils import timezone

from ...conf import app_settings
from ...models import ScimConnection, ScimToken, ScimUser
from ...protocol.errors import ScimError
from ...services import connections, sync
from ...services.context import Context, database
from ...services.handover import HandoverError, hand_over
from ..base import CONNECTION_HELP, ScimCommand, adoption_document, left_out, quoted
from ..output import Progress, plural, table


class Command(ScimCommand):
    help = "Make, list, enable and disable SCIM connections, and hand over from one to another."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="create|list|enable|disable|handover", title="what to do")
        create = self.add_verb(verbs, "create", self.create, "Make a connection and enable it.")
        create.add_argument("name", metavar="NAME", help="what administrators see, for example 'Acme · Okta'")
        create.add_argument(
            "--provider",
            choices=ScimConnection.Provider.values,
            default=ScimConnection.Provider.GENERIC.value,
            help="the identity provider: %(choices)s (default: %(default)s)",
            metavar="PROVIDER",
        )
        create.add_argument(
            "--tenant", metavar="KEY", default="", help="the application's own key of the organization; default: none"
        )
        create.add_argument("--portal", metavar="KEY", default="", help="a key of the PORTALS setting; default: none")
        create.add_argument(
            "--existing-accounts",
            choices=ScimConnection.ExistingAccounts.values,
            help="which people of the application the connection manages at once: adopt (all in scope), verified "
            "(those on verified domains), never; default: adopt, or never where tenants share accounts",
        )
        self.add_json(create)
        self.add_json(self.add_verb(verbs, "list", self.list, "List the connections."))
        for name, act, help_text in (
            ("enable", self.enable, "Enable a connection and adopt the people that its policy names."),
            ("disable", self.disable, "Disable a connection: its tokens are revoked, people stay as they are."),
        ):
            verb = self.add_verb(verbs, name, act, help_text)
            verb.add_argument("name", metavar="NAME", help=CONNECTION_HELP)
            self.add_json(verb)
        handover = self.add_verb(
            verbs, "handover", self.handover, "Move people and groups, with their ids, to another connection."
        )
        handover.add_argument("source", metavar="FROM", help=f"{CONNECTION_HELP} that gives")
        handover.add_argument("target", metavar="TO", help=f"{CONNECTION_HELP} that takes, of the same organization")
        self.add_json(handover)

    # Verbs -------------------------------------------------------------------------------------------------

    def create(self, *, name: str, portal: str, existing_accounts: str | None, json: bool, **options: Any) -> None:
        if portal and portal not in app_settings.PORTALS:
            portals = ", ".join(app_settings.PORTALS) or "none"
            raise CommandError(f"SCIM_PROVIDER['PORTALS'] has no “{portal}”. It has: {portals}.")
        policies = {"existing_accounts": existing_accounts} if existing_accounts else {}
        try:
            connection = connections.create(
                name, provider=options["provider"], tenant=options["tenant"], portal=portal, **policies
            )
        except ValidationError as error:
            reasons = " ".join(f"{field}: {' '.join(messages)}" for field, messages in error.message_dict.items())
            raise CommandError(
                f"The connection was not made. {reasons} (manage.py scim_connection list shows what there is.)"
            ) from None
        self._enable(connection, json=json)

    def list(self, *, json: bool, **options: Any) -> None:
        using = database()
        people = ScimUser.objects.using(using).filter(alive=True).order_by()
        tokens = ScimToken.objects.using(using).filter(revoked_at=None, expires_at__gt=timezone.now()).order_by()
        people_by_id = dict(people.values_list("connection").annotate(Count("pk")))
        tokens_by_id = dict(tokens.values_list("connection").annotate(Count("pk")))
        found = [
            {
                **_document(connection),
                "people": people_by_id.get(connection.pk, 0),
                "live_tokens": tokens_by_id.get(connection.pk, 0),
                "last_seen_at": connection.last_seen_at,
            }
            for connection in ScimConnection.objects.using(using)
        ]
        if json:
            self.print_json(found)
        elif found:
            self.stdout.write(table(_HEADINGS, (_cells(row) for row in found)))
        else:
            self.remark("There is no connection yet. Make one: manage.py scim_connection create NAME")

    def enable(self, *, name: str, json: bool, **options: Any) -> None:
        self._enable(self.connection(name), json=json)

    def disable(self, *, name: str, json: bool, **options: Any) -> None:
        context = self.context(name)
        revoked = connections.disable(context)
        if json:
            self.print_json({**_document(context.connection), "revoked_tokens": revoked})
        else:
            self.stdout.write(
                f"SCIM is disabled for “{context.connection.name}”, "
                f"{plural(revoked, 'token was', 'tokens were')} revoked. People stay as they are."
            )

    def handover(self, *, source: str, target: str, json: bool, **options: Any) -> None:
        giver, taker = self.context(source), self.context(target)
        try:
            moved = hand_over(giver, taker)
        except (HandoverError, ScimError) as error:
            raise CommandError(f"Nothing was handed over. {error}") from error
        if json:
            self.print_json({"from": str(giver.connection.pk), "to": str(taker.connection.pk), **moved._asdict()})
        else:
            self.stdout.write(
                f"“{taker.connection.name}” now manages {plural(moved.people, 'person', 'people')} and "
                f"{plural(moved.groups, 'group', 'groups')} that “{giver.connection.name}” managed."
            )
        if giver.connection.enabled:
            self.remark(
                f"“{giver.connection.name}” is still enabled. When its identity provider is switched off: "
                f"manage.py scim_connection disable {quoted(giver.connection)}"
            )

    def _enable(self, connection: ScimConnection, *, json: bool) -> None:
        context = Context(connection)
        result = sync.Adoption()
        if not connection.enabled:
            with Progress(self.stderr, "Adopting existing people", lambda: sync.in_scope(context).count()) as bar:
                result = connections.enable(context, bar)
        if json:
            self.print_json({**_document(connection), **adoption_document(result)})
            return
        self.stdout.write(f"SCIM is enabled for “{connection.name}” ({connection.provider}).")
        self.stdout.write(f"{plural(result.adopted, 'existing person is', 'existing people are')} managed from now on.")
        for line in left_out(result):
            self.stdout.write(line)
        self.remark(f"Next, a token: manage.py scim_token issue --connection {quoted(connection)}")


_HEADINGS = ("name", "provider", "tenant", "portal", "enabled", "people", "live tokens", "last request")


def _cells(row: dict[str, Any]) -> tuple[object, ...]:
    seen = row["last_seen_at"]
    return (
        row["name"],
        row["provider"],
        row["tenant"],
        row["portal"],
        "yes" if row["enabled"] else "no",
        row["people"],
        row["live_tokens"],
        f"{seen:%Y-%m-%d %H:%M}" if seen else "never",
    )


def _document(connection: ScimConnection) -> dict[str, Any]:
    return {
        "id": connection.pk,
        "name": connection.name,
        "slug": connection.slug,
        "provider": connection.provider,
        "tenant": connection.tenant,
        "portal": connection.portal,
        "enabled": connection.enabled,
        "existing_accounts": connection.existing_accounts,
    }
