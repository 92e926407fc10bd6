"""The figures as Markdown on the terminal, and as CSV and SVG for the documentation."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("django-scim-provider", "django-scim2", "django", "gunicorn", "psycopg")}


def show(result: dict[str, Any]) -> None:
    print(json.dumps(result)[:0])
    for series in result["operations"]:
        for row in series["results"]:
            r = row["ratio_to_floor"]
            s = row["ratio_of_scim2"]
            print(f"{series['operation']:24} {row['users']:7} {row['server']:8} {row['median_ms']:9.2f} {row['p95_ms']:9.2f} q{row['queries']} floor {r and round(r,2)} scim2/{s and round(s,1)} growth {round(row['growth'],2)} n{row['rounds']}")
    for row in result["memory"]:
        print(row)
    print(result.get("first_sync"))


def write(result: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
