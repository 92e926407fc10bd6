from __future__ import annotations

import io
from typing import ClassVar

import pytest
from django.core.management.base import OutputWrapper

from django_scim_provider.management.output import Progress, fits, plural, table, width


def test_a_table_is_as_wide_as_its_cells_and_has_no_trailing_spaces() -> None:
    assert table(("name", "n"), [("Ada", 1), (None, "x")]) == "name  n\n----  -\nAda   1\n      x"


def test_a_table_without_rows_is_its_headings() -> None:
    assert table(("name", "n"), []) == "name  n\n----  -"


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1)])
def test_width_counts_columns_of_a_terminal(text: str, columns: int) -> None:
    assert width(text) == columns


def test_plural() -> None:
    assert [plural(number, "person", "people") for number in (0, 1, 2)] == ["0 people", "1 person", "2 people"]


def test_fits_asks_the_encoding_of_the_stream() -> None:
    class Ascii:
        encoding: ClassVar = "ascii"

    assert fits("✓", io.StringIO())
    assert not fits("✓", Ascii())
    assert fits("ok", Ascii())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_drawn_on_a_terminal_and_wiped_away_at_the_end() -> None:
    stream = Terminal()
    with Progress(OutputWrapper(stream), "adopting", lambda: 4) as bar:
        bar(2)
        bar(5)
    drawn = stream.getvalue()
    assert f"\radopting [{'#' * 15}{' ' * 15}] 2/4" in drawn
    assert f"\radopting [{'#' * 30}] 5/4" in drawn
    assert drawn.endswith("\r\033[K")


def test_progress_with_nothing_to_do_draws_nothing() -> None:
    stream = Terminal()
    with Progress(OutputWrapper(stream), "adopting", lambda: 0) as bar:
        bar(1)
    assert stream.getvalue() == ""


def test_progress_is_silent_elsewhere_and_does_not_count() -> None:
    stream = io.StringIO()
    with Progress(OutputWrapper(stream), "adopting", lambda: pytest.fail("counted")) as bar:
        bar(1)
    assert stream.getvalue() == ""
