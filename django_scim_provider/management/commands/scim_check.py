from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Any, Final

from django.core import checks
from django.core.management.base import CommandError, CommandParser

from ...conf import app_settings
from ...models import ScimConnection
from ...services import invariants, selftest
from ...services.findings import Finding, Status
from ..base import CONNECTION_HELP, ScimCommand
from ..output import fits, plural, table

_WIDTH: Final = 88
_MARKS: Final = {Status.OK: "✓", Status.ADVICE: "!", Status.FAILED: "✗", Status.SKIPPED: "-"}
_PLAIN_MARKS: Final = {Status.OK: "ok", Status.ADVICE: "!", Status.FAILED: "FAILED", Status.SKIPPED: "-"}


class Command(ScimCommand):
    help = (
        "Try a person's whole life cycle through the project's own adapter and models, in a transaction that is "
        "rolled back, and say what to change. Exit code 1 if something fails. Signal receivers of the project run: "
        "what they do outside of the database, such as sending mail, is not undone. With --invariants: hold twelve "
        "sentences that must always be true against the rows instead; nothing is written."
    )
    # Its findings belong in the table; Django would stop at them.
    requires_system_checks: Any = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--connection", metavar="NAME", help=f"{CONNECTION_HELP} whose policies to use; default: a new one"
        )
        parser.add_argument(
            "--tenant", metavar="KEY", default="", help="the organization to try in, without --connection"
        )
        parser.add_argument(
            "--invariants",
            action="store_true",
            help="look whether the stored rows contradict each other, as after a crash or a restored backup; read-only",
        )
        self.add_json(parser)

    def handle(self, *args: Any, connection: str | None, tenant: str, json: bool, **options: Any) -> None:
        if options["invariants"]:
            self._hold(self.connection(connection) if connection else None, json=json)
            return
        found = [("", finding) for finding in _system_checks()]
        with _silent_log():
            if connection is not None:
                chosen = self.connection(connection)
                found += [(chosen.portal, finding) for finding in selftest.check(chosen)]
            else:
                for portal in ("", *app_settings.PORTALS):
                    found += [(portal, finding) for finding in selftest.check(tenant=tenant, portal=portal)]
        failed = sum(finding.status is Status.FAILED for _, finding in found)
        if json:
            results = [{"portal": portal, **finding._asdict()} for portal, finding in found]
            self.print_json({"ok": not failed, "results": results})
        else:
            self._tell(found)
        if failed:
            raise CommandError(f"{plural(failed, 'step does', 'steps do')} not work.")
        if not json:
            self.stdout.write(self.style.SUCCESS("Everything works."))

    def _hold(self, connection: ScimConnection | None, *, json: bool) -> None:
        breaches = list(invariants.check(connection))
        if json:
            self.print_json({"ok": not breaches, "breaches": [breach._asdict() for breach in breaches]})
        else:
            by_number = groupby(sorted(breaches), key=lambda breach: breach.number)
            remarks = {number: tuple(map(_sentence, found)) for number, found in by_number}
            findings = []
            for number, invariant in invariants.INVARIANTS.items():
                status = Status.FAILED if number in remarks else Status.OK
                findings.append(("", Finding(f"{number:2} {invariant.text}", status, remarks.get(number, ()))))
            self._tell(findings, ("", "invariant", "what breaks it"))
        if breaches:
            raise CommandError(
                f"{plural(len({breach.number for breach in breaches}), 'invariant is', 'invariants are')} broken."
            )
        if not json:
            self.stdout.write(self.style.SUCCESS("Every invariant holds."))

    def _tell(
        self, found: list[tuple[str, Finding]], headings: tuple[str, ...] = ("", "step", "what to change")
    ) -> None:
        marks = _MARKS if fits("".join(_MARKS.values()), self.stdout) else _PLAIN_MARKS
        rows: list[tuple[object, ...]] = []
        for portal, finding in found:
            step = f"{portal}: {finding.step}" if portal else finding.step
            lines = [line for remark in finding.remarks for line in textwrap.wrap(remark, _WIDTH)] or [""]
            rows.append((marks[finding.status], step, lines[0]))
            rows += [("", "", line) for line in lines[1:]]
        self.stdout.write(table(headings, rows))


def _sentence(breach: invariants.Breach) -> str:
    where = f"“{breach.connection}”" if breach.connection else "no connection"
    more = ", …" if breach.rows > len(breach.samples) else ""
    return f"{where}: {breach.rows}: {', '.join(breach.samples)}{more}"


def _system_checks() -> list[Finding]:
    """What ``manage.py check`` says of the wiring: one step, or one for each message."""
    step = "settings and attribute map"
    found = []
    for message in checks.run_checks(tags=["scim_provider"]):
        if message.level >= checks.WARNING and not message.is_silenced():
            status = Status.FAILED if message.level >= checks.ERROR else Status.ADVICE
            remark = f"{message.msg} {message.hint or ''} ({message.id})"
            found.append(Finding(step, status, (" ".join(remark.split()),)))
    return found or [Finding(step, Status.OK)]


@contextmanager
def _silent_log() -> Iterator[None]:
    """Services log what a database refuses; here the table says it."""
    logger = logging.getLogger("django_scim_provider")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
