from __future__ import annotations

from typing import Any, NamedTuple

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from ...models import ScimConnection, ScimEvent
from ...protocol.errors import ScimError
from ...services import roles, sync
from ...services.context import Context, database
from ...services.rows import people
from ..base import CONNECTION_HELP, ScimCommand, adoption_document, left_out, quoted
from ..output import Progress, plural, table


class Synced(NamedTuple):
    adoption: sync.Adoption
    refreshed: int
    renamed: list[str]
    """People whom the application renamed to what somebody else is called: they keep the old user name in SCIM."""
    roles: int | None
    """People whose roles changed; ``None`` where nobody asked to work them out."""

    @property
    def left_out(self) -> int:
        return self.adoption.left_out + len(self.renamed)


class Command(ScimCommand):
    help = (
        "Bring SCIM in line with what the application did past its signals: .update(), bulk loads, SQL. Adopts "
        "people who have no SCIM resource yet, where the connection's policy says so, and refreshes the resources "
        "there are. Exit code 1 if somebody had to be left out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", metavar="NAME", help=f"{CONNECTION_HELP}; default: every enabled one")
        parser.add_argument(
            "--roles",
            action="store_true",
            help="also give and take roles as memberships and mappings say; roles given by hand stay",
        )
        self.add_json(parser)

    def handle(self, *args: Any, connection: str | None, json: bool, **options: Any) -> None:
        done: list[tuple[ScimConnection, Synced]] = []
        failed = []
        for found in self._chosen(connection):
            try:
                done.append((found, self._sync(Context(found), with_roles=options["roles"])))
            except (DatabaseError, ScimError) as error:
                failed.append(f"“{found.name}”: {error}")
        if json:
            self.print_json([_document(*entry) for entry in done])
        else:
            self._tell(done)
        if failed:
            raise CommandError("\n".join(["Not finished; what was done stays, run it again.", *failed]))
        missing = sum(synced.left_out for _, synced in done)
        if missing:
            raise CommandError(
                f"{plural(missing, 'person is', 'people are')} left out, so no identity provider can deactivate them."
            )

    def _chosen(self, name: str | None) -> list[ScimConnection]:
        if name is None:
            enabled = list(ScimConnection.objects.using(database()).filter(enabled=True))
            if not enabled:
                self.remark("No connection is enabled, so there is nothing to do.")
            return enabled
        connection = self.connection(name)
        if not connection.enabled:
            raise CommandError(
                f"SCIM is disabled for “{connection.name}”. Enabling it adopts people: "
                f"manage.py scim_connection enable {quoted(connection)}"
            )
        return [connection]

    def _sync(self, context: Context, *, with_roles: bool) -> Synced:
        name = context.connection.name
        events = ScimEvent.objects.using(context.using).filter(connection=context.connection)
        last = events.values_list("pk", flat=True).first() or 0
        with Progress(self.stderr, f"{name}: adopting", lambda: sync.in_scope(context).count()) as bar:
            adoption = sync.adopt(context, bar)
        with Progress(self.stderr, f"{name}: refreshing", lambda: people(context).count()) as bar:
            refreshed = sync.refresh_all(context, bar)
        failures = events.filter(pk__gt=last, outcome=ScimEvent.Outcome.FAILED, key_id="", status=None)
        ids = list(failures.values_list("resource_id", flat=True))
        renamed = people(context).filter(scim_id__in=ids).order_by("user_name").values_list("user_name", flat=True)
        changed = roles.recompute_all(context) if with_roles else None
        return Synced(adoption, refreshed, list(renamed), changed)

    def _tell(self, done: list[tuple[ScimConnection, Synced]]) -> None:
        if done:
            rows = [(found.name, synced.adoption.adopted, synced.refreshed, synced.left_out) for found, synced in done]
            self.stdout.write(table(("connection", "adopted", "refreshed", "left out"), rows))
        for found, synced in done:
            if synced.roles is not None:
                self.stdout.write(f"{found.name}: roles changed for {plural(synced.roles, 'person', 'people')}")
            for line in left_out(synced.adoption):
                self.stdout.write(line)
            for user_name in synced.renamed:
                self.stdout.write(
                    f"“{user_name}” was renamed in the application to a name that differs from another person's only "
                    "in spelling, and keeps the old one in SCIM. Rename one of them."
                )


def _document(connection: ScimConnection, synced: Synced) -> dict[str, Any]:
    return {
        "connection": connection.name,
        "refreshed": synced.refreshed,
        **adoption_document(synced.adoption),
        "left_out": synced.left_out,
        "renamed": synced.renamed,
        **({} if synced.roles is None else {"roles": synced.roles}),
    }
