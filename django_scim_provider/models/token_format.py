"""The wire form of a token: ``djscim_<key id><secret><checksum>`` with an underscore after the key id.

The fixed prefix lets secret scanners recognise it, the checksum stops a typing error before the database is asked.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from typing import Final, NamedTuple

PREFIX: Final = "djscim_"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_ID_LENGTH: Final = 12
_SECRET_LENGTH: Final = 43
_CHECKSUM_LENGTH: Final = 6
_TOKEN: Final = re.compile(
    rf"{PREFIX}([0-9A-Za-z]{{{KEY_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)
PATTERN: Final = rf"{PREFIX}[0-9A-Za-z]{{{KEY_ID_LENGTH}}}_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}"
"""Finds a whole token within a text, as a regular expression that databases understand as well."""
LENGTH: Final = len(PREFIX) + KEY_ID_LENGTH + 1 + _SECRET_LENGTH + _CHECKSUM_LENGTH


class NewToken(NamedTuple):
    """A token just made; ``text`` exists only here."""

    key_id: str
    digest: str
    text: str

    def __repr__(self) -> str:
        # Reports of errors print local variables.
        return f"<NewToken {self.key_id}>"


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), _CHECKSUM_LENGTH)


def digest(text: str) -> str:
    """SHA-256 in hex. The secret has 256 bits, so neither salt nor stretching adds anything (NIST SP 800-63B)."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def new_key_id() -> str:
    """Draw the public name of a credential, by which events know it."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(KEY_ID_LENGTH))


def new_token() -> NewToken:
    """Draw a token with a secret of 256 bits."""
    key_id = new_key_id()
    body = f"{PREFIX}{key_id}_{_base62(secrets.randbits(256), _SECRET_LENGTH)}"
    text = body + _checksum(body)
    return NewToken(key_id, digest(text), text)


def key_id_of(text: str) -> str | None:
    """The public key id of a well-formed token with the right checksum, else ``None``."""
    match = _TOKEN.fullmatch(text) if len(text) == LENGTH else None
    if match is None or _checksum(text[:-_CHECKSUM_LENGTH]) != match[3]:
        return None
    return match[1]
