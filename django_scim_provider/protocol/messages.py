"""Bodies and query parameters: JSON in, list responses out (RFC 7644 sections 3.4.2 and 3.8, RFC 8259)."""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from .errors import InvalidCount, InvalidSyntax, InvalidValue
from .urns import LIST_RESPONSE, SEARCH_REQUEST

STRING: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string, or one without an end up to the end of the body: every byte is looked at once."""
_OPENING: Final = bytes.maketrans(b"{}", b"[]")
NOT_A_BRACKET: Final = bytes(byte for byte in range(256) if byte not in b"[]{}")

_NONCHARACTERS: Final = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}-{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_UNSTORABLE: Final = re.compile(f"[\0\ud800-\udfff{_NONCHARACTERS}]")
_LARGEST: Final = 2**63
_LONGEST: Final = len(str(-_LARGEST))

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_HUGE: Final = re.compile(r"([+-]?)[0-9]{19,}")
_HUGEST: Final = 10**18 - 1


def load_body(data: bytes, *, max_depth: int = 32) -> dict[str, Any]:
    """Read a request body: strict JSON in UTF-8 with an object at the top; a byte order mark is skipped (RFC 8259 8.1).

    Nesting is measured before anything is parsed. Keys that differ only in case count as duplicates, since attribute
    names are case-insensitive and two readers could disagree on which one holds.

    :raises InvalidSyntax: not UTF-8, not JSON, nested too deeply, a duplicate key, not an object, or NUL, surrogates or
        noncharacters in a string (no database stores them all).
    :raises InvalidValue: a number beyond 64 bits or the range of a double.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip():
        raise InvalidSyntax("The body is empty; it must be a JSON object.")
    _check_depth(data, max_depth)
    try:
        text = data.decode("utf-8")
        body = _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise InvalidSyntax(f"The body is not UTF-8 (at byte {error.start + 1}).") from error
    except json.JSONDecodeError as error:
        raise InvalidSyntax(f"The body is not JSON (line {error.lineno}, column {error.colno}).") from error
    if not isinstance(body, dict):
        raise InvalidSyntax("The body must be a JSON object.")
    _check_text(text)
    if "\\u" in text:
        _check_strings(body)
    return body


