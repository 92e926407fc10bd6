from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.urls import NoReverseMatch, resolve, reverse

from ... import __version__
from ...api.discovery import authentication_schemes
from ...conf import app_settings
from ...protocol.openapi import openapi_document
from ...services.verbs import resource_types
from ..base import ScimCommand


class Command(ScimCommand):
    help = "Print an OpenAPI 3.1 document of the SCIM endpoints or of the console, made from what serves them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--portal", metavar="KEY", default="", help="whose resource types; default: the general ones"
        )
        parser.add_argument("--console", action="store_true", help="of the console, the API for front ends of your own")
        parser.add_argument("--title", default="SCIM", help="the title of the document")
        parser.add_argument(
            "--base-url", metavar="URL", help="the address of the mount; default: BASE_URL, or /scim/v2"
        )

    def handle(self, *args: Any, portal: str, console: bool, title: str, base_url: str | None, **options: Any) -> None:
        if console:
            document = self._console(title, base_url)
        else:
            document = openapi_document(
                resource_types(portal),
                title=title,
                version=__version__,
                base_url=base_url or app_settings.BASE_URL or "/scim/v2",
                authentication_schemes=authentication_schemes(),
            )
        self.stdout.write(json.dumps(document, indent=2))

    def _console(self, title: str, base_url: str | None) -> dict[str, Any]:
        """Where it is, only the URLconf knows; what is there describes itself."""
        try:
            path = reverse("scim_console:openapi")
        except NoReverseMatch:
            raise CommandError(
                "The console is not in the URLconf. Add to urlpatterns: "
                'path("api/scim/", include("django_scim_provider.console.urls")),'
            ) from None
        view: Any = resolve(path).func
        document: dict[str, Any] = view.view_class.document(title=title, base_url=base_url or path.rpartition("/")[0])
        return document
