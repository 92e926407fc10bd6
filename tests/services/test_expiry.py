"""Tokens that are about to expire are told of in time, and once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import TestCase
from django.utils import timezone

from django_scim_provider import signals
from django_scim_provider.models import ScimConnection, ScimToken
from django_scim_provider.services import expiry, tokens
from django_scim_provider.services.context import Context
from services.people import configured, listening

pytestmark = pytest.mark.django_db


def issue(context: Context, days: float, **values: Any) -> ScimToken:
    """A token that ends in so many days."""
    token = tokens.issue(context).token
    ScimToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(days=days), **values)
    return token


def warn() -> list[int]:
    """The days of the warnings that are sent now."""
    with configured(NOTIFY=["it@example.com"]), TestCase.captureOnCommitCallbacks(execute=True):
        return [sent.days for sent in expiry.warn()]


def test_each_warning_is_sent_once(context: Context) -> None:
    token = issue(context, 40)
    told = []
    with listening(signals.token_expiring) as heard:
        for days in (40, 31, 30, 29, 15, 14, 13.5, 8, 7, 6, 2, 1, 0.5, -1):
            ScimToken.objects.filter(pk=token.pk).update(
                expires_at=timezone.now() + timedelta(days=days) - timedelta(minutes=1)
            )
            told += [*warn(), *warn()]
    assert told == [30, 14, 7, 1]
    assert [(arguments["days"], arguments["token"]) for _, arguments in heard] == [(days, token) for days in told]
    assert [message.subject for message in mail.outbox][-2:] == [
        f"The SCIM token of “{context.connection.name}” expires in 7 days",
        f"The SCIM token of “{context.connection.name}” expires in 1 day",
    ]
    assert token.starts_with in mail.outbox[0].body
    assert token.digest not in mail.outbox[0].body


def test_a_token_for_a_few_days_is_told_of_by_what_is_left(context: Context) -> None:
    issue(context, 5)
    assert warn() == [5]
    assert warn() == []


def test_a_successor_makes_the_warning_needless_once_it_is_used(context: Context) -> None:
    moment = timezone.now()
    issue(context, 3, last_used_at=moment - timedelta(hours=1))
    new = issue(context, 300)
    assert warn() == [3], "the identity provider still uses the old one"
    ScimToken.objects.update(warned_days=None)
    ScimToken.objects.filter(pk=new.pk).update(last_used_at=moment)
    assert warn() == []


def test_what_is_off_is_not_spoken_of(context: Context) -> None:
    issue(context, 3, revoked_at=timezone.now())
    assert warn() == []
    issue(context, 3)
    ScimConnection.objects.update(enabled=False)
    assert warn() == []
    assert list(expiry.expiring(30)) == []


def test_two_at_once_send_one(context: Context) -> None:
    """The second has read the token before the first one noted the warning."""
    token = ScimToken.objects.select_related("connection").get(pk=issue(context, 3).pk)
    assert expiry._send(token, 3, 7)
    assert not expiry._send(token, 3, 7)
