"""What a simulation found."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

_SHOWN: Final = 20


@dataclass
class Report:
    title: str
    """Which provider, in which variant, with how much life."""
    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """How often each status came; 0 stands for no answer."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, of each answer that came."""
    complaints: list[str] = field(default_factory=list)
    """What the provider would have shown its administrator; each once."""
    differences: list[str] = field(default_factory=list)
    """Where the server's final state is not that of the provider's directory."""

    @property
    def ok(self) -> bool:
        return not (self.complaints or self.differences)

    @property
    def median(self) -> float:
        """Seconds; 0 without any answer."""
        return statistics.median(self.latencies or [0.0])

    @property
    def p95(self) -> float:
        """Seconds within which 19 of 20 answers came."""
        ordered = sorted(self.latencies) or [0.0]
        return ordered[round(0.95 * (len(ordered) - 1))]

    def complain(self, text: str) -> None:
        if text not in self.complaints:
            self.complaints.append(text)

    def render(self) -> str:
        statuses = ", ".join(f"{count} x {status or 'no answer'}" for status, count in sorted(self.statuses.items()))
        lines = [
            self.title,
            f"  requests    {self.requests}",
            f"  statuses    {statuses}",
            f"  latency     median {self.median * 1000:.0f} ms, p95 {self.p95 * 1000:.0f} ms",
        ]
        lines += _section(self.complaints, "complaint", "The provider would have complained of nothing.")
        lines += _section(self.differences, "difference", "The server has what the directory has.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.render()


def _section(found: list[str], what: str, none: str) -> list[str]:
    if not found:
        return [f"  {none}"]
    lines = [f"  {len(found)} {what}{'' if len(found) == 1 else 's'}:", *(f"    - {text}" for text in found[:_SHOWN])]
    return lines if len(found) <= _SHOWN else [*lines, f"    … and {len(found) - _SHOWN} more"]
