"""Simple values and their types (RFC 7643 sections 2.3.1 to 2.3.7)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from .errors import InvalidValue
from .schemas import Attribute
from .tolerance import Tolerance

MAX_STRING_LENGTH: Final = 65_536

_CONTROLS: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""All control characters but tab, line feed and carriage return; surrogates."""
_DIRECTIONS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of writing, so that a name reads as another."""
_SHOWN_NAMES: Final = frozenset({"userName", "displayName"})
_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,12})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]*+|[A-Za-z0-9_-]*+)={0,2}")
_LARGEST: Final = 2**63


def clean_scalar(value: Any, attribute: Attribute, name: str, tolerance: Tolerance) -> Any:
    """The canonical form of a value that is not complex. ``name`` is for the detail.

    :raises InvalidValue: it is not of the attribute's type.
    """
    if attribute.type == "boolean":
        return _boolean(value, name, tolerance)
    if attribute.type in ("integer", "decimal"):
        return _number(value, attribute, name)
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be a string.")
    _check_string(value, attribute, name)
    check = _FORMATS.get(attribute.type)
    if check is not None:
        check(value, name)
    return value


def _boolean(value: Any, name: str, tolerance: Tolerance) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.lower()
        if tolerance.boolean_strings and word in ("true", "false"):
            return word == "true"
        if tolerance.boolean_digits and word in ("1", "0"):
            return word == "1"
    raise InvalidValue(f"{name} must be true or false.")


def _number(value: Any, attribute: Attribute, name: str) -> int | float:
    if attribute.type == "integer":
        if isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST:
            return value
        raise InvalidValue(f"{name} must be a whole number within 64 bits.")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf:
        return value
    raise InvalidValue(f"{name} must be a number.")


def _check_string(value: str, attribute: Attribute, name: str) -> None:
    if len(value) > MAX_STRING_LENGTH:
        raise InvalidValue(f"{name} is longer than {MAX_STRING_LENGTH} characters.")
    if value.isprintable():  # so free of every character refused here, and the rule for most values
        return
    if _CONTROLS.search(value):
        raise InvalidValue(f"{name} holds control characters.")
    if attribute.name in _SHOWN_NAMES and _DIRECTIONS.search(value):
        raise InvalidValue(f"{name} holds characters that change the direction of writing.")


def _check_date_time(value: str, name: str) -> None:
    try:
        if _DATE_TIME.fullmatch(value):
            datetime.fromisoformat(value)
            return
    except ValueError:  # 30 February
        pass
    raise InvalidValue(f"{name} must be a date and time such as 2011-05-13T04:42:34Z.")


def _check_binary(value: str, name: str) -> None:
    length = len(value) % 4
    if not _BASE64.fullmatch(value) or length == 1 or (length and value.endswith("=")):
        raise InvalidValue(f"{name} must be base64, without spaces or line breaks.")


_FORMATS: Final[Mapping[str, Callable[[str, str], None]]] = {"dateTime": _check_date_time, "binary": _check_binary}
