"""docs/reference/commands.rst: every command, verb and option is there, and none that does not exist."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import load_command_class
from django.core.management.base import BaseCommand

import django_scim_provider

COMMANDS = sorted(
    path.stem for path in Path(django_scim_provider.__file__).parent.glob("management/commands/scim_*.py")
)
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "commands.rst").read_text(encoding="utf-8")
SHARED = {"--json", "--help"}
"""Said once, at the top of the page."""


def section(command: str) -> str:
    """What the page says under the heading of a command."""
    match = re.search(rf"^{command}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert match, f"docs/reference/commands.rst has no section {command}"
    return match[1]


def described(text: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]*", text))


def options(parser: argparse.ArgumentParser) -> set[str]:
    own = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    return {option for action in own for option in action.option_strings if option.startswith("--")}


def parsers(command: str) -> Iterator[tuple[str, set[str]]]:
    """Each verb with its options; an empty one for a command without verbs."""
    parser = load_command_class("django_scim_provider", command).create_parser("manage.py", command)
    of_django = options(BaseCommand().create_parser("manage.py", command))
    verbs = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not verbs:
        yield "", options(parser) - of_django - SHARED
    for verb, its in verbs[0].choices.items() if verbs else ():
        yield verb, options(its) - SHARED


@pytest.mark.parametrize("command", COMMANDS)
def test_every_verb_and_option_is_described_and_no_other(command: str) -> None:
    text = section(command)
    known = dict(parsers(command))
    _before, *pieces = re.split(rf"^``{command} ([a-z-]+)", text, flags=re.MULTILINE)
    parts = dict(zip(pieces[::2], pieces[1::2], strict=True))
    if "" in known:
        parts = {"": text}
    assert parts.keys() == known.keys()
    for verb, found in known.items():
        assert described(parts[verb]) >= found, (command, verb)
    assert described(text) <= set().union(SHARED, *known.values())
