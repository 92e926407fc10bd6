"""docs/reference/conformance.rst: every clause is there, and every test that it names."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from conformance.keywords import count

TESTS = Path(__file__).resolve().parent
TABLES = TESTS.parent / "docs" / "reference" / "conformance"
RFCS = ("7643", "7644", "9865")
BINDING = {"MUST", "MUST NOT", "SHALL", "SHALL NOT", "REQUIRED"}
ADVICE = {"SHOULD", "SHOULD NOT", "RECOMMENDED", "NOT RECOMMENDED"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def functions_in(path: Path) -> frozenset[str]:
    """The names of the test functions in a file, read from its source."""
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    names = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return frozenset(name for name in names if name.startswith("test_"))


def missing(names: str) -> list[str]:
    """Those among tests, named as pytest names them, that do not exist."""
    split = ((name, *name.partition("::")[::2]) for name in names.split())
    return [name for name, path, function in split if function not in functions_in(TESTS.parent / path)]


@pytest.mark.parametrize("rfc", RFCS)
def test_every_clause_is_shown_by_tests_that_exist(rfc: str) -> None:
    wrong = []
    for row in read(TABLES / f"rfc{rfc}.csv"):
        assert row["Level"] in BINDING | ADVICE, row
        assert row["Requirement"], row
        assert row["Here"], row
        wrong += [(row["Section"], name) for name in missing(row["Tests"])]
        # What is only advised may be left, with the reason.
        reasoned = row["Level"] in ADVICE and row["Here"].startswith("Not done: ") and len(row["Here"]) > 30
        if not row["Tests"] and not reasoned:
            wrong.append((row["Section"], row["Requirement"]))
    assert not wrong


def test_no_clause_is_left_out() -> None:
    accounted: Counter[tuple[str, str]] = Counter()
    for rfc in RFCS:
        for row in read(TABLES / f"rfc{rfc}.csv"):
            accounted[rfc, row["Section"]] += int(row["Times"])
    for row in read(TABLES / "elsewhere.csv"):
        assert row["Whose"], row
        accounted[row["RFC"], row["Section"]] += int(row["Times"])
    counted = {(row["RFC"], row["Section"]): int(row["Times"]) for row in read(TESTS / "conformance" / "keywords.csv")}
    assert accounted == counted


def test_key_words_are_counted_by_section() -> None:
    text = """\
1.  Introduction ....................................................3
1.  Introduction

   Servers MUST NOT, and clients SHOULD NOT.  This is
   RECOMMENDED, a MUSTARD is not, must is not.

Nobody                       Standards Track                    [Page 1]
RFC 0000                 The MUST Protocol                September 2015

1.2.  Details

   REQUIRED.
"""
    assert count(text) == {"1": 3, "1.2": 1}
