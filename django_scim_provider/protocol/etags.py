"""Versions of resources, and conditions on them (RFC 7644 section 3.14, RFC 7232)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson

from .errors import InvalidValue, PreconditionFailed

_ANY: Final = frozenset({"*"})
_LENGTH: Final = 24
_TAG: Final = r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")'
_LIST: Final = re.compile(rf"(?:[ \t,]*+{_TAG})++[ \t,]*+")


def weak(opaque: object) -> str:
    """An entity-tag, as ``meta.version`` and the header ``ETag`` show it."""
    return f'W/"{opaque}"'


def digest(state: Any) -> str:
    """The entity-tag of what has no counter: the same for the same JSON, in whatever order its keys are."""
    return weak(sha256(orjson.dumps(state, option=orjson.OPT_SORT_KEYS)).hexdigest()[:_LENGTH])


@dataclass(frozen=True, slots=True)
class Match:
    """What a request says about the version it is meant for.

    Tags are compared weakly, as RFC 7644 section 3.14 does in its examples: ``W/"1"`` and ``"1"`` are one version.
    """

    tags: frozenset[str] | None = None
    """``If-Match``: quoted opaque tags, or ``*`` alone; ``None`` for a request without it."""
    unless: frozenset[str] | None = None
    """``If-None-Match``, likewise."""

    @property
    def needs_version(self) -> bool:
        """Whether the answer depends on which version there is, beyond there being one."""
        return self.tags not in (None, _ANY) or self.unless not in (None, _ANY)

    def is_current(self, version: str) -> bool:
        """Whether ``If-None-Match`` names this version: nothing new for who reads, no permission for who writes."""
        return self.unless is not None and _names(self.unless, version)

    def require(self, version: str) -> None:
        """
        :raises PreconditionFailed: ``If-Match`` names other versions than this one.
        """
        if self.tags is not None and not _names(self.tags, version):
            raise PreconditionFailed

    def permit(self, version: str) -> None:
        """The whole condition, for a write.

        :raises PreconditionFailed: ``If-Match`` does not name this version, or ``If-None-Match`` does.
        """
        self.require(version)
        if self.is_current(version):
            raise PreconditionFailed("The resource is in the state that If-None-Match rules out.")


def parse_match(text: str | None, unless: str | None = None) -> Match:
    """Read ``If-Match`` (or the ``version`` of a bulk operation), and ``If-None-Match``; ``None`` where one is absent.

    :raises InvalidValue: not ``*`` and not a list of entity-tags. Taken for some other version, it would send the
        client in circles: read again, fail again.
    """
    return Match(_tags(text, "If-Match"), _tags(unless, "If-None-Match"))


def _tags(text: str | None, name: str) -> frozenset[str] | None:
    if text is None:
        return None
    if text.strip() == "*":
        return _ANY
    if _LIST.fullmatch(text) is None:
        raise InvalidValue(f"{name} holds no entity-tag. Send the version as meta.version shows it, quotes included.")
    return frozenset(re.findall(_TAG, text))


def _names(tags: frozenset[str], version: str) -> bool:
    return tags == _ANY or version.removeprefix("W/") in tags
