"""Where managed people can still change what their identity provider manages: ``manage.py check --deploy``."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.contrib.admin.sites import all_sites
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import get_default_password_validators
from django.core.checks import CheckMessage, Info

from ..lock import ManagedUserPasswordValidator, ScimManagedAdminMixin
from .base import check


@check
def check_lock() -> Iterator[CheckMessage]:
    if not any(isinstance(one, ManagedUserPasswordValidator) for one in get_default_password_validators()):
        yield Info(
            "Django's forms set passwords for people whom an identity provider manages.",
            hint="Add django_scim_provider.lock.ManagedUserPasswordValidator to AUTH_PASSWORD_VALIDATORS.",
            id="scim_provider.I110",
        )
    model = get_user_model()
    for site in all_sites if apps.is_installed("django.contrib.admin") else ():
        if site.is_registered(model) and not isinstance(site.get_model_admin(model), ScimManagedAdminMixin):
            yield Info(
                f"The admin site {site.name!r} changes and deletes accounts that an identity provider manages.",
                hint="Put django_scim_provider.lock.ScimManagedAdminMixin before the bases of the user admin.",
                id="scim_provider.I111",
            )
