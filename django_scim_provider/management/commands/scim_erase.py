from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...services import erase
from ..base import CONNECTION_HELP, ScimCommand
from ..output import plural


class Command(ScimCommand):
    help = (
        "Erase the personal data of somebody who left from SCIM's tables: names, addresses, the resource as it was "
        "sent, values in events. Ids stay, and so does what was done, when and by whom. Your own tables are yours."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", metavar="USER", help="user name at the identity provider, or SCIM id")
        parser.add_argument("--connection", metavar="NAME", help=CONNECTION_HELP + ", where several know the SCIM id")
        parser.add_argument("--dry-run", action="store_true", help="say what would be erased; change nothing")
        self.add_json(parser)

    def handle(self, *args: Any, user: str, dry_run: bool, json: bool, **options: Any) -> None:
        chosen = options["connection"]
        try:
            done = erase.erase(user, connection=self.connection(chosen) if chosen else None, dry_run=dry_run)
        except (erase.StillManaged, erase.Ambiguous) as error:
            raise CommandError(str(error)) from None
        if json:
            self.print_json(done._asdict())
        elif not any(done):
            self.remark("Nothing is known of this person.")
        else:
            would = "Would erase" if dry_run else "Erased"
            self.stdout.write(
                f"{would} {plural(done.people, 'person', 'people')}, {plural(done.events, 'event', 'events')}, "
                f"{plural(done.removals, 'kept removal', 'kept removals')}."
            )