def _check_depth(data: bytes, max_depth: int) -> None:
    """Without its strings, JSON nested ``n`` deep vanishes when pairs of brackets are taken out ``n`` times."""
    brackets = STRING.sub(b"", data).translate(_OPENING, NOT_A_BRACKET)
    rounds = 0 if b"[" * (max_depth + 1) in brackets else max_depth  # the plain attack, answered at once
    for _ in range(rounds):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise InvalidSyntax(f"The body is not complete JSON, or nested deeper than {max_depth} levels.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key.lower() for key, _ in pairs}) != len(pairs):
        raise InvalidSyntax("The body has an object with the same key twice. The case of letters makes no difference.")
    return dict(pairs)


def _integer(text: str) -> int:
    number = int(text) if len(text) <= _LONGEST else _LARGEST
    if not -_LARGEST <= number < _LARGEST:
        raise InvalidValue("The body has an integer beyond 64 bits.")
    return number


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise InvalidValue("The body has a number beyond the range of a double.")
    return number


def _constant(name: str) -> NoReturn:
    raise InvalidSyntax(f"The body has {name}, which is not JSON.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _check_text(text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    found = _UNSTORABLE.search(text)
    if found is None:
        return
    if found[0] == "\0":
        raise InvalidSyntax("The body has a NUL character in a string.")
    if "\ud800" <= found[0] <= "\udfff":
        raise InvalidSyntax("The body has a surrogate without its other half in a string.")
    raise InvalidSyntax(f"The body has a Unicode noncharacter (U+{ord(found[0]):04X}) in a string.")


def _check_strings(value: Any) -> None:
    """Check what escapes such as ``\\u0000`` have put into keys and values; the depth is known to be small."""
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_strings(item)


def require_schema(given: Any, urn: str) -> None:
    """See that ``schemas`` in a message says which message it is; a URN may be in any case.

    :raises InvalidSyntax: it does not.
    """
    if not isinstance(given, list) or urn.lower() not in [str(item).lower() for item in given]:
        raise InvalidSyntax(f"schemas must be a list that contains {urn}.")


def list_response(
    resources: Sequence[Any], *, total: int, start_index: int | None, next_cursor: str | None = None
) -> dict[str, Any]:
    """One page of results (RFC 7644 section 3.4.2); ``Resources`` is there even when it is empty, as Okta needs it.

    :param start_index: ``None`` where pages are asked for by cursor (RFC 9865 section 2).
    :param next_cursor: ``None`` on the last page.
    """
    document: dict[str, Any] = {"schemas": [LIST_RESPONSE], "totalResults": total}
    if start_index is not None:
        document["startIndex"] = start_index
    document["itemsPerPage"] = len(resources)
    if next_cursor is not None:
        document["nextCursor"] = next_cursor
    document["Resources"] = list(resources)
    return document


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The query of a list or a search (RFC 7644 section 3.4.2), its numbers in range, its names not yet looked up."""

    filter: str | None = None
    sort_by: str | None = None
    descending: bool = False
    start_index: int = 1
    """At least 1."""
    count: int | None = None
    """At least 0; ``None`` when the client did not say."""
    cursor: str | None = None
    """RFC 9865: empty for the first page; ``None`` for pages by ``startIndex``."""
    attributes: tuple[str, ...] = ()
    excluded_attributes: tuple[str, ...] = ()


_PARAMETERS: Final = {
    name.lower(): name
    for name in ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes")
}


def parse_query(params: Mapping[str, str]) -> ListQuery:
    """Read decoded query parameters; their names may be in any case, unknown ones are ignored.

    An empty ``filter`` is handed on as it is, for the filter parser to refuse: ignoring it would return everyone.

    :raises InvalidValue: a number or sort order that is none, or a parameter given in two spellings.
    :raises InvalidCount: a ``count`` that is none beside a ``cursor``.
    """
    known: dict[str, str] = {}
    for name, value in params.items():
        parameter = _PARAMETERS.get(name.lower())
        if parameter in known:
            raise InvalidValue(f"The parameter {parameter} is given more than once.")
        if parameter is not None:
            known[parameter] = value
    order = known.get("sortOrder", "").lower()
    if order not in ("", "ascending", "descending"):
        raise InvalidValue("sortOrder must be ascending or descending.")
    return ListQuery(
        filter=known.get("filter"),
        sort_by=known.get("sortBy") or None,
        descending=order == "descending",
        start_index=max(1, _paging_number(known["startIndex"], "startIndex")) if "startIndex" in known else 1,
        count=max(0, _count(known["count"], cursor="cursor" in known)) if "count" in known else None,
        cursor=known.get("cursor"),
        attributes=_names(known.get("attributes", "")),
        excluded_attributes=_names(known.get("excludedAttributes", "")),
    )


_LISTS: Final = frozenset({"attributes", "excludedAttributes"})
_NUMBERS: Final = frozenset({"startIndex", "count"})


def parse_search(body: Mapping[str, Any], *, schemas_needed: bool = False) -> ListQuery:
    """Read the body of a POST to ``/.search`` (RFC 7644 section 3.4.3): the same parameters, as JSON values.

    ``null`` is as good as absent (RFC 7643 section 2.5); one string may stand for a list of one.

    :param schemas_needed: whether the body has to say that it is a search.
    :raises InvalidSyntax: it does not.
    :raises InvalidValue: a value is of another type, or see ``parse_query``.
    """
    given = next((value for name, value in body.items() if name.lower() == "schemas"), None)
    if schemas_needed or given is not None:
        require_schema(given, SEARCH_REQUEST)
    known = ((_PARAMETERS.get(name.lower()), value) for name, value in body.items() if value is not None)
    return parse_query({name: _as_parameter(name, value) for name, value in known if name is not None})


def _as_parameter(name: str, value: Any) -> str:
    if name in _NUMBERS:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        raise InvalidValue(f"{name} must be a whole number.")
    if name in _LISTS and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, str):
        return value
    raise InvalidValue(f"{name} must be a {'list of strings' if name in _LISTS else 'string'}.")


def parse_integer(text: str, name: str) -> int:
    """Read ASCII digits, at most 18, with or without a sign; nothing is stripped.

    :raises InvalidValue: anything else; ``name`` says in the detail what was meant.
    """
    if not _INTEGER.fullmatch(text):
        raise InvalidValue(f"{name} must be a whole number.")
    return int(text)


def _paging_number(text: str, name: str) -> int:
    """As ``parse_integer``, but a number too long to be meant is a very large (or very small) one."""
    huge = _HUGE.fullmatch(text)
    if huge is None:
        return parse_integer(text, name)
    return -_HUGEST if huge[1] == "-" else _HUGEST


def _count(text: str, *, cursor: bool) -> int:
    """RFC 9865 section 2.1 has its own keyword for what RFC 7644 calls an invalid value."""
    try:
        return _paging_number(text, "count")
    except InvalidValue as error:
        if cursor:
            raise InvalidCount(error.detail) from None
        raise


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))
