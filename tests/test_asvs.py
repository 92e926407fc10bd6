"""docs/explanation/asvs.csv: every requirement is met by code and tests that exist, or is the host's with the reason."""

from __future__ import annotations

from importlib.util import find_spec

from test_attacks import NONE
from test_conformance import TESTS, missing, read

ROOT = TESTS.parent
TABLE = ROOT / "docs" / "explanation" / "asvs.csv"
WANTED = {
    "L1": "1.2.4 2.2.1 2.2.2 4.1.1 6.3.1 7.2.3 7.4.1 7.4.2 8.2.1 8.2.2 8.3.1 11.4.1 12.1.1 12.2.1 14.2.1 15.3.1",
    "L2": "1.3.10 1.4.2 1.5.2 2.3.3 2.3.4 2.4.1 4.1.2 4.1.3 4.3.1 6.1.3 6.3.4 6.5.2 6.8.1 7.4.5 8.2.3 8.4.1 10.3.1 10.3.2 "
    "10.3.3 11.2.1 11.5.1 13.2.1 13.3.1 13.3.2 14.2.4 14.3.2 15.1.2 15.2.2 15.3.3 15.3.4 15.3.5 15.3.7 16.2.1 16.2.5 "
    "16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2 16.5.3",
    "L3": "1.3.12 1.5.3 6.3.7 6.3.8 7.5.3 8.3.2 11.2.4 13.3.4 14.2.7 15.4.1 15.4.2 15.4.3 15.4.4 16.5.4",
}
"""What a service that other machines write to has to answer for; the table may say more."""


def exists(name: str) -> bool:
    """A file of the repository, or a module of the package."""
    return (ROOT / name).is_file() if "/" in name else find_spec(f"django_scim_provider.{name}") is not None


def test_every_requirement_is_met_by_code_and_tests_that_exist() -> None:
    wrong = []
    for row in read(TABLE):
        assert all(row.values()), row
        assert None not in row, row
        wrong += [(row["Item"], name) for name in row["Code"].split() if not exists(name)]
        if row["Tests"].startswith(NONE):
            assert row["Here"].startswith("Yours: "), row
        else:
            wrong += [(row["Item"], name) for name in missing(row["Tests"])]
    assert not wrong


def test_no_requirement_is_left_out_or_there_twice() -> None:
    items = [(row["Level"], row["Item"]) for row in read(TABLE)]
    assert len(items) == len(set(items))
    wanted = {(level, item) for level, listed in WANTED.items() for item in listed.split()}
    assert wanted - set(items) == set()
