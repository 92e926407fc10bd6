"""Why a request of a rehearsal was not answered as an identity provider needs it, and what to change."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from ..conf import app_settings
from .in_process import Answer


def explain(answer: Answer) -> Iterator[str]:
    """At least one sentence on an answer that is not what was expected."""
    if 300 <= answer.status < 400:
        where = answer.location.partition("?")[0]
        if where.startswith("https:"):
            yield _(
                "The site sends plain HTTP on to %(address)s, and identity providers do not follow. Open this page "
                "over HTTPS and test again; behind a proxy set SECURE_PROXY_SSL_HEADER."
            ) % {"address": where}
        else:
            yield _(
                "Instead of an answer came a redirection to %(address)s: something in MIDDLEWARE asks for a login or "
                "changes addresses. Let it leave the path of SCIM alone."
            ) % {"address": where}
    elif not answer.is_scim:
        yield _(
            "Something in front of SCIM answered with status %(status)s: middleware of this site, or another entry of "
            "the URLconf. Let it leave the path of SCIM alone."
        ) % {"status": answer.status}
    else:
        yield from _scim(answer)


def _scim(answer: Answer) -> Iterator[str]:
    document = answer.document if isinstance(answer.document, dict) else {}
    detail = document.get("detail", "")
    if answer.status == 401:
        yield _(
            "The credential was refused. Middleware may have removed the Authorization header, or the AUTHENTICATION "
            "setting has no class that accepts tokens of this panel."
        )
    elif answer.status == 403 and "HTTPS" in detail:
        yield _(
            "SCIM is served over HTTPS only, and this page was opened over plain HTTP. Open it over HTTPS; behind a "
            "proxy set SECURE_PROXY_SSL_HEADER, so that Django knows."
        )
    elif answer.status == 429:
        yield _(
            "There were too many requests: the limit is %(rate)s (THROTTLE_RATE). Wait a moment and test again; if "
            "the identity provider meets it too, raise it."
        ) % {"rate": app_settings.THROTTLE_RATE}
    elif answer.status >= 500:
        yield _(
            "The application failed with status %(status)s. Its log says why, and so does “manage.py scim_check”."
        ) % {"status": answer.status}
    else:
        yield _("SCIM answered with status %(status)s: %(detail)s") % {
            "status": answer.status,
            "detail": detail or _("no reason given."),
        }
