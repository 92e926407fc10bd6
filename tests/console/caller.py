"""Somebody in front of the host's own front end."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from factories import HostUserFactory

VIEW = "view_scimconnection"
MANAGE = "manage_scimconnection"
MANAGE_TOKENS = "manage_scimtoken"
VIEW_EVENTS = "view_scimevent"
MAP_ROLES = "map_scim_roles"
EVERYTHING = (VIEW, MANAGE, MANAGE_TOKENS, VIEW_EVENTS, MAP_ROLES)
PASSWORD = "correct horse battery staple"
MOUNT = "/api/scim"


class Caller:
    """A signed-in user of the host's; ``user`` is the row."""

    def __init__(self, *permissions: str, password: str | None = PASSWORD, **fields: Any) -> None:
        self.user = HostUserFactory(**{"is_staff": True, **fields})
        if password is not None:
            self.user.set_password(password)
            self.user.save()
        self.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.client = Client()
        self.client.force_login(self.user)

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send JSON; the answer is checked for what every answer must be."""
        data = b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(method, f"{MOUNT}{path}", data, "application/json", headers=headers)
        assert {"no-store", "private"} <= {part.strip() for part in response.headers["Cache-Control"].split(",")}
        if response.status_code >= 400:
            assert {"error", "detail"} <= response.json().keys() <= {"error", "detail", "fields"}
        return response

    def get(self, path: str, **params: Any) -> HttpResponse:
        query = "&".join(f"{name}={value}" for name, value in params.items())
        return self.request("GET", f"{path}?{query}")

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.request("POST", path, {} if body is None else body, **headers)

    def confirmed(self, path: str, key: str = "", **fields: Any) -> HttpResponse:
        """POST with the password."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.post(path, {"password": PASSWORD, **fields}, **headers)


def error(response: HttpResponse) -> tuple[int, str]:
    return response.status_code, response.json()["error"]
