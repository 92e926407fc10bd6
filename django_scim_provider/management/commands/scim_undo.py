from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from ...services import held, undo
from ...services.undo import Undone
from ..base import CONNECTION_HELP, ScimCommand
from ..moments import WHEN, since
from ..output import Progress, plural


class Command(ScimCommand):
    help = (
        "Undo what an identity provider took away: people it deactivated or deleted, groups they left, roles they "
        "lost. Says what cannot return. Doing it again changes nothing. Exit code 1 if somebody could not be brought "
        "back."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--connection", required=True, metavar="NAME", help=CONNECTION_HELP)
        parser.add_argument("--since", required=True, type=since, metavar="WHEN", help=WHEN)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen; change nothing")
        self.add_json(parser)

    def handle(self, *args: Any, connection: str, since: datetime, dry_run: bool, json: bool, **options: Any) -> None:
        context = self.context(connection)
        if context.connection.enabled and not dry_run:
            self.remark("SCIM is enabled: the identity provider may remove the same people again. Correct it first.")

        def total() -> int:
            return held.removals(context, since).order_by().values("scim_user").distinct().count()

        with Progress(self.stderr, f"{context.connection.name}: undoing", total) as bar:
            done = undo.undo(context, since, dry_run=dry_run, progress=bar)
        if not dry_run:
            held.settle(context)
        failed = [one for one in done if one.refusal]
        if json:
            self.print_json([one._asdict() for one in done])
        else:
            self._tell(done, len(done) - len(failed), dry_run=dry_run)
        if failed:
            raise CommandError(f"{plural(len(failed), 'person', 'people')} could not be brought back.")

    def _tell(self, done: list[Undone], count: int, *, dry_run: bool) -> None:
        for one in done:
            if one.refusal:
                self.stdout.write(f"{one.user_name}: stays removed. {one.refusal}")
            elif one.missing:
                self.stdout.write(f"{one.user_name}: what does not return: {'; '.join(one.missing)}")
        would = "would have " if dry_run else ""
        self.stdout.write(f"{plural(count, 'person', 'people')} {would}got back what they had.")
