"""The life of a credential: issue, use, rotate, revoke."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils import timezone

from ..conf import app_settings
from ..models import ScimConnection, ScimToken
from ..models.token_format import PREFIX, digest, key_id_of, new_token
from . import audit, prepared
from .context import Context, database
from .prepared import Slot
from .transactions import recover

MAX_LIFE: Final = timedelta(days=730)
TOUCH_INTERVAL: Final = timedelta(minutes=1)
_DUMMY_DIGEST: Final = "0" * 64
logger = logging.getLogger("django_scim_provider")


class Issued(NamedTuple):
    """A new token and its text, which nothing can show again."""

    token: ScimToken
    text: str

    def __repr__(self) -> str:
        # Error reports print local variables.
        return f"Issued({self.token!r})"


class AlreadyIssued(Exception):
    """The request was answered with a token before; that one was shown then and cannot be shown again."""


def issue(
    context: Context,
    *,
    name: str = "",
    life: timedelta | None = None,
    scopes: str = ScimToken.Scopes.WRITE,
    request_id: str | None = None,
) -> Issued:
    """Make a token for the context's connection.

    :param life: default ``TOKEN_TTL``; at most two years.
    :param request_id: names the request, so that sending it again makes no second token.
    :raises ValueError: the life is not positive or is too long.
    :raises AlreadyIssued: a token with this request id exists.
    """
    life = app_settings.TOKEN_TTL if life is None else life
    if not timedelta(0) < life <= MAX_LIFE:
        raise ValueError(f"A token lives between one second and {MAX_LIFE.days} days.")
    made = new_token()
    try:
        with transaction.atomic(using=context.using):
            token = ScimToken.objects.using(context.using).create(
                connection=context.connection,
                name=name,
                key_id=made.key_id,
                digest=made.digest,
                scopes=scopes,
                created_by=context.actor,
                expires_at=timezone.now() + life,
                request_id=request_id,
            )
            audit.record(context, audit.Action.TOKEN_ISSUE, label=token.starts_with)
    except IntegrityError:
        if request_id is not None and issued_for(request_id) is not None:
            raise AlreadyIssued from None
        raise
    return Issued(token, made.text)


def issued_for(request_id: str) -> ScimToken | None:
    """The token that a request has already been answered with."""
    found = ScimToken.objects.using(database()).filter(request_id=request_id)
    return found.select_related("connection").first()


def rotate(
    context: Context,
    token: ScimToken,
    *,
    overlap: timedelta = timedelta(0),
    life: timedelta | None = None,
    request_id: str | None = None,
) -> Issued:
    """Issue a successor; the old token goes on for the overlap, or dies now, and never lives longer than it would.

    :raises AlreadyIssued: see ``issue``.
    :raises ValueError: the token belongs to another connection.
    """
    _check_owner(context, token)
    with transaction.atomic(using=context.using):
        issued = issue(context, name=token.name, life=life, scopes=token.scopes, request_id=request_id)
        if overlap > timedelta(0):
            ends = timezone.now() + overlap
            # Compared by the database: somebody else may have shortened the token's life since it was read.
            ScimToken.objects.using(context.using).filter(pk=token.pk, expires_at__gt=ends).update(expires_at=ends)
            token.refresh_from_db(using=context.using, fields=["expires_at"])
        else:
            revoke(context, token)
    return issued


def revoke(context: Context, token: ScimToken) -> None:
    """End a token now. Doing it again changes nothing.

    :raises ValueError: the token belongs to another connection.
    """
    _check_owner(context, token)
    moment = timezone.now()
    with transaction.atomic(using=context.using):
        live = ScimToken.objects.using(context.using).filter(pk=token.pk, revoked_at=None)
        if live.update(revoked_at=moment):
            token.revoked_at = moment
            audit.record(context, audit.Action.TOKEN_REVOKE, label=token.starts_with)


def _check_owner(context: Context, token: ScimToken) -> None:
    if token.connection_id != context.connection.pk:
        raise ValueError("The token belongs to another connection.")


def revoke_all(context: Context) -> int:
    """End every live token of the connection; returns how many."""
    live = ScimToken.objects.using(context.using).filter(connection=context.connection, revoked_at=None)
    tokens = list(live.filter(expires_at__gt=timezone.now()))
    for token in tokens:
        revoke(context, token)
    return len(tokens)


class Presented(NamedTuple):
    """What a token's text turned out to be."""

    connection: ScimConnection | None
    """Whose token it is, accepted or not; ``None`` when it is nobody's."""
    key_id: str
    scopes: str
    refusal: str
    """Why it is refused, in words for the event log; empty when it is accepted."""


