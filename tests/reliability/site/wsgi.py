"""Warm before gunicorn forks: a worker that took a second to begin would be killed before it did anything."""

from __future__ import annotations

from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client

application = get_wsgi_application()
assert Client().get("/scim/v2/Users", headers={"Host": "127.0.0.1"}).status_code == 401
# What the workers share would be spoilt by the first of them.
connections.close_all()
