"""What commands put on a terminal: tables and a progress bar."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Final, Self

from django.core.management.base import OutputWrapper

_BAR: Final = 30
_CLEAR_LINE: Final = "\r\033[K"


def width(text: str) -> int:
    """Columns on a terminal: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Left-aligned columns under their headings; ``None`` is an empty cell."""
    cells = [[str("" if cell is None else cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(headings, *cells, strict=True)]
    lines = [list(headings), ["-" * columns for columns in widths], *cells]
    return "\n".join("  ".join(map(pad, line, widths)).rstrip() for line in lines)


def plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def plain(text: str) -> str:
    """A style that leaves the text as it is; standard error is red otherwise."""
    return text


def fits(text: str, stream: Any) -> bool:
    """Whether a stream's encoding has these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


class Progress:
    """A bar on a terminal; on anything else it is silent and does not even count.

    Calling it with the number of things done so far moves it, as services expect.
    """

    def __init__(self, stream: OutputWrapper, label: str, total: Callable[[], int]) -> None:
        self.stream = stream
        self.label = label
        self.total = total() if stream.isatty() else 0

    def __call__(self, done: int) -> None:
        if self.total:
            part = min(done / self.total, 1)
            bar = "#" * round(part * _BAR)
            self._write(f"\r{self.label} [{bar:<{_BAR}}] {done}/{self.total}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.total:
            self._write(_CLEAR_LINE)

    def _write(self, text: str) -> None:
        self.stream.write(text, plain, "")
        self.stream.flush()
