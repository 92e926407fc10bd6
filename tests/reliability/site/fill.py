"""``python -m reliability.site.fill CLIENT...``: tables, a connection, a role, a token for each client; prints the tokens."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402

from django_scim_provider.services import connections, role_mappings, tokens  # noqa: E402
from django_scim_provider.services.context import Context  # noqa: E402

call_command("migrate", verbosity=0)
connection = connections.create("Acme", provider="okta", guard="off")
context = Context(connection)
connections.enable(context)
Group.objects.create(name="writer")
for name in sys.argv[1:]:
    role_mappings.save_mapping(context, name, "writer")
sys.stdout.write(json.dumps({name: tokens.issue(context, name=name).text for name in sys.argv[1:]}))
