"""The figures as Markdown on the terminal, as CSV and SVG for the documentation.

``python -m benchmarks.report`` makes the documentation's tables and chart anew from the ``results.json`` beside them.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Iterable, Sequence
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .population import SERVERS

FOLDER = Path(__file__).parents[2] / "docs" / "explanation" / "performance"
Table = list[list[str]]


def versions() -> dict[str, str]:
    names = ("django-scim-provider", "django-scim2", "django", "gunicorn", "orjson", "psycopg")
    return {name: version(name) for name in names} | {"python": sys.version.split()[0]}


def _number(value: float | None, unit: str = "") -> str:
    """With two digits that say something."""
    if value is None:
        return "–"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f}{unit}"


def _rows(series: dict[str, Any], users: int) -> dict[str, dict[str, Any]]:
    return {row["server"]: row for row in series["results"] if row["users"] == users}


def operations_table(result: dict[str, Any], users: int) -> Table:
    """What each operation takes with so many people."""
    table = [
        ["Operation", "Package, ms", "p95", "Floor, ms", "Limit, ms", "django-scim2, ms", "Processor, to the floor",
         "Wait, to the floor", "Of django-scim2", "Queries"],
    ]  # fmt: skip
    for series in result["operations"]:
        rows = _rows(series, users)
        ours = rows["package"]
        waits = [_number(rows[name]["waited_ms"] if name in rows else None) for name in ("floor", "limit", "scim2")]
        queries = " / ".join(str(rows[name]["queries"]) if name in rows else "–" for name in SERVERS)
        scim2 = rows.get("scim2")
        # How many times as long the other one takes.
        times = scim2 and 1 / ours["worked_to"]["scim2"]
        table.append(
            [series["operation"], _number(ours["waited_ms"]), _number(ours["p95_ms"]), *waits,
             _number(ours["worked_to"]["floor"]), _number(ours["waited_to"]["floor"]), _number(times, " ×"), queries]
        )  # fmt: skip
    return table


def growth_table(result: dict[str, Any]) -> Table:
    """How many times as long it takes with the most people as with the fewest."""
    largest = max(result["sizes"])
    table = [["Operation", *(f"{name}" for name in SERVERS), "package, waited"]]
    for series in result["operations"]:
        if series["is_flat"]:
            rows = _rows(series, largest)
            worked = [_number(rows[name]["worked_to"]["smallest"] if name in rows else None) for name in SERVERS]
            table.append([series["operation"], *worked, _number(rows["package"]["waited_to"]["smallest"])])
    return table


def memory_table(result: dict[str, Any]) -> Table:
    table = [["People", *(f"{name}, MB" for name in SERVERS)]]
    for users in result["sizes"]:
        rows = {row["server"]: row for row in result["memory"] if row["users"] == users}
        if rows:
            table.append([f"{users:,}", *(f"{rows[name]['before_mb']} → {rows[name]['peak_mb']}" for name in SERVERS)])
    return table


def sync_table(result: dict[str, Any]) -> Table:
    sync = result.get("first_sync")
    if sync is None:
        return []
    head = f"{sync['people']:,} people, {sync['groups']} groups, {sync['requests']:,} requests"
    seconds = sync["seconds"]
    return [
        ["Server", f"Seconds for {head}", "To the floor"],
        *([name, _number(seconds[name]), _number(seconds[name] / seconds["floor"])] for name in SERVERS),
    ]


def _tables(result: dict[str, Any]) -> Iterable[tuple[str, str, Table]]:
    for users in result["sizes"]:
        if result["operations"]:
            yield f"people-{users}", f"{users:,} people", operations_table(result, users)
    if len(result["sizes"]) > 1:
        yield "growth", "Growth of the processor's time", growth_table(result)
    yield "memory", "Memory of a worker before and while it renders the large group", memory_table(result)
    yield "first-sync", "First sync", sync_table(result)


def show(result: dict[str, Any]) -> None:
    """As Markdown, on standard output."""
    for _, title, table in _tables(result):
        if len(table) > 1:
            lines = ["| " + " | ".join(row) + " |" for row in table]
            lines.insert(1, "|" + " --- |" * len(table[0]))
            sys.stdout.write(f"\n### {title}\n\n" + "\n".join(lines) + "\n")


def load() -> dict[str, Any]:
    """What was saved."""
    found: dict[str, Any] = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    return found


def save(result: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, _, table in _tables(result):
        if len(table) > 1:
            with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(table)
    if result["operations"]:
        (folder / "chart.svg").write_text(chart(result, max(result["sizes"])), encoding="utf-8")


# The chart ------------------------------------------------------------------------------------------------

LEFT, RIGHT, TOP, STEP = 210, 660, 60, 24
COLOURS = {"package": "#0b6e4f", "limit": "#8a8d91", "scim2": "#c8553d"}
LABELS = {"package": "this package", "limit": "SQL by hand", "scim2": "django-scim2"}
TICKS: Sequence[float] = (0.25, 0.5, 1, 2, 4, 16, 64, 256, 1024, 4096)


def chart(result: dict[str, Any], users: int) -> str:
    """Each operation's processor time as a multiple of the floor's, on a logarithmic scale."""
    found = [(series["operation"], _rows(series, users)) for series in result["operations"]]
    values = [rows[name]["worked_to"]["floor"] for _, rows in found for name in COLOURS if name in rows]
    ends = [tick for tick in TICKS if tick >= max(values)]
    highest = ends[0] if ends else TICKS[-1]

    def x(value: float) -> float:
        share = math.log(max(value, TICKS[0]) / TICKS[0]) / math.log(highest / TICKS[0])
        return round(LEFT + share * (RIGHT - LEFT), 1)

    bottom = TOP + len(found) * STEP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {RIGHT + 40} {bottom + 20}"',
        ' font-family="sans-serif" font-size="12">',
        f"<title>Processor time as a multiple of the floor's, {users:,} people</title>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for number, (name, label) in enumerate(LABELS.items()):
        place = LEFT + number * 130
        parts.append(f'<circle cx="{place}" cy="18" r="5" fill="{COLOURS[name]}"/>')
        parts.append(f'<text x="{place + 10}" y="22" fill="#222222">{label}</text>')
    for tick in TICKS:
        if tick <= highest:
            colour, width = ("#222222", 1.5) if tick == 1 else ("#d9d9d9", 1)
            parts.append(
                f'<line x1="{x(tick)}" y1="{TOP - 10}" x2="{x(tick)}" y2="{bottom}" stroke="{colour}" stroke-width="{width}"/>'
            )
            text = "floor" if tick == 1 else f"{tick:g} ×"
            parts.append(f'<text x="{x(tick)}" y="{TOP - 16}" text-anchor="middle" fill="#555555">{text}</text>')
    for number, (operation, rows) in enumerate(found):
        y = TOP + number * STEP + STEP // 2
        parts.append(f'<text x="{LEFT - 12}" y="{y + 4}" text-anchor="end" fill="#222222">{escape(operation)}</text>')
        for name in ("limit", "scim2", "package"):
            if name in rows:
                value = rows[name]["worked_to"]["floor"]
                title = f"<title>{LABELS[name]}: {_number(value)}</title>"
                parts.append(f'<circle cx="{x(value)}" cy="{y}" r="5" fill="{COLOURS[name]}">{title}</circle>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    save(load(), FOLDER)
