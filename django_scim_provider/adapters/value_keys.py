"""Values as the filter index holds them: as text whose equality and order are those of the values."""

from __future__ import annotations

import struct
from datetime import datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any, Final

from ..models.values import bounded_key
from ..protocol.filter_grammar import instant
from ..protocol.keys import fold
from ..protocol.schemas import BoundPath

_SIGN: Final = 1 << 63
_ALL_BITS: Final = (1 << 64) - 1
_EXACT: Final = Context(prec=10_000, traps=[])


def value_key(path: BoundPath, value: Any) -> str:
    """A value as the filter index and its queries compare it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    key = None
    if path.target.type in ("integer", "decimal"):
        key = _number_key(str(value))
    elif path.target.type == "dateTime":
        key = _time_key(value)
    is_exact = path.target.case_exact or path.target.type == "binary"
    return key or bounded_key(str(value) if is_exact else fold(str(value)))


def _number_key(text: str) -> str | None:
    """The bits of a double, which are in order once the sign is, and the exact number; ``None`` for no number."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    (bits,) = struct.unpack(">Q", struct.pack(">d", float(number) + 0.0))
    ordered = bits ^ (_ALL_BITS if bits >> 63 else _SIGN)
    return bounded_key(f"{ordered:016x} {number.normalize(_EXACT) if number else 0}")


def _time_key(value: Any) -> str | None:
    """A moment in UTC; ``None`` for what is none."""
    moment = instant(value.isoformat() if isinstance(value, datetime) else str(value))
    return None if moment is None else moment.isoformat(timespec="microseconds")
