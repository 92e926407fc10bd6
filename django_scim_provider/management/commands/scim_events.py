from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone

from ...conf import app_settings
from ...services import event_log
from ..base import CONNECTION_HELP, ScimCommand
from ..moments import WHEN, ago, since
from ..output import Progress, plural


def days(text: str) -> timedelta:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a number of days, 0 or more")
    ago(days=number)
    return timedelta(days=number)


class Command(ScimCommand):
    help = "Export the event log, or delete what is older than the EVENT_RETENTION setting allows."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(required=True, metavar="export|prune", title="what to do")
        export = self.add_verb(verbs, "export", self.export, "Write events to standard output, oldest first.")
        export.add_argument("--since", type=since, metavar="WHEN", help=WHEN)
        export.add_argument("--until", type=since, metavar="WHEN", help="the same; that moment is left out")
        export.add_argument("--connection", metavar="NAME", help=f"{CONNECTION_HELP}; default: all")
        export.add_argument("--format", choices=sorted(event_log.FORMATS), default="jsonl", help="default: jsonl")
        prune = self.add_verb(verbs, "prune", self.prune, "Delete old events. For a nightly job.")
        prune.add_argument(
            "--days", type=days, metavar="N", help="the age at which events go; default: the EVENT_RETENTION setting"
        )
        prune.add_argument("--dry-run", action="store_true", help="say how many would go; change nothing")
        self.add_json(prune)

    def export(self, *, connection: str | None, since: datetime | None, until: datetime | None, **options: Any) -> None:
        found = event_log.every()
        if since is not None:
            found = found.filter(at__gte=since)
        if until is not None:
            found = found.filter(at__lt=until)
        if connection is not None:
            found = found.filter(connection=self.connection(connection))
        with Progress(self.stderr, "exporting", found.count) as bar:
            for line in event_log.lines(found, options["format"], bar):
                self.stdout.write(line, ending="")

    def prune(self, *, days: timedelta | None, dry_run: bool, json: bool, **options: Any) -> None:
        before = timezone.now() - (app_settings.EVENT_RETENTION if days is None else days)
        old = event_log.older_than(before)
        if dry_run:
            done = old.count()
        else:
            with Progress(self.stderr, "pruning", old.count) as bar:
                done = event_log.prune(before, bar)
        if json:
            self.print_json({"deleted": 0 if dry_run else done, "before": before, "found": done})
        else:
            verb = "would be" if dry_run else ("was" if done == 1 else "were")
            self.stdout.write(f"{plural(done, 'event', 'events')} {verb} deleted.")
