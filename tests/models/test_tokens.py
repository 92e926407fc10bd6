"""The wire form of a token, and what a token's row remembers."""

from __future__ import annotations

import hashlib
import itertools
import re
import string
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_scim_provider.models import ScimConnection, ScimToken, token_format
from django_scim_provider.models.token_format import LENGTH, digest, key_id_of, new_token

ALPHABET = string.digits + string.ascii_letters
SECRET = slice(20, 63)


def test_token_has_the_form_that_secret_scanners_are_told() -> None:
    for _ in range(50):
        made = new_token()

        assert re.fullmatch(r"djscim_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}", made.text)
        assert len(made.text) == LENGTH == 69
        assert made.text[7:19] == made.key_id == key_id_of(made.text)


def test_digest_is_sha256_of_the_whole_text() -> None:
    made = new_token()

    assert made.digest == digest(made.text) == hashlib.sha256(made.text.encode()).hexdigest()


def test_tokens_and_key_ids_are_never_the_same() -> None:
    made = [new_token() for _ in range(500)]

    assert len({token.text[SECRET] for token in made}) == 500
    assert len({token.key_id for token in made}) == 500


def number_in(secret: str) -> int:
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for char in secret:
        number = number * 62 + digits.index(char)
    return number


@pytest.mark.parametrize("drawn", [0, 1, 2**255, 2**256 - 1])
def test_secret_holds_all_of_256_random_bits(monkeypatch: pytest.MonkeyPatch, drawn: int) -> None:
    asked = []

    def randbits(bits: int) -> int:
        asked.append(bits)
        return drawn

    monkeypatch.setattr(token_format.secrets, "randbits", randbits)
    made = new_token()

    assert asked == [256]
    assert number_in(made.text[SECRET]) == drawn
    assert key_id_of(made.text) == made.key_id


def test_every_single_wrong_character_is_caught() -> None:
    for text in (new_token().text for _ in range(3)):
        for position, char in itertools.product(range(LENGTH), ALPHABET + "_-. \n\0é٣"):
            if char != text[position]:
                assert key_id_of(text[:position] + char + text[position + 1 :]) is None, (position, char)


def test_swapped_neighbours_are_caught() -> None:
    for text in (new_token().text for _ in range(20)):
        for position in range(LENGTH - 1):
            left, right = text[position], text[position + 1]
            if left != right:
                assert key_id_of(text[:position] + right + left + text[position + 2 :]) is None, position


@pytest.mark.parametrize("position", [0, 7, 12, 20, 40, 63, 68])
def test_missing_or_doubled_character_is_caught(position: int) -> None:
    text = new_token().text

    assert key_id_of(text[:position] + text[position + 1 :]) is None
    assert key_id_of(text[:position] + text[position] + text[position:]) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "djscim_",
        "null",
        "None",
        "undefined",
        "x" * 69,
        "djscim_" + "é" * 62,
        "djscim_" + "٣" * 62,
        "a" * 10**6,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_text_of_another_shape_is_no_token(text: str) -> None:
    assert key_id_of(text) is None


@pytest.mark.parametrize("around", [" {}", "{} ", "{}\n", "\t{}", '"{}"', "{}\0", "Bearer {}", "{},"])
def test_token_with_something_around_it_is_no_token(around: str) -> None:
    assert key_id_of(around.format(new_token().text)) is None


# The row -----------------------------------------------------------------------------------------------------


def make(connection: ScimConnection, **fields: Any) -> ScimToken:
    made = new_token()
    fields = {"key_id": made.key_id, "digest": made.digest, "expires_at": timezone.now() + timedelta(days=1)} | fields
    return ScimToken.objects.create(connection=connection, **fields)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("expires_in", "revoked", "live"),
    [
        (timedelta(seconds=1), False, True),
        (timedelta(0), False, False),
        (timedelta(seconds=-1), False, False),
        (timedelta(days=1), True, False),
        (timedelta(days=-1), True, False),
    ],
)
def test_token_is_live_until_it_expires_or_is_revoked(
    connection: ScimConnection, expires_in: timedelta, revoked: bool, live: bool
) -> None:
    moment = timezone.now()
    token = make(connection, expires_at=moment + expires_in, revoked_at=moment if revoked else None)

    assert token.is_live(moment) is live


@pytest.mark.django_db
def test_token_is_live_now_unless_another_time_is_given(connection: ScimConnection) -> None:
    token = make(connection)

    assert token.is_live()
    assert not token.is_live(timezone.now() + timedelta(days=2))


@pytest.mark.django_db
def test_what_is_printed_of_a_token_is_its_public_part(connection: ScimConnection) -> None:
    token = make(connection, key_id="AbCdEfGhIjKl")

    assert str(token) == token.starts_with == "djscim_AbCdEfGhIjKl…"
    assert token.digest not in repr(token)


@pytest.mark.django_db
def test_key_ids_are_unique_and_differ_by_case(connection: ScimConnection) -> None:
    make(connection, key_id="AbCdEfGhIjKl")
    make(connection, key_id="aBcDeFgHiJkL")

    with pytest.raises(IntegrityError), transaction.atomic():
        make(connection, key_id="AbCdEfGhIjKl")
    assert ScimToken.objects.filter(key_id="AbCdEfGhIjKl").count() == 1


@pytest.mark.django_db
def test_tokens_that_no_form_asked_for_do_not_count_as_one_request(connection: ScimConnection) -> None:
    make(connection)
    make(connection)
    make(connection, request_id="a" * 32)

    with pytest.raises(IntegrityError), transaction.atomic():
        make(connection, request_id="a" * 32)
    assert ScimToken.objects.count() == 3


@pytest.mark.django_db
def test_newest_token_comes_first(connection: ScimConnection) -> None:
    tokens = [make(connection) for _ in range(3)]

    assert list(ScimToken.objects.all()) == tokens[::-1]


@pytest.mark.django_db
def test_tokens_go_with_their_connection(connection: ScimConnection) -> None:
    make(connection)
    connection.delete()

    assert not ScimToken.objects.exists()
