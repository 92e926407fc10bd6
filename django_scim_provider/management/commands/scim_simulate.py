from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.test.utils import get_runner
from django.utils.module_loading import import_string

from ...adapters import get_user_adapter
from ...services import connections, in_process
from ...testing import SIMULATORS, Flaky, InProcess, Report, Transport
from ..base import ScimCommand
from ..output import Progress, plural

_REMOTE = "django_scim_provider.testing.remote.Remote"


class Command(ScimCommand):
    help = (
        "Play an identity provider: people come, change, leave and return over days, groups are pushed, answers get "
        "lost. Without --url it plays against this project in a database of its own, made and dropped as for tests. "
        "Exit code 1 if the provider would have complained, or if the server ends in another state than its directory."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        variants = ", ".join(f"{name}: {' or '.join(made.variants)}" for name, made in SIMULATORS.items())
        parser.add_argument("provider", choices=SIMULATORS, help="the identity provider")
        parser.add_argument("--variant", help=f"how it is set up; {variants}; default: the first")
        parser.add_argument("--url", help="where SCIM is mounted on a server; people are left behind there")
        parser.add_argument("--token", help="the token for --url")
        parser.add_argument("--users", type=int, default=200, metavar="N", help="people; default: 200")
        parser.add_argument("--groups", type=int, default=20, metavar="N", help="groups; default: 20")
        parser.add_argument("--days", type=int, default=10, metavar="N", help="simulated days; default: 10")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another life; default: 1")
        parser.add_argument(
            "--lose", type=int, default=0, metavar="N", help="lose every N-th answer after the server has done its work"
        )
        parser.add_argument("--tenant", metavar="KEY", default="", help="the organization, without --url")
        parser.add_argument("--portal", metavar="KEY", default="", help="the portal, without --url")
        parser.add_argument(
            "--fixture", action="append", default=[], metavar="LABEL", help="what to load first, without --url"
        )
        parser.add_argument(
            "--noinput", action="store_false", dest="interactive", help="do not ask before an old test database goes"
        )
        self.add_json(parser)

    def handle(self, *args: Any, url: str | None, token: str | None, json: bool, **options: Any) -> None:
        if url is not None:
            if token is None:
                raise CommandError("--url needs a token: --token TOKEN")
            report = self._play(_remote(url, token), **options)
        else:
            with _database_for_tests(options["interactive"]):
                for label in options["fixture"]:
                    call_command("loaddata", label, verbosity=0)
                report = self._play(self._in_process(**options), **options)
        if json:
            self.print_json(_document(report))
        else:
            self.stdout.write(report.render())
        if not report.ok:
            complaints = plural(len(report.complaints), "complaint", "complaints")
            raise CommandError(f"{complaints}, {plural(len(report.differences), 'difference', 'differences')}.")

    def _play(self, transport: Transport, *, provider: str, lose: int, **options: Any) -> Report:
        chosen = {name: options[name] for name in ("users", "groups", "days", "seed", "variant")}
        try:
            played = SIMULATORS[provider](Flaky(transport, lose) if lose else transport, **chosen)
        except ValueError as error:
            raise CommandError(str(error)) from error
        total = sum(map(len, played.directory.life))
        with Progress(self.stderr, played.label, lambda: total) as bar:
            return played.run(lambda done, of: bar(done))

    def _in_process(self, *, provider: str, tenant: str, portal: str, **options: Any) -> InProcess:
        """The project itself, through a new connection."""
        tenant = tenant or get_user_adapter(portal).some_tenant()
        try:
            made = connections.create_enabled(
                SIMULATORS[provider].label,
                provider=provider,
                tenant=tenant,
                portal=portal,
                actor=None,
                remote_addr=None,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        return InProcess(made.issued.text, in_process.mount())


def _remote(url: str, token: str) -> Transport:
    try:
        remote: Any = import_string(_REMOTE)
    except ImportError as error:
        raise CommandError('--url needs httpx: pip install "django-scim-provider[testing]"') from error
    transport: Transport = remote(url, token)
    return transport


@contextmanager
def _database_for_tests(interactive: bool) -> Iterator[None]:
    """As ``manage.py test`` has it, so that nothing of the developer's is touched; mail goes nowhere meanwhile."""
    runner = get_runner(settings)(verbosity=0, interactive=interactive)
    runner.setup_test_environment()
    try:
        databases = runner.setup_databases()
        try:
            yield
        finally:
            runner.teardown_databases(databases)
    finally:
        runner.teardown_test_environment()


def _document(report: Report) -> dict[str, Any]:
    return {
        "ok": report.ok,
        "requests": report.requests,
        "statuses": {str(status): count for status, count in sorted(report.statuses.items())},
        "median": report.median,
        "p95": report.p95,
        "complaints": report.complaints,
        "differences": report.differences,
    }
