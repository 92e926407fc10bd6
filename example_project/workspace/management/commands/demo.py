from __future__ import annotations

import json
import secrets
import signal
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from django_scim_provider.models import ScimConnection

from ...demo import server
from ...demo.okta import Okta
from ...demo.people import PEOPLE
from ...demo.story import Step, Story
from ...demo.things import SERIAL, Things
from ...models import Device

CONNECTION = "Demo · Okta"
TENANT = "acme"
ADMIN = "admin"


class Command(BaseCommand):
    help = "Start a server and play an Okta-like synchronisation against it, saying what changed in the database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="stop after the synchronisation; exit code 0 if all of it worked"
        )
        parser.add_argument("--port", type=int, metavar="N", help="the port to serve on; default: a free one")

    def handle(self, *args: Any, once: bool, port: int | None, **options: Any) -> None:
        # As Ctrl-C does: leave the blocks below, so that the server ends with this process.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        port = server.usable_port(port)
        self._prepare_database()
        password = self._admin()
        token = self._connection()
        story = None
        try:
            with server.running(port) as site:
                story = self._play(f"{site.url}/scim/v2", token, site)
                if not once:
                    self._serve(site, token, password)
        except KeyboardInterrupt:
            if story is None:
                raise CommandError("Stopped before the end.", returncode=130) from None
            self._say("\nStopped.")
        failed = sum(bool(step.problems) for step in story.steps)
        if failed:
            raise CommandError(f"{failed} of {len(story.steps)} steps did not do what they should.")

    # Before ----------------------------------------------------------------------------------------------------

    def _prepare_database(self) -> None:
        own = settings.BASE_DIR / "demo.sqlite3"
        if connection.vendor == "sqlite" and Path(connection.settings_dict["NAME"]) == own:
            connection.close()
            for path in own.parent.glob(f"{own.name}*"):
                path.unlink()
        call_command("migrate", verbosity=0, interactive=False)
        # In a database that was there before: what an earlier demo left.
        ScimConnection.objects.filter(name=CONNECTION).delete()
        names = [person.user_name for person in (*PEOPLE, PEOPLE[2]._replace(family="Himmel"))]
        get_user_model()._default_manager.filter(username__in=names).delete()
        Device.objects.filter(serial=SERIAL).delete()

    def _admin(self) -> str:
        password = secrets.token_urlsafe(9)
        users = get_user_model()._default_manager
        admin = users.filter(username=ADMIN).first() or get_user_model()(username=ADMIN, email="admin@example.com")
        admin.is_active = admin.is_staff = admin.is_superuser = True
        admin.set_password(password)
        admin.save()
        return password

    def _connection(self) -> str:
        """Made as a script would; returns a token."""
        self._json("scim_connection", "create", CONNECTION, "--provider", "okta", "--tenant", TENANT, "--json")
        token: str = self._json("scim_token", "issue", "--connection", CONNECTION, "--name", "Demo", "--json")["token"]
        return token

    @staticmethod
    def _json(*command: str) -> Any:
        output = StringIO()
        call_command(*command, stdout=output, stderr=StringIO())
        return json.loads(output.getvalue())

    # The synchronisation ---------------------------------------------------------------------------------------

    def _play(self, base_url: str, token: str, site: server.Server) -> Story:
        okta = Okta(base_url, token)
        story = Story(okta, self._chapter, self._step)
        try:
            story.play()
            Things(story).play()
        finally:
            okta.close()
        bad = [step for step in story.steps if step.problems]
        if bad:
            self._say("\n" + self.style.ERROR(f"✗ {len(bad)} of {len(story.steps)} steps went wrong:"))
            for step in bad:
                self._say(f"    {step.method} {step.path}: {'; '.join(step.problems)}")
            if any(step.status >= 500 for step in bad):
                self._say(f"\nThe server says:\n{site.output()}")
        else:
            self._say("\n" + self.style.SUCCESS(f"✓ All {len(story.steps)} steps did what they should."))
        return story

    def _chapter(self, title: str) -> None:
        self._say("\n" + self.style.MIGRATE_HEADING(title))

    def _step(self, step: Step) -> None:
        mark = self.style.ERROR("✗") if step.problems else self.style.SUCCESS("✓")
        request = f"{step.method:<5} {step.path}".strip()
        status = str(step.status) if step.status else ""
        self._say(f"  {mark} {request}  {status}  {step.remark}".rstrip())
        for change in step.changes:
            self._say(f"        {change}")
        for problem in step.problems:
            self._say(self.style.ERROR(f"        ✗ {problem}"))

    def _serve(self, site: server.Server, token: str, password: str) -> None:
        self._say(
            f"\nThe server is running. Ctrl-C stops it.\n\n"
            f"  SCIM base URL  {site.url}/scim/v2\n"
            f"  Token          {token}\n"
            f"  Members        {site.url}/organizations/{TENANT}/\n"
            f"  Admin          {site.url}/admin/\n"
            f"  Login          {ADMIN}\n"
            f"  Password       {password}\n"
        )
        code = site.process.wait()
        raise CommandError(f"The server ended by itself (exit code {code}):\n{site.output()}")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        # Whoever reads this through a pipe wants to follow it, too.
        self.stdout.flush()
