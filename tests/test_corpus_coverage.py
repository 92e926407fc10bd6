"""tests/corpus/coverage.csv: every behaviour of a provider and every rule for a server has a recording or a test."""

from __future__ import annotations

from corpus.player import HERE, recordings
from test_conformance import TESTS, functions_in, read

TABLE = read(HERE / "coverage.csv")
RECORDINGS = {str(recording) for recording in recordings()}
PROVIDERS = 14
RULES = 24
ERRORS, CONTRADICTIONS = "16", "18"
NONE = "No traffic: "


def _exists(name: str) -> bool:
    path, _, function = name.partition("::")
    return name in RECORDINGS or function in functions_in(TESTS.parent / path)


def test_everything_that_is_known_is_shown_by_what_exists() -> None:
    wrong = []
    for row in TABLE:
        assert None not in row, row
        assert row["Behaviour"], row
        shown = row["Shown by"].split()
        wrong += [(row["Number"], name) for name in shown if not _exists(name)]
        # What is not shown has a reason.
        assert shown or (row["Note"].startswith(NONE) and len(row["Note"]) > 30), row
    assert not wrong


def test_no_provider_and_no_rule_is_left_out() -> None:
    shown = {row["Number"] for row in TABLE if row["Shown by"]}
    rules = {f"15.{number}" for number in range(1, RULES + 1)}
    providers = {str(number) for number in range(1, PROVIDERS + 1)}

    assert rules <= shown
    assert {number.partition(".")[0] for number in shown - rules} == {*providers, ERRORS, CONTRADICTIONS}


def test_every_recording_is_there_for_something() -> None:
    assert {name for row in TABLE for name in row["Shown by"].split()} >= RECORDINGS
