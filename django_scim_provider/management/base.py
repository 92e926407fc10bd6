"""What the commands share: verbs, connections by name, JSON on request."""

from __future__ import annotations

import argparse
import contextlib
import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q

from ..models import ScimConnection
from ..services.context import Context, database
from ..services.sync import Adoption
from .output import plain, plural

CONNECTION_HELP = "name, short name or id of the connection"


class ScimCommand(BaseCommand):
    """Results go to standard output, remarks to standard error, so that a script can take the one without the other."""

    def add_json(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON, for scripts")

    def add_verb(self, verbs: Any, name: str, act: Callable[..., None], help_text: str) -> CommandParser:
        """A sub-command; Django's own options may follow it, as in ``scim_token list --settings=...``."""
        parser: CommandParser = verbs.add_parser(name, help=help_text, description=help_text)
        parser.set_defaults(act=act)
        hidden: dict[str, Any] = {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        for option in ("--settings", "--pythonpath"):
            parser.add_argument(option, **hidden)
        parser.add_argument("-v", "--verbosity", type=int, choices=range(4), **hidden)
        for option in ("--traceback", "--no-color", "--force-color", "--skip-checks"):
            parser.add_argument(option, action="store_true", **hidden)
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        options["act"](**options)

    # Connections -------------------------------------------------------------------------------------------

    def connection(self, text: str) -> ScimConnection:
        """The connection that a name, short name or id stands for.

        :raises CommandError: there is none; the existing ones are listed.
        """
        known = ScimConnection.objects.using(database())
        named = Q(name=text) | Q(slug=text)
        with contextlib.suppress(ValueError):
            named |= Q(pk=UUID(text))
        found = list(known.filter(named))
        # Names may look like another connection's short name: the name wins.
        found.sort(key=lambda connection: connection.name != text)
        if found:
            return found[0]
        names = ", ".join(f"“{name}”" for name in known.values_list("name", flat=True))
        if names:
            raise CommandError(f"There is no connection “{text}”. There are: {names}.")
        raise CommandError(
            f"There is no connection “{text}”, nor any other. Make one: manage.py scim_connection create NAME"
        )

    def context(self, text: str) -> Context:
        return Context(self.connection(text))

    # Output ------------------------------------------------------------------------------------------------

    def print_json(self, document: Any) -> None:
        self.stdout.write(json.dumps(document, cls=DjangoJSONEncoder))

    def remark(self, text: str) -> None:
        self.stderr.write(text, plain)


def quoted(connection: ScimConnection) -> str:
    """The name as an argument on a command line."""
    return shlex.quote(connection.name)


def adoption_document(result: Adoption) -> dict[str, Any]:
    return {
        "adopted": result.adopted,
        "left_out": result.left_out,
        "collisions": result.collisions,
        "unusable": result.unusable,
    }


def left_out(result: Adoption) -> Iterator[str]:
    """A line for each person that was left out, samples of them where there are many."""
    for user_name in result.collisions:
        yield f"“{user_name}” is left out: another person's user name differs only in spelling. Rename one of them."
    for user_name in result.unusable:
        yield f"“{user_name}” is left out: SCIM cannot carry this user name. Change it."
    unnamed = result.left_out - len(result.collisions) - len(result.unusable)
    if unnamed:
        yield f"{plural(unnamed, 'more person is', 'more people are')} left out for the same reasons."
