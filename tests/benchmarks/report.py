"""The figures as Markdown on the terminal, and as CSV and SVG for the documentation."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("django-scim-provider", "django-scim2", "django", "gunicorn", "psycopg")}


def show(result: dict[str, Any]) -> None:
    for series in result["operations"]:
        for row in series["results"]:
            w, c = ({k: v and round(v, 2) for k, v in row[n].items()} for n in ("waited_to", "worked_to"))
            print(
                f"{series['operation']:22} {row['users']:7} {row['server']:8} {row['waited_ms']:9.2f} p95 {row['p95_ms']:9.2f} cpu {row['worked_ms']:9.2f} q{row['queries']:3} floor {w['floor']}/{c['floor']} scim2 {w['scim2']}/{c['scim2']} growth {w['smallest']}/{c['smallest']} n{row['rounds']}"
            )
    for row in result["memory"]:
        print(row)
    print(result.get("first_sync"))


def write(result: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
