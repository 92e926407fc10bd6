"""Counts the key words of RFC 2119 in the sections of an RFC, so that the tables can be held against its text.

``python tests/conformance/keywords.py rfc7643.txt rfc7644.txt rfc9865.txt > tests/conformance/keywords.csv``
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

_WORDS = re.compile(r"\b(?:MUST|SHALL|SHOULD|REQUIRED|RECOMMENDED)\b")
_HEADING = re.compile(r"(\d+(?:\.\d+)*)\.?  \S.*(?<!\d)")
_PAGE = re.compile(r".*\[Page \d+\]|RFC \d{4} .* \d{4}")


def count(text: str) -> Counter[str]:
    """How often each section uses a key word. Words are counted, so MUST NOT is one."""
    found: Counter[str] = Counter()
    section = ""
    for line in text.splitlines():
        heading = _HEADING.fullmatch(line)
        if heading:
            section = heading[1]
        elif not _PAGE.fullmatch(line):
            found[section] += len(_WORDS.findall(line))
    return +found


if __name__ == "__main__":
    print("RFC,Section,Times")  # noqa: T201
    for name in sys.argv[1:]:
        rfc = Path(name).stem.removeprefix("rfc")
        for section, times in count(Path(name).read_text(encoding="utf-8")).items():
            print(rfc, section, times, sep=",")  # noqa: T201
