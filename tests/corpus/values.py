"""JSON pointers (RFC 6901), and what may stand for a value in a recording."""

from __future__ import annotations

import json
import re
from typing import Any, Final

ABSENT: Final = object()


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def at(document: Any, pointer: str) -> Any:
    """What a pointer points to, or ``ABSENT``."""
    for token in _tokens(pointer):
        if isinstance(document, list) and token.isdigit() and int(token) < len(document):
            document = document[int(token)]
        elif isinstance(document, dict) and token in document:
            document = document[token]
        else:
            return ABSENT
    return document


def put(document: Any, pointer: str, value: Any) -> None:
    """Assign in place, making objects on the way; ``ABSENT`` removes."""
    *way, last = _tokens(pointer)
    for token in way:
        document = document[int(token)] if isinstance(document, list) else document.setdefault(token, {})
    if value is ABSENT:
        del document[int(last) if isinstance(document, list) else last]
    elif isinstance(document, list):
        document[int(last)] = value
    else:
        document[last] = value


def check(found: Any, expected: Any, where: str) -> None:
    """Compare; an object with one key that begins with ``$`` is a predicate rather than a value."""
    key = next(iter(expected)) if isinstance(expected, dict) and len(expected) == 1 else ""
    shown = "nothing" if found is ABSENT else repr(found)
    if key == "$absent":
        assert (found is ABSENT) is expected[key], f"{where} is {shown}"
        return
    assert found is not ABSENT, f"{where} is absent"
    if key == "$matches":
        assert re.fullmatch(expected[key], str(found)), f"{where} is {shown}"
    elif key == "$length":
        assert len(found) == expected[key], f"{where} has {len(found)}: {shown}"
    elif key == "$not":
        assert found != expected[key], f"{where} is {shown}"
    elif key == "$has":
        wanted = expected[key].items()
        assert any(item.items() >= wanted for item in found), f"{where} is {shown}"
    else:
        # 1 == True in Python, and never in JSON.
        assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True), f"{where} is {shown}"


def mentions(value: Any, name: str) -> bool:
    if isinstance(value, dict):
        return any(key.lower() == name or mentions(item, name) for key, item in value.items())
    return isinstance(value, list) and any(mentions(item, name) for item in value)


def has_null(value: Any) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    return value is None or (isinstance(value, list) and any(map(has_null, value)))
