"""How values are compared: one folding for every case-insensitive string, one stricter rule for userName.

``fold`` is width mapping, lower case and NFC: what PRECIS UsernameCaseMapped (RFC 8265 section 3.3) does to a
name that it accepts. Databases disagree on all three steps, so the folding happens here and columns compare bytes.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from precis_i18n import get_profile

from .errors import InvalidValue

_USERNAME: Final = get_profile("UsernameCaseMapped")
MAX_USER_NAME_LENGTH: Final = 254


def _narrow(char: str) -> str:
    """Full-width and half-width forms become what they stand for (the width mapping rule of RFC 8264)."""
    kind, _, codes = unicodedata.decomposition(char).partition(" ")
    return "".join(chr(int(code, 16)) for code in codes.split()) if kind in ("<wide>", "<narrow>") else char


def fold(text: str) -> str:
    """The form in which two case-insensitive strings are compared."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", "".join(map(_narrow, text)).lower())


def _is_tolerated(char: str) -> bool:
    """Spaces, punctuation and symbols; not the separators of lines and paragraphs."""
    kind = unicodedata.category(char)
    return kind == "Zs" or kind[0] in "SP"


def user_name_key(user_name: str) -> str:
    """The key under which a userName is unique and found (RFC 7644 section 5 asks for PRECIS).

    Names that PRECIS refuses only for spaces, punctuation or symbols are accepted, since real directories hold them.

    :raises InvalidValue: empty, too long, or holding control, format, bidirectional or compatibility characters.
    """
    if len(user_name) > MAX_USER_NAME_LENGTH:
        raise InvalidValue(f"userName is longer than {MAX_USER_NAME_LENGTH} characters.")
    if user_name.isascii() and user_name.isprintable() and user_name == user_name.strip() != "":
        return user_name.lower()
    key = fold(user_name)
    stand_in = next((char for char in key if not _is_tolerated(char)), "x")
    if len(key) > MAX_USER_NAME_LENGTH:
        raise InvalidValue(f"userName is longer than {MAX_USER_NAME_LENGTH} characters in lower case.")
    if not key or key != key.strip():
        raise InvalidValue("userName is empty, or begins or ends with a space.")
    try:
        # A letter of the name itself stands in for what is tolerated, so that the rule for
        # right-to-left names is judged by the name's own script.
        _USERNAME.enforce("".join(stand_in if _is_tolerated(char) else char for char in key))
    except UnicodeEncodeError as error:
        raise InvalidValue("userName holds characters that a user name may not have.") from error
    return key
