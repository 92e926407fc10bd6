from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from ... import __version__
from ...conf import app_settings
from ...protocol.openapi import openapi_document
from ...services.verbs import resource_types
from ..base import ScimCommand


class Command(ScimCommand):
    help = "Print an OpenAPI 3.1 document of the SCIM endpoints, made from the schemas that serve them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--portal", metavar="KEY", default="", help="whose resource types; default: the general ones"
        )
        parser.add_argument("--title", default="SCIM", help="the title of the document")
        parser.add_argument(
            "--base-url", metavar="URL", help="the address of the mount; default: BASE_URL, or /scim/v2"
        )

    def handle(self, *args: Any, portal: str, title: str, base_url: str | None, **options: Any) -> None:
        document = openapi_document(
            resource_types(portal),
            title=title,
            version=__version__,
            base_url=base_url or app_settings.BASE_URL or "/scim/v2",
        )
        self.stdout.write(json.dumps(document, indent=2))
