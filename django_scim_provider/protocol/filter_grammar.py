"""From the text of a filter to a parse tree and its constants (RFC 7644 section 3.4.2.2, figure 1).

The tokens and the grammar are those of scim2-filter-parser. Put right here: ``and`` binds closer than ``or``; quoted
values are JSON strings with their escapes; keywords are whole words, in any case; a value remembers whether it was
quoted, so that its attribute can decide what it is; paths are read by ``paths``, the same for filters and PATCH.

Every step is one pass over the text, and the parser is a loop: no input makes it recurse or go back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser

from .errors import InvalidFilter
from .paths import split_path
from .schemas import AttributeType, BoundPath
from .tolerance import Tolerance

Value: TypeAlias = str | bool | int | Decimal | datetime
"""Typed by the attribute; a datetime is aware and in UTC."""

_COMPARISONS: Final = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})
_KEYWORDS: Final = {word: word.upper() for word in (*_COMPARISONS, "pr", "and", "or", "not")}
_OPERATORS: Final = frozenset(word.upper() for word in (*_COMPARISONS, "pr"))

CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that may not stand in a filter as they are."""
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""Characters that no escape may bring in: PostgreSQL stores neither."""

_EQUALITY: Final = frozenset({"eq", "ne"})
_ORDER: Final = _EQUALITY | {"gt", "ge", "lt", "le"}
_STRING: Final = _ORDER | {"co", "sw", "ew"}
_OPERATORS_BY_TYPE: Final[Mapping[AttributeType, frozenset[str]]] = {
    "string": _STRING,
    "reference": _STRING,
    "boolean": _EQUALITY,
    "binary": _EQUALITY,
    "integer": _ORDER,
    "decimal": _ORDER,
    "dateTime": _ORDER,
    "complex": frozenset(),
}
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?", re.ASCII)
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_DECIMAL: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?")


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a filter may be; each is checked before anything is parsed."""

    length: int = 4096
    """Characters."""
    terms: int = 128
    """Comparisons and presence tests."""
    depth: int = 32
    """Round and square brackets within each other; more than 100 counts as 100, since evaluation recurses."""


MAX_DEPTH: Final = 100


class Constant(NamedTuple):
    """The right-hand side of a comparison; what it is depends on the attribute and on the quotes."""

    text: str
    quoted: bool

    @property
    def is_null(self) -> bool:
        return not self.quoted and self.text.lower() == "null"

    def fit(self, operator: str, path: BoundPath, tolerance: Tolerance) -> Value:
        """The value, of the type that the attribute has.

        :raises InvalidFilter: it cannot be read as one, or the operator does not compare that type.
        """
        kind = path.target.type
        if operator not in _OPERATORS_BY_TYPE[kind]:
            raise InvalidFilter(f"{operator} does not compare values of type {kind}, such as {path.key}.")
        lenient = tolerance.unquoted_filter_values
        value: Value | None
        if kind == "boolean":
            value = self._boolean(tolerance)
        elif kind in ("integer", "decimal"):
            value = None if self.quoted and not lenient else _number(self.text, kind)
        elif not self.quoted and not lenient:
            raise InvalidFilter(f"The value compared with {path.key} must stand in double quotes.")
        else:
            value = instant(self.text) if kind == "dateTime" else self.text
        if value is None:
            raise InvalidFilter(f"The value compared with {path.key} is not of its type, {kind}, or out of range.")
        return value

    def _boolean(self, tolerance: Tolerance) -> bool | None:
        word = self.text.lower()
        if word in ("true", "false") and (tolerance.boolean_strings or not self.quoted):
            return word == "true"
        if word in ("1", "0") and tolerance.boolean_digits:
            return word == "1"
        return None


def _number(text: str, kind: AttributeType) -> int | Decimal | None:
    """A JSON number, if it is one that databases can hold: 64 bits, or 64 digits and an exponent of three."""
    if kind == "decimal":
        decimal = Decimal(text) if _DECIMAL.fullmatch(text) else None
        in_range = decimal is not None and abs(decimal.adjusted()) < 1000 and len(decimal.as_tuple().digits) <= 64
        return decimal if in_range else None
    integer = int(text) if _INTEGER.fullmatch(text) else None
    return integer if integer is not None and -(2**63) <= integer < 2**63 else None


def instant(text: str) -> datetime | None:
    """A date, or a date and time, in ISO 8601; in UTC where it does not say otherwise."""
    text = text.upper()
    if not _DATE_TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # 30 February; the first hours of year 1 somewhere east
        return None


