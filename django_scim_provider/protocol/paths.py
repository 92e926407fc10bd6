"""Attribute paths: the ``attrPath`` of RFC 7644 section 3.4.2.2 and figure 7, in any case (RFC 7643 section 2.1)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

NAME: Final = r"\$?[A-Za-z][A-Za-z0-9_$-]*"
URN: Final = r"(?i:urn):[A-Za-z0-9][A-Za-z0-9-]*(?::[A-Za-z0-9._~%-]+)+"
_PATH: Final = re.compile(rf"(?:({URN}):)?({NAME})(?:\.({NAME}))?", re.ASCII)
MAX_PATH_LENGTH: Final = 1024


class AttributePath(NamedTuple):
    """A path as the client spelled it."""

    urn: str | None
    name: str
    sub: str | None = None


def split_path(text: str) -> AttributePath | None:
    """Read ``[URN:]name[.sub]``; ``None`` when the text is not a path.

    The old dotted form ``urn:...:User.manager`` is not read here; it is a dialect's business.
    """
    match = _PATH.fullmatch(text.strip()) if len(text) <= MAX_PATH_LENGTH else None
    return AttributePath(match[1], match[2], match[3]) if match else None
