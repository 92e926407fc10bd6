"""Mail to those who look after provisioning: sent on commit, and a mail server that fails stops nobody."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import mail_admins, send_mail
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from ..conf import app_settings
from ..models import ScimConnection, ScimToken
from .context import Context


def many_removals(context: Context, count: int, *, held: bool) -> None:
    """More people are being removed than need no attention."""
    with override(settings.LANGUAGE_CODE):
        name = {"connection": context.connection.name}
        subject = _("Unusually many people are being removed by “%(connection)s”") % name
        happened = ngettext(
            "%(count)s person was removed within ten minutes through the SCIM connection “%(connection)s”.",
            "%(count)s people were removed within ten minutes through the SCIM connection “%(connection)s”.",
            count,
        ) % {"count": count, **name}
        if held:
            happened = (
                _(
                    "The SCIM connection “%(connection)s” asks to remove more people than usual. The last of them and "
                    "all further ones are held; these people keep their access until you decide."
                )
                % name
            )
        todo = _(
            "If that is right, release them in the admin, under SCIM provisioning, Held removals. If it is not, "
            "disable the connection, then undo them there or with the command scim_undo."
        )
    _send(context.connection, context.using, subject, f"{happened}\n\n{todo}\n")


def token_expires(connection: ScimConnection, token: ScimToken, days: int, using: str) -> None:
    """The last token of a connection, or the one in use, ends soon."""
    with override(settings.LANGUAGE_CODE):
        told = {"connection": connection.name, "token": token.starts_with, "days": days}
        subject = ngettext(
            "The SCIM token of “%(connection)s” expires in %(days)s day",
            "The SCIM token of “%(connection)s” expires in %(days)s days",
            days,
        )
        body = _(
            "After that the identity provider can neither create nor remove anybody. Rotate the token %(token)s of "
            "“%(connection)s” in the admin, under SCIM provisioning, and give the new one to the identity provider."
        )
        _send(connection, using, subject % told, f"{body % told}\n")


def recipients(connection: ScimConnection) -> Sequence[str] | None:
    """Who is told; ``None`` for the project's ``ADMINS``."""
    named = app_settings.NOTIFY
    return list(import_string(named)(connection)) if isinstance(named, str) else named


def _send(connection: ScimConnection, using: str, subject: str, body: str) -> None:
    line = " ".join(subject.split())

    def send() -> None:
        addresses = recipients(connection)
        if addresses is None:
            mail_admins(line, body)
        elif addresses:
            send_mail(line, body, None, addresses)

    transaction.on_commit(send, using=using, robust=True)