class FilterLexer(SCIMLexer):  # type: ignore[misc]
    """Brackets, strings, and words; ``scan`` knows which words are paths, operators or values."""

    tokens = SCIMLexer.tokens | {"STRING", "WORD"}
    ignore = " "
    del ATTRNAME, COMP_VALUE, FALSE, NULL, NUMBER, SCHEMA_URI, TRUE  # type: ignore[name-defined]  # noqa: F821
    # Elsewhere a dot belongs to a word: urn:...:core:2.0:User:name.givenName, alice@example.com
    SUBATTR = r"(?<=\])\.[a-zA-Z$][a-zA-Z0-9_$-]*"
    STRING = r'"(?:[^"\\]|\\.)*+"'
    WORD = r'[^\s"()\[\]]+'

    def error(self, token: Any) -> None:
        if token.value[0] == '"':
            raise InvalidFilter(f"The filter has a quoted value that does not end, at character {token.index + 1}.")
        raise InvalidFilter(f"The filter has a character that cannot stand at position {token.index + 1}.")


class FilterParser(SCIMParser):  # type: ignore[misc]
    """The library's rules under the precedence that the RFC demands. One object per call: it is not re-entrant."""

    tokens = SCIMLexer.tokens
    precedence = (("left", "OR"), ("left", "AND"), ("right", "NOT"))
    track_positions = False
    # sly builds its table from what a class body holds, so the rules are named again.
    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    def error(self, token: Any) -> None:
        where = f"at character {token.index + 1}" if token else "at the end"
        raise InvalidFilter(f"The filter is not understood {where}: {_wanted(self.symstack[-1].type)}.")


def _wanted(previous: str) -> str:
    """What may follow a symbol of the grammar."""
    if previous in ("ATTRNAME", "attr_path"):
        return "an operator is expected (eq, ne, co, sw, ew, gt, ge, lt, le or pr)"
    if previous in _OPERATORS and previous != "PR":
        return "a value is expected; a word of the filter language must be quoted"
    if previous in ("$end", "LPAREN", "LBRACKET", "AND", "OR"):
        return "an attribute is expected"
    if previous == "NOT":
        return 'a parenthesis must follow "not"'
    return '"and", "or" or a closing bracket is expected; a value that holds spaces or brackets must be quoted'


def _string(token: Any) -> Constant:
    text = token.value[1:-1]
    if "\\" in text:
        try:
            text = json.loads(token.value)
        except ValueError as error:
            raise InvalidFilter("A quoted value has an unknown escape; write a single backslash twice.") from error
        if _UNSTORABLE.search(text):
            raise InvalidFilter("A quoted value holds a NUL or half of a surrogate pair.")
    return Constant(text, quoted=True)


def scan(text: str, limits: Limits) -> Iterator[Any]:
    """The tokens of a filter, once the whole of it is known to be within the limits."""
    if len(text) > limits.length:
        raise InvalidFilter(f"The filter is longer than {limits.length} characters.")
    if CONTROL.search(text):
        raise InvalidFilter("The filter holds control characters; within quotes they can be written as JSON escapes.")
    max_depth = min(limits.depth, MAX_DEPTH)
    tokens: list[Any] = []
    terms = depth = 0
    value_follows = False
    for token in FilterLexer().tokenize(text):
        match token.type:
            case "WORD":
                word = token.value.lower()
                if word in _KEYWORDS:
                    token.type, token.value = _KEYWORDS[word], word
                elif value_follows:
                    token.type, token.value = "COMP_VALUE", Constant(token.value, quoted=False)
                else:
                    token.type, token.value = "ATTRNAME", split_path(token.value)
            case "STRING":
                token.type, token.value = "COMP_VALUE", _string(token)
            case "LPAREN" | "LBRACKET":
                depth += 1
                if depth > max_depth:
                    raise InvalidFilter(f"The filter has brackets nested more than {max_depth} deep.")
            case "RPAREN" | "RBRACKET":
                depth -= 1
        value_follows = token.type in _OPERATORS
        if value_follows:
            terms += 1
            if terms > limits.terms:
                raise InvalidFilter(f"The filter has more than {limits.terms} comparisons.")
        tokens.append(token)
    return iter(tokens)


def parse_tree(text: str, limits: Limits) -> Any:
    """The library's tree: operators in lower case, values as ``Constant``, paths as ``AttributePath`` or ``None``."""
    return FilterParser().parse(scan(text, limits))
