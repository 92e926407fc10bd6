"""An administrator in front of the panel."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from django_scim_provider.models import ScimConnection, ScimToken
from django_scim_provider.services import tokens
from django_scim_provider.services.context import Context
from factories import HostUserFactory

VIEW = "view_scimconnection"
MANAGE = "manage_scimconnection"
MANAGE_TOKENS = "manage_scimtoken"
VIEW_EVENTS = "view_scimevent"
MAP_ROLES = "map_scim_roles"
PASSWORD = "correct horse battery staple"
TOKEN = re.compile(r"djscim_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}")


def url(page: str, *args: Any) -> str:
    """A page of the panel: ``url("change", connection.pk)``."""
    return reverse(f"admin:scim_provider_scimconnection_{page}", args=args)


def text(response: HttpResponse) -> str:
    return response.content.decode()


def tokens_in(response: HttpResponse) -> list[str]:
    return TOKEN.findall(text(response))


def hidden(response: HttpResponse, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', text(response))
    assert found, f"no hidden field {name}"
    return found[1]


class Browser:
    """A signed-in member of staff; ``user`` is the host user."""

    def __init__(self, *permissions: str, password: str | None = PASSWORD, **fields: Any) -> None:
        self.user = HostUserFactory(is_staff=True, **fields)
        if password is not None:
            self.user.set_password(password)
            self.user.save()
        for codename in permissions:
            self.user.user_permissions.add(Permission.objects.get(codename=codename))
        self.client = Client()
        self.client.force_login(get_user_model().objects.get(pk=self.user.pk))

    def get(self, path: str, **params: Any) -> HttpResponse:
        return self.client.get(path, params)

    def post(self, path: str, data: dict[str, Any] | None = None) -> HttpResponse:
        return self.client.post(path, data or {})

    def ask(self, path: str, password: str | None = PASSWORD, **fields: Any) -> HttpResponse:
        """Open a form that asks for the password, fill it in, send it."""
        data = {"request_id": hidden(self.get(path), "request_id"), "scopes": "write", **fields}
        return self.post(path, data | ({"password": password} if password is not None else {}))

    def enable_form(self, **changes: Any) -> dict[str, Any]:
        """What the Enable page sends when nothing but the name and the provider is filled in."""
        page = self.get(url("add"))
        form = page.context["form"]
        data = {
            name: form[name].value()
            for name in ("existing_accounts", "on_create", "on_deactivate", "on_delete")
            if name in form.fields
        }
        data |= {"seen": hidden(page, "seen"), "request_id": hidden(page, "request_id")}
        return data | {"provider": "okta", "name": "Acme", "password": PASSWORD, "_enable": "1"} | changes

    def enable(self, **changes: Any) -> HttpResponse:
        return self.post(url("add"), self.enable_form(**changes))


def nonce(request: object) -> dict[str, str]:
    """A context processor, as ``django.template.context_processors.csp``."""
    return {"csp_nonce": "r4nd0m"}


def superuser(**fields: Any) -> Browser:
    return Browser(is_superuser=True, **fields)


def live_token(connection: ScimConnection, **options: Any) -> ScimToken:
    return tokens.issue(Context(connection), **options).token
