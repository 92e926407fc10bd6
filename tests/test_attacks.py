"""docs/explanation/attacks.csv: every attack is answered by tests that exist, or by the reason why it cannot be one here."""

from __future__ import annotations

from test_conformance import TESTS, missing, read

TABLE = TESTS.parent / "docs" / "explanation" / "attacks.csv"
NAMED = [
    "T-GRAF",
    "T-GL1",
    "T-GL2",
    "T-BA1",
    "T-BA2",
    "T-PW",
    "T-NOAUTH",
    "T-EMPTY",
    "T-TIME",
    "T-REAUTH",
    "T-FILT",
    "T-DEPTH",
    "T-DUP",
    "T-FLEET",
    "T-WIPE",
    "T-ADMIN",
    "T-KILL",
]
NONE = "None: "


def test_every_attack_is_answered_by_tests_that_exist() -> None:
    wrong = []
    for row in read(TABLE):
        assert all(row.values()), row
        assert None not in row, row
        if row["Tests"].startswith(NONE):
            assert len(row["Tests"]) > 40, row
            continue
        wrong += [(row["Known as"], name) for name in missing(row["Tests"])]
    assert not wrong


def test_no_attack_that_has_a_name_is_left_out() -> None:
    known = {word.strip(",") for row in read(TABLE) for word in row["Known as"].split()}
    assert [name for name in NAMED if name not in known] == []