_TOKEN_COLUMNS: Final = ("pk", "digest", "scopes", "expires_at", "is_revoked", "last_used_at")
# Not the time: SQLite's is made from text, which takes so long that it tells who was revoked.
_IS_REVOKED: Final = ExpressionWrapper(Q(revoked_at__isnull=False), output_field=BooleanField())


def _connection_columns() -> Sequence[str]:
    return [field.attname for field in ScimConnection._meta.concrete_fields]


class Claim(NamedTuple):
    """What a token's text claims. The text itself goes no further, since error reports print local variables."""

    key_id: str
    digest: str


def read(text: str) -> Claim | None:
    """The claim of a well-formed token with the right checksum; ``None`` for any other text."""
    key_id = key_id_of(text)
    return None if key_id is None else Claim(key_id, digest(text))


def present(
    claim: Claim | None, *, remote_addr: str | None, is_bearer: bool = True, user_name: str | None = None
) -> Presented:
    """Look a token up: one query, without a join to any user. Notes its use at most once a minute.

    :param is_bearer: whether the token came with the word Bearer, or as a password.
    :param user_name: what came with it where it was a password; has to be the connection's short name.
    """
    if claim is None:
        return Presented(None, "", "", "The text is not a token of this application.")
    key_id = claim.key_id
    using = database()
    names = _connection_columns()

    def build(values: Mapping[str, Any]) -> QuerySet[ScimToken, Any]:
        tokens = ScimToken.objects.using(using).filter(key_id=values["key_id"]).order_by()
        return tokens.annotate(is_revoked=_IS_REVOKED).values_list(
            *_TOKEN_COLUMNS, *(f"connection__{name}" for name in names)
        )

    slots = {"key_id": Slot(ScimToken._meta.get_field("key_id"), ("first sample", "other sample"))}
    row: Any = next(iter(prepared.run("token", using, build, slots, {"key_id": key_id})), None)
    stored = row[1] if row else _DUMMY_DIGEST
    # Compared although the row was found by its key id alone, and as carefully when there is none.
    matches = hmac.compare_digest(stored, claim.digest)
    if row is None:
        # Not by its key id: made-up ones, each with a right checksum, would each make an event.
        return Presented(None, "", "", f"No token begins with {PREFIX}{key_id}.")
    if not matches:
        return Presented(None, key_id, "", "The token is unknown.")
    pk, _, scopes, expires_at, is_revoked, last_used_at = row[: len(_TOKEN_COLUMNS)]
    connection = ScimConnection.from_db(using, names, row[len(_TOKEN_COLUMNS) :])
    moment = timezone.now()
    refusal = ""
    if not connection.enabled:
        refusal = "SCIM is disabled for this connection."
    elif is_revoked:
        refusal = "The token was revoked."
    elif expires_at <= moment:
        refusal = "The token has expired."
    elif not is_bearer and connection.raw_token != ScimConnection.RawToken.ACCEPT:
        refusal = "The token came without the word Bearer."
    elif user_name is not None and user_name != connection.slug:
        refusal = "The user name is not the short name of the token's connection."
    elif last_used_at is None or moment - last_used_at >= TOUCH_INTERVAL:
        _touch(pk, connection, moment, remote_addr, using)
    return Presented(connection, key_id, scopes, refusal)


def _touch(pk: int, connection: ScimConnection, moment: datetime, remote_addr: str | None, using: str) -> None:
    with _noting(using):
        tokens = ScimToken.objects.using(using).filter(pk=pk)
        stale = Q(last_used_at=None) | Q(last_used_at__lte=moment - TOUCH_INTERVAL)
        tokens.filter(stale).update(last_used_at=moment, last_used_ip=remote_addr)
        _see(connection, moment, using)


def note_use(connection: ScimConnection, moment: datetime, using: str) -> None:
    """Note, at most once a minute, that a connection was used by a credential that is not one of ours."""
    if connection.last_seen_at is None or moment - connection.last_seen_at >= TOUCH_INTERVAL:
        with _noting(using):
            _see(connection, moment, using)


def _see(connection: ScimConnection, moment: datetime, using: str) -> None:
    seen = ScimConnection.objects.using(using).filter(pk=connection.pk)
    seen.filter(Q(last_seen_at=None) | Q(last_seen_at__lte=moment - TOUCH_INTERVAL)).update(last_seen_at=moment)


@contextmanager
def _noting(using: str) -> Iterator[None]:
    try:
        with transaction.atomic(using=using):
            yield
    except DatabaseError:
        # A database that takes no writes can still answer the request.
        logger.warning("The use of a SCIM credential could not be noted.", exc_info=True)
        recover(using)
