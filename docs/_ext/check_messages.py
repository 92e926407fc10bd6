"""The messages and hints of the system checks, as they stand in the code."""

from __future__ import annotations

import ast
import textwrap
from collections import defaultdict
from functools import cache
from pathlib import Path

import django_scim_provider
from django_scim_provider.conf import SETTING

PACKAGE = Path(django_scim_provider.__file__).parent
SOURCES = (*sorted((PACKAGE / "checks").glob("*.py")), PACKAGE / "api" / "oauth2.py")
"""Where checks are: in their own package, but for those of a class that not every project can import."""
PREFIX = "scim_provider."
GAP = "…"
"""What differs from case to case."""


def said(node: ast.expr | None) -> str:
    """The text that an expression makes, with gaps for what is only known when it runs."""
    if isinstance(node, ast.Constant):
        return str(node.value or "")
    if isinstance(node, ast.JoinedStr):
        return "".join(said(part) for part in node.values)
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id == "SETTING":
        return SETTING
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return said(node.left) + said(node.right)
    return GAP if node else ""


def _ids(node: ast.expr | None) -> list[str]:
    """The ids that an expression may choose from."""
    texts = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)] if node else []
    return [text.removeprefix(PREFIX) for text in texts if str(text).startswith(PREFIX)]


@cache
def messages() -> dict[str, list[tuple[str, str]]]:
    """Id to the pairs of message and hint that bear it, in the order of the code."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                named = {keyword.arg: keyword.value for keyword in node.keywords}
                for name in _ids(named.get("id")):
                    found[name].append((said(node.args[0]), said(named.get("hint"))))
    return dict(found)


def printed(name: str) -> str:
    """As ``manage.py check`` prints it; one of several where the id has several."""
    lines = []
    for message, hint in dict.fromkeys(messages()[name]):
        lines += textwrap.wrap(f"({PREFIX}{name}) {message}", 96, subsequent_indent="    ")
        lines += textwrap.wrap(f"HINT: {hint}", 96, initial_indent="        ", subsequent_indent="        ")
    return "\n".join(lines)
